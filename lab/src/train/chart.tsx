// The curves of several runs over one another, drawn by uPlot.

import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";

import type { Curves } from "../connection";
import { score } from "../format";
import type { Run } from "../messages";

/** One a run; their colours are in style.css. */
export const COLOURS = ["run-1", "run-2", "run-3", "run-4", "run-5", "run-6"];
const HEIGHT = 300;

interface ChartProps {
  runs: Run[];
  colour: (run: Run) => string;
  curves: Map<string, Curves>;
  what: "loss" | "metric";
  share: boolean;
}

export function Chart({ runs, colour, curves, what, share }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const theme = useTheme();
  const names = runs.map((run) => `${run.name} ${colour(run)}`).join("\n");
  const data = table(runs, curves, what);

  useEffect(() => {
    const made = new uPlot(
      settings(runs, colour, box.current!.clientWidth, share),
      data,
      box.current!,
    );
    plot.current = made;
    const watch = new ResizeObserver(([entry]) =>
      made.setSize({ width: Math.floor(entry!.contentRect.width), height: HEIGHT }),
    );
    watch.observe(box.current!);
    return () => {
      watch.disconnect();
      made.destroy();
    };
  }, [names, what, share, theme]);
  useEffect(() => plot.current?.setData(data));

  return <div class="chart" ref={box} role="img" aria-label={inWords(runs, what)} />;
}

/** How often the colours have changed. */
export function useTheme(): number {
  const [changes, setChanges] = useState(0);
  useEffect(() => {
    const count = () => setChanges((before) => before + 1);
    addEventListener("themechange", count);
    return () => removeEventListener("themechange", count);
  }, []);
  return changes;
}

/** Epochs, then training and validation of each run; a mean is drawn in the middle of its batches. */
function table(
  runs: Run[],
  curves: Map<string, Curves>,
  what: "loss" | "metric",
): uPlot.AlignedData {
  const tables = runs.flatMap((run): uPlot.AlignedData[] => {
    const { points, epochs } = curves.get(run.name) ?? { points: [], epochs: [] };
    const { steps, epochs: all } = run.progress ?? { steps: 1, epochs: 1 };
    const perEpoch = steps / Math.max(1, all);
    const trained = points.filter((point) => (what === "loss" ? point[2] : point[3]) !== null);
    // A metric that is no mean is known at the end of each epoch only.
    const training: uPlot.AlignedData = trained.length
      ? [
          trained.map(([first, last]) => (first + last) / 2 / perEpoch),
          trained.map((point) => (what === "loss" ? point[2] : point[3])),
        ]
      : [
          epochs.map((row) => row[0] - 0.5),
          epochs.map((row) => (what === "loss" ? row[1] : row[2])),
        ];
    const validation: uPlot.AlignedData = [
      epochs.map((row) => row[0]),
      epochs.map((row) => (what === "loss" ? row[3] : row[4])),
    ];
    return [training, validation];
  });
  return tables.length ? uPlot.join(tables) : [[], []];
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

function settings(
  runs: Run[],
  nameOf: (run: Run) => string,
  width: number,
  share: boolean,
): uPlot.Options {
  const axis = plainAxis();
  const words = (value: number) =>
    share ? `${+(100 * value).toFixed(1)} %` : String(+value.toPrecision(3));
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { drag: { x: false, y: false } },
    scales: {
      x: {
        time: false,
        range: (_, least, most) => [Math.min(0, least ?? 0), Math.max(1, most ?? 1)],
      },
    },
    axes: [
      { ...axis, label: "epoch", labelFont: "13px Inter, sans-serif", labelSize: 20, size: 32 },
      { ...axis, size: 60, values: (_, values) => values.map(words) },
    ],
    series: [
      {},
      ...runs.flatMap((run): uPlot.Series[] => {
        const stroke = colourOf(nameOf(run));
        return [
          {
            label: `${run.name}, training`,
            stroke,
            width: 2,
            spanGaps: true,
            points: { show: false },
          },
          {
            label: `${run.name}, validation`,
            stroke,
            width: 2,
            dash: [5, 4],
            spanGaps: true,
            points: { show: true, size: 7, stroke, fill: colourOf("card") },
          },
        ];
      }),
    ],
  };
}

function inWords(runs: Run[], what: "loss" | "metric"): string {
  if (!runs.length) return "No curves yet";
  const each = runs.map((run) => {
    const value = run.last && (what === "loss" ? run.last[3] : run.last[4]);
    const name = what === "loss" ? "loss" : run.metric;
    return `${run.name}: validation ${name} ${score(name, value)} after ${run.last?.[0] ?? 0} epochs`;
  });
  return `Curves over the epochs. ${each.join("; ")}`;
}
