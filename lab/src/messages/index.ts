// Made by scripts/lab_types.py from src/firstlight/shells/lab/messages: change that.

import type { Done, Refusal, Resync, Value } from "./base";
import type {
  AskSamples,
  Browse,
  Data,
  DataChanged,
  Listing,
  NewUpload,
  Samples,
  Simulate,
  Uploading,
} from "./data";
import type { Document, DocumentChanged, Edit, Options } from "./document";
import type {
  AskExports,
  ExportChanged,
  ExportGone,
  Exports,
  MakeExport,
  StopExport,
} from "./exporting";
import type { AskInside, AskKernel, AskSaliency, Inside, Kernel, Saliencies } from "./inside";
import type { AskLayers, Build, Layers, Network, NetworkChanged } from "./network";
import type { AskTested } from "./opened";
import type { FindRate, GiveUpRate, RateChanged, RateSearch } from "./rates";
import type {
  AskCurve,
  Curve,
  Points,
  Resume,
  Run,
  RunChanged,
  RunGone,
  Start,
  Started,
  Stop,
} from "./runs";
import type {
  Answered,
  AskAnswers,
  AskDrawn,
  AskDropped,
  AskTestReport,
  TestReport,
} from "./trying";

export type * from "./base";
export type * from "./core";
export type * from "./data";
export type * from "./document";
export type * from "./exporting";
export type * from "./inside";
export type * from "./network";
export type * from "./opened";
export type * from "./rates";
export type * from "./runs";
export type * from "./trying";

/** The first message: what the page has seen already; answered by what it has not. */
export interface Hello {
  kind: "hello";
  stream: string;
  after: number;
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
  rate: RateSearch;
  runs: Run[];
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
  | FindRate
  | GiveUpRate
  | AskSamples
  | Browse
  | Simulate
  | NewUpload
  | AskTested
  | AskInside
  | AskKernel
  | AskSaliency
  | AskTestReport
  | AskAnswers
  | AskDrawn
  | AskDropped
  | AskExports
  | MakeExport
  | StopExport;

export type ToTab =
  | Snapshot
  | DocumentChanged
  | NetworkChanged
  | DataChanged
  | RunChanged
  | RunGone
  | Points
  | RateChanged
  | Resync
  | Done
  | Refusal
  | Started
  | Curve
  | Layers
  | Samples
  | Listing
  | Uploading
  | Inside
  | Kernel
  | Saliencies
  | TestReport
  | Answered
  | ExportChanged
  | ExportGone
  | Exports;
