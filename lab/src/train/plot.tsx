// A figure drawn by uPlot: as wide as there is room, in the colours of the page.

import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";

interface PlotProps {
  settings: () => Omit<uPlot.Options, "width">;
  data: uPlot.AlignedData;
  /** With others of these, the settings are others. */
  inputs: unknown[];
  words: string;
  kind?: string;
}

export function Plot({ settings, data, inputs, words, kind = "" }: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const theme = useTheme();
  useEffect(() => {
    const options = settings();
    const made = new uPlot({ ...options, width: box.current!.clientWidth }, data, box.current!);
    plot.current = made;
    const watch = new ResizeObserver(([entry]) =>
      made.setSize({ width: Math.floor(entry!.contentRect.width), height: options.height }),
    );
    watch.observe(box.current!);
    return () => {
      watch.disconnect();
      made.destroy();
    };
  }, [...inputs, theme]);
  useEffect(() => plot.current?.setData(data));
  return <div class={`chart ${kind}`.trim()} ref={box} role="img" aria-label={words} />;
}

/** How often the colours have changed. */
function useTheme(): number {
  const [changes, setChanges] = useState(0);
  useEffect(() => {
    const count = () => setChanges((before) => before + 1);
    addEventListener("themechange", count);
    return () => removeEventListener("themechange", count);
  }, []);
  return changes;
}

/** A colour of the page by its name. */
export const colourOf = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

export const plainAxis = () => ({
  stroke: colourOf("quiet"),
  grid: { stroke: colourOf("edge"), width: 1 },
  ticks: { show: false },
  font: "13px Inter, sans-serif",
});
