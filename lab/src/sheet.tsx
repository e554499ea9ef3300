// Sheets of images: one picture from the server, cut into tiles.

import { useEffect, useRef, useState } from "preact/hooks";

import { count } from "./format";
import type { Samples } from "./messages";

/** Pictures of one size, `columns` in a row, whatever is said of them. */
interface Cuttable {
  width: number;
  height: number;
  columns: number;
}

export interface Sheet<Of extends Cuttable = Samples> {
  samples: Of;
  picture: ImageBitmap;
}

export type Cut = Sheet<Cuttable>;

/** A PNG that came as base64. */
export function pictureOf(base64: string): Promise<ImageBitmap> {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return createImageBitmap(new Blob([bytes], { type: "image/png" }));
}

/** The sheet that `bring` brings, anew when one of `inputs` changes; until then the one before. */
export function useSheet<Of extends Cuttable & { sheet: string }>(
  bring: () => Promise<Of>,
  inputs: unknown[],
): { sheet: Sheet<Of> | null; problem: string } {
  const [sheet, setSheet] = useState<Sheet<Of> | null>(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    let current = true;
    const load = async () => {
      const samples = await bring();
      const picture = await pictureOf(samples.sheet);
      if (!current) return;
      setSheet({ samples, picture });
      setProblem("");
    };
    load().catch((error: Error) => current && setProblem(error.message));
    return () => {
      current = false;
    };
  }, inputs);
  return { sheet, problem };
}

interface PagerProps {
  start: number;
  /** Images on a sheet, and in all. */
  shown: number;
  total: number;
  onStart: (start: number) => void;
}

/** Which images are on the sheet, and the way to the others. */
export function Pager({ start, shown, total, onStart }: PagerProps) {
  const last = Math.min(start + shown, total);
  return (
    <>
      <span class="space" />
      <span class="quiet range" role="status">
        {total > 0 && `${count(start + 1)}–${count(last)} of ${count(total)}`}
      </span>
      <button
        type="button"
        class="plain"
        disabled={start === 0}
        onClick={() => onStart(Math.max(0, start - shown))}
      >
        Previous
      </button>
      <button
        type="button"
        class="plain"
        disabled={last >= total}
        onClick={() => onStart(start + shown)}
      >
        Next
      </button>
    </>
  );
}

interface ClassChoiceProps {
  classes: string[];
  label: number | null;
  onChoose: (label: number | null) => void;
}

/** One class, or all. */
export function ClassChoice({ classes, label, onChoose }: ClassChoiceProps) {
  return (
    <label class="with-label">
      <span>Class</span>
      <select
        value={label === null ? "" : String(label)}
        onChange={({ currentTarget: { value } }) => onChoose(value === "" ? null : Number(value))}
      >
        <option value="">all</option>
        {classes.map((name, number) => (
          <option key={name} value={number}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

interface TileProps {
  sheet: Cut;
  place: number;
  /** "": what is around it says it all. */
  words: string;
}

/** One image of a sheet. */
export function Tile({ sheet, place, words }: TileProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height, columns } = sheet.samples;
  useEffect(() => {
    const left = (place % columns) * width;
    const top = Math.floor(place / columns) * height;
    const context = canvas.current?.getContext("2d");
    context?.clearRect(0, 0, width, height);
    context?.drawImage(sheet.picture, -left, -top);
  }, [sheet, place]);
  const named = words ? { role: "img" as const, "aria-label": words } : { "aria-hidden": true };
  return <canvas ref={canvas} width={width} height={height} {...named} />;
}
