// Predicted against true values: each point an image, a click opens it.

import { useEffect, useRef, useState } from "preact/hooks";

import type { Connection } from "../connection";
import { count, short } from "../format";
import type { TestReport, Values } from "../messages";
import { TestedImages } from "./answered";

const MARGIN = { left: 58, bottom: 44, other: 12 };
const TALLEST = 460;
/** More intervals than this hide each other: then only that of the open image is drawn. */
const MOST_INTERVALS = 200;
const NEAR = 24; // pixels from a click to its point
const KEYS: Record<string, number> = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };

interface MeasuredProps {
  lab: Connection;
  run: string;
  report: TestReport;
}

export function MeasuredValues({ lab, run, report }: MeasuredProps) {
  const [number, setNumber] = useState(0);
  const values = report.values[number]!;
  return (
    <>
      <section class="card" aria-labelledby="values-title">
        <div class="head">
          <h2 id="values-title">Predicted against true</h2>
          {report.values.length > 1 && (
            <label class="with-label">
              <span>Value</span>
              <select
                value={String(number)}
                onChange={(event) => setNumber(Number(event.currentTarget.value))}
              >
                {report.values.map((one, k) => (
                  <option key={one.name} value={k}>
                    {one.name}
                  </option>
                ))}
              </select>
            </label>
          )}
        </div>
        <Points key={number} lab={lab} run={run} report={report} values={values} />
      </section>
      <section class="card" aria-labelledby="worst-title">
        <div class="head">
          <h2 id="worst-title">Furthest off</h2>
          <p class="quiet">the images whose {values.name} it measures worst</p>
        </div>
        <TestedImages
          key={number}
          lab={lab}
          run={run}
          report={report}
          which={{ kind: "worst", target: number }}
        />
      </section>
    </>
  );
}

interface PointsProps extends MeasuredProps {
  values: Values;
}

