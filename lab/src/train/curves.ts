// The curves of a run, kept short as the server keeps them (shells/lab/curves.py).

import type { EpochRow, Point } from "../messages";

const MOST = 400;

function merged(one: Point, other: Point): Point {
  const [left, right] = [one[1] - one[0], other[1] - other[0]];
  const mean = (before: number | null, after: number | null) =>
    before === null || after === null ? null : (left * before + right * after) / (left + right);
  return [one[0], other[1], mean(one[2], other[2]), mean(one[3], other[3])];
}

/** Go on with a curve; what a killed run had trained after its last checkpoint is void. */
export function addPoints(points: Point[], added: Point[]): void {
  const first = added[0];
  if (first === undefined) return;
  while (points.length && points.at(-1)![1] > first[0]) points.pop();
  points.push(...added);
  if (points.length > MOST) {
    const pairs: Point[] = [];
    for (let k = 0; k < points.length; k += 2) {
      const other = points[k + 1];
      pairs.push(other ? merged(points[k]!, other) : points[k]!);
    }
    points.splice(0, points.length, ...pairs);
  }
}

/** Go on with the epochs; one that ran again takes the place of what it was. */
export function addEpochs(epochs: EpochRow[], added: EpochRow[]): void {
  const first = added[0];
  if (first === undefined) return;
  while (epochs.length && epochs.at(-1)![0] >= first[0]) epochs.pop();
  epochs.push(...added);
  if (epochs.length > MOST) {
    const last = epochs.length - 1;
    epochs.splice(0, epochs.length, ...epochs.filter((_, k) => k % 2 === last % 2));
  }
}
