// Made by scripts/lab_types.py from src/firstlight/shells/lab/messages: change that.

/** What a setting can be; null is unset. */
export type Value = number | string | null;

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
