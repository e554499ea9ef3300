// Forms made from the server's options: names, help, choices and limits are written there.

import { useEffect, useState } from "preact/hooks";

import type { Option, Value } from "./messages";
import { title } from "./format";

interface FieldProps {
  option: Option;
  value: Value;
  /** What it is where nothing is given. */
  unset: Value;
  /** In place of the option's own. */
  help?: string;
  /** Over both columns of a form. */
  wide?: boolean;
  onChange: (value: Value) => Promise<unknown>;
}

export function Field({ option, value, unset, help, wide, onChange }: FieldProps) {
  const [text, setText] = useState(String(value ?? ""));
  const [problem, setProblem] = useState("");
  const id = `field-${option.name}`;
  // The server owns the value: another tab may have changed it.
  useEffect(() => {
    setText(String(value ?? ""));
    setProblem("");
  }, [value]);

  const commit = (entered: string) => {
    if (entered.trim() === String(value ?? "")) return setProblem("");
    try {
      void onChange(parsed(option, entered.trim())).then(
        () => setProblem(""),
        (error: Error) => setProblem(error.message),
      );
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  const common = {
    id,
    "aria-describedby": `${id}-help`,
    "aria-invalid": problem !== "" || undefined,
  };
  return (
    <div class={wide ? "field wide" : "field"}>
      <label for={id}>{title(option.name)}</label>
      {option.choices.length ? (
        <select {...common} value={text} onChange={(event) => commit(event.currentTarget.value)}>
          {option.name !== "model" && (
            <option value="">{unset === null ? "not set" : `${unset}`}</option>
          )}
          {option.choices
            .filter((choice) => option.name === "model" || choice !== unset || choice === value)
            .map((choice) => (
              <option key={choice} value={choice}>
                {choice}
              </option>
            ))}
        </select>
      ) : (
        <input
          {...common}
          type="text"
          inputMode={option.type === "text" ? "text" : "decimal"}
          autocomplete="off"
          spellcheck={false}
          value={text}
          placeholder={unset === null ? "" : String(unset)}
          onInput={(event) => setText(event.currentTarget.value)}
          onBlur={(event) => commit(event.currentTarget.value)}
          onKeyDown={(event) => event.key === "Enter" && commit(event.currentTarget.value)}
        />
      )}
      <p
        id={`${id}-help`}
        class={problem ? "help problem" : "help"}
        role={problem ? "alert" : undefined}
      >
        {problem || help || option.help}
      </p>
    </div>
  );
}

/** What was typed, as the server takes it; "" is null, which means as it is by itself. */
function parsed(option: Option, text: string): Value {
  if (text === "") return null;
  if (option.type === "text") return text;
  const number = Number(text);
  const whole = option.type === "integer";
  if (!Number.isFinite(number) || (whole && !Number.isSafeInteger(number))) {
    throw new Error(`${whole ? "A whole number" : "A number"} was expected, but ${text} came.`);
  }
  return number;
}

interface ChoiceProps<Name extends string> {
  legend: string;
  choices: readonly (readonly [Name, string])[];
  value: Name;
  onChange: (name: Name) => void;
}

/** A few choices side by side, one of which holds. */
export function Choice<Name extends string>(props: ChoiceProps<Name>) {
  return (
    <fieldset class="choice">
      <legend class="unseen">{props.legend}</legend>
      {props.choices.map(([name, words]) => (
        <label key={name}>
          <input
            type="radio"
            name={props.legend}
            checked={name === props.value}
            onChange={() => props.onChange(name)}
          />
          <span>{words}</span>
        </label>
      ))}
    </fieldset>
  );
}
