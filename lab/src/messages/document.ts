// Made by scripts/lab_types.py from src/firstlight/shells/lab/messages: change that.

import type { Value } from "./base";
import type { Source } from "./data";

/** Other data. */
export interface SetSource {
  kind: "source";
  source: Source | null;
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

/** Change the document; refused where `revision` is not the one that it has. */
export interface Edit {
  kind: "edit";
  id: number;
  revision: number;
  change: SetSource | SetReading | SetSettings;
}

/** What the user is working on. The server owns it; every edit raises its revision. */
export interface Document {
  revision: number;
  source: Source | null;
  reading: Record<string, Value>;
  settings: Record<string, Value>;
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

/** What can be chosen. `settings` depends on the task, which the data decide. */
export interface Options {
  builtins: string[];
  recipes: Recipe[];
  reading: Option[];
  settings: Option[];
  upload_bytes: number;
  upload_files: number;
}

/** The document, and what is trained with where it says nothing. */
export interface DocumentChanged {
  kind: "document";
  number: number;
  document: Document;
  defaults: Record<string, Value>;
  options: Options;
}
