// A kernel slides over what its layer receives: number by number, and its answer appears.

import { useEffect, useMemo, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";

import { plural, shape } from "../format";
import { Canvas, pageColour, type Drawing } from "./canvas";
import { activated, digits, painted, reachOf, shade, workAt, type Filter, type Work } from "./numbers";
import { NumberTable } from "./table";

const SWEEP = 25; // seconds over all places, at the most
const QUICKEST = 12; // places a second, at least
const CLOSE = 1e-5; // of the sizes of all products together

const EDGE = 4; // pixels around, for boxes that reach over the edge

const still = matchMedia("(prefers-reduced-motion: reduce)");

interface KernelProps {
  /** The fields that choose the filter. */
  children: ComponentChildren;
  filter: Filter;
}

export function KernelAtWork({ children, filter }: KernelProps) {
  const [height, width] = filter.answer.shape as [number, number];
  const last = height * width - 1;
  const [playing, setPlaying] = useState(false);
  const [open, setOpen] = useState(false);
  // Kept for other filters, epochs and images; another layer begins where its answer is largest.
  const layer = `${filter.layer} ${filter.answer.shape}`;
  const [at, setAt] = useState({ layer: "", place: 0 });
  const place = at.layer === layer ? at.place : filter.row * width + filter.column;
  const onPlace = (to: number) => setAt({ layer, place: to });
  const [chosen, setChosen] = useState({ layer: "", channel: 0 });
  const count = filter.channels.length;
  const best = useMemo(() => strongest(filter), [filter]);
  const channel = chosen.layer === layer ? chosen.channel : best;
  const [row, column] = [Math.floor(place / width), place % width];
  const work = workAt(filter, row, column, channel);
  const value = filter.answer.values[place]!;

  useEffect(() => {
    if (!playing) return;
    const speed = Math.max(QUICKEST, (last + 1) / SWEEP);
    const start = performance.now();
    let frame = requestAnimationFrame(function step(now) {
      const next = Math.min(last, place + Math.floor(((now - start) * speed) / 1000));
      if (next === place) {
        frame = requestAnimationFrame(step);
        return;
      }
      onPlace(next);
      if (next === last) setPlaying(false);
    });
    return () => cancelAnimationFrame(frame);
  }, [playing, place, filter]);

  const play = () => {
    if (!playing && place === last) onPlace(0);
    setPlaying(!playing);
  };
  const go = (to: number) => {
    setPlaying(false);
    onPlace(Math.max(0, Math.min(last, to)));
  };
  const where = `row ${row}, column ${column}`;
  return (
    <>
      <div class="head">
        <h2 id="kernel-title">A kernel at work</h2>
        <div class="bar">
          {children}
          {count > 1 && (
            <label class="with-label">
              <span>Channel</span>
              <select
                value={channel}
                onChange={(event) => setChosen({ layer, channel: Number(event.currentTarget.value) })}
              >
                {filter.channels.map((number, k) => (
                  <option key={k} value={k}>
                    {number}
                  </option>
                ))}
              </select>
            </label>
          )}
        </div>
      </div>
      <p class="quiet">
        A small window slides over what the layer receives. The numbers under it times the filter's
        weights are added up: one number of the answer.
      </p>
      <Maps filter={filter} channel={channel} place={place} work={work} onPlace={go} />
      <div class="bar transport">
        <button type="button" class="plain" disabled={place === 0} onClick={() => go(place - 1)}>
          Back
        </button>
        {!still.matches && (
          <button type="button" class="button strong play" onClick={play}>
            {playing ? "Pause" : "Play"}
          </button>
        )}
        <button type="button" class="plain" disabled={place === last} onClick={() => go(place + 1)}>
          Forward
        </button>
        <label class="scrub">
          <span class="unseen">Place in the answer</span>
          <input
            type="range"
            min={0}
            max={last}
            value={place}
            aria-valuetext={`${where}: ${digits(value)}`}
            onInput={(event) => go(Number(event.currentTarget.value))}
          />
        </label>
        <span class="quiet place">{where}</span>
      </div>
      <Cells filter={filter} work={work} />
      <Sum filter={filter} work={work} value={value} />
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>Every product as a table</summary>
        {open && <Products filter={filter} work={work} channel={channel} />}
      </details>
    </>
  );
}

/** The channel that counts most where the answer is largest. */
function strongest(filter: Filter): number {
  const sums = filter.channels.map((_, k) => Math.abs(workAt(filter, filter.row, filter.column, k).own));
  return sums.indexOf(Math.max(...sums));
}

interface MapsProps {
  filter: Filter;
  channel: number;
  place: number;
  work: Work;
  onPlace: (place: number) => void;
}

/** What the layer receives with the kernel on it, and the answer as far as it has come. */
function Maps({ filter, channel, place, work, onPlace }: MapsProps) {
  const [rows, columns] = filter.received.shape as [number, number];
  const [height, width] = filter.answer.shape as [number, number];
  const reach = useMemo(() => [reachOf(filter.received.values), reachOf(filter.answer.values)], [filter]);
  const received = useMemo(() => painted(filter.received, channel, reach[0]!), [filter, channel]);
  const answer = useMemo(() => painted(filter.answer, 0, reach[1]!), [filter]);
  const panels = (whole: number) => {
    const gap = Math.max(40, whole * 0.1);
    const side = (whole - gap) / 2 - EDGE;
    const cell = side / Math.max(rows, columns);
    const other = side / Math.max(height, width);
    return { cell, other, start: (whole + gap) / 2 };
  };
  const draw = ({ context, width: whole }: Drawing) => {
    const { cell, other, start } = panels(whole);
    const [row, column] = [Math.floor(place / width), place % width];
    context.drawImage(received, EDGE, EDGE, columns * cell, rows * cell);
    context.fillStyle = "#fff";
    context.fillRect(start, EDGE, width * other, height * other);
    context.globalAlpha = 0.25;
    context.drawImage(answer, start, EDGE, width * other, height * other);
    context.globalAlpha = 1;
    // Whole rows, and the one that it is in.
    const done = [[0, 0, width, row], [0, row, column + 1, 1]] as const;
    for (const [x, y, w, h] of done) {
      if (!h) continue;
      context.drawImage(answer, x, y, w, h, start, EDGE + y * other, w * other, h * other);
    }
    context.strokeStyle = pageColour("edge");
    context.strokeRect(EDGE, EDGE, columns * cell, rows * cell);
    context.strokeRect(start, EDGE, width * other, height * other);
    const [high, wide] = filter.weights.shape as [number, number];
    const box: Box = [
      EDGE + work.left * cell,
      EDGE + work.top * cell,
      ((wide - 1) * filter.dilation[1] + 1) * cell,
      ((high - 1) * filter.dilation[0] + 1) * cell,
    ];
    const pixel: Box = [start + column * other, EDGE + row * other, other, other];
    context.strokeStyle = pageColour("quiet");
    for (const share of [0, 1]) {
      context.beginPath();
      context.moveTo(box[0] + box[2], box[1] + share * box[3]);
      context.lineTo(pixel[0], pixel[1] + share * pixel[3]);
      context.stroke();
    }
    mark(context, box);
    mark(context, pixel);
  };
  const press = (x: number, y: number, whole: number) => {
    const { other, start } = panels(whole);
    const [row, column] = [Math.floor((y - EDGE) / other), Math.floor((x - start) / other)];
    if (row >= 0 && row < height && column >= 0 && column < width) onPlace(row * width + column);
  };
  const many = filter.channels.length > 1;
  return (
    <figure class="kernel-maps">
      <div class="captions">
        <p>
          <strong>{filter.layer}</strong> receives {shape([rows, columns])}
          {many && `, channel ${filter.channels[channel]} is shown`}
        </p>
        <p>
          <strong>Filter {filter.filter}</strong> answers {shape([height, width])}: click a place
        </p>
      </div>
      <Canvas
        words={`The kernel over what ${filter.layer} receives, and the answer of filter ${filter.filter}`}
        height={(whole) => {
          const { cell, other } = panels(whole);
          return 2 * EDGE + Math.max(rows * cell, height * other);
        }}
        draw={draw}
        onPress={press}
      />
      <figcaption class="quiet">
        White is 0, blue positive, orange negative; darkest is {digits(reach[0]!)} on the left,{" "}
        {digits(reach[1]!)} on the right. What is pale is still to come.
      </figcaption>
    </figure>
  );
}

type Box = [number, number, number, number];

/** A box that is seen on dark and on light. */
function mark(context: CanvasRenderingContext2D, box: Box): void {
  for (const [width, colour] of [[4, "#fff"], [2, "#15191d"]] as const) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.strokeRect(...box);
  }
  context.lineWidth = 1;
}

