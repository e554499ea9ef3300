// Where the images come from: built in, below the lab's folder, or uploaded.

import { useEffect, useState } from "preact/hooks";

import type { StepProps } from "../app";
import { announce } from "../announce";
import type { Connection } from "../connection";
import { DropZone, type Files } from "../drop-zone";
import { Choice, Field } from "../fields";
import { plural } from "../format";
import type { Listing, Option, Source } from "../messages";
import { upload } from "./upload";

const PLACES = [
  ["builtin", "Built in"],
  ["path", "This folder"],
  ["upload", "Upload"],
] as const;

const ABOUT: Record<string, string> = {
  mnist: "70,000 handwritten digits, 28×28 pixels, ten classes",
  reionisation:
    "maps of hydrogen in the early universe, simulated here; the share that is neutral is measured",
};
/** What is asked for most, before everything else. */
const FIRST = 8;
const WIDE = new Set(["target", "resize", "gaps", "telescope", "bounds", "keep", "fold", "axes"]);

export function SourceChoice({ lab, state }: StepProps) {
  const chosen = state.document.source;
  const [place, setPlace] = useState<Source["place"]>(chosen?.place ?? "builtin");
  const [problem, setProblem] = useState("");
  const choose = (source: Source) =>
    lab.edit({ kind: "source", source }).then(
      () => {
        setProblem("");
        announce(`${source.name} is being read`);
      },
      (error: Error) => setProblem(error.message),
    );
  const { reading } = state.document;
  const field = (option: Option) => (
    <Field
      wide={WIDE.has(option.name)}
      key={option.name}
      option={option}
      value={reading[option.name] ?? null}
      // What the source says of itself holds where nothing is given.
      unset={
        option.name in reading ? null : (state.data.reading[option.name] ?? option.default)
      }
      onChange={(value) => lab.edit({ kind: "reading", values: { [option.name]: value } })}
    />
  );
  return (
    <section class="card" aria-labelledby="source-title">
      <div class="head">
        <h2 id="source-title">Where from</h2>
      </div>
      <Choice
        legend="Where the images come from"
        choices={PLACES}
        value={place}
        onChange={setPlace}
      />
      <div class="source">
        {place === "builtin" && (
          <ul class="list">
            {state.options.builtins.map((name) => (
              <li key={name}>
                <button
                  type="button"
                  class="row"
                  aria-pressed={chosen?.place === "builtin" && chosen.name === name}
                  onClick={() => void choose({ place: "builtin", name })}
                >
                  <strong>{name}</strong>
                  <span class="quiet">{ABOUT[name]}</span>
                </button>
              </li>
            ))}
          </ul>
        )}
        {place === "path" && (
          <Browser lab={lab} folder={state.folder} chosen={chosen} onChoose={choose} />
        )}
        {place === "upload" && (
          <Upload lab={lab} state={state} onChoose={choose} onProblem={setProblem} />
        )}
      </div>
      <p class="problem" role="alert" hidden={!problem}>
        {problem}
      </p>
      {chosen && (chosen.place !== "builtin" || chosen.name === "reionisation") && (
        <details>
          <summary>How to read them</summary>
          <div class="fields">{state.options.reading.slice(0, FIRST).map(field)}</div>
          <details class="inner">
            <summary>Telescope, other columns, rare formats</summary>
            <div class="fields">{state.options.reading.slice(FIRST).map(field)}</div>
          </details>
        </details>
      )}
    </section>
  );
}

interface BrowserProps {
  lab: Connection;
  folder: string;
  chosen: Source | null;
  onChoose: (source: Source) => void;
}

/** The folders and files below the one where the lab was started. */
function Browser({ lab, folder, chosen, onChoose }: BrowserProps) {
  const [listing, setListing] = useState<Listing | null>(null);
  const [problem, setProblem] = useState("");
  const look = (path: string) =>
    lab.ask({ kind: "browse", path }, "listing").then(
      (found) => {
        setListing(found);
        setProblem("");
      },
      (error: Error) => setProblem(error.message),
    );
  useEffect(() => void look(""), []);
  const path = listing?.path ?? "";
  const at = (name: string) => (path ? `${path}/${name}` : name);
  const parent = path.split("/").slice(0, -1).join("/");
  return (
    <>
      <p class="quiet path">
        {folder}
        {path && `/${path}`}
      </p>
      <ul class="list tall">
        {path && (
          <li>
            <button type="button" class="row" onClick={() => void look(parent)}>
              ← Back
            </button>
          </li>
        )}
        {listing?.entries.map((entry) => {
          const source: Source = { place: "path", name: at(entry.name) };
          const pressed = chosen?.place === "path" && chosen.name === source.name;
          return (
            <li key={entry.name} class={entry.folder ? "with-use" : ""}>
              <button
                type="button"
                class="row"
                aria-pressed={entry.folder ? undefined : pressed}
                onClick={() => (entry.folder ? void look(source.name) : onChoose(source))}
              >
                {entry.folder ? `${entry.name}/` : entry.name}
              </button>
              {entry.folder && (
                <button
                  type="button"
                  class="plain"
                  aria-label={`Use the folder ${entry.name}`}
                  aria-pressed={pressed}
                  onClick={() => onChoose(source)}
                >
                  Use
                </button>
              )}
            </li>
          );
        })}
        {listing && listing.entries.length === 0 && (
          <li class="quiet">No folders and no data files here.</li>
        )}
        {listing && listing.more > 0 && <li class="quiet">and {listing.more} more</li>}
      </ul>
      <p class="problem" role="alert" hidden={!problem}>
        {problem}
      </p>
    </>
  );
}

interface UploadProps extends StepProps {
  onChoose: (source: Source) => void;
  onProblem: (problem: string) => void;
}

/** Files that are dropped or chosen. */
function Upload({ lab, state, onChoose, onProblem }: UploadProps) {
  const [done, setDone] = useState<[number, number] | null>(null);
  const { upload_bytes, upload_files } = state.options;
  const bring = async (files: Files) => {
    if (!files.length) return;
    onProblem("");
    try {
      const size = files.reduce((sum, [, file]) => sum + file.size, 0);
      if (files.length > upload_files || size > upload_bytes) {
        throw new Error(
          `At most ${plural(upload_files, "file")} and ${upload_bytes >> 20} MB can be uploaded: ` +
            `put larger data below ${state.folder} and choose them there.`,
        );
      }
      const name = await upload(lab, files, (ready) => setDone([ready, files.length]));
      onChoose({ place: "upload", name });
    } catch (error) {
      onProblem((error as Error).message);
    }
    setDone(null);
  };
  return (
    <DropZone
      button="Choose files"
      folderButton="Choose a folder"
      onFiles={bring}
      words={
        "Drop a folder of class folders, a table with its images, or an .npz file here. It is " +
        "copied into the lab's folder of runs and stays on this machine."
      }
    >
      <p class="quiet" role="status">
        {done
          ? `${done[0]} of ${plural(done[1], "file")} copied`
          : `At most ${upload_bytes >> 20} MB`}
      </p>
    </DropZone>
  );
}
