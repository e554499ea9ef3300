// Draw an image, and watch what the network says of it while the pen moves.

import { useEffect, useRef, useState } from "preact/hooks";

import { announce } from "../announce";
import type { Connection } from "../connection";
import { Choice } from "../fields";
import { LookInside } from "../looked";
import type { Answered, DrawingPad, TestReport } from "../messages";
import { pictureOf, Tile, type Sheet } from "../sheet";
import { Bars, largest, percent } from "./answered";
import { inkOf, paint, type Stroke } from "./strokes";

const SCREEN = 480; // pixels of the pad's longer side
const LOADING = "The network is being loaded …";
const PENS = [
  ["thin", "Thin"],
  ["medium", "Medium"],
  ["thick", "Thick"],
] as const;
const SIZES = { thin: 0.05, medium: 0.085, thick: 0.13 };
/** Steps of the cursor from one side to the other, by keyboard. */
const GRID = 14;
const STEPS: Record<string, [number, number]> = {
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
};

interface PadProps {
  lab: Connection;
  run: string;
  report: TestReport;
  pad: DrawingPad;
}

export function Pad({ lab, run, report, pad }: PadProps) {
  const { answer, ready, problem, ask } = useAnswers(lab, run, report, pad);
  const strokes = useRef<Stroke[]>([]);
  const canvas = useRef<HTMLCanvasElement>(null);
  const cursor = useRef<[number, number] | null>(null);
  const drawing = useRef(false);
  const [count, setCount] = useState(0);
  const [pen, setPen] = useState<keyof typeof SIZES>("medium");
  const [ink, ground] = pad.dark ? ["#fff", "#000"] : ["#000", "#fff"];

  const show = () => {
    const context = canvas.current!.getContext("2d")!;
    paint(context, strokes.current, ink!, ground!);
    if (cursor.current) {
      const [x, y] = cursor.current.map((step, axis) => (step + 0.5) / GRID * size[axis]!);
      context.strokeStyle = "#808080";
      context.lineWidth = 3;
      context.beginPath();
      context.arc(x!, y!, Math.max(8, (SIZES[pen] * size[0]!) / 2 + 4), 0, 7);
      context.stroke();
    }
  };
  const changed = (last: boolean) => {
    show();
    ask(strokes.current, last);
    setCount(strokes.current.length);
  };
  const begin = (point: [number, number]) =>
    strokes.current.push({ size: SIZES[pen], points: [point] });
  const clear = () => {
    strokes.current = [];
    changed(false);
  };
  const undo = () => {
    strokes.current.pop();
    changed(true);
  };

  const scale = SCREEN / Math.max(pad.width, pad.height);
  const size = [Math.round(scale * pad.width), Math.round(scale * pad.height)];
  useEffect(show, []);
  const place = (event: PointerEvent): [number, number] => {
    const box = canvas.current!.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  const down = (event: PointerEvent) => {
    if (event.button !== 0) return;
    canvas.current!.setPointerCapture(event.pointerId);
    drawing.current = true;
    cursor.current = null;
    begin(place(event));
    changed(false);
  };
  const move = (event: PointerEvent) => {
    if (!drawing.current) return;
    const passed = event.getCoalescedEvents();
    strokes.current.at(-1)!.points.push(...(passed.length ? passed : [event]).map(place));
    changed(false);
  };
  const up = () => {
    if (!drawing.current) return;
    drawing.current = false;
    changed(true);
  };
  const press = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    const from = cursor.current ?? [GRID / 2, GRID / 2];
    const at = ([x, y]: [number, number]): [number, number] => [(x + 0.5) / GRID, (y + 0.5) / GRID];
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      if (strokes.current.length) undo();
    } else if (event.key === " ") {
      cursor.current = from;
      begin(at(from));
      changed(true);
    } else if (step) {
      const clip = (value: number) => Math.min(Math.max(0, value), GRID - 1);
      const to: [number, number] = [clip(from[0] + step[0]), clip(from[1] + step[1])];
      cursor.current = to;
      if (event.shiftKey) {
        begin(at(from));
        strokes.current.at(-1)!.points.push(at(to));
        changed(true);
      } else {
        show();
        announce(`Row ${to[1] + 1}, column ${to[0] + 1}`);
      }
    } else {
      return;
    }
    event.preventDefault();
  };

  const values = answer?.samples.images[0]!.values ?? null;
  const unlike = answer?.samples.images[0]!.unlike;
  return (
    <section class="card" aria-labelledby="draw-title">
      <div class="head">
        <h2 id="draw-title">Draw</h2>
        <p class="quiet">{pad.digits ? "a digit" : "an image like those of the training"}</p>
      </div>
      <canvas
        ref={canvas}
        class="pad"
        width={size[0]}
        height={size[1]}
        tabIndex={0}
        role="application"
        aria-label="Drawing pad"
        aria-describedby="pad-keys"
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerCancel={up}
        onKeyDown={press}
        onBlur={() => {
          cursor.current = null;
          show();
        }}
      />
      <div class="bar tools">
        <Choice legend="Pen" choices={PENS} value={pen} onChange={setPen} />
        <button type="button" class="plain" disabled={count === 0} onClick={undo}>
          Undo
        </button>
        <button type="button" class="plain" disabled={count === 0} onClick={clear}>
          Clear
        </button>
      </div>
      <p class="says">
        {values && (
          <>
            It says <strong>{inWords(report, values)}</strong> sure.
          </>
        )}
        {!values && !problem && (ready ? "Draw with mouse, pen or finger." : LOADING)}
      </p>
      <div class="seen">
        <div class="stack tight">
          {answer ? (
            <Tile sheet={answer} place={0} words="What the network sees of the drawing" />
          ) : (
            <span class="nothing" />
          )}
          <span class="quiet">what the network sees</span>
        </div>
        <Bars classes={report.classes} values={values} />
      </div>
      {answer && (
        <p>
          <LookInside run={run} image={{ kind: "drawing", ink: answer.ink }} />
        </p>
      )}
      <p class="quiet likeness">
        {unlike && "The drawing does not look like the images that the network was trained on."}
      </p>
      <p class="problem" role="alert" hidden={!problem}>
        {problem}
      </p>
      <p class="quiet" id="pad-keys">
        By keyboard: arrow keys move, Space makes a dot, Shift and an arrow key draw a line, Ctrl+Z
        takes the last one back.
      </p>
      <p class="quiet">
        {pad.digits
          ? "The drawing is cut out, scaled to 20 pixels and put with its centre of mass into " +
            `the middle of ${pad.image_width}×${pad.image_height}, as digits of the training were.`
          : `The drawing is made ${pad.image_width}×${pad.image_height} pixels small.`}
      </p>
    </section>
  );
}

