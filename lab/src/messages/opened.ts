// Made by scripts/lab_types.py from src/firstlight/shells/lab/messages: change that.

/** Test images of a run, `count` from the `start`-th on, of one class or of all. */
export interface AskTested {
  kind: "tested";
  id: number;
  run: string;
  label: number | null;
  start: number;
  count: number;
}

/** An image that a user has brought. */
export interface UploadedImage {
  kind: "uploaded";
  upload: string;
  place: number;
  side: Record<string, number>;
}

/** A drawing on the pad. */
export interface Drawing {
  kind: "drawing";
  ink: string;
}
