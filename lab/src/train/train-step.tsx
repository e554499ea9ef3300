// Step "Train": settings, start and stop, and the curves of runs over one another.

import { useEffect, useState } from "preact/hooks";

import type { StepProps } from "../app";
import { announce } from "../announce";
import { Chart, COLOURS } from "./chart";
import { Choice, Field } from "../fields";
import { isShare, title } from "../format";
import type { Run, Value } from "../messages";
import { byAge } from "../run-choice";
import { Compared } from "./compared";
import { Diagnoses } from "./diagnosis";
import { LearningRate } from "./rate";
import { EpochTable, InWords, Outcome, RunList } from "./runs";

const FIRST = [
  ...["model", "preset", "epochs", "batch_size", "learning_rate", "optimizer", "schedule"],
  ...["loss", "augment"],
];
const WIDE = new Set(["model", "loss", "augment"]);

export function TrainStep({ lab, state }: StepProps) {
  const newest = [...state.runs.values()].sort(byAge);
  const [hidden, setHidden] = useState(new Set<string>());
  const [picked, setPicked] = useState(new Set<string>());
  const [focus, setFocus] = useState<string | null>(null);
  const [what, setWhat] = useState<"loss" | "metric">("loss");
  const [problem, setProblem] = useState("");

  const shown = newest.filter(
    (run, k) => picked.has(run.name) || (k === 0 && !hidden.has(run.name)),
  );
  const current = state.runs.get(focus ?? "") ?? shown[0] ?? newest[0];
  useEffect(() => {
    for (const run of new Set([...shown, ...(current ? [current] : [])])) {
      if (run.command) void lab.loadCurves(run.name);
    }
  });
  useAnnouncements(newest);

  const ask = (work: Promise<unknown>) =>
    work.then(
      () => setProblem(""),
      (error: Error) => setProblem(error.message),
    );
  const start = async () => {
    // What has been typed into the field that has the focus counts.
    const field = window.document.activeElement as HTMLElement;
    field.blur();
    field.focus();
    const run = await lab.start();
    // The run before it stays, to be compared with.
    setPicked(new Set([...(shown[0] ? [shown[0].name] : []), run]));
    setFocus(run);
    window.document.getElementById("training-title")?.scrollIntoView({ block: "nearest" });
  };
  const stop = (run: Run) => ask(lab.ask({ kind: "stop", run: run.name }, "done"));
  const resume = (run: Run) => ask(lab.ask({ kind: "resume", run: run.name }, "done"));
  const use = (values: Record<string, Value>) => ask(lab.edit({ kind: "settings", values }));
  const toggle = (run: Run) => {
    const [more, less] = [new Set(picked), new Set(hidden)];
    if (shown.includes(run)) {
      more.delete(run.name);
      less.add(run.name);
    } else {
      more.add(run.name);
      less.delete(run.name);
    }
    setPicked(more);
    setHidden(less);
  };

  const ready = state.document.source !== null;
  useEffect(() => {
    const keys = (event: KeyboardEvent) => {
      if (event.key === "Enter" && event.ctrlKey && ready) void ask(start());
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  });

  // A run keeps its colour, whatever is drawn beside it.
  const colour = (run: Run) => COLOURS[(newest.length - 1 - newest.indexOf(run)) % COLOURS.length]!;
  const { options, document, defaults } = state;
  const recipe = options.recipes.find((one) => one.name === defaults.model);
  const field = (name: string) => {
    let option = options.settings.find((one) => one.name === name)!;
    // The network may be no recipe's any more: that stands in the list as long as it is so.
    const model = String(defaults.model);
    if (name === "model" && !option.choices.includes(model)) {
      option = { ...option, choices: [model, ...option.choices] };
    }
    const value = name === "model" ? model : (document.settings[name] ?? null);
    return (
      <Field
        key={name}
        option={option}
        value={value}
        wide={WIDE.has(name)}
        help={name === "model" ? (recipe?.summary ?? "as it stands in step Build") : undefined}
        unset={name in document.settings ? null : (defaults[name] ?? null)}
        onChange={(entered) => lab.edit({ kind: "settings", values: { [name]: entered } })}
      />
    );
  };
  const rest = options.settings.map((one) => one.name).filter((name) => !FIRST.includes(name));
  const metric = shown.find((run) => run.metric)?.metric ?? String(defaults.metric);

  return (
    <div class="columns">
      <div class="stack">
      <section class="card" aria-labelledby="settings-title">
        <div class="head">
          <h2 id="settings-title">Settings</h2>
          <p class="quiet">{document.source ? document.source.name : "no images yet"}</p>
        </div>
        <button
          type="button"
          class="button strong"
          disabled={!ready}
          aria-keyshortcuts="Control+Enter"
          onClick={() => void ask(start())}
        >
          Start training <kbd>Ctrl Enter</kbd>
        </button>
        {!ready && (
          <p>
            There is nothing to train on yet: <a href="#data">choose images</a>.
          </p>
        )}
        <p class="problem" role="alert" hidden={!problem}>
          {problem}
        </p>
        <div class="fields">{FIRST.map(field)}</div>
        <details>
          <summary>More settings</summary>
          <div class="fields">{rest.map(field)}</div>
        </details>
      </section>
      <LearningRate lab={lab} state={state} />
      </div>
      <div class="stack">
        <section class="card" aria-labelledby="training-title">
          <div class="head">
            <h2 id="training-title">Training</h2>
            <Choice
              legend="Curve of"
              choices={[
                ["loss", "Loss"],
                ["metric", title(metric)],
              ]}
              value={what}
              onChange={setWhat}
            />
          </div>
          {current ? (
            <Outcome run={current} onStop={stop} onResume={resume} />
          ) : (
            <div class="outcome">
              <p class="quiet">No runs yet. The first one shows its curves here.</p>
            </div>
          )}
          <Chart
            runs={shown}
            colour={colour}
            curves={state.curves}
            what={what}
            share={what === "metric" && isShare(metric)}
          />
          <p class="legend quiet">
            <span class="key solid" /> training, means over the last images
            <span class="key dashed" /> validation, after each epoch
          </p>
          {current && <InWords run={current} />}
          {current && (
            <Diagnoses run={current} settings={document.settings} onUse={(values) => void use(values)} />
          )}
        </section>
        {newest.length > 0 && (
          <section class="card" aria-labelledby="runs-title">
            <div class="head">
              <h2 id="runs-title">Runs</h2>
              <p class="quiet">Those that are ticked are drawn</p>
            </div>
            <RunList
              runs={newest}
              colour={colour}
              shown={shown}
              current={current}
              onShow={toggle}
              onFocus={(run) => setFocus(run.name)}
            />
          </section>
        )}
        <Compared runs={shown.filter((run) => run.command)} colour={colour} />
        {current?.command && (
          <EpochTable run={current} epochs={state.curves.get(current.name)?.epochs ?? []} />
        )}
      </div>
    </div>
  );
}

/** The newest first. */

/** Tell when a run begins or ends, once. */
function useAnnouncements(runs: Run[]): void {
  const states = runs.map((run) => `${run.name} ${run.state}`).join("\n");
  const [before, setBefore] = useState(states);
  useEffect(() => {
    if (states === before) return;
    const known = new Set(before.split("\n"));
    const changed = runs.filter((run) => !known.has(`${run.name} ${run.state}`));
    announce(changed.map((run) => `${run.name}: ${run.state}. ${run.sentence}`).join(" "));
    setBefore(states);
  }, [states]);
}
