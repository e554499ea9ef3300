// The frame around the steps: rail, state of the connection, light or dark, what is announced.

import { useEffect, useRef, useState } from "preact/hooks";
import type { FunctionComponent } from "preact";

import { announced } from "./announce";
import { useLab, type Connection, type State } from "./connection";
import { BuildStep } from "./build/build-step";
import { DataStep } from "./data/data-step";
import { ExportStep } from "./export/export-step";
import { InsideStep } from "./inside/inside-step";
import { TrainStep } from "./train/train-step";
import { TryStep } from "./try/try-step";

export interface StepProps {
  lab: Connection;
  state: State;
}

/** The steps in the order of the rail. */
const STEPS: { name: string; title: string; view: FunctionComponent<StepProps> }[] = [
  { name: "data", title: "Data", view: DataStep },
  { name: "build", title: "Build", view: BuildStep },
  { name: "train", title: "Train", view: TrainStep },
  { name: "inside", title: "Look inside", view: InsideStep },
  { name: "try", title: "Try it", view: TryStep },
  { name: "export", title: "Export", view: ExportStep },
];

const LINES = {
  connecting: "Connecting",
  live: "Live",
  lost: "Not connected: trying again",
  ended: "The lab was started anew: open the address that it printed",
};

function currentStep(): number {
  const found = STEPS.findIndex((step) => `#${step.name}` === location.hash);
  return Math.max(0, found);
}

export function App({ lab }: { lab: Connection }) {
  const state = useLab(lab);
  const [step, setStep] = useState(currentStep);
  const [words, setWords] = useState("");
  const main = useRef<HTMLElement>(null);

  useEffect(() => announced(setWords), []);
  useEffect(() => {
    const turn = () => {
      setStep(currentStep());
      scrollTo(0, 0);
      main.current?.focus({ preventScroll: true });
    };
    addEventListener("hashchange", turn);
    return () => removeEventListener("hashchange", turn);
  }, []);
  const { title, view: View } = STEPS[step]!;
  useEffect(() => {
    document.title = `${title} – firstlight lab`;
  }, [title]);

  return (
    <>
      <a class="skip" href="#content" onClick={(event) => jump(event, main.current)}>
        Skip to the step
      </a>
      <header>
        <span class="brand">
          <Mark /> Lab
        </span>
        <nav aria-label="Steps">
          <ol>
            {STEPS.map((one, number) => (
              <li key={one.name}>
                <a href={`#${one.name}`} aria-current={number === step ? "step" : undefined}>
                  <span class="number">{number + 1}</span> <span class="name">{one.title}</span>
                </a>
              </li>
            ))}
          </ol>
        </nav>
        <span class={`line ${lab.line}`} role="status">
          <span class="words">{LINES[lab.line]}</span>
        </span>
        <Theme />
      </header>
      <main id="content" ref={main} tabIndex={-1}>
        <h1 class="unseen">{title}</h1>
        {state === null ? (
          <p class="quiet">{LINES[lab.line]} …</p>
        ) : (
          <View lab={lab} state={state} />
        )}
      </main>
      <div class="unseen" role="log" aria-live="polite">
        {words}
      </div>
    </>
  );
}

function jump(event: Event, target: HTMLElement | null): void {
  // The address after # is the step's.
  event.preventDefault();
  target?.focus();
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 20 16" width="20" height="16" aria-hidden="true">
      <rect class="negative" width="6" height="16" />
      <rect class="zero" x="7" width="6" height="16" />
      <rect class="positive" x="14" width="6" height="16" />
    </svg>
  );
}

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Light or dark: as the system says, until the button is pressed. */
function Theme() {
  const [theme, setTheme] = useState(
    () => localStorage.getItem("theme") ?? (dark.matches ? "dark" : "light"),
  );
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    dispatchEvent(new Event("themechange"));
  }, [theme]);
  const other = theme === "dark" ? "light" : "dark";
  const change = () => {
    localStorage.setItem("theme", other);
    setTheme(other);
  };
  return (
    <button class="plain icon" type="button" onClick={change} aria-label={`Use ${other} colours`}>
      <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
        <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="1.5" />
        <path d="M8 2a6 6 0 0 1 0 12z" fill="currentColor" />
      </svg>
    </button>
  );
}
