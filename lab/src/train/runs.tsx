// Runs in words and numbers: what one is doing, the list of all, the epochs of one.

import { count, duration, score, tested, title } from "../format";
import type { EpochRow, Run } from "../messages";
import { Scroll } from "../scroll";

const WORDS: Record<Run["state"], string> = {
  starting: "Starting",
  training: "Training",
  finished: "Finished",
  stopped: "Stopped",
  failed: "Failed",
  killed: "Killed",
};

interface OutcomeProps {
  run: Run;
  onStop: (run: Run) => void;
  onResume: (run: Run) => void;
}

/** What one run is doing now, or how it ended. */
export function Outcome({ run, onStop, onResume }: OutcomeProps) {
  const { progress } = run;
  const going = run.state === "starting" || run.state === "training";
  const resumable = ["stopped", "killed", "failed"].includes(run.state) && run.command !== "";
  const done =
    run.state === "finished" ? 1 : progress ? progress.step / Math.max(1, progress.steps) : 0;
  const trained = progress !== null && progress.step === progress.steps;
  // Its last steps came too fast to be told one by one; its last epoch says it all.
  const ended = run.state === "finished" && run.last !== null;
  const epoch = ended ? run.last![0] : (progress?.epoch ?? 0);
  const loss = ended ? run.last![1] : progress?.loss;
  const value = ended ? run.last![2] : progress?.value;
  return (
    <div class="outcome">
      <div class="bar">
        {resumable ? (
          <button type="button" class="button strong" onClick={() => onResume(run)}>
            Resume
          </button>
        ) : (
          <button type="button" class="button" disabled={!going} onClick={() => onStop(run)}>
            Stop
          </button>
        )}
        <progress value={done} aria-label={`Progress of ${run.name}`} />
        <span class="quiet left">
          {run.state === "training" && progress?.seconds_left != null
            ? trained
              ? "testing"
              : `${duration(progress.seconds_left)} left`
            : WORDS[run.state].toLowerCase()}
        </span>
      </div>
      <p class="numbers">
        <strong>{run.name}</strong>
        {progress && epoch > 0 && (
          <span>
            epoch {epoch} of {progress.epochs}
          </span>
        )}
        {loss != null && <span>loss {score("loss", loss)}</span>}
        {value != null && (
          <span>
            {run.metric} {score(run.metric, value)}
          </span>
        )}
        {run.last?.[4] != null && (
          <span>
            validation {run.metric} {score(run.metric, run.last[4])}
          </span>
        )}
        {progress?.images_per_second != null && (
          <span>{count(Math.round(progress.images_per_second))} images/s</span>
        )}
        {run.machine && <span>on {run.machine}</span>}
      </p>
    </div>
  );
}

/** How one run ended, what its test said, and what else there is to know. */
export function InWords({ run }: { run: Run }) {
  return (
    <div class="in-words">
      {run.sentence && (
        <p class={run.state === "stopped" ? "quiet" : "problem"} role="status">
          {run.sentence}
        </p>
      )}
      <Tested run={run} />
      {run.notes.map((note) => (
        <p key={note} class="note">
          {note}
        </p>
      ))}
    </div>
  );
}

/** What the test said. */
export function Tested({ run }: { run: Run }) {
  // Those of single targets are in the report.
  const overall = run.test.filter((one) => !one.name.includes(" of "));
  if (!overall.length) return null;
  return (
    <p class="test">
      Tested once, on images it had never seen:{" "}
      {overall.map((one) => `${one.name.replaceAll("_", " ")} ${tested(one)}`).join(", ")}.
    </p>
  );
}

interface RunListProps {
  runs: Run[];
  colour: (run: Run) => string;
  shown: Run[];
  current: Run | undefined;
  onShow: (run: Run) => void;
  onFocus: (run: Run) => void;
}

export function RunList({ runs, colour, shown, current, onShow, onFocus }: RunListProps) {
  return (
    <Scroll label="All runs">
      <table class="runs">
        <thead>
          <tr>
            <th>
              <span class="unseen">Draw</span>
            </th>
            <th>Run</th>
            <th>State</th>
            <th class="number">Epoch</th>
            <th class="number">Validation</th>
            <th class="number">Test</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.name} aria-current={run === current ? "true" : undefined}>
              <td>
                <label class="swatch">
                  <input
                    type="checkbox"
                    checked={shown.includes(run)}
                    aria-label={`Draw ${run.name}`}
                    onChange={() => onShow(run)}
                  />
                  <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
                    <circle
                      class={shown.includes(run) ? colour(run) : "track"}
                      cx="6"
                      cy="6"
                      r="6"
                    />
                  </svg>
                </label>
              </td>
              <th scope="row">
                <button
                  type="button"
                  class="link"
                  aria-pressed={run === current}
                  onClick={() => onFocus(run)}
                >
                  {run.name}
                </button>
              </th>
              <td>{WORDS[run.state]}</td>
              <td class="number">
                {run.last ? run.last[0] : 0}
                {run.progress && `/${run.progress.epochs}`}
              </td>
              <td class="number">{run.last ? score(run.metric, run.last[4]) : "–"}</td>
              <td class="number">{testScore(run)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function testScore(run: Run): string {
  const found = run.test.find((one) => one.name === run.metric);
  return found ? score(found.name, found.value) : "–";
}

/** The curves of one run as numbers. */
export function EpochTable({ run, epochs }: { run: Run; epochs: EpochRow[] }) {
  return (
    <section class="card" aria-labelledby="epochs-title">
      <details>
        <summary id="epochs-title">Epochs of {run.name} in numbers</summary>
        <Scroll label="Epochs">
          <table>
            <thead>
              <tr>
                <th class="number">Epoch</th>
                <th class="number">Loss</th>
                <th class="number">{title(run.metric)}</th>
                <th class="number">Validation loss</th>
                <th class="number">Validation {run.metric}</th>
                <th class="number">Time</th>
              </tr>
            </thead>
            <tbody>
              {epochs.map(([epoch, loss, value, validationLoss, validationValue, seconds]) => (
                <tr key={epoch}>
                  <th scope="row" class="number">
                    {epoch}
                  </th>
                  <td class="number">{score("loss", loss)}</td>
                  <td class="number">{score(run.metric, value)}</td>
                  <td class="number">{score("loss", validationLoss)}</td>
                  <td class="number">{score(run.metric, validationValue)}</td>
                  <td class="number">{duration(seconds)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
        {run.command && (
          <>
            <p class="quiet">The command that does the same:</p>
            <pre tabIndex={0}>{run.command}</pre>
          </>
        )}
      </details>
    </section>
  );
}
