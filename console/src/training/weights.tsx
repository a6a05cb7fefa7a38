import { useId, useState } from "preact/hooks";
import { decimal, signed } from "../domain/format";
import { type Ablation, type Report } from "../domain/report";
import { HIGHEST, namesOf, NEUTRAL } from "../domain/weights";

type Weights = Readonly<Record<string, number>>;
type Props = {
  weights: Weights;
  report: Report | null;
  change: (weights: Record<string, number>) => void;
};

/** A slider for each feature, how much the live model leans on it, and what the weights are worth. */
export function WeightSliders({ weights, report, change }: Props) {
  const inputs = report?.importance?.highest ?? [];
  const most = Math.max(...inputs.map(({ log_odds }) => log_odds), Number.EPSILON);
  const leaned = new Map(inputs.map(({ feature, log_odds }) => [feature, log_odds / most]));
  const names = namesOf(weights, inputs);
  return (
    <fieldset class="weights">
      <legend>Feature weights</legend>
      <p class="hint">
        1 is neutral, 0 leaves a feature out. The bar is how much the live model leans on it.
      </p>
      <p class="ablation">{worth(report?.weights ?? null, weights)}</p>
      {names.length === 0 && (
        <p class="soft">The features are known once a model is live; or name one.</p>
      )}
      {names.map((name) => (
        <Slider
          key={name}
          name={name}
          weight={weights[name] ?? NEUTRAL}
          leaned={leaned.get(name) ?? 0}
          change={(weight) => change({ ...weights, [name]: weight })}
        />
      ))}
      <AnotherFeature add={(name) => change({ ...weights, [name]: NEUTRAL })} />
    </fieldset>
  );
}

/** The ablation: the same training with the weights and without. */
function worth(ablation: Ablation | null, weights: Weights): string {
  if (!ablation) {
    return Object.keys(weights).length === 0
      ? "All features count the same. Once there are weights, every report says what they are worth."
      : "What these weights are worth is in the report of the next training.";
  }
  const { log_loss, uniform_log_loss, z, enough } = ablation;
  const verdict = enough ? (z > 0 ? "they help" : "they hurt") : "not enough evidence either way";
  return `In the live model: log-loss ${decimal(log_loss, 4)} with its weights, ${decimal(uniform_log_loss, 4)} without (z ${signed(z, 2)}): ${verdict}.`;
}

function Slider(props: {
  name: string;
  weight: number;
  leaned: number;
  change: (weight: number) => void;
}) {
  const id = useId();
  const { name, weight, leaned, change } = props;
  return (
    <div class="slider">
      <label for={id}>{name}</label>
      <span class="leaned" aria-hidden="true">
        <span style={{ width: `${leaned * 100}%` }}></span>
      </span>
      <input
        id={id}
        type="range"
        min={0}
        max={HIGHEST}
        step={0.1}
        value={weight}
        onInput={(event) => change(event.currentTarget.valueAsNumber)}
      />
      <output for={id}>{decimal(weight, 1)}</output>
    </div>
  );
}

function AnotherFeature({ add }: { add: (name: string) => void }) {
  const [name, setName] = useState("");
  return (
    <div class="field inline">
      <label class="grow">
        <span class="hidden">Name of another feature</span>
        <input
          type="text"
          placeholder="another feature"
          maxLength={200}
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <button
        type="button"
        disabled={name.trim() === ""}
        onClick={() => {
          add(name.trim());
          setName("");
        }}
      >
        Add weight
      </button>
    </div>
  );
}
