// Images of the data set with their labels, a page at a time.

import { useState } from "preact/hooks";

import type { Connection } from "../connection";
import { Pages } from "../pages";
import type { AskSamples, Exploration } from "../messages";
import { Tile, useSheet } from "../sheet";

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
  const total = samples?.total ?? 0;
  return (
    <>
      <div class="bar">
        <label for="sample-part">Part</label>
        <select
          id="sample-part"
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
        {found.task === "classify" && (
          <>
            <label for="sample-class">Class</label>
            <select
              id="sample-class"
              value={label === null ? "" : String(label)}
              onChange={(event) => {
                const { value } = event.currentTarget;
                setLabel(value === "" ? null : Number(value));
                setStart(0);
              }}
            >
              <option value="">all</option>
              {found.classes.map((name, number) => (
                <option key={name} value={number}>
                  {name}
                </option>
              ))}
            </select>
          </>
        )}
        <span class="space" />
        <Pages start={start} shown={SHOWN} total={total} onTurn={setStart} />
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
