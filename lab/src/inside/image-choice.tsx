// Which image is looked at: a test image, or one of the user's own.

import { useEffect, useState } from "preact/hooks";

import type { Connection } from "../connection";
import type { Looked } from "../looked";
import type { Inside } from "../messages";
import { ClassChoice, Pager, Tile, useSheet } from "../sheet";

const SHOWN = 18;

interface ImageChoiceProps {
  lab: Connection;
  run: string;
  found: Inside | null;
  image: Looked["image"];
  onChoose: (image: Looked["image"]) => void;
}

export function ImageChoice({ lab, run, found, image, onChoose }: ImageChoiceProps) {
  const [label, setLabel] = useState<number | null>(null);
  const [start, setStart] = useState(0);
  const place = typeof image === "number" ? image : image.kind === "uploaded" ? image.place : 0;
  const [text, setText] = useState(String(place));
  const { sheet, problem } = useSheet(
    () => lab.ask({ kind: "tested", run, label, start, count: SHOWN }, "samples"),
    [lab, run, label, start],
  );
  useEffect(() => {
    setLabel(null);
    setStart(0);
  }, [run]);
  useEffect(() => setText(String(place)), [place]);

  const samples = sheet?.samples;
  const commit = () => {
    const number = Number(text);
    const there = Number.isInteger(number) && number >= 0 && number < (found?.images ?? 0);
    if (!there || text.trim() === "") setText(String(place));
    else if (typeof image === "number") onChoose(number);
    else if (image.kind === "uploaded") onChoose({ ...image, place: number });
  };
  return (
    <>
      <div class="bar">
        {found?.task === "classify" && (
          <ClassChoice
            classes={found.answers.map(({ name }) => name)}
            label={label}
            onChoose={(one) => {
              setLabel(one);
              setStart(0);
            }}
          />
        )}
        <label class="with-label">
          <span>Image</span>
          <input
            type="text"
            class="image-number"
            inputMode="numeric"
            autocomplete="off"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
            onBlur={commit}
            onKeyDown={(event) => event.key === "Enter" && commit()}
          />
        </label>
      </div>
      <p class="problem" role="alert" hidden={!problem}>
        {problem}
      </p>
      <ul class="tiles choices" aria-label="Test images">
        {samples?.tiles.map((tile, k) => (
          <li key={tile.position}>
            <button
              type="button"
              class="filter"
              title={tile.name}
              aria-pressed={tile.position === image}
              onClick={() => onChoose(tile.position)}
            >
              <Tile sheet={sheet!} place={k} words={`Image ${tile.position}: ${tile.label}`} />
            </button>
          </li>
        ))}
      </ul>
      <div class="bar">
        <Pager start={start} shown={SHOWN} total={samples?.total ?? 0} onStart={setStart} />
      </div>
    </>
  );
}
