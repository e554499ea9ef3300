// Looking for a learning rate: the loss while the rate grows, and the rate to train with.

import { useEffect, useState } from "preact/hooks";
import uPlot from "uplot";

import { announce } from "../announce";
import type { StepProps } from "../app";
import type { RangeTest, RateSearch } from "../messages";
import { colourOf, Plot, plainAxis } from "./plot";

const HEIGHT = 230;
/** What rises far above the loss of the beginning is cut off, as in the command's figure. */
const HEADROOM = 1.3;
/** Every second power of ten fits a phone, too. */
const POWERS = [1e-6, 1e-4, 1e-2, 1];

export function LearningRate({ lab, state }: StepProps) {
  const search = state.rate;
  const [problem, setProblem] = useState("");
  const ask = (work: Promise<unknown>) =>
    work.then(
      () => setProblem(""),
      (error: Error) => setProblem(error.message),
    );
  const running = search.state === "running";
  useEffect(() => {
    if (search.found) announce(`Suggested learning rate: ${search.found.suggestion}`);
  }, [search.found]);
  const used = search.found?.suggestion === state.document.settings["learning_rate"];
  return (
    <section class="card" aria-labelledby="rate-title">
      <div class="head">
        <h2 id="rate-title">Learning rate</h2>
        <p class="quiet">{search.about}</p>
      </div>
      {search.state === "none" && (
        <p>
          How long should the steps be? The network is trained for a moment with a learning rate
          that grows from very small to very large; nothing is kept of that training.
        </p>
      )}
      {(running || search.found) && <RateChart search={search} />}
      {search.found && <Reading found={search.found} />}
      <p class="problem" role="alert" hidden={!problem && !search.sentence}>
        {problem || search.sentence}
      </p>
      <p class="buttons">
        {running ? (
          <>
            <button
              type="button"
              class="button"
              onClick={() => void ask(lab.ask({ kind: "give-up-rate" }, "done"))}
            >
              Cancel
            </button>
            <progress
              value={search.rates.length / Math.max(1, search.steps)}
              aria-label="Progress of the search"
            />
          </>
        ) : (
          <button
            type="button"
            class="button"
            disabled={state.document.source === null}
            onClick={() => void ask(lab.findRate())}
          >
            Find a learning rate
          </button>
        )}
        {search.found && (
          <button
            type="button"
            class="button strong"
            disabled={used}
            onClick={() => {
              const values = { learning_rate: search.found!.suggestion };
              void ask(lab.edit({ kind: "settings", values }));
            }}
          >
            {used ? "Set: " : "Use "}
            {search.found.suggestion}
          </button>
        )}
      </p>
    </section>
  );
}

/** What the curve says, in words. */
function Reading({ found }: { found: RangeTest }) {
  const low = Math.min(...found.smoothed);
  const rises = found.smoothed.at(-1)! - low > 0.1 * (found.smoothed[0]! - low);
  return (
    <>
      <p>
        Left of the mark the steps are too short to learn much. At{" "}
        <strong>{found.suggestion}</strong> the loss had made nearly all of its fall;{" "}
        {rises
          ? `beyond ${Number(found.lowest.toPrecision(2))}, where it is lowest, the steps are too long, and it rises.`
          : "longer steps bring little more."}
      </p>
      <p class="quiet">
        Rule: {found.rule}. It ended after {found.rates.length} batches: {found.end}.
      </p>
    </>
  );
}

function RateChart({ search }: { search: RateSearch }) {
  const { found } = search;
  const rates = found?.rates ?? search.rates;
  const losses = found?.losses ?? search.losses;
  const data: uPlot.AlignedData = [rates, losses, found?.smoothed ?? losses.map(() => null)];
  const words = found
    ? `suggested ${found.suggestion}, lowest loss at ${Number(found.lowest.toPrecision(2))}`
    : `${rates.length} batches so far`;
  return (
    <Plot
      kind="rate"
      settings={() => settings(found)}
      data={data}
      inputs={[found]}
      words={`The loss while the learning rate grows: ${words}`}
    />
  );
}

function settings(found: RangeTest | null): Omit<uPlot.Options, "width"> {
  const axis = plainAxis();
  return {
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, distr: 3, range: () => [1e-6, found?.rates.at(-1) ?? 10] },
      y: { range: (_, least, most) => (found ? heights(found) : [least ?? 0, most ?? 1]) },
    },
    axes: [
      {
        ...axis,
        label: "learning rate",
        labelFont: axis.font,
        labelSize: 20,
        size: 32,
        splits: () => POWERS,
        filter: (_, splits) => splits,
        values: (_, values) => values.map(power),
      },
      { ...axis, size: 52, values: (_, values) => values.map((value) => `${+value.toPrecision(3)}`) },
    ],
    series: [
      {},
      { stroke: colourOf("quiet"), width: 1, points: { show: false } },
      { stroke: colourOf("positive"), width: 2, points: { show: false } },
    ],
    hooks: found ? { draw: [(plot) => mark(plot, found)] } : {},
  };
}

const power = (value: number): string =>
  value >= 0.01 ? String(value) : `1e${Math.round(Math.log10(value))}`;

function heights(found: RangeTest): [number, number] {
  const low = Math.min(...found.smoothed);
  const fall = found.smoothed[0]! - low;
  return [low - 0.1 * fall, low + HEADROOM * fall];
}

/** A dashed line at the suggestion, and its number. */
function mark(plot: uPlot, found: RangeTest): void {
  const { ctx, bbox } = plot;
  const x = plot.valToPos(found.suggestion, "x", true);
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colourOf("negative");
  ctx.lineWidth = 2 * devicePixelRatio;
  ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.fillStyle = colourOf("ink");
  ctx.font = `${13 * devicePixelRatio}px Inter, sans-serif`;
  ctx.textAlign = "right";
  const place = [x - 6 * devicePixelRatio, bbox.top + 14 * devicePixelRatio] as const;
  ctx.fillText(String(found.suggestion), ...place);
  ctx.restore();
}
