// Images from files: dropped, chosen or pasted, and what the network says of them.

import { useEffect, useState } from "preact/hooks";

import type { Connection } from "../connection";
import { upload } from "../data/upload";
import { DropZone, type Files } from "../drop-zone";
import { count, plural } from "../format";
import type { Answered, TestReport } from "../messages";
import { pictureOf, type Sheet } from "../sheet";
import { AnswerTiles, OneImage } from "./answered";

interface DropProps {
  lab: Connection;
  run: string;
  report: TestReport;
}

export function Drop({ lab, run, report }: DropProps) {
  const [sheet, setSheet] = useState<Sheet<Answered> | null>(null);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const [side, setSide] = useState<Record<string, string>>({});

  const bring = async (files: Files) => {
    if (!files.length || busy) return;
    setBusy(true);
    setProblem("");
    try {
      const name = await upload(lab, files, () => {}, false);
      const samples = await lab.ask(
        { kind: "dropped", run, upload: name, side: numbers(side) },
        "answered",
      );
      setSheet({ samples, picture: await pictureOf(samples.sheet) });
    } catch (error) {
      setSheet(null);
      setProblem((error as Error).message);
    }
    setBusy(false);
  };
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])];
      void bring(files.map((file) => [file.name, file]));
    };
    addEventListener("paste", paste);
    return () => removeEventListener("paste", paste);
  });
  return (
    <section class="card" aria-labelledby="drop-title">
      <div class="head">
        <h2 id="drop-title">Your own images</h2>
      </div>
      {report.no_pad && <p class="quiet">{report.no_pad}</p>}
      {report.side.length > 0 && (
        <>
          <div class="fields">
            {report.side.map((name) => (
              <label key={name} class="field">
                {name}
                <input
                  type="text"
                  inputMode="decimal"
                  autocomplete="off"
                  value={side[name] ?? ""}
                  onInput={(event) => setSide({ ...side, [name]: event.currentTarget.value })}
                />
              </label>
            ))}
          </div>
          <p class="quiet">
            The network takes {report.side.join(", ")} beside an image. Leave it empty where the
            file holds it.
          </p>
        </>
      )}
      <DropZone
        button="Choose images"
        onFiles={bring}
        words="Drop images here, or paste one with Ctrl+V. They are read as those of the training."
      />
      <p class="problem" role="alert" hidden={!problem}>
        {problem}
      </p>
      <div role="status">
        {busy && <p class="quiet">The network is asked …</p>}
        {!busy && sheet && (
          <p class="quiet">
            {plural(sheet.samples.total, "image")} read
            {sheet.samples.total > sheet.samples.images.length &&
              `; the first ${count(sheet.samples.images.length)} are shown`}
          </p>
        )}
      </div>
      {sheet &&
        (sheet.samples.images.length === 1 ? (
          <OneImage report={report} sheet={sheet} place={0} />
        ) : (
          <AnswerTiles key={sheet.samples.id} report={report} sheet={sheet} />
        ))}
      {sheet?.samples.notes.map((note) => (
        <p key={note} class="note">
          {note}
        </p>
      ))}
      {sheet?.samples.refused.map(({ file, reason }) => (
        <p key={file} class="problem">
          {file}: {reason}
        </p>
      ))}
    </section>
  );
}

/** What was typed, by name; what is empty is left out. */
function numbers(typed: Record<string, string>): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [name, text] of Object.entries(typed)) {
    if (text.trim() === "") continue;
    found[name] = Number(text);
    if (!Number.isFinite(found[name])) {
      throw new Error(`${name} takes a number, but ${text} came.`);
    }
  }
  return found;
}
