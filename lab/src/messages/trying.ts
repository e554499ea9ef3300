// Made by scripts/lab_types.py from src/firstlight/shells/lab/messages: change that.

import type { Refused } from "./core";

/** What a run's test has said, as its report has it. */
export interface AskTestReport {
  kind: "test-report";
  id: number;
  run: string;
}

/** The test images of one cell of the confusion matrix, the most certain first. */
export interface Cell {
  kind: "cell";
  true: number;
  predicted: number;
}

/** The most certain mistakes first; of measured values those that are furthest off. */
export interface Worst {
  kind: "worst";
  target: number;
}

/** One test image. */
export interface OneImage {
  kind: "one";
  position: number;
}

/** What a run's test has said of some images, `count` from the `start`-th on. */
export interface AskAnswers {
  kind: "answers";
  id: number;
  run: string;
  which: Cell | Worst | OneImage;
  start: number;
  count: number;
}

/** What a network says of a drawing. */
export interface AskDrawn {
  kind: "drawn";
  id: number;
  run: string;
  ink: string;
}

/** What a network says of uploaded images. */
export interface AskDropped {
  kind: "dropped";
  id: number;
  run: string;
  upload: string;
  side: Record<string, number>;
}

/** One class of the report; `count` is how many images truly are of it. */
export interface ClassRow {
  name: string;
  precision: number;
  recall: number;
  f1: number;
  count: number;
}

/** True values of one target, and what the network says of them; rising with the true value. */
export interface Values {
  name: string;
  unit: string;
  words: string[];
  positions: number[];
  true: number[];
  said: number[];
  low: (number | null)[];
  high: (number | null)[];
}

/** What is drawn on: see `firstlight.api.drawing.Pad`. */
export interface DrawingPad {
  width: number;
  height: number;
  image_width: number;
  image_height: number;
  dark: boolean;
  digits: boolean;
}

/** What a run's test has said. */
export interface TestReport {
  kind: "test-report";
  id: number;
  task: "classify" | "measure";
  data: string;
  count: number;
  words: string[];
  classes: string[];
  per_class: ClassRow[];
  confusion: number[][];
  values: Values[];
  level: number | null;
  side: string[];
  pad: DrawingPad | null;
  no_pad: string;
}

/** What a network says of one image. */
export interface AnsweredImage {
  name: string;
  position: number | null;
  truth: string;
  values: number[];
  low: (number | null)[];
  high: (number | null)[];
  unlike: boolean | null;
}

/** What a network says of some images, and these as it sees them. */
export interface Answered {
  kind: "answered";
  id: number;
  total: number;
  start: number;
  images: AnsweredImage[];
  sheet: string;
  columns: number;
  width: number;
  height: number;
  colours: string;
  level: number | null;
  refused: Refused[];
  notes: string[];
}
