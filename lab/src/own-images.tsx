// A user's own images for a trained network: dropped, chosen or pasted, with the numbers beside.

import { useEffect, useState } from "preact/hooks";

import type { Connection } from "./connection";
import { upload } from "./data/upload";
import { DropZone, type Files } from "./drop-zone";

interface OwnImagesProps {
  lab: Connection;
  /** The numbers that the network takes beside an image. */
  side: string[];
  words: string;
  /** Asks the network about an upload. */
  onBrought: (upload: string, side: Record<string, number>) => Promise<void>;
  onFailed?: () => void;
}

export function OwnImages({ lab, side, words, onBrought, onFailed }: OwnImagesProps) {
  const [typed, setTyped] = useState<Record<string, string>>({});
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);

  const bring = async (files: Files) => {
    if (!files.length || busy) return;
    setBusy(true);
    setProblem("");
    try {
      const beside = numbers(typed, side);
      await onBrought(await upload(lab, files, () => {}, false), beside);
    } catch (error) {
      onFailed?.();
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
    <>
      {side.length > 0 && (
        <>
          <div class="fields">
            {side.map((name) => (
              <label key={name} class="field">
                {name}
                <input
                  type="text"
                  inputMode="decimal"
                  autocomplete="off"
                  value={typed[name] ?? ""}
                  onInput={(event) => setTyped({ ...typed, [name]: event.currentTarget.value })}
                />
              </label>
            ))}
          </div>
          <p class="quiet">
            The network takes {side.join(", ")} beside an image. Leave it empty where the file
            holds it.
          </p>
        </>
      )}
      <DropZone button="Choose images" onFiles={bring} words={words} />
      <p class="problem" role="alert" hidden={!problem}>
        {problem}
      </p>
      <p class="quiet" role="status">
        {busy && "The network is asked …"}
      </p>
    </>
  );
}

/** What was typed, by name; what is empty is left out. */
function numbers(typed: Record<string, string>, side: string[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const name of side) {
    const text = typed[name] ?? "";
    if (text.trim() === "") continue;
    found[name] = Number(text);
    if (!Number.isFinite(found[name])) {
      throw new Error(`${name} takes a number, but ${text} came.`);
    }
  }
  return found;
}
