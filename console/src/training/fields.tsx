import type { InputHTMLAttributes } from "preact";
import { useId, useState } from "preact/hooks";

type Range = readonly [low: number, high: number];

export function Switch(props: { name: string; on: boolean; change: (on: boolean) => void }) {
  return (
    <label class="switch">
      <input
        type="checkbox"
        role="switch"
        checked={props.on}
        onChange={(event) => props.change(event.currentTarget.checked)}
      />
      <span>{props.name}</span>
    </label>
  );
}

type NumberProps = {
  name: string;
  unit: string;
  value: number;
  range: Range;
  step?: string;
  change: (value: number) => void;
};

export function NumberField({ name, unit, value, range, step = "1", change }: NumberProps) {
  return (
    <Typed
      name={name}
      unit={unit}
      value={String(value)}
      change={(text) => text !== "" && change(Number(text))}
      required
      min={range[0]}
      max={range[1]}
      step={step}
    />
  );
}

export function OptionalNumber(props: {
  name: string;
  unit: string;
  value: number | null;
  range: Range;
  change: (value: number | null) => void;
}) {
  const { name, unit, value, range, change } = props;
  return (
    <Typed
      name={name}
      unit={unit}
      value={value === null ? "" : String(value)}
      change={(text) => change(text === "" ? null : Number(text))}
      min={range[0]}
      max={range[1]}
      step="any"
      placeholder="never"
    />
  );
}

type TypedProps = {
  name: string;
  unit: string;
  value: string;
  change: (text: string) => void;
} & Pick<InputHTMLAttributes, "required" | "min" | "max" | "step" | "placeholder">;

/** Counts with every key. What is half typed stays as it is until the field is left, whatever is
 * drawn anew meanwhile. */
function Typed({ name, unit, value, change, ...rules }: TypedProps) {
  const id = useId();
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <div class="field inline">
      <label for={id}>{name}</label>
      <input
        id={id}
        type="number"
        value={typed ?? value}
        aria-describedby={`${id}-unit`}
        onInput={({ currentTarget }) => {
          setTyped(currentTarget.value);
          change(currentTarget.value);
        }}
        onBlur={() => setTyped(null)}
        {...rules}
      />
      <span id={`${id}-unit`} class="hint">
        {unit}
      </span>
    </div>
  );
}

/** One of a few, each with what it means. */
export function Choice<Value extends string>(props: {
  name: string;
  options: Readonly<Record<Value, readonly [title: string, meaning: string]>>;
  chosen: string;
  change: (value: Value) => void;
}) {
  const group = useId();
  const options = Object.entries(props.options) as [Value, readonly [string, string]][];
  return (
    <div class="choice" role="radiogroup" aria-label={props.name}>
      {options.map(([value, [title, meaning]]) => (
        <label key={value}>
          <input
            type="radio"
            name={group}
            value={value}
            checked={props.chosen === value}
            onChange={() => props.change(value)}
          />
          <span>
            <b>{title}</b> <span class="hint">{meaning}</span>
          </span>
        </label>
      ))}
    </div>
  );
}
