// One layer of the network: glyph, name, what it comes to, its arguments and what is wrong with it.

import type { LayerKind, Network, Problem, Row } from "../messages";
import { compact, shape, title } from "../format";
import { Glyph } from "./glyph";
import { LayerForm, written } from "./layer-form";

interface RowProps {
  row: Row;
  place: number;
  network: Network;
  known: LayerKind | undefined;
  open: boolean;
  /** Whether a layer that is dragged would land above. */
  marked: boolean;
  onOpen: () => void;
  onMove: (index: number) => void;
  onRemove: () => void;
  onSet: (name: string, value: string | boolean) => void;
  onMend: (code: string) => void;
  onDrag: (event: DragEvent) => void;
}

export function LayerRow(props: RowProps) {
  const { row, place, network, known, open } = props;
  const last = network.rows.length - 1;
  const wrong = row.problems.some((problem) => problem.level === "error");
  const given = Object.entries(row.arguments).map(([name, value]) => `${title(name)} ${written(value)}`);
  // What has nothing to set but rarely needed arguments is one line.
  const plain = known !== undefined && known.arguments.every((one) => one.rare) && !open;
  const keys = (event: KeyboardEvent) => {
    if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    event.preventDefault();
    props.onMove(place + (event.key === "ArrowUp" ? -1 : 1));
  };
  return (
    <li
      class={`layer${wrong ? " wrong" : ""}${props.marked ? " marked" : ""}${open ? " open" : ""}`}
      data-key={row.key}
      onKeyDown={keys}
    >
      <div class="line-of-layer">
        <span
          class="grip"
          draggable
          title="Drag, or press Alt and an arrow key"
          aria-hidden="true"
          onDragStart={props.onDrag}
        >
          ⠿
        </span>
        <Glyph makes={row.makes} image={network.image} />
        <button type="button" class={plain ? "name plain-name" : "name"} aria-expanded={open} onClick={props.onOpen}>
          <span class="title">{row.title}</span>
          <span class="quiet">{(open ? "" : given.join(", ").toLowerCase()) || row.words}</span>
        </button>
        <Cell name="Output" class="output" value={shape(row.makes)} />
        <Cell name="Parameters" value={compact(row.parameters)} />
        <Cell name="FLOPs" value={compact(row.flops)} />
        <Cell name="Sees" value={shape(row.receptive_field)} />
        <span class="moves">
          <Small label={`Move ${row.title} up`} off={place === 0} onClick={() => props.onMove(place - 1)}>
            ↑
          </Small>
          <Small label={`Move ${row.title} down`} off={place === last} onClick={() => props.onMove(place + 1)}>
            ↓
          </Small>
          <Small label={`Remove ${row.title}`} onClick={props.onRemove}>
            ×
          </Small>
        </span>
      </div>
      {open && known && <LayerForm row={row} known={known} onSet={props.onSet} />}
      <Problems problems={row.problems} onMend={props.onMend} />
    </li>
  );
}

function Cell(props: { name: string; value: string; class?: string }) {
  return (
    <span class={`cell ${props.class ?? ""}`}>
      <span class="label">{props.name} </span>
      {props.value}
    </span>
  );
}

interface SmallProps {
  label: string;
  off?: boolean;
  onClick: () => void;
  children: string;
}

/** Not `disabled` at the end of its way: it would lose the focus there. */
function Small({ label, off = false, onClick, children }: SmallProps) {
  return (
    <button
      type="button"
      class="small"
      aria-label={label}
      aria-disabled={off || undefined}
      onClick={() => !off && onClick()}
    >
      {children}
    </button>
  );
}

/** What the doctor says, each with the button that mends it. */
export function Problems(props: { problems: Problem[]; onMend: (code: string) => void }) {
  return props.problems.map((problem) => (
    <div key={problem.code} class={`said ${problem.level}`}>
      <p>
        {problem.sentence} {problem.remedy}
      </p>
      {problem.button && (
        <button type="button" class="plain" onClick={() => props.onMend(problem.code)}>
          {problem.button}
        </button>
      )}
    </div>
  ));
}
