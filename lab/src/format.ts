// Numbers as people read them.

import type { Run } from "./messages";

/** Metrics that are shares of one. */
const SHARES = new Set([
  "accuracy",
  "top_3",
  "top_5",
  "precision",
  "recall",
  "f1",
  "calibration_error",
]);

export const count = (value: number): string => value.toLocaleString("en-GB");

/** Four digits: 0.9123, 12.35, 1.2e-7. */
export function short(value: number | null): string {
  if (value === null) return "–";
  return String(Number(value.toPrecision(4)));
}

/** A loss or metric: accuracy as per cent, everything else in four digits. */
export function score(name: string, value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  return SHARES.has(name) ? `${(100 * value).toFixed(2)} %` : value.toPrecision(4);
}

/** A score of a test with its unit and its interval. */
export function tested({ name, value, low, high, unit }: Run["test"][number]): string {
  const ends =
    low !== null && high !== null ? ` (${score(name, low)} to ${score(name, high)})` : "";
  return `${score(name, value)}${unit && ` ${unit}`}${ends}`;
}

export const isShare = (name: string): boolean => SHARES.has(name);

/** `batch_size` as `Batch size`. */
export function title(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Seconds as `40 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

export function plural(number: number, word: string): string {
  return `${count(number)} ${word}${number === 1 ? "" : "s"}`;
}

/** A file's size: `120 bytes`, `12.3 MB`. */
export function bytes(size: number): string {
  for (const [unit, many] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]] as const) {
    if (size >= many) return `${Number((size / many).toPrecision(3))} ${unit}`;
  }
  return plural(size, "byte");
}

/** `24×24×16`, or – for none. */
export const shape = (sizes: readonly number[] | null): string =>
  sizes === null ? "–" : sizes.map(count).join("×");

/** `1,234` whole, `230 k`, `5.6 M` in three digits beyond. */
export function compact(value: number | null): string {
  if (value === null) return "–";
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e4]] as const) {
    if (value >= size) return `${Number((value / (unit === "k" ? 1e3 : size)).toPrecision(3))} ${unit}`;
  }
  return count(value);
}
