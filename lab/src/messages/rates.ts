// Made by scripts/lab_types.py from src/firstlight/shells/lab/messages: change that.

import type { RangeTest } from "./core";

/** Look for a learning rate for what the document says; a search that runs is given up. */
export interface FindRate {
  kind: "find-rate";
  id: number;
  revision: number;
}

/** Give up the search that runs. */
export interface GiveUpRate {
  kind: "give-up-rate";
  id: number;
}

/** How far the search for a learning rate is. */
export interface RateSearch {
  state: "failed" | "finished" | "none" | "running";
  sentence: string;
  about: string;
  steps: number;
  rates: number[];
  losses: number[];
  found: RangeTest | null;
}

/** How far the search is. */
export interface RateChanged {
  kind: "rate";
  number: number;
  search: RateSearch;
}
