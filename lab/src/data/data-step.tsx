// Step "Data": choose images, and look at them.

import { useState } from "preact/hooks";

import type { StepProps } from "../app";
import { ClassBalance, Duplicates, Files, PixelHistogram, Targets } from "./exploration";
import { count } from "../format";
import { SampleGrid } from "./samples";
import { SourceChoice } from "./source";

export function DataStep({ lab, state }: StepProps) {
  const { data, document } = state;
  const found = data.exploration;
  const [problem, setProblem] = useState("");
  const ask = (work: Promise<unknown>) =>
    void work.then(
      () => setProblem(""),
      (error: Error) => setProblem(error.message),
    );
  const simulate = () => ask(lab.ask({ kind: "simulate" }, "done"));
  const giveUp = () => ask(lab.edit({ kind: "source", source: null }));
  return (
    <div class="columns">
      <SourceChoice lab={lab} state={state} />
      <div class="stack">
        <section class="card" aria-labelledby="data-title">
          <div class="head">
            <h2 id="data-title">{found ? found.name : "Images"}</h2>
            <p class="quiet" role="status">
              {data.state === "none" && "Nothing chosen yet"}
              {data.state === "absent" && "Nothing there yet"}
              {data.state === "reading" && data.sentence}
              {found && summary(found.parts, found.pixel_unit)}
            </p>
          </div>
          {data.state === "none" && (
            <p class="empty">
              Choose images first. MNIST, 70,000 handwritten digits, ships with firstlight: with it,
              the first network trains in seconds.
            </p>
          )}
          {data.state === "absent" && (
            <div class="empty offer">
              <p>{data.sentence}</p>
              <p class="problem" role="alert" hidden={!problem}>
                {problem}
              </p>
              <button type="button" class="button strong" onClick={simulate}>
                Simulate maps
              </button>
            </div>
          )}
          {data.state === "reading" && (
            <div class="empty offer">
              {data.total > 0 ? (
                <>
                  <p>
                    {data.done} of {count(data.total)}
                  </p>
                  <progress value={data.done / data.total} aria-label={data.sentence} />
                  <button type="button" class="button" onClick={giveUp}>
                    Cancel
                  </button>
                </>
              ) : (
                <p>The images are being read …</p>
              )}
            </div>
          )}
          {data.state === "failed" && (
            <p class="problem" role="alert">
              {data.sentence}
            </p>
          )}
          {found && (
            <>
              <SampleGrid
                key={`${found.fingerprint} ${document.revision}`}
                lab={lab}
                found={found}
              />
              <p class="next">
                <a class="button" href="#train">
                  Train a network on these images
                </a>
              </p>
            </>
          )}
        </section>
        {found && (
          <div class="pair">
            {found.task === "classify" ? <ClassBalance found={found} /> : <Targets found={found} />}
            <div class="stack">
              <PixelHistogram found={found} />
              <Duplicates found={found} />
              <Files found={found} refused={data.refused} />
            </div>
          </div>
        )}
      </div>
    </div>
  );
}

function summary(parts: { part: string; count: number; shape: number[] }[], unit: string): string {
  const [, height, width, channels] = parts[0]!.shape;
  const colours = channels === 1 ? "one channel" : `${channels} channels`;
  const counts = parts.map((part) => `${count(part.count)} ${part.part}`).join(", ");
  return `${counts}; ${height}×${width} pixels, ${colours}${unit ? `, in ${unit}` : ""}`;
}
