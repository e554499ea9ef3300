// Sheets of images: one picture from the server, cut into tiles.

import { useEffect, useRef, useState } from "preact/hooks";

import type { Samples } from "./messages";

export interface Sheet {
  samples: Samples;
  picture: ImageBitmap;
}

/** A PNG that came as base64. */
export function pictureOf(base64: string): Promise<ImageBitmap> {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return createImageBitmap(new Blob([bytes], { type: "image/png" }));
}

/** The sheet that `bring` brings, anew when one of `inputs` changes; until then the one before. */
export function useSheet(
  bring: () => Promise<Samples>,
  inputs: unknown[],
): { sheet: Sheet | null; problem: string } {
  const [sheet, setSheet] = useState<Sheet | null>(null);
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

/** One image of a sheet. */
export function Tile({ sheet, place, words }: { sheet: Sheet; place: number; words: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height, columns } = sheet.samples;
  useEffect(() => {
    const left = (place % columns) * width;
    const top = Math.floor(place / columns) * height;
    canvas.current?.getContext("2d")?.drawImage(sheet.picture, -left, -top);
  }, [sheet]);
  return <canvas ref={canvas} width={width} height={height} role="img" aria-label={words} />;
}
