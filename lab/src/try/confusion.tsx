// Which classes are taken for which: the confusion matrix, whose cells open their images.

import { useRef, useState } from "preact/hooks";

import type { Connection } from "../connection";
import { count, plural, score } from "../format";
import type { TestReport } from "../messages";
import { Scroll } from "../scroll";
import { TestedImages } from "./answered";

const MOST_CLASSES = 40;
/** With more of them, the images stand below the matrix in place of beside it. */
const BESIDE = 14;
const STEPS: Record<string, [number, number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};
/** How much of the colour a cell has at most: numbers have to stay readable on it. */
const STRONGEST = 55;

const clamp = (value: number, least: number, most: number): number =>
  Math.min(Math.max(least, value), most);

interface Place {
  true: number;
  predicted: number;
}

/** The most frequent mistake. */
function mostConfused(confusion: number[][]): Place {
  let found = { true: 0, predicted: 0 };
  let most = 0;
  confusion.forEach((row, k) =>
    row.forEach((value, j) => {
      if (k !== j && value > most) {
        most = value;
        found = { true: k, predicted: j };
      }
    }),
  );
  return found;
}

interface ConfusionProps {
  lab: Connection;
  run: string;
  report: TestReport;
}

export function Confusion({ lab, run, report }: ConfusionProps) {
  const { classes, confusion } = report;
  const [cell, setCell] = useState(() => mostConfused(confusion));
  const value = confusion[cell.true]![cell.predicted]!;
  const [truth, said] = [classes[cell.true]!, classes[cell.predicted]!];
  return (
    <section class="card" aria-labelledby="confusion-title">
      <div class="head">
        <h2 id="confusion-title">What it takes for what</h2>
        <p class="quiet">the confusion matrix of {plural(report.count, "test image")}</p>
      </div>
      <div class={classes.length > BESIDE ? "stack" : "matrix-and-cell"}>
        <Matrix classes={classes} confusion={confusion} cell={cell} onChoose={setCell} />
        <div class="stack tight">
          <h3>
            {plural(value, "image")} of {truth} that it called {said}
          </h3>
          <p class="quiet">
            The most certain first. Choose another cell to see its images, and an image to see all
            its probabilities.
          </p>
          <TestedImages
            lab={lab}
            run={run}
            report={report}
            which={{ kind: "cell", ...cell }}
          />
        </div>
      </div>
    </section>
  );
}

interface MatrixProps {
  classes: string[];
  confusion: number[][];
  cell: Place;
  onChoose: (cell: Place) => void;
}

function Matrix({ classes, confusion, cell, onChoose }: MatrixProps) {
  const table = useRef<HTMLTableElement>(null);
  const shown = mostMistaken(confusion);
  const longest = Math.max(...classes.map((name) => name.length));
  const wrong = confusion.flatMap((row, k) => row.filter((_, j) => j !== k));
  const most = wrong.reduce((one, other) => Math.max(one, other), 1);
  const there = shown.includes(cell.true) && shown.includes(cell.predicted);
  // One cell can be reached with the Tab key, the others from it.
  const reached = there ? cell : { true: shown[0]!, predicted: shown[0]! };
  const move = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const clip = (place: number) => clamp(place, 0, shown.length - 1);
    const row = clip(shown.indexOf(reached.true) + step[0]);
    const column = clip(shown.indexOf(reached.predicted) + step[1]);
    onChoose({ true: shown[row]!, predicted: shown[column]! });
    table.current!.rows[row + 1]!.cells[column + 1]!.querySelector("button")!.focus();
  };
  return (
    <div class="stack tight">
      <Scroll label="Confusion matrix">
        <table
          class="matrix"
          role="grid"
          aria-label="Confusion matrix"
          ref={table}
          style={{ "--columns": shown.length, "--names": `${clamp(longest / 2 + 1, 4.4, 10)}rem` }}
        >
          <thead>
            <tr>
              <th>
                <span class="quiet">is ↓</span>
                <br />
                <span class="quiet">called →</span>
              </th>
              {shown.map((j) => (
                <th key={j} scope="col" title={classes[j]}>
                  {classes[j]}
                </th>
              ))}
            </tr>
          </thead>
          <tbody onKeyDown={move}>
            {shown.map((k) => (
              <tr key={k}>
                <th scope="row" title={classes[k]}>
                  {classes[k]}
                </th>
                {shown.map((j) => {
                  const value = confusion[k]![j]!;
                  const words = `${plural(value, "image")} of ${classes[k]} called ${classes[j]}`;
                  return (
                    <td
                      key={j}
                      role="gridcell"
                      aria-selected={k === cell.true && j === cell.predicted}
                    >
                      <button
                        type="button"
                        tabIndex={k === reached.true && j === reached.predicted ? 0 : -1}
                        class={k === j ? "right" : "wrong"}
                        style={{ "--strength": `${strength(confusion, k, j, most)}%` }}
                        aria-label={words}
                        onClick={() => onChoose({ true: k, predicted: j })}
                      >
                        {value > 0 ? count(value) : "·"}
                      </button>
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <p class="quiet">
        Blue: right answers. Orange: mistakes, the stronger the more of them. Arrow keys go from
        cell to cell.
      </p>
      {classes.length > shown.length && (
        <p class="quiet">
          The {MOST_CLASSES} of {count(classes.length)} classes with the most mistakes.
        </p>
      )}
    </div>
  );
}

/** The numbers of the classes that are shown, in their order. */
function mostMistaken(confusion: number[][]): number[] {
  const every = confusion.map((_, k) => k);
  if (every.length <= MOST_CLASSES) return every;
  const mistakes = every.map((k) =>
    every.reduce((sum, j) => (j === k ? sum : sum + confusion[k]![j]! + confusion[j]![k]!), 0),
  );
  const ordered = [...every].sort((one, other) => mistakes[other]! - mistakes[one]!);
  return ordered.slice(0, MOST_CLASSES).sort((one, other) => one - other);
}

/** Per cent of the colour: right answers as a share of their class, mistakes beside the worst. */
function strength(confusion: number[][], k: number, j: number, most: number): number {
  const value = confusion[k]![j]!;
  const row = confusion[k]!.reduce((sum, one) => sum + one, 0);
  return STRONGEST * (k === j ? value / Math.max(1, row) : Math.sqrt(value / most));
}

/** Precision, recall and F1 of each class. */
export function ClassTable({ report }: { report: TestReport }) {
  return (
    <section class="card" aria-labelledby="per-class-title">
      <div class="head">
        <h2 id="per-class-title">Class by class</h2>
      </div>
      <Scroll label="Scores of each class">
        <table>
          <thead>
            <tr>
              <th>Class</th>
              <th class="number">Precision</th>
              <th class="number">Recall</th>
              <th class="number">F1</th>
              <th class="number">Images</th>
            </tr>
          </thead>
          <tbody>
            {report.per_class.map((row) => (
              <tr key={row.name}>
                <th scope="row">{row.name}</th>
                <td class="number">{score("precision", row.precision)}</td>
                <td class="number">{score("recall", row.recall)}</td>
                <td class="number">{row.f1.toFixed(4)}</td>
                <td class="number">{count(row.count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <p class="quiet">
        Precision: of the images called so, the share that is. Recall: of the images that are, the
        share that was found. F1: both in one number.
      </p>
      {report.words.map((words) => (
        <p key={words}>{words}</p>
      ))}
    </section>
  );
}
