// Made by scripts/lab_types.py from src/firstlight/shells/lab/messages: change that.

import type { Value } from "./base";
import type { Exploration } from "./core";

/** Where the images come from. */
export interface Source {
  place: "builtin" | "path" | "upload";
  name: string;
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

/** Simulate the maps that are chosen and absent. */
export interface Simulate {
  kind: "simulate";
  id: number;
}

/** A place for files that `POST /upload/NAME/PATH` then brings. */
export interface NewUpload {
  kind: "upload";
  id: number;
  name: string;
  keep: boolean;
}

/** How far the source has been read. */
export interface Data {
  state: "absent" | "failed" | "none" | "reading" | "ready";
  sentence: string;
  done: number;
  total: number;
  reading: Record<string, Value>;
  exploration: Exploration | null;
  refused: number;
}

/** How far the source has been read. */
export interface DataChanged {
  kind: "data";
  number: number;
  data: Data;
}

/** One image of a sheet; `position` counts the images of its part from 0. */
export interface Tile {
  position: number;
  name: string;
  label: string;
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

/** A file or folder that can be chosen as a source. */
export interface Entry {
  name: string;
  folder: boolean;
}

/** What lies in a folder; `path` is below the folder where the lab was started. */
export interface Listing {
  kind: "listing";
  id: number;
  path: string;
  entries: Entry[];
  more: number;
}

/** Where the files of an upload go. */
export interface Uploading {
  kind: "uploading";
  id: number;
  upload: string;
}