/** Patch times weights are products, cell by cell. */
function Cells({ filter, work }: { filter: Filter; work: Work }) {
  const [height, width] = filter.weights.shape as [number, number];
  const reach = useMemo(() => [reachOf(filter.received.values), reachOf(filter.weights.values)], [filter]);
  const parts = [
    { title: "Patch", values: work.patch, reach: reach[0]!, padded: true },
    { title: "Weights", values: work.weights, reach: reach[1]!, sign: "×" },
    { title: "Products", values: work.products, reach: reachOf(work.products), sign: "=", padded: true },
  ];
  return (
    <div class="cells">
      {parts.map(({ title, values, reach, sign, padded }) => (
        <figure key={title}>
          <figcaption class="quiet" data-sign={sign}>
            {title}
          </figcaption>
          <Canvas
            words={`${title}: ${plural(values.length, "number")} of ${height}×${width}, in the table below`}
            height={(whole) => (whole / Math.max(width, height)) * height}
            draw={({ context, width: whole }) => {
              const cell = whole / Math.max(width, height);
              values.forEach((value, k) => {
                const [i, j] = [Math.floor(k / width), k % width];
                const [x, y] = [Math.round(j * cell), Math.round(i * cell)];
                const outside = padded && !work.inside[k];
                const colour = outside ? [218, 222, 224] : shade(value / reach);
                context.fillStyle = `rgb(${colour.join()})`;
                // Whole pixels: no seams between cells.
                const [right, bottom] = [Math.round((j + 1) * cell), Math.round((i + 1) * cell)];
                context.fillRect(x, y, right - x, bottom - y);
                if (cell < 25) return;
                const [red, green, blue] = colour as [number, number, number];
                const dark = 0.299 * red + 0.587 * green + 0.114 * blue < 140;
                context.fillStyle = dark ? "#fff" : "#15191d";
                context.font = `${Math.min(12, cell * 0.34)}px Inter, sans-serif`;
                context.textAlign = "center";
                context.textBaseline = "middle";
                const text = value.toFixed(Math.abs(value) < 10 ? 2 : 0);
                context.fillText(text.replace("-0.00", "0.00"), x + cell / 2, y + cell / 2);
              });
            }}
          />
        </figure>
      ))}
    </div>
  );
}

