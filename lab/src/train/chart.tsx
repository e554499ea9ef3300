// The curves of several runs over one another, drawn by uPlot.

import uPlot from "uplot";

import type { Curves } from "../connection";
import { score } from "../format";
import type { Run } from "../messages";
import { colourOf, Plot, plainAxis } from "./plot";

/** One a run; their colours are in styles/colours.css. */
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
  const names = runs.map((run) => `${run.name} ${colour(run)}`).join("\n");
  return (
    <Plot
      settings={() => settings(runs, colour, share)}
      data={table(runs, curves, what)}
      inputs={[names, what, share]}
      words={inWords(runs, what)}
    />
  );
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

function settings(
  runs: Run[],
  nameOf: (run: Run) => string,
  share: boolean,
): Omit<uPlot.Options, "width"> {
  const axis = plainAxis();
  const words = (value: number) =>
    share ? `${+(100 * value).toFixed(1)} %` : String(+value.toPrecision(3));
  return {
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
