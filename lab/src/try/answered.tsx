// What the network says of images: as tiles, and one of them with all its numbers.

import { useState } from "preact/hooks";

import type { Connection } from "../connection";
import { short } from "../format";
import { LookInside } from "../looked";
import type { Answered, AnsweredImage, AskAnswers, TestReport, UploadedImage } from "../messages";
import { Pager, Tile, useSheet, type Sheet } from "../sheet";

const MOST_BARS = 12;
const SHOWN = 24;

export const percent = (share: number): string =>
  share > 0.999 && share < 1 ? "> 99.9 %" : `${(100 * share).toFixed(1)} %`;

/** The number of the largest value. */
export const largest = (values: readonly number[]): number => values.indexOf(Math.max(...values));

/** The probability of each class; of many classes the most probable ones. */
export function Bars({ classes, values }: { classes: string[]; values: number[] | null }) {
  const best = values ? largest(values) : -1;
  let shown = classes.map((_, number) => number);
  if (shown.length > MOST_BARS) {
    if (values) shown.sort((one, other) => values[other]! - values[one]!);
    shown = shown.slice(0, MOST_BARS);
  }
  return (
    <ol class="probabilities" aria-label="Probability of each class">
      {shown.map((number) => (
        <li key={number} class={number === best ? "best" : ""}>
          <span class="class">{classes[number]}</span>
          <svg class="share" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
            <rect class="track" width="100" height="8" />
            <rect class="positive" width={100 * (values?.[number] ?? 0)} height="8" />
          </svg>
          <span class="number">{values ? percent(values[number]!) : "–"}</span>
        </li>
      ))}
    </ol>
  );
}

/** What is said of an image in a few words, below its tile. */
function inShort(report: TestReport, image: AnsweredImage, target?: number): [string, string] {
  if (report.task === "classify") {
    const best = largest(image.values);
    const said = report.classes[best]!;
    const wrong = image.truth !== "" && image.truth !== said;
    return [wrong ? `${said}, not ${image.truth}` : said, percent(image.values[best]!)];
  }
  const wanted = (_: unknown, k: number) => target === undefined || k === target;
  const said = image.values.filter(wanted).map(short).join(", ");
  const truth = image.truth.split(", ").filter(wanted).join(", ");
  return [said, truth && `not ${truth}`];
}

/** Where images of the user's own came from. */
export type Brought = Omit<UploadedImage, "kind" | "place">;

interface OneProps {
  run: string;
  report: TestReport;
  brought?: Brought;
  sheet: Sheet<Answered>;
  place: number;
}

/** One image as the network sees it, with all that it says of it. */
export function OneImage({ run, report, brought, sheet, place }: OneProps) {
  const image = sheet.samples.images[place];
  if (image === undefined) return null;
  const { level, colours } = sheet.samples;
  const truths = image.truth.split(", ");
  const looked = brought ? { kind: "uploaded" as const, ...brought, place } : image.position;
  return (
    <div class="one-image">
      <Tile sheet={sheet} place={place} words={`${image.name}, as the network sees it`} />
      <div class="stack tight">
        <p>
          <strong>{image.name}</strong>
          {image.truth && report.task === "classify" && `, truly ${image.truth}`}
        </p>
        {report.task === "classify" ? (
          <Bars classes={report.classes} values={image.values} />
        ) : (
          report.values.map((target, k) => (
            <p key={target.name}>
              {target.name}: <strong>{`${short(image.values[k]!)} ${target.unit}`.trim()}</strong>
              {image.low.length > 0 &&
                ` (${100 * level!} %: ${short(image.low[k]!)} to ${short(image.high[k]!)})`}
              {truths[k] && `, truly ${truths[k]}`}
            </p>
          ))
        )}
        {image.unlike && (
          <p class="problem">
            It does not look like the images that the network was trained on: do not trust the
            answer.
          </p>
        )}
        <p class="quiet">{colours}</p>
        {looked !== null && (
          <p>
            <LookInside run={run} image={looked} />
          </p>
        )}
      </div>
    </div>
  );
}

interface TilesProps {
  run: string;
  report: TestReport;
  brought?: Brought;
  sheet: Sheet<Answered>;
  /** The one value to show below the tiles; all where none is named. */
  target?: number;
}

/** Images with what is said of each; a click opens one. */
export function AnswerTiles({ run, report, brought, sheet, target }: TilesProps) {
  const [open, setOpen] = useState<string | null>(null);
  const { images } = sheet.samples;
  const place = images.findIndex((image) => image.name === open);
  return (
    <>
      <ul class="answers">
        {images.map((image, k) => {
          const [first, second] = inShort(report, image, target);
          return (
            <li key={image.name}>
              <button
                type="button"
                aria-pressed={k === place}
                title={image.name}
                onClick={() => setOpen(k === place ? null : image.name)}
              >
                <Tile sheet={sheet} place={k} words="" />
                <span>{first}</span>
                <span class="quiet">{second}</span>
                {image.unlike && <span class="problem">unlike</span>}
              </button>
            </li>
          );
        })}
      </ul>
      {place >= 0 && <OneImage {...{ run, report, brought, sheet, place }} />}
    </>
  );
}

interface TestedProps {
  lab: Connection;
  run: string;
  report: TestReport;
  which: AskAnswers["which"];
}

/** Test images with what the run's test said of them, a page at a time. */
export function TestedImages({ lab, run, report, which }: TestedProps) {
  const name = JSON.stringify(which);
  const [turned, setTurned] = useState({ name, start: 0 });
  const start = turned.name === name ? turned.start : 0;
  // Until other images come, those of before stay: nothing jumps.
  const { sheet, problem } = useSheet(
    () => lab.ask({ kind: "answers", run, which, start, count: SHOWN }, "answered"),
    [lab, run, name, start],
  );
  const total = sheet?.samples.total ?? 0;
  const target = which.kind === "worst" ? which.target : undefined;
  return (
    <div class="stack tight">
      <p class="problem" role="alert" hidden={!problem}>
        {problem}
      </p>
      {sheet && total === 0 && <p class="quiet">There are none.</p>}
      {which.kind === "one"
        ? sheet && <OneImage run={run} report={report} sheet={sheet} place={0} />
        : sheet && <AnswerTiles run={run} report={report} sheet={sheet} target={target} />}
      {total > SHOWN && (
        <div class="bar">
          <Pager
            start={start}
            shown={SHOWN}
            total={total}
            onStart={(to) => setTurned({ name, start: to })}
          />
        </div>
      )}
    </div>
  );
}
