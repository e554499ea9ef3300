// What the step "Look inside" looks at, kept while other steps are open, and the links to it.

import type { AskInside } from "./messages";
import { keepRun } from "./run-choice";

const KEPT = "firstlight look";

export interface Looked {
  run: string;
  image: AskInside["image"];
  epoch: number | null;
  /** Of the kernel at work; null: where the answer is largest. */
  filter: { layer: string; filter: number } | null;
}

export function keptLook(): Looked | null {
  return JSON.parse(sessionStorage.getItem(KEPT) ?? "null") as Looked | null;
}

export function keepLook(looked: Looked): void {
  sessionStorage.setItem(KEPT, JSON.stringify(looked));
}

/** To the network at work on an image. */
export function LookInside({ run, image }: Pick<Looked, "run" | "image">) {
  const keep = () => {
    keepRun(run);
    keepLook({ run, image, epoch: null, filter: null });
  };
  return (
    <a class="button" href="#inside" onClick={keep}>
      Look inside
    </a>
  );
}
