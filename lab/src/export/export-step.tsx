// Step "Export": take a trained network out of here, in the form that another program needs.

import { useEffect, useState } from "preact/hooks";

import type { StepProps } from "../app";
import { announce } from "../announce";
import { duration } from "../format";
import type { Run } from "../messages";
import { RunChoice, useRun } from "../run-choice";
import { Command } from "./command";
import { FormCard, TITLES, type Form } from "./form-card";

const ABOUT: Record<Form, string> = {
  keras: "The trained network as one file that Keras opens: to ask it, or to train it further.",
  script:
    "A Python program in plain Keras that builds, trains and tests this network, and the images " +
    "for it. There is no firstlight in it.",
  notebook:
    "The same program step by step, with explanations, run from beginning to end. Keras trains " +
    "the network again for it, so this takes a while.",
  onnx:
    "The trained network for programs without Keras: in a browser, on a phone, in other " +
    "languages. One file with everything in it.",
  run: "Everything that is known about this run in one archive, to keep or to hand on.",
};
const FORMS = Object.keys(ABOUT) as Form[];

export function ExportStep({ lab, state }: StepProps) {
  const { runs, run, choose } = useRun(state);
  const [commands, setCommands] = useState<Record<string, string>>({});
  const [problem, setProblem] = useState("");
  const name = run?.name;
  useEffect(() => {
    if (!name) return;
    lab.ask({ kind: "exports", run: name }, "exports").then(
      (found) => {
        setCommands(found.commands);
        setProblem("");
        lab.keepExports(found.exports);
      },
      (error: Error) => setProblem(error.message),
    );
    // After a time without the server, `state` is a new one that knows of none.
  }, [state, name]);
  const exports = FORMS.map((form) => (name ? state.exports.get(`${name} ${form}`) : undefined));

  // Told once: what has come to an end since the page was drawn before.
  const ends = exports.map((one) => (one && one.state !== "making" ? one.state : ""));
  const [before, setBefore] = useState<[string | undefined, string[]]>([name, ends]);
  useEffect(() => {
    if (before[0] === name && before[1].join() === ends.join()) return;
    setBefore([name, ends]);
    if (before[0] !== name) return;
    const told = FORMS.filter((_, k) => ends[k] && ends[k] !== before[1][k]);
    announce(
      told
        .map((form) => `${TITLES[form]}: ${state.exports.get(`${name} ${form}`)!.sentences[0]}`)
        .join(" "),
    );
  }, [name, ends.join()]);

  return (
    <div class="stack">
      <section class="card" aria-labelledby="export-title">
        <div class="head">
          <h2 id="export-title">Take it out</h2>
          {run && <RunChoice runs={runs} run={run} onChoose={choose} />}
        </div>
        {run ? (
          <p class="quiet">
            A network that you have trained is yours. Each of these works without the lab, and is
            held against the run before you get it.
          </p>
        ) : (
          <RunChoice runs={runs} run={run} onChoose={choose} />
        )}
        <p class="problem" role="alert" hidden={!problem}>
          {problem}
        </p>
      </section>
      {run && (
        <div class="pair forms">
          {FORMS.map((form, k) => (
            <FormCard
              key={`${run.name} ${form}`}
              form={form}
              about={form === "notebook" ? ABOUT.notebook + needed(run) : ABOUT[form]}
              made={exports[k]}
              command={commands[form]}
              onMake={() => lab.ask({ kind: "make_export", run: run.name, form }, "done")}
              onStop={() => lab.ask({ kind: "stop_export", run: run.name, form }, "done")}
            />
          ))}
          <ReportCard run={run} />
        </div>
      )}
    </div>
  );
}

/** How long the run itself has trained, where that is known and more than a moment. */
function needed(run: Run): string {
  const seconds = run.last ? run.last[5] * run.last[0] : 0;
  return seconds < 5 ? "" : ` firstlight itself needed about ${duration(seconds)}.`;
}

/** The report is there already: it is opened, or saved. */
function ReportCard({ run }: { run: Run }) {
  const address = `/report/${run.name}`;
  return (
    <section class="card" aria-labelledby="form-report">
      <h2 id="form-report">Report</h2>
      <p>Scores, curves, mistakes and settings on one page, to read, to print or to send.</p>
      <p class="bar">
        <a class="button" href={address} target="_blank" rel="noopener">
          Open in a new tab
        </a>
        <a class="plain" href={address} download={`${run.name}-report.html`}>
          Save
        </a>
      </p>
      <p class="quiet">The training has written it, as this command does:</p>
      <Command line={run.command} of="the report" />
    </section>
  );
}
