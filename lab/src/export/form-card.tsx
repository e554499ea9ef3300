// One form in which a run can be taken out: make it, see what it was held against, save it.

import { useEffect, useState } from "preact/hooks";

import { bytes, duration } from "../format";
import type { Export } from "../messages";
import { Command } from "./command";

export type Form = Export["form"];

export const TITLES: Record<Form, string> = {
  keras: "Keras file",
  script: "Script",
  notebook: "Notebook",
  onnx: "ONNX file",
  run: "Run folder",
};

interface FormCardProps {
  form: Form;
  about: string;
  made: Export | undefined;
  command: string | undefined;
  onMake: () => Promise<unknown>;
  onStop: () => Promise<unknown>;
}

export function FormCard({ form, about, made, command, onMake, onStop }: FormCardProps) {
  const [problem, setProblem] = useState("");
  const title = TITLES[form];
  const making = made?.state === "making";
  const said = problem || (made?.state === "failed" ? made.sentences.join(" ") : "");
  const ask = () =>
    (making ? onStop() : onMake()).then(
      () => setProblem(""),
      (error: Error) => setProblem(error.message),
    );
  return (
    <section class="card" aria-labelledby={`form-${form}`}>
      <h2 id={`form-${form}`}>{title}</h2>
      <p>{about}</p>
      <div class="bar">
        <button type="button" class={made ? "plain" : "button"} onClick={() => void ask()}>
          {making ? "Stop" : made?.state === "made" ? "Make again" : made ? "Try again" : "Make"}
          <span class="unseen"> {title}</span>
        </button>
        {making && <Working made={made} />}
        {made?.files.map(({ name, size }) => (
          <a key={name} class="button" href={`/export/${made.run}/${form}/${name}`} download={name}>
            Save {name} <span class="size">{bytes(size)}</span>
          </a>
        ))}
      </div>
      {said && (
        <p class="problem" role="alert">
          {said}
        </p>
      )}
      {made?.state === "made" && (
        <>
          <p class="checked">{made.sentences.join(" ")}</p>
          {made.notes.length > 0 && (
            <details>
              <summary>Not as in the run</summary>
              <ul class="lines">
                {made.notes.map((note) => (
                  <li key={note}>{note}</li>
                ))}
              </ul>
            </details>
          )}
        </>
      )}
      {command && <Command line={command} of={`the ${title}`} />}
    </section>
  );
}

/** What is being done, and for how long. */
function Working({ made }: { made: Export }) {
  const [now, setNow] = useState(Date.now() / 1000);
  useEffect(() => {
    const clock = setInterval(() => setNow(Date.now() / 1000), 1000);
    return () => clearInterval(clock);
  }, []);
  return (
    <>
      <progress value={made.done} aria-label={`${TITLES[made.form]} is being made`} />
      <span class="quiet">{duration(Math.max(0, now - made.began))}</span>
      <span class="quiet wide">{made.sentences.join(" ")}</span>
    </>
  );
}
