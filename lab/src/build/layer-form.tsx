// The arguments of one layer as a form, made from what the server says about each of them.

import { useEffect, useState } from "preact/hooks";

import { title } from "../format";
import type { Argument, LayerKind, Row } from "../messages";

interface FormProps {
  row: Row;
  known: LayerKind;
  onSet: (name: string, value: string | boolean) => void;
}

export function LayerForm({ row, known, onSet }: FormProps) {
  const field = (argument: Argument) => (
    <ArgumentField
      key={argument.name}
      id={`layer-${row.key}-${argument.name}`}
      argument={argument}
      given={row.arguments[argument.name]}
      onSet={(value) => onSet(argument.name, value)}
    />
  );
  const common = known.arguments.filter((one) => !one.rare);
  const rare = known.arguments.filter((one) => one.rare);
  return (
    <div class="layer-form">
      {common.length > 0 && <div class="fields">{common.map(field)}</div>}
      <details>
        <summary>More arguments</summary>
        <div class="fields">{rare.map(field)}</div>
      </details>
    </div>
  );
}

interface FieldProps {
  id: string;
  argument: Argument;
  given: unknown;
  onSet: (value: string | boolean) => void;
}

function ArgumentField({ id, argument, given, onSet }: FieldProps) {
  const usual = written(argument.default);
  const common = { id, "aria-describedby": `${id}-help` };
  return (
    <div class={argument.kind === "switch" ? "field switch" : "field"}>
      <label for={id}>{title(argument.name)}</label>
      {argument.kind === "switch" ? (
        <input
          {...common}
          type="checkbox"
          checked={Boolean(given ?? argument.default)}
          onChange={(event) => onSet(event.currentTarget.checked)}
        />
      ) : argument.kind === "choice" || argument.kind === "activation" ? (
        <select
          {...common}
          value={written(given)}
          onChange={(event) => onSet(event.currentTarget.value)}
        >
          {!argument.needed && <option value="">{usual || "none"}</option>}
          {argument.choices
            .filter((choice) => argument.needed || choice !== usual)
            .map((choice) => (
              <option key={choice} value={choice}>
                {choice}
              </option>
            ))}
        </select>
      ) : (
        <Typed common={common} argument={argument} value={written(given)} usual={usual} onSet={onSet} />
      )}
      <p id={`${id}-help`} class="help">
        {argument.help}
      </p>
    </div>
  );
}

interface TypedProps {
  common: { id: string; "aria-describedby": string };
  argument: Argument;
  value: string;
  usual: string;
  onSet: (value: string) => void;
}

/** A field that tells every letter; while it has the focus, it keeps what was typed. */
function Typed({ common, argument, value, usual, onSet }: TypedProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const list = argument.choices.length ? `${common.id}-choices` : undefined;
  // A change from elsewhere (undo, another tab) wins over what stands there.
  const [last, setLast] = useState(value);
  useEffect(() => {
    if (typed !== null && typed.trim() === "" && value !== last && value !== "") setTyped(null);
    setLast(value);
  }, [value]);
  return (
    <>
      <input
        {...common}
        type="text"
        list={list}
        inputMode={argument.kind === "count" ? "numeric" : "text"}
        autocomplete="off"
        spellcheck={false}
        value={typed ?? value}
        placeholder={usual || undefined}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          onSet(event.currentTarget.value);
        }}
        onBlur={() => setTyped(null)}
      />
      {list && (
        <datalist id={list}>
          {argument.choices.map((choice) => (
            <option key={choice} value={choice} />
          ))}
        </datalist>
      )}
    </>
  );
}

/** A value as it is typed: `3`, `3, 5`, `{"L2": {"l2": 0.1}}`; "" for none. */
export function written(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) {
    return value.some(Array.isArray) ? JSON.stringify(value) : value.map(written).join(", ");
  }
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
