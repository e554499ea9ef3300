// Step "Look inside": a run's network while it answers for one image.

import { useEffect, useRef, useState } from "preact/hooks";

import type { StepProps } from "../app";
import { Refused } from "../connection";
import { plural } from "../format";
import { keepLook, keptLook, type Looked } from "../looked";
import type { Inside, LayerKind } from "../messages";
import { OwnImages } from "../own-images";
import { RunChoice, useRun } from "../run-choice";
import { Tile } from "../sheet";
import { Answers } from "./answer";
import { ImageChoice } from "./image-choice";
import { KernelAtWork } from "./kernel";
import { Layers } from "./layers";
import { filterOf, type Filter } from "./numbers";
import { Opened } from "./opened";
import { usePictures } from "./pictures";
import { Saliency } from "./saliency";

export function InsideStep({ lab, state }: StepProps) {
  const { runs, run, choose: chooseRun } = useRun(state);
  const [last, setChosen] = useState(keptLook);
  const [answer, setAnswer] = useState<{ looked: Looked; found: Inside } | null>(null);
  const [work, setWork] = useState<{ run: string; filter: Filter } | null>(null);
  const [problem, setProblem] = useState("");
  /** Why something else is shown than what was to be looked at. */
  const [gone, setGone] = useState("");
  const [kinds, setKinds] = useState(new Map<string, LayerKind>());
  const name = run?.name ?? "";
  const start: Looked = { run: name, image: 0, epoch: null, filter: null };
  const chosen = last?.run === name ? last : start;
  const keep = (looked: Looked) => {
    keepLook(looked);
    setChosen(looked);
  };
  const choose = (change: Partial<Looked>) => {
    setGone("");
    keep({ ...chosen, ...change });
  };
  const show = (layer: string, filter: number) => choose({ filter: { layer, filter } });
  const { image, epoch } = chosen;
  const asked = { run: name, image, epoch };
  const key = JSON.stringify(asked);
  const shown = answer?.looked.run === name ? answer : null;
  const found = shown?.found ?? null;
  const filter = work?.run === name ? work.filter : null;
  const convolutions = found?.layers.filter((layer) => layer.filters) ?? [];
  const any = convolutions.length > 0;
  const ready = lab.line === "live" && name !== "";

  // What is chosen when an upload has come, and not when it began; null: another step is open.
  const now = useRef<{ run: string; choose: typeof choose } | null>(null);
  now.current = { run: name, choose };
  useEffect(() => () => void (now.current = null), []);
  /** Asks before it shows: an image that cannot be read leaves the one before in its place. */
  const look = async (upload: string, side: Record<string, number>) => {
    const own = { kind: "uploaded", upload, place: 0, side } as const;
    await lab.ask({ kind: "inside", ...asked, image: own }, "inside");
    if (now.current?.run === name) now.current.choose({ image: own });
  };
  useEffect(() => void lab.layers().then(setKinds, () => {}), [lab.line]);
  const bring = (load: () => Promise<() => void>, failed: (error: Error) => void) => {
    let current = true;
    load().then(
      (show) => current && (show(), setProblem("")),
      (error: Error) => current && failed(error),
    );
    return () => {
      current = false;
    };
  };
  const refused = (error: Error) => setProblem(error.message);
  useEffect(() => {
    if (!ready) return;
    const load = async () => {
      const inside = await lab.ask({ kind: "inside", ...asked }, "inside");
      return () => setAnswer({ looked: chosen, found: inside });
    };
    return bring(load, (error) => {
      const first = typeof image === "number" && image === 0 && epoch === null;
      if (found || first || !(error instanceof Refused)) return refused(error);
      // An image of before the lab was started anew, an epoch of before the run was trained anew.
      setGone(error.message);
      keep(start);
    });
  }, [ready, key]);
  useEffect(() => {
    if (!ready || !any) return;
    return bring(async () => {
      const wanted = chosen.filter ?? { layer: null, filter: null };
      const kernel = await lab.ask({ kind: "kernel", ...asked, ...wanted }, "kernel");
      return () => setWork({ run: name, filter: filterOf(kernel) });
    }, refused);
  }, [ready, any, key, chosen.filter]);

  if (!run) {
    return (
      <section class="card">
        <RunChoice runs={runs} run={run} onChoose={chooseRun} />
      </section>
    );
  }
  return (
    <div class="columns inside">
      <div class="stack beside">
        <section class="card" aria-labelledby="network-title">
          <h2 id="network-title">Network</h2>
          <RunChoice runs={runs} run={run} onChoose={chooseRun} />
          <Epochs epochs={found?.epochs ?? null} epoch={epoch} onChoose={(to) => choose({ epoch: to })} />
        </section>
        <section class="card" aria-labelledby="image-title">
          <h2 id="image-title">Image</h2>
          <ImageChoice
            lab={lab}
            run={name}
            found={found}
            image={image}
            onChoose={(to) => choose({ image: to })}
          />
          {gone && <p class="problem">{gone} Shown is test image 0.</p>}
          {shown && typeof shown.looked.image === "object" && (
            <p class="quiet">
              {shown.looked.image.kind === "drawing"
                ? "Shown is your drawing."
                : `Shown is ${shown.found.name}, which is not one of the test images.`}
            </p>
          )}
          {found?.reading.map((note) => (
            <p class="note" key={note}>
              {note}
            </p>
          ))}
          {found && (
            <OwnImages
              key={name}
              lab={lab}
              side={found.side}
              words="Or drop an image of yours here, or paste one with Ctrl+V."
              onBrought={look}
            />
          )}
        </section>
        <section class="card" aria-labelledby="answer-title">
          <h2 id="answer-title">Its answer</h2>
          {found && <Shown found={found} />}
        </section>
      </div>
      <div class="stack">
        <p class="problem" role="alert" hidden={!problem}>
          {problem}
        </p>
        {found === null && !problem && (
          <section class="card">
            <p class="empty" role="status">
              Opening the network …
            </p>
          </section>
        )}
        {filter && (
          <section class="card" aria-labelledby="kernel-title">
            <KernelAtWork filter={filter}>
              <label class="with-label">
                <span>Layer</span>
                <select
                  value={filter.layer}
                  onChange={(event) => show(event.currentTarget.value, 0)}
                >
                  {convolutions.map(({ name }) => (
                    <option key={name}>{name}</option>
                  ))}
                </select>
              </label>
              <label class="with-label">
                <span>Filter</span>
                <select
                  value={filter.filter}
                  onChange={(event) => show(filter.layer, Number(event.currentTarget.value))}
                >
                  {Array.from({ length: filtersOf(found!, filter.layer) }, (_, k) => (
                    <option key={k} value={k}>
                      {k}
                    </option>
                  ))}
                </select>
              </label>
            </KernelAtWork>
          </section>
        )}
        {found && (
          <>
            <section class="card" aria-labelledby="layers-title">
              <h2 id="layers-title">What every layer answers</h2>
              <p class="quiet">
                In the order in which they run. Each small picture is a feature map: one filter's answer
                at every place. {any && "Above the maps of a convolution stand its filters; click one to see it at work."}
              </p>
              <Layers layers={found.layers} kinds={kinds} shown={filter} onFilter={show} />
            </section>
            <section class="card" aria-labelledby="saliency-title">
              <h2 id="saliency-title">Where the answer comes from</h2>
              <Saliency lab={lab} asked={asked} found={found} />
            </section>
            <section class="card" aria-labelledby="opened-title">
              <h2 id="opened-title">Its numbers, opened</h2>
              <Opened tables={found.opened} />
              {found.notes.map((note) => (
                <p class="quiet" key={note}>
                  {note}
                </p>
              ))}
            </section>
          </>
        )}
      </div>
    </div>
  );
}

