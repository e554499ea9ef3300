// Made by scripts/lab_types.py from src/firstlight/shells/lab/messages: change that.

import type { Drawing, UploadedImage } from "./opened";

/** What a run's network makes of an image. */
export interface AskInside {
  kind: "inside";
  id: number;
  run: string;
  image: number | UploadedImage | Drawing;
  epoch: number | null;
}

/** A filter with all that it receives and answers. */
export interface AskKernel {
  kind: "kernel";
  id: number;
  run: string;
  image: number | UploadedImage | Drawing;
  epoch: number | null;
  layer: string | null;
  filter: number | null;
}

/** Where in the image an answer comes from. */
export interface AskSaliency {
  kind: "saliency";
  id: number;
  run: string;
  image: number | UploadedImage | Drawing;
  epoch: number | null;
  of: string;
}

/** Small pictures of one size side by side, `columns` in a row. */
export interface Pictures {
  png: string;
  count: number;
  columns: number;
  width: number;
  height: number;
  words: string;
}

/** A class with its probability, or a number that was measured. */
export interface Said {
  name: string;
  value: number;
  unit: string;
  true: boolean | number | null;
}

/** An array of numbers. */
export interface Numbers {
  shape: number[];
  data: string;
}

/** What one layer answers. */
export interface LayerInside {
  name: string;
  layer: string;
  shape: number[];
  words: string;
  maps: Pictures | null;
  numbers: Numbers | null;
  filters: Pictures | null;
}

/** A number taken apart; the fields are those of `firstlight.draw.opened.Opened`. */
export interface Table {
  title: string;
  meaning: string;
  heads: string[];
  rows: string[][];
  words: number;
}

/** What a network makes of one image. */
export interface Inside {
  kind: "inside";
  id: number;
  task: "classify" | "measure";
  images: number;
  reading: string[];
  side: string[];
  epochs: number[];
  image: Pictures;
  name: string;
  headline: string;
  answers: Said[];
  of: string;
  layers: LayerInside[];
  opened: Table[];
  notes: string[];
}

/** A filter at work; the fields are those of `firstlight.core.insight.SlidingKernel`. */
export interface Kernel {
  kind: "kernel";
  id: number;
  layer: string;
  filter: number;
  received: Numbers;
  answer: Numbers;
  weights: Numbers;
  channels: number[];
  bias: number;
  activation: string;
  before: [number, number];
  strides: [number, number];
  dilation: [number, number];
  row: number;
  column: number;
}

/** A saliency map with its sanity check. */
export interface SaliencyMap {
  title: string;
  maps: Pictures;
  correlation: number;
  reading: string;
  check: string;
  passed: boolean;
}

/** Where in the image an answer comes from, by several methods. */
export interface Saliencies {
  kind: "saliency";
  id: number;
  question: string;
  words: string;
  image: Pictures;
  maps: SaliencyMap[];
}
