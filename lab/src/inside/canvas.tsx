// A canvas as wide as its place, drawn in the screen's own pixels.

import { useEffect, useRef, useState } from "preact/hooks";

export interface Drawing {
  context: CanvasRenderingContext2D;
  width: number;
  height: number;
}

interface CanvasProps {
  words: string;
  /** How high it is when it is so wide. */
  height: (width: number) => number;
  draw: (drawing: Drawing) => void;
  onPress?: (x: number, y: number, width: number) => void;
}

export function Canvas({ words, height, draw, onPress }: CanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const box = canvas.current!.parentElement!;
    const watch = new ResizeObserver(() => setWidth(Math.floor(box.clientWidth)));
    watch.observe(box);
    return () => watch.disconnect();
  }, []);
  const high = Math.round(height(width));
  useEffect(() => {
    const context = canvas.current!.getContext("2d")!;
    const scale = devicePixelRatio;
    [context.canvas.width, context.canvas.height] = [width * scale, high * scale];
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.imageSmoothingEnabled = false;
    if (width) draw({ context, width, height: high });
  });
  const press = (event: PointerEvent) => {
    const box = canvas.current!.getBoundingClientRect();
    onPress?.(event.clientX - box.left, event.clientY - box.top, width);
  };
  return (
    <div class="drawing">
      <canvas
        ref={canvas}
        role="img"
        aria-label={words}
        style={{ height: `${high}px` }}
        onPointerDown={press}
        onPointerMove={(event) => event.buttons === 1 && press(event)}
      />
    </div>
  );
}

/** A colour of the page. */
export const pageColour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
