// Sheets of images: one picture from the server, cut into tiles.

import { useEffect, useRef, useState } from "preact/hooks";

import type { Samples } from "./messages";

/** What comes with a sheet, whatever is said of its images. */
type Pictured = Pick<Samples, "sheet" | "columns" | "width" | "height">;

export interface Sheet<Of extends Pictured = Samples> {
  samples: Of;
  picture: ImageBitmap;
}

/** A PNG that came as base64. */
export function pictureOf(base64: string): Promise<ImageBitmap> {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return createImageBitmap(new Blob([bytes], { type: "image/png" }));
}

/** The sheet that `bring` brings, anew when one of `inputs` changes; until then the one before. */
export function useSheet<Of extends Pictured>(
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

interface TileProps {
  sheet: Sheet<Pictured>;
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
