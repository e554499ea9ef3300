// Step "Build": the network as a list of layers, what each comes to, and the network as text.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import type { StepProps } from "../app";
import { announce } from "../announce";
import { compact, count } from "../format";
import { LayerRow, Problems } from "./layer-row";
import type { LayerKind, Network, Row } from "../messages";
import { NetworkText } from "./network-text";

/** Offered by buttons; the rest in a list. */
const COMMON = ["Conv2D", "MaxPooling2D", "ReLU", "BatchNormalization", "Dropout", "Flatten", "Dense"];
const OWN = "own";
const SPEECH = 800; // milliseconds after the last letter

export function BuildStep({ lab, state }: StepProps) {
  const { network, options } = state;
  const { rows } = network;
  const [open, setOpen] = useState<number | null>(null);
  const [dragged, setDragged] = useState<Row | null>(null);
  const [target, setTarget] = useState<number | null>(null);
  const [problem, setProblem] = useState("");
  const [kinds, setKinds] = useState(new Map<string, LayerKind>());
  const list = useRef<HTMLOListElement>(null);
  const held = useRef<Element | null>(null);
  const next = useRef<number | null>(null);

  useEffect(() => void lab.layers().then(setKinds, () => {}), [lab.line]);
  const build = (change: Parameters<typeof lab.build>[0], words = "") =>
    lab.build(change).then(
      () => {
        setProblem("");
        if (words) announce(words);
      },
      (error: Error) => setProblem(error.message),
    );

  // A row that is moved in the page loses the focus: give it back. A new one gets it.
  useLayoutEffect(() => {
    const before = held.current;
    held.current = null;
    if (before?.isConnected && document.activeElement !== before) (before as HTMLElement).focus();
    if (next.current !== null) {
      focusRow(Math.min(next.current, rows.length - 1));
      next.current = null;
    }
  }, [rows]);
  const focusRow = (place: number) =>
    list.current?.children[place]?.querySelector<HTMLElement>(".name")?.focus();
  useSpeech(network);

  const chosen = rows.findIndex((row) => row.key === open);
  const move = (row: Row, index: number) => {
    if (index < 0 || index >= rows.length || rows[index] === row) return;
    held.current = document.activeElement;
    const words = `${row.title}: place ${index + 1} of ${rows.length}`;
    void build({ kind: "move", key: row.key, index }, words);
  };
  const remove = (row: Row, place: number) => {
    next.current = place;
    void build({ kind: "remove", key: row.key }, `${row.title} removed`);
  };
  const add = (layer: string) => {
    const index = chosen < 0 ? rows.length : chosen + 1;
    next.current = index;
    void build({ kind: "add", layer, index }, `${kinds.get(layer)?.title} added at place ${index + 1}`);
  };
  const step = (kind: "undo" | "redo") => {
    if (kind === "undo" ? !network.can_undo : !network.can_redo) return;
    void build({ kind }, kind === "undo" ? "Undone" : "Redone");
  };
  useEffect(() => {
    const keys = (event: KeyboardEvent) => {
      const field = (event.target as Element).matches("input, textarea, select");
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z" || field) return;
      event.preventDefault();
      step(event.shiftKey ? "redo" : "undo");
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  });

  /** Before which row the pointer is. */
  const over = (event: DragEvent) => {
    if (dragged === null) return;
    event.preventDefault();
    const boxes = [...list.current!.children].map((child) => child.getBoundingClientRect());
    const below = boxes.findIndex((box) => event.clientY < box.top + box.height / 2);
    setTarget(below < 0 ? rows.length : below);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    if (dragged !== null && target !== null) {
      move(dragged, target > rows.indexOf(dragged) ? target - 1 : target);
    }
    setDragged(null);
    setTarget(null);
  };

  return (
    <div class="build">
      <section class="card" aria-labelledby="network-title">
        <div class="head">
          <h2 id="network-title">Network</h2>
          <p class="quiet">{network.counted_for}</p>
        </div>
        <div class="bar">
          <label class="with-label">
            <span>Start from</span>
            <select
              value={network.own ? OWN : network.recipe}
              onChange={(event) => {
                const recipe = event.currentTarget.value;
                void build({ kind: "recipe", recipe }, `Started from ${recipe}`);
              }}
            >
              {network.own && (
                <option value={OWN} disabled>
                  own network
                </option>
              )}
              {options.recipes.map((recipe) => (
                <option key={recipe.name} value={recipe.name}>
                  {recipe.name}
                </option>
              ))}
            </select>
          </label>
          <span class="space" />
          <button type="button" class="plain" aria-disabled={!network.can_undo} onClick={() => step("undo")}>
            Undo
          </button>
          <button type="button" class="plain" aria-disabled={!network.can_redo} onClick={() => step("redo")}>
            Redo
          </button>
        </div>
        <p class="problem" role="alert" hidden={!problem}>
          {problem}
        </p>
        {!network.editable && (
          <p class="empty">
            {network.recipe} has branches that join again, so it is no plain list of layers. It can be
            trained as it is; start from another recipe, or add a layer, to build your own.
          </p>
        )}
        {rows.length > 0 && (
          <div class="heads quiet" aria-hidden="true">
            <span class="name">Layer</span>
            <span class="cell">Output</span>
            <span class="cell">Parameters</span>
            <span class="cell">FLOPs</span>
            <span class="cell">Sees</span>
          </div>
        )}
        <ol
          class={target === rows.length ? "layers end" : "layers"}
          ref={list}
          aria-label="Layers; Alt and an arrow key move the one with the focus"
          onDragOver={over}
          onDrop={drop}
          onDragEnd={() => (setDragged(null), setTarget(null))}
        >
          {rows.map((row, place) => (
            <LayerRow
              key={row.key}
              row={row}
              place={place}
              network={network}
              known={kinds.get(row.layer)}
              open={row.key === open}
              marked={target === place}
              onOpen={() => setOpen(row.key === open ? null : row.key)}
              onMove={(index) => move(row, index)}
              onRemove={() => remove(row, place)}
              onSet={(name, value) => void build({ kind: "argument", key: row.key, name, value })}
              onMend={(code) => void build({ kind: "mend", key: row.key, code }, "Mended")}
              onDrag={(event) => {
                event.dataTransfer!.effectAllowed = "move";
                event.dataTransfer!.setData("text/plain", row.title);
                setDragged(row);
              }}
            />
          ))}
        </ol>
        <Problems
          problems={network.problems}
          onMend={(code) => void build({ kind: "mend", key: null, code }, "Mended")}
        />
        <AddLayer kinds={kinds} after={rows[chosen]?.title} onAdd={add} />
        <Totals network={network} />
      </section>
      <NetworkText lab={lab} network={network} />
    </div>
  );
}

interface AddProps {
  kinds: Map<string, LayerKind>;
  after: string | undefined;
  onAdd: (layer: string) => void;
}

function AddLayer({ kinds, after, onAdd }: AddProps) {
  const groups = new Map<string, LayerKind[]>();
  for (const one of kinds.values()) groups.set(one.group, [...(groups.get(one.group) ?? []), one]);
  return (
    <div class="add">
      <p class="quiet">{after ? `Add below ${after}` : "Add at the end"}</p>
      <div class="buttons">
        {COMMON.map((layer) => (
          <button type="button" class="plain" key={layer} onClick={() => onAdd(layer)}>
            {kinds.get(layer)?.title ?? layer}
          </button>
        ))}
        <select
          aria-label="Add another layer"
          value=""
          onChange={(event) => {
            onAdd(event.currentTarget.value);
            event.currentTarget.value = "";
          }}
        >
          <option value="">More layers …</option>
          {[...groups].map(([group, members]) => (
            <optgroup key={group} label={group}>
              {members.map((one) => (
                <option key={one.kind} value={one.kind}>
                  {one.title}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
      </div>
    </div>
  );
}

function Totals({ network }: { network: Network }) {
  return (
    <div class="bar totals">
      {network.editable && (
        <p>
          <span>
            <strong>{count(network.parameters)}</strong> <span class="quiet">parameters</span>
          </span>
          <span>
            <strong>{compact(network.flops)}</strong> <span class="quiet">FLOPs an image</span>
          </span>
          <span>
            <strong>{compact(network.activation_bytes)}B</strong>{" "}
            <span class="quiet">of memory an image</span>
          </span>
        </p>
      )}
      <span class="space" />
      {network.ready ? (
        <a class="button" href="#train">
          Train this network
        </a>
      ) : (
        <p class="problem">Mend what is red to train</p>
      )}
    </div>
  );
}

/** Say what is wrong once nobody types any more. */
function useSpeech(network: Network): void {
  const errors = [...network.problems, ...network.rows.flatMap((row) => row.problems)]
    .filter((problem) => problem.level === "error")
    .map((problem) => problem.sentence)
    .join(" ");
  const [said, setSaid] = useState(errors);
  useEffect(() => {
    const waiting = setTimeout(() => {
      if (errors !== said) announce(errors || "Ready to train");
      setSaid(errors);
    }, SPEECH);
    return () => clearTimeout(waiting);
  }, [errors, said]);
}
