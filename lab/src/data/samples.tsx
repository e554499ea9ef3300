// Images of the data set with their labels, a page at a time.

import { useState } from "preact/hooks";

import type { Connection } from "../connection";
import type { AskSamples, Exploration } from "../messages";
import { ClassChoice, Pager, Tile, useSheet } from "../sheet";

const SHOWN = 48;

export function SampleGrid({ lab, found }: { lab: Connection; found: Exploration }) {
  const [part, setPart] = useState<AskSamples["part"]>("train");
  const [label, setLabel] = useState<number | null>(null);
  const [start, setStart] = useState(0);
  const { sheet, problem } = useSheet(
    () => lab.ask({ kind: "samples", part, label, start, count: SHOWN }, "samples"),
    [lab, part, label, start],
  );

  const samples = sheet?.samples;
  return (
    <>
      <div class="bar">
        <label class="with-label">
          <span>Part</span>
          <select
            value={part}
            onChange={(event) => {
              setPart(event.currentTarget.value as AskSamples["part"]);
              setStart(0);
            }}
          >
            {found.parts.map((one) => (
              <option key={one.part}>{one.part}</option>
            ))}
          </select>
        </label>
        {found.task === "classify" && (
          <ClassChoice
            classes={found.classes}
            label={label}
            onChoose={(one) => {
              setLabel(one);
              setStart(0);
            }}
          />
        )}
        <Pager start={start} shown={SHOWN} total={samples?.total ?? 0} onStart={setStart} />
      </div>
      <p class="problem" role="alert" hidden={!problem}>
        {problem}
      </p>
      <ul class="tiles" aria-label="Images with their labels">
        {samples?.tiles.map((tile, k) => (
          <li key={`${start} ${k}`} title={tile.name}>
            <Tile sheet={sheet!} place={k} words={`${tile.label}, ${tile.name}`} />
            <span aria-hidden="true">{tile.label}</span>
          </li>
        ))}
      </ul>
      {found.task === "measure" && (
        <p class="quiet">Below each image: {found.target_names.join(", ")}.</p>
      )}
      <p class="quiet">{samples?.colours ?? " "}</p>
    </>
  );
}
