// Which image is looked at: a test image, or one of the user's own.

import { useEffect, useRef, useState } from "preact/hooks";

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
  // Of several images that were brought at once the number chooses one, else a test image.
  const several = typeof image === "object" && image.kind === "uploaded" && (found?.images ?? 1) > 1;
  const number = typeof image === "number" ? String(image) : several ? String(image.place) : "";
  const [text, setText] = useState(number);
  const tests = useRef(0);
  const { sheet, problem } = useSheet(
    () => lab.ask({ kind: "tested", run, label, start, count: SHOWN }, "samples"),
    [lab, run, label, start],
  );
  useEffect(() => {
    setLabel(null);
    setStart(0);
  }, [run]);
  useEffect(() => setText(number), [number]);

  const samples = sheet?.samples;
  if (label === null && samples) tests.current = Math.max(tests.current, samples.total);
  const commit = () => {
    const wanted = Number(text);
    const most = several ? found!.images : tests.current;
    const there = text.trim() !== "" && Number.isInteger(wanted) && wanted >= 0 && wanted < most;
    if (!there) setText(number);
    else onChoose(several ? { ...image, place: wanted } : wanted);
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
          <span>{several ? "Image of yours" : "Image"}</span>
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
