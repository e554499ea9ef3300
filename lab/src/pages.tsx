// Going through a list a page at a time.

import { count } from "./format";

interface PagesProps {
  /** The first one that is shown. */
  start: number;
  /** How many are shown at most. */
  shown: number;
  total: number;
  onTurn: (start: number) => void;
}

export function Pages({ start, shown, total, onTurn }: PagesProps) {
  const last = Math.min(start + shown, total);
  return (
    <>
      <span class="quiet range" role="status">
        {total > 0 && `${count(start + 1)}–${count(last)} of ${count(total)}`}
      </span>
      <button
        type="button"
        class="plain"
        disabled={start === 0}
        onClick={() => onTurn(Math.max(0, start - shown))}
      >
        Previous
      </button>
      <button
        type="button"
        class="plain"
        disabled={last >= total}
        onClick={() => onTurn(start + shown)}
      >
        Next
      </button>
    </>
  );
}
