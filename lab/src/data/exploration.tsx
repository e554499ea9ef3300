// What `firstlight explore` finds, as cards.

import { useState } from "preact/hooks";

import { Choice } from "../fields";
import { count, plural, short } from "../format";
import type { Exploration, Histogram } from "../messages";
import { Scroll } from "../scroll";

const MOST_CLASSES = 30;

export function ClassBalance({ found }: { found: Exploration }) {
  const largest = Math.max(1, ...found.parts.flatMap((part) => part.class_counts));
  const shown = found.classes.slice(0, MOST_CLASSES);
  return (
    <section class="card" aria-labelledby="classes-title">
      <div class="head">
        <h2 id="classes-title">Classes</h2>
        <p class="quiet">{count(found.classes.length)} classes</p>
      </div>
      <Scroll label="Images of each class">
        <table>
          <thead>
            <tr>
              <th>Class</th>
              {found.parts.map((part) => (
                <th key={part.part} class="number">
                  {part.part}
                </th>
              ))}
              <th class="wide">
                <span class="unseen">Training images as a bar</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((name, number) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {found.parts.map((part) => (
                  <td key={part.part} class="number">
                    {count(part.class_counts[number] ?? 0)}
                  </td>
                ))}
                <td>
                  <svg
                    class="share"
                    viewBox="0 0 100 8"
                    preserveAspectRatio="none"
                    aria-hidden="true"
                  >
                    <rect class="track" width="100" height="8" />
                    <rect
                      class="positive"
                      width={(100 * (found.parts[0]!.class_counts[number] ?? 0)) / largest}
                      height="8"
                    />
                  </svg>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {found.classes.length > MOST_CLASSES && (
        <p class="quiet">and {count(found.classes.length - MOST_CLASSES)} more</p>
      )}
      {found.balance !== null && (
        <p class="quiet">
          {short(Number(found.balance.toPrecision(3)))} images of the largest class for one of the
          smallest.
        </p>
      )}
      <p class="quiet">{found.split_rule}</p>
    </section>
  );
}

export function Targets({ found }: { found: Exploration }) {
  return (
    <section class="card" aria-labelledby="targets-title">
      <div class="head">
        <h2 id="targets-title">Targets</h2>
        <p class="quiet">{plural(found.target_names.length, "number")} to measure</p>
      </div>
      <Scroll label="Targets of each part">
        <table>
          <thead>
            <tr>
              {["Target", "Part"].map((name) => (
                <th key={name}>{name}</th>
              ))}
              {["min", "max", "mean", "std"].map((name) => (
                <th key={name} class="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {found.parts.flatMap((part) =>
              part.targets.map((target) => (
                <tr key={`${part.part} ${target.name}`}>
                  <th scope="row">
                    {target.name} {target.unit && `(${target.unit})`}
                  </th>
                  <td>{part.part}</td>
                  {[target.minimum, target.maximum, target.mean, target.std].map((value, k) => (
                    <td key={k} class="number">
                      {short(value)}
                    </td>
                  ))}
                </tr>
              )),
            )}
          </tbody>
        </table>
      </Scroll>
      <p class="quiet">{found.split_rule}</p>
    </section>
  );
}

const VIEWS = [
  ["stored", "Stored"],
  ["normalised", "Normalised"],
  ["standardised", "Standardised"],
] as const;

const VIEW_WORDS = {
  stored: "as they are in the file",
  normalised: "divided by the largest that their type holds: 0 to 1",
  standardised: "minus the mean, divided by the standard deviation",
};

export function PixelHistogram({ found }: { found: Exploration }) {
  const [view, setView] = useState<(typeof VIEWS)[number][0]>("stored");
  const histogram = found.histograms[view];
  const train = found.parts[0]!;
  return (
    <section class="card" aria-labelledby="pixels-title">
      <div class="head">
        <h2 id="pixels-title">Pixels</h2>
        <Choice legend="Pixels as" choices={VIEWS} value={view} onChange={setView} />
      </div>
      <Bars
        histogram={histogram}
        words={`Histogram of the training images' pixels, ${VIEW_WORDS[view]}`}
      />
      <p class="quiet">
        Training images, {VIEW_WORDS[view]}. Stored: {train.dtype}, {short(train.minimum)} to{" "}
        {short(train.maximum)}, mean {short(train.mean)}, standard deviation {short(train.std)}.
        Heights are square roots, so that rare values stay visible.
      </p>
    </section>
  );
}

function Bars({ histogram, words }: { histogram: Histogram; words: string }) {
  const { counts, edges } = histogram;
  const top = Math.sqrt(Math.max(1, ...counts));
  const ends = [edges[0]!, (edges[0]! + edges.at(-1)!) / 2, edges.at(-1)!];
  return (
    <div class="bars">
      <svg
        viewBox={`0 0 ${counts.length} 40`}
        preserveAspectRatio="none"
        role="img"
        aria-label={words}
      >
        {counts.map((value, k) => {
          const height = (40 * Math.sqrt(value)) / top;
          return (
            <rect
              key={k}
              class="positive"
              x={k + 0.08}
              y={40 - height}
              width="0.84"
              height={height}
            />
          );
        })}
      </svg>
      <p class="axis">
        {ends.map((end, k) => (
          <span key={k}>{short(Number(end.toPrecision(3)))}</span>
        ))}
      </p>
    </div>
  );
}

export function Duplicates({ found }: { found: Exploration }) {
  const { within, across, groups } = found.duplicates;
  const shared = Object.values(across).reduce((sum, one) => sum + one, 0);
  const repeated = Object.values(within).reduce((sum, one) => sum + one, 0);
  return (
    <section class="card" aria-labelledby="equal-title">
      <div class="head">
        <h2 id="equal-title">Equal images</h2>
      </div>
      <p>
        {repeated === 0 && shared === 0
          ? "No two images are equal byte for byte."
          : `${plural(repeated, "image")} repeated within a part, ${count(shared)} in two parts at once.`}
      </p>
      {shared > 0 && (
        <p class="problem">
          Images in two parts at once make the test look better than it is: remove them.
        </p>
      )}
      {groups.length > 0 && (
        <details>
          <summary>Which</summary>
          <ul class="lines">
            {groups.map((group) => (
              <li key={group.join()}>{group.join(" = ")}</li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

export function Files({ found, refused }: { found: Exploration; refused: number }) {
  return (
    <section class="card" aria-labelledby="files-title">
      <div class="head">
        <h2 id="files-title">Files</h2>
        <p class="quiet">
          {plural(found.files_read, "file")} read, {count(refused)} refused
        </p>
      </div>
      {refused > 0 && (
        <Scroll label="Refused files">
          <table>
            <thead>
              <tr>
                <th>File</th>
                <th>Reason</th>
              </tr>
            </thead>
            <tbody>
              {found.refused.map((one) => (
                <tr key={one.file}>
                  <th scope="row">{one.file}</th>
                  <td>{one.reason}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {refused > found.refused.length && (
        <p class="quiet">and {count(refused - found.refused.length)} more</p>
      )}
      {found.notes.map((note) => (
        <p key={note}>{note}</p>
      ))}
    </section>
  );
}