/** `7, 98.2 %` */
function inWords(report: TestReport, values: number[]): string {
  const best = largest(values);
  return `${report.classes[best]}, ${percent(values[best]!)}`;
}

/** What the network says of what was drawn last; one question is on its way at most. */
function useAnswers(lab: Connection, run: string, report: TestReport, pad: DrawingPad) {
  const [answer, setAnswer] = useState<(Sheet<Answered> & { ink: string }) | null>(null);
  const [ready, setReady] = useState(false);
  const [problem, setProblem] = useState("");
  const state = useRef({ strokes: [] as Stroke[], waiting: false, asking: false, tell: false });
  const context = useRef<CanvasRenderingContext2D | null>(null);

  const bring = async (strokes: Stroke[]) => {
    if (context.current === null) {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [pad.width, pad.height];
      context.current = canvas.getContext("2d", { willReadFrequently: true })!;
    }
    const ink = inkOf(context.current, strokes);
    const samples = await lab.ask({ kind: "drawn", run, ink }, "answered");
    setReady(true);
    return { samples, picture: await pictureOf(samples.sheet), ink };
  };
  const failed = (error: Error) => setProblem(error.message);
  const ask = async (strokes: Stroke[], tell: boolean) => {
    const now = state.current;
    Object.assign(now, { strokes, tell, waiting: true });
    if (now.asking) return;
    now.asking = true;
    let said: string | null = null;
    while (now.waiting) {
      now.waiting = false;
      const drawn = now.strokes;
      try {
        const found = drawn.length ? await bring(drawn) : null;
        said = found && inWords(report, found.samples.images[0]!.values);
        setAnswer(found);
        setProblem("");
      } catch (error) {
        failed(error as Error);
      }
    }
    now.asking = false;
    if (now.tell && said !== null) announce(said);
  };
  useEffect(() => {
    // The first answer takes seconds: the network is loaded, after all that was asked already.
    const timer = setTimeout(() => void bring([]).catch(failed), 0);
    return () => clearTimeout(timer);
  }, []);
  return { answer, ready, problem, ask };
}