const filtersOf = (found: Inside, layer: string): number =>
  found.layers.find((one) => one.name === layer)?.shape.at(-1) ?? 0;

function Shown({ found }: { found: Inside }) {
  const image = usePictures(found.image);
  return (
    <>
      <div class="chosen">
        {image && <Tile sheet={image} place={0} words={`The image ${found.name}`} />}
        <p>{found.headline}</p>
      </div>
      <p class="quiet">{found.image.words}</p>
      <Answers found={found} />
    </>
  );
}

interface EpochsProps {
  epochs: number[] | null;
  epoch: number | null;
  onChoose: (epoch: number | null) => void;
}

/** The network as it was after some of its epochs. */
function Epochs({ epochs, epoch, onChoose }: EpochsProps) {
  if (epochs === null) return null;
  if (!epochs.length) {
    return (
      <p class="quiet">
        Only the finished network is kept. Training keeps earlier weights, to watch them come to be, of
        networks with up to a million of them.
      </p>
    );
  }
  const place = epoch === null ? epochs.length : epochs.indexOf(epoch);
  const words =
    epoch === null ? "finished" : epoch === 0 ? "before training" : `after ${plural(epoch, "epoch")}`;
  return (
    <label class="epochs">
      <span class="head">
        <strong>Its weights</strong> <span class="quiet">{words}</span>
      </span>
      <input
        type="range"
        min={0}
        max={epochs.length}
        value={place}
        aria-valuetext={words}
        onInput={(event) => onChoose(epochs[Number(event.currentTarget.value)] ?? null)}
      />
    </label>
  );
}