function Points({ lab, run, report, values }: PointsProps) {
  const [place, setPlace] = useState<number | null>(null);
  const { true: truth, said, low, high, positions, unit } = values;
  const title = unit ? `${values.name} [${unit}]` : values.name;
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const height = Math.min(TALLEST, width);
  const all = [...truth, ...said];
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const room = 0.04 * (most - least || 1);
  const [from, to] = [least - room, most + room];
  const [across, up] = [width - MARGIN.left - MARGIN.other, height - MARGIN.bottom - MARGIN.other];
  const x = (value: number) => MARGIN.left + ((value - from) / (to - from)) * across;
  const y = (value: number) => height - MARGIN.bottom - ((value - from) / (to - from)) * up;
  const inside = (value: number | null | undefined, end: number) =>
    value == null ? end : Math.min(Math.max(value, from), to);
  const missed = (k: number) =>
    low.length > 0 && ((low[k] ?? -Infinity) > truth[k]! || (high[k] ?? Infinity) < truth[k]!);
  const outside = truth.filter((_, k) => missed(k)).length;

  const click = (event: MouseEvent & { currentTarget: HTMLDivElement }) => {
    const frame = event.currentTarget.getBoundingClientRect();
    const [left, top] = [event.clientX - frame.left, event.clientY - frame.top];
    let nearest = NEAR;
    truth.forEach((value, k) => {
      const far = Math.hypot(x(value) - left, y(said[k]!) - top);
      if (far < nearest) {
        nearest = far;
        setPlace(k);
      }
    });
  };
  const press = (event: KeyboardEvent) => {
    const last = truth.length - 1;
    const ends: Record<string, number> = { Home: 0, End: last };
    const step = KEYS[event.key];
    const next = step ? (place === null ? 0 : place + step) : ends[event.key];
    if (next === undefined) return;
    event.preventDefault();
    setPlace(Math.min(Math.max(0, next), last));
  };
  const interval = (k: number, kind: string) => (
    <line
      key={k}
      class={`${kind} ${missed(k) ? "wrong" : "right"}`}
      x1={x(truth[k]!)}
      x2={x(truth[k]!)}
      y1={y(inside(low[k], from))}
      y2={y(inside(high[k], to))}
    />
  );
  const words = (k: number) =>
    `true ${short(truth[k]!)}, predicted ${short(said[k]!)}${unit && ` ${unit}`}` +
    (low.length ? `, interval ${short(low[k]!)} to ${short(high[k]!)}` : "");
  return (
    <div class="matrix-and-cell">
      <div class="stack tight">
        <div
          ref={box}
          class="points"
          tabIndex={0}
          role="slider"
          aria-label={`Test images by their true ${values.name}`}
          aria-valuemin={1}
          aria-valuemax={truth.length}
          aria-valuenow={(place ?? 0) + 1}
          aria-valuetext={place === null ? "none chosen" : words(place)}
          onClick={click}
          onKeyDown={press}
        >
          <svg width={width} height={height} aria-hidden="true">
            {ticks(from, to).map((tick) => (
              <g key={tick}>
                <line class="rule" x1={x(tick)} x2={x(tick)} y1={y(to)} y2={y(from)} />
                <line class="rule" x1={x(from)} x2={x(to)} y1={y(tick)} y2={y(tick)} />
                <text x={x(tick)} y={height - MARGIN.bottom + 18} text-anchor="middle">
                  {short(tick)}
                </text>
                <text x={MARGIN.left - 8} y={y(tick) + 4} text-anchor="end">
                  {short(tick)}
                </text>
              </g>
            ))}
            <text x={(MARGIN.left + width) / 2} y={height - 6} text-anchor="middle">
              true {title}
            </text>
            <text
              transform={`rotate(-90) translate(${-(height - MARGIN.bottom) / 2} 13)`}
              text-anchor="middle"
            >
              predicted
            </text>
            <line class="perfect" x1={x(from)} y1={y(from)} x2={x(to)} y2={y(to)} />
            {low.length > 0 &&
              truth.length <= MOST_INTERVALS &&
              truth.map((_, k) => interval(k, "interval"))}
            {truth.map((value, k) => (
              <circle
                key={k}
                class={missed(k) ? "point wrong" : "point right"}
                cx={x(value)}
                cy={y(said[k]!)}
                r="3.5"
              />
            ))}
            {place !== null && (
              <>
                {low.length > 0 && interval(place, "interval open")}
                <circle class="chosen" cx={x(truth[place]!)} cy={y(said[place]!)} r="7" />
              </>
            )}
          </svg>
        </div>
        <p class="quiet">
          Each point is an image; perfect answers lie on the line.
          {low.length > 0 &&
            ` Orange: the true value lies outside of the ${100 * report.level!} % interval` +
              ` (${count(outside)} of ${count(truth.length)}).`}
          {truth.length < report.count &&
            ` ${count(truth.length)} of ${count(report.count)} images are drawn.`}
        </p>
      </div>
      <div class="stack tight">
        {place === null ? (
          <p class="quiet">
            Choose a point to see its image; with the keyboard, arrow keys go from the lowest true
            value to the highest.
          </p>
        ) : (
          <TestedImages
            lab={lab}
            run={run}
            report={report}
            which={{ kind: "one", position: positions[place]! }}
          />
        )}
        {values.words.map((one) => (
          <p key={one}>{one}</p>
        ))}
        {report.words.map((one) => (
          <p key={one} class="note">
            {one}
          </p>
        ))}
      </div>
    </div>
  );
}

/** The width of an element as the window changes. */
function useWidth(box: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(480);
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);
  return width;
}

/** About five round numbers between two ends. */
function ticks(from: number, to: number): number[] {
  const rough = (to - from) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((one) => one * power >= rough)!;
  const first = Math.ceil(from / step);
  const found: number[] = [];
  for (let k = first; k * step <= to; k++) found.push(Number((k * step).toPrecision(12)));
  return found;
}
