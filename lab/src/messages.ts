// Made by scripts/lab_types.py from src/firstlight/shells/lab/messages.py: change that.

/** What a setting can be; null is unset. */
export type Value = number | string | null;

/** The first message: what the page has seen already; answered by what it has not. */
export interface Hello {
  kind: "hello";
  stream: string;
  after: number;
}

/** Change the document; refused where `revision` is not the one that it has. */
export interface Edit {
  kind: "edit";
  id: number;
  revision: number;
  change: SetSource | SetReading | SetSettings;
}

/** Other data. */
export interface SetSource {
  kind: "source";
  source: Source | null;
}

/** Where the images come from. */
export interface Source {
  place: "builtin" | "path" | "upload";
  name: string;
}

/** Other ways to read the data; None puts one back to what it is by itself. */
export interface SetReading {
  kind: "reading";
  values: Record<string, Value>;
}

/** Other settings of the training; None puts one back to what the recipe says. */
export interface SetSettings {
  kind: "settings";
  values: Record<string, Value>;
}

/** Change the network. Layers are named by their keys, so this asks for no revision: what was */
export interface Build {
  kind: "build";
  id: number;
  change: AddLayer | RemoveLayer | MoveLayer | SetArgument | StartFrom | SetYaml | Mend | Undo | Redo;
}

/** A new layer before position `index`. */
export interface AddLayer {
  kind: "add";
  layer: string;
  index: number;
}

/** A layer away. */
export interface RemoveLayer {
  kind: "remove";
  key: number;
}

/** A layer to position `index`. */
export interface MoveLayer {
  kind: "move";
  key: number;
  index: number;
}

/** An argument of a layer, as it was typed so far. */
export interface SetArgument {
  kind: "argument";
  key: number;
  name: string;
  value: boolean | string;
}

/** The layers of a recipe in place of all others. */
export interface StartFrom {
  kind: "recipe";
  recipe: string;
}

/** The network as YAML. */
export interface SetYaml {
  kind: "yaml";
  text: string;
}

/** What the doctor's button says: of the layer `key`, or of the whole network. */
export interface Mend {
  kind: "mend";
  key: number | null;
  code: string;
}

/** The last change to the network taken back. */
export interface Undo {
  kind: "undo";
}

/** The change that was taken back last made again. */
export interface Redo {
  kind: "redo";
}

/** Every layer that there is, with its arguments. */
export interface AskLayers {
  kind: "layers";
  id: number;
}

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

/** Images of the data set, `count` from the `start`-th on, of one class or of all. */
export interface AskSamples {
  kind: "samples";
  id: number;
  part: "test" | "train" | "validation";
  label: number | null;
  start: number;
  count: number;
}

/** What can be chosen in a folder below the one where the lab was started. */
export interface Browse {
  kind: "browse";
  id: number;
  path: string;
}

/** A place for files that `POST /upload/NAME/PATH` then brings. */
export interface NewUpload {
  kind: "upload";
  id: number;
  name: string;
}

/** Everything that a page shows. */
export interface Snapshot {
  kind: "snapshot";
  number: number;
  stream: string;
  folder: string;
  document: Document;
  defaults: Record<string, Value>;
  options: Options;
  network: Network;
  data: Data;
  runs: Run[];
}

/** What the user is working on. The server owns it; every edit raises its revision. */
export interface Document {
  revision: number;
  source: Source | null;
  reading: Record<string, Value>;
  settings: Record<string, Value>;
}

/** What can be chosen. `settings` depends on the task, which the data decide. */
export interface Options {
  builtins: string[];
  recipes: Recipe[];
  reading: Option[];
  settings: Option[];
  upload_bytes: number;
  upload_files: number;
}

/** A network by name. */
export interface Recipe {
  name: string;
  summary: string;
}

/** A field of `TrainSettings` or `DataSettings`, as the page's forms show it. */
export interface Option {
  name: string;
  help: string;
  type: "integer" | "number" | "text";
  choices: string[];
  least: number | null;
  most: number | null;
  default: Value;
}

