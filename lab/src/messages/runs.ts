// Made by scripts/lab_types.py from src/firstlight/shells/lab/messages: change that.

import type { Value } from "./base";
import type { Diagnosis } from "./core";

/** Train what the document says; answered with `Started`. */
export interface Start {
  kind: "start";
  id: number;
  revision: number;
  name: string;
}

/** Have a run save and end. */
export interface Stop {
  kind: "stop";
  id: number;
  run: string;
}

/** Go on with a run that was stopped or killed. */
export interface Resume {
  kind: "resume";
  id: number;
  run: string;
}

/** All points and epochs of a run; later ones come by themselves, as `Points`. */
export interface AskCurve {
  kind: "curve";
  id: number;
  run: string;
}

/** How far a training has come; loss and value (of the metric) are means of the epoch so far. */
export interface Progress {
  step: number;
  steps: number;
  epoch: number;
  epochs: number;
  loss: number | null;
  value: number | null;
  images_per_second: number | null;
  seconds_left: number | null;
}

/** One finished epoch: means over its training images, and the validation images after it. */
export type EpochRow = [epoch: number, loss: number | null, value: number | null, validation_loss: number | null, validation_value: number | null, seconds: number];

/** A number of the test, with its interval and its unit where there is one. */
export interface Score {
  name: string;
  value: number | null;
  low: number | null;
  high: number | null;
  unit: string;
}

/** A run as it stands. */
export interface Run {
  name: string;
  state: "failed" | "finished" | "killed" | "starting" | "stopped" | "training";
  sentence: string;
  machine: string;
  created: string;
  command: string;
  data: string;
  parameters: number;
  settings: Record<string, Value>;
  notes: string[];
  metric: string;
  progress: Progress | null;
  last: EpochRow | null;
  test: Score[];
  diagnosis: Diagnosis[];
}

/** A run as it stands now. */
export interface RunChanged {
  kind: "run";
  number: number;
  run: Run;
}

/** A run's folder is no longer there. */
export interface RunGone {
  kind: "gone";
  number: number;
  run: string;
}

/** Means over the batches `first + 1` to `last` of a run, counted from its beginning. */
export type Point = [first: number, last: number, loss: number | null, value: number | null];

/** What a run's curves go on with. Points that end after the first new one begins are void. */
export interface Points {
  kind: "points";
  number: number;
  run: string;
  progress: Progress;
  points: Point[];
  epochs: EpochRow[];
  diagnosis: Diagnosis[];
}

/** The run that was started. */
export interface Started {
  kind: "started";
  id: number;
  run: string;
}

/** A run's curves up to now. */
export interface Curve {
  kind: "curve";
  id: number;
  run: string;
  points: Point[];
  epochs: EpochRow[];
}
