// Step "Data": choose images, and look at them.

import type { StepProps } from "../app";
import { ClassBalance, Duplicates, Files, PixelHistogram, Targets } from "./exploration";
import { count } from "../format";
import { SampleGrid } from "./samples";
import { SourceChoice } from "./source";

export function DataStep({ lab, state }: StepProps) {
  const { data, document } = state;
  const found = data.exploration;
  return (
    <div class="columns">
      <SourceChoice lab={lab} state={state} />
      <div class="stack">
        <section class="card" aria-labelledby="data-title">
          <div class="head">
            <h2 id="data-title">{found ? found.name : "Images"}</h2>
            <p class="quiet" role="status">
              {data.state === "none" && "Nothing chosen yet"}
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
          {data.state === "reading" && <p class="empty">The images are being read …</p>}
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