/** What the products add up to, and what the network itself has there. */
function Sum({ filter, work, value }: { filter: Filter; work: Work; value: number }) {
  const many = filter.channels.length - 1;
  const made = activated(filter.activation, work.total);
  const agrees = made !== null && Math.abs(made - value) <= CLOSE * work.size + 1e-6;
  const terms: [string | undefined, string, number][] = [[undefined, "products added up", work.own]];
  if (many) terms.push(["+", `from ${plural(many, "other channel")}`, work.others]);
  terms.push(["+", "bias", filter.bias], ["=", "sum", work.total]);
  if (filter.activation !== "linear") terms.push(["→", filter.activation, made ?? value]);
  return (
    <div class="sum">
      <dl>
        {terms.map(([sign, words, number]) => (
          <div key={words} data-sign={sign}>
            <dt class="quiet">{words}</dt>
            <dd>{digits(number)}</dd>
          </div>
        ))}
      </dl>
      <p class={made === null || agrees ? "quiet" : "problem"}>
        The network itself has {digits(value)} at this place
        {made === null ? "." : agrees ? ": the same." : `: that differs by ${digits(made - value)}.`}
      </p>
    </div>
  );
}

function Products({ filter, work, channel }: { filter: Filter; work: Work; channel: number }) {
  const width = filter.weights.shape[1]!;
  let sum = 0;
  const rows = work.products.map((product, k) => [
    `${Math.floor(k / width)}, ${k % width}${work.inside[k] ? "" : " (padding)"}`,
    ...[work.patch[k]!, work.weights[k]!, product, (sum += product)].map(digits),
  ]);
  const title = "Every product";
  const heads = ["Cell", "Patch", "Weight", "Product", "Sum so far"];
  return (
    <>
      <p class="quiet">
        {filter.channels.length > 1 && `Channel ${filter.channels[channel]}. `}The kernel's cells row by
        row, and what has come together up to each.
      </p>
      <NumberTable table={{ title, heads, rows, words: 1 }} />
    </>
  );
}
