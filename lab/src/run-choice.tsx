// Which run the steps after the training look at.

import { useState } from "preact/hooks";

import type { State } from "./connection";
import type { Run } from "./messages";

const KEPT = "firstlight run";

/** Newest first. */
export function byAge(one: Run, other: Run): number {
  if (one.created === other.created) return other.name.localeCompare(one.name);
  return one.created < other.created ? 1 : -1;
}

export function keepRun(name: string): void {
  sessionStorage.setItem(KEPT, name);
}

/** The runs with a trained network, the one that was chosen in any step, and how to choose. */
export function useRun(state: State): {
  runs: Run[];
  run: Run | undefined;
  choose: (name: string) => void;
} {
  const [chosen, setChosen] = useState(() => sessionStorage.getItem(KEPT) ?? "");
  const runs = [...state.runs.values()].filter((run) => run.state === "finished").sort(byAge);
  const choose = (name: string) => {
    keepRun(name);
    setChosen(name);
  };
  return { runs, run: runs.find((run) => run.name === chosen) ?? runs[0], choose };
}

interface RunChoiceProps {
  runs: Run[];
  run: Run | undefined;
  onChoose: (name: string) => void;
}

/** The list of runs to look at; where there is none, the way to one. */
export function RunChoice({ runs, run, onChoose }: RunChoiceProps) {
  if (!run) {
    return (
      <p class="empty">
        No network has been trained yet: <a href="#train">train one first</a>.
      </p>
    );
  }
  return (
    <label class="with-label">
      <span>Run</span>
      <select value={run.name} onChange={(event) => onChoose(event.currentTarget.value)}>
        {runs.map((one) => (
          <option key={one.name}>{one.name}</option>
        ))}
      </select>
    </label>
  );
}
