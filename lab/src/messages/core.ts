// Made by scripts/lab_types.py from src/firstlight/shells/lab/messages: change that.

/** One target column of one part in numbers, in the column's unit. */
export interface TargetSummary {
  name: string;
  unit: string;
  minimum: number;
  maximum: number;
  mean: number;
  std: number;
}

/** How many groups there are, and how many images the smallest and the largest have. */
export interface GroupSummary {
  count: number;
  smallest: number;
  largest: number;
}

/** One part of a data set in numbers. */
export interface PartSummary {
  part: string;
  count: number;
  shape: number[];
  dtype: string;
  minimum: number;
  maximum: number;
  mean: number;
  std: number;
  class_counts: number[];
  targets: TargetSummary[];
  groups: GroupSummary | null;
}

/** Images that are equal byte for byte. */
export interface Duplicates {
  within: Record<string, number>;
  across: Record<string, number>;
  groups: string[][];
}

/** How many pixels lie between neighbouring edges. */
export interface Histogram {
  counts: number[];
  edges: number[];
}

/** The pixels of the training images, as stored and prepared in the two usual ways. */
export interface PixelHistograms {
  stored: Histogram;
  normalised: Histogram;
  standardised: Histogram;
}

/** A file that was left out, and why, in one line. */
export interface Refused {
  file: string;
  reason: string;
}

/** A first look at a data set; plain values only, so that it can be written as JSON. */
export interface Exploration {
  name: string;
  source: string;
  task: "classify" | "measure";
  classes: string[];
  target_names: string[];
  target_units: string[];
  parts: PartSummary[];
  balance: number | null;
  duplicates: Duplicates;
  histograms: PixelHistograms;
  sizes: [[number, number], number][];
  files_read: number;
  refused: Refused[];
  notes: string[];
  split_rule: string;
  fingerprint: string;
  pixel_unit: string;
}

/** The training loss while the learning rate grows from step to step (Smith 2017). */
export interface RangeTest {
  rates: number[];
  losses: number[];
  smoothed: number[];
  lowest: number;
  steepest: number;
  suggestion: number;
  rule: string;
  end: string;
  command: string;
}

/** What seems to be wrong with a training, and what to try next. */
export interface Diagnosis {
  level: "advice" | "warning";
  code: string;
  sentence: string;
  evidence: string;
  experiment: string;
  settings: Record<string, unknown>;
}

/** One argument of a layer, with all that a form needs to ask for it. */
export interface Argument {
  name: string;
  kind: "activation" | "axes" | "choice" | "constraint" | "count" | "initializer" | "number" | "numbers" | "pair" | "regularizer" | "shape" | "sides" | "switch" | "text";
  help: string;
  default: unknown;
  needed: boolean;
  optional: boolean;
  least: number | null;
  most: number | null;
  choices: string[];
  rare: boolean;
}

/** A layer class that a list of layers may name. */
export interface LayerKind {
  kind: string;
  title: string;
  words: string;
  group: string;
  arguments: Argument[];
  start: Record<string, unknown>;
}
