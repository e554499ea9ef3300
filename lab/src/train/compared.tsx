// Runs beside one another: the settings that differ, and what came of it.

import { count, score, tested, title } from "../format";
import type { Run, Value } from "../messages";
import { Scroll } from "../scroll";

interface ComparedProps {
  runs: Run[];
  colour: (run: Run) => string;
}

export function Compared({ runs, colour }: ComparedProps) {
  if (runs.length < 2) return null;
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.settings)))];
  const differ = (of: (run: Run) => Value) => new Set(runs.map((run) => of(run) ?? null)).size > 1;
  const settings = names.filter((name) => name !== "name" && differ((run) => run.settings[name]!));
  const metrics = [...new Set(runs.map((run) => run.metric))];
  const tests = [...new Set(runs.flatMap((run) => run.test.map((one) => one.name)))].filter(
    (name) => !name.includes(" of "),
  );
  const row = (head: string, cell: (run: Run) => string) => (
    <tr key={head}>
      <th scope="row">{head}</th>
      {runs.map((run) => (
        <td key={run.name} class="number">
          {cell(run)}
        </td>
      ))}
    </tr>
  );
  return (
    <section class="card" aria-labelledby="compared-title">
      <div class="head">
        <h2 id="compared-title">Compared</h2>
        <p class="quiet">The runs that are drawn</p>
      </div>
      <Scroll label="Runs compared">
        <table class="compared">
          <thead>
            <tr>
              <th>
                <span class="unseen">What</span>
              </th>
              {runs.map((run) => (
                <th key={run.name} scope="col" class="number">
                  <svg viewBox="0 0 12 12" width="10" height="10" aria-hidden="true">
                    <circle class={colour(run)} cx="6" cy="6" r="6" />
                  </svg>{" "}
                  {run.name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {differ((run) => run.data) && row("Data", (run) => run.data)}
            {settings.map((name) => row(title(name), (run) => shown(run.settings[name] ?? null)))}
            {row("Parameters", (run) => count(run.parameters))}
            {metrics.map((metric) =>
              row(`Validation ${metric}`, (run) =>
                run.metric === metric ? score(metric, run.last?.[4]) : "–",
              ),
            )}
            {tests.map((name) =>
              row(`Test ${name.replaceAll("_", " ")}`, (run) => {
                const found = run.test.find((one) => one.name === name);
                return found ? tested(found) : "–";
              }),
            )}
          </tbody>
        </table>
      </Scroll>
      {settings.length === 0 && <p class="quiet">They were trained with the same settings.</p>}
      {tests.length > 0 && (
        <p class="quiet">
          In brackets the 95 % interval. Whether a difference is more than chance says{" "}
          <code>firstlight compare {runs.map((run) => run.name).join(" ")}</code>.
        </p>
      )}
    </section>
  );
}

/** A setting; of a file only its name. */
const shown = (value: Value): string => (value === null ? "–" : String(value).split("/").at(-1)!);