/** The network as it stands, counted for one image of `image` (height, width, channels). */
export interface Network {
  recipe: string;
  own: boolean;
  editable: boolean;
  image: [number, number, number];
  outputs: number;
  counted_for: string;
  rows: Row[];
  problems: Problem[];
  parameters: number;
  flops: number;
  activation_bytes: number;
  ready: boolean;
  can_undo: boolean;
  can_redo: boolean;
  yaml: string;
  code: string;
}

/** A layer of the network; the fields are those of `firstlight.core.network.NetworkRow`. */
export interface Row {
  key: number;
  layer: string;
  title: string;
  words: string;
  arguments: Record<string, unknown>;
  makes: number[] | null;
  parameters: number | null;
  flops: number | null;
  receptive_field: [number, number] | null;
  problems: Problem[];
}

/** What the doctor says about the network or one of its layers. */
export interface Problem {
  level: "advice" | "error" | "warning";
  code: string;
  sentence: string;
  remedy: string;
  button: string;
}

/** How far the source has been read. */
export interface Data {
  state: "failed" | "none" | "reading" | "ready";
  sentence: string;
  exploration: Exploration | null;
  refused: number;
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

/** Images that are equal byte for byte. */
export interface Duplicates {
  within: Record<string, number>;
  across: Record<string, number>;
  groups: string[][];
}

/** The pixels of the training images, as stored and prepared in the two usual ways. */
export interface PixelHistograms {
  stored: Histogram;
  normalised: Histogram;
  standardised: Histogram;
}

/** How many pixels lie between neighbouring edges. */
export interface Histogram {
  counts: number[];
  edges: number[];
}

/** A file that was left out, and why, in one line. */
export interface Refused {
  file: string;
  reason: string;
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

/** A number of the test, with its interval where there is one. */
export interface Score {
  name: string;
  value: number | null;
  low: number | null;
  high: number | null;
}

/** The document, and what is trained with where it says nothing. */
export interface DocumentChanged {
  kind: "document";
  number: number;
  document: Document;
  defaults: Record<string, Value>;
  options: Options;
}

/** The network, and the revision of the document that it makes. */
export interface NetworkChanged {
  kind: "network";
  number: number;
  revision: number;
  network: Network;
}

/** How far the source has been read. */
export interface DataChanged {
  kind: "data";
  number: number;
  data: Data;
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

/** What a run's curves go on with. Points that end after the first new one begins are void. */
export interface Points {
  kind: "points";
  number: number;
  run: string;
  progress: Progress;
  points: Point[];
  epochs: EpochRow[];
}

/** Means over the batches `first + 1` to `last` of a run, counted from its beginning. */
export type Point = [first: number, last: number, loss: number | null, value: number | null];

/** The page was too slow and messages were dropped: it has to say `Hello` anew. */
export interface Resync {
  kind: "resync";
}

/** It was done. */
export interface Done {
  kind: "done";
  id: number;
}

/** It was not done; the sentence says why, and what to do. */
export interface Refusal {
  kind: "refused";
  id: number;
  sentence: string;
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

/** Every layer that there is. */
export interface Layers {
  kind: "layers";
  id: number;
  layers: LayerKind[];
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

/** Images side by side on one sheet, `columns` in a row. */
export interface Samples {
  kind: "samples";
  id: number;
  total: number;
  start: number;
  tiles: Tile[];
  sheet: string;
  columns: number;
  width: number;
  height: number;
  colours: string;
}

/** One image of a sheet. */
export interface Tile {
  name: string;
  label: string;
}

/** What lies in a folder; `path` is below the folder where the lab was started. */
export interface Listing {
  kind: "listing";
  id: number;
  path: string;
  entries: Entry[];
  more: number;
}

/** A file or folder that can be chosen as a source. */
export interface Entry {
  name: string;
  folder: boolean;
}

/** Where the files of an upload go. */
export interface Uploading {
  kind: "uploading";
  id: number;
  upload: string;
}

export type FromTab =
  | Hello
  | Edit
  | Build
  | AskLayers
  | Start
  | Stop
  | Resume
  | AskCurve
  | AskSamples
  | Browse
  | NewUpload;

export type ToTab =
  | Snapshot
  | DocumentChanged
  | NetworkChanged
  | DataChanged
  | RunChanged
  | RunGone
  | Points
  | Resync
  | Done
  | Refusal
  | Started
  | Curve
  | Layers
  | Samples
  | Listing
  | Uploading;
