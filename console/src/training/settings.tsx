import { useState } from "preact/hooks";
import { useReport } from "../api/queries";
import { type Report, readReport } from "../domain/report";
import type { Settings, SettingsChange, Strategy } from "../domain/shapes";
import { stored } from "../domain/weights";
import { save } from "../strategy/deeds";
import { Choice, NumberField, OptionalNumber, Switch } from "./fields";
import { WeightSliders } from "./weights";

const MODES = {
  if_better: ["If better", "Goes live when its log-loss on unseen trades is lower."],
  if_not_worse: [
    "If not worse",
    "The same while the champion is fresh; once it is old or degraded, unless significantly worse.",
  ],
  approve: ["After approval", "A better model waits until a person approves it."],
  always: ["Always", "Every new model goes live."],
} as const;

const RULES = {
  ratio: ["Ratio", "Observed below a share of what was expected. Simple; fires by chance too."],
  calibrated: [
    "Calibrated",
    "A sequential test on accuracy: at most 5% false alarms within 500 trades.",
  ],
} as const;

export function SettingsForm({ strategy }: { strategy: Strategy }) {
  const [changes, setChanges] = useState<SettingsChange>({});
  const [busy, setBusy] = useState(false);
  const shown = { ...strategy.settings, ...changes };
  const change = (more: SettingsChange) => setChanges({ ...changes, ...more });
  const send = async () => {
    setBusy(true);
    const weights = changes.feature_weights;
    const body = weights ? { ...changes, feature_weights: stored(weights) } : changes;
    if (await save(strategy.id, strategy.settings, body)) setChanges({});
    setBusy(false);
  };
  const isChanged = Object.keys(changes).length > 0;
  return (
    <form
      class="card whole settings"
      aria-labelledby="settings"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <h2 id="settings">Settings</h2>
      <div class="columns">
        <div>
          <When shown={shown} change={change} />
          <Degradation shown={shown} change={change} />
        </div>
        <div>
          <GoesLive shown={shown} change={change} />
          <WeightSliders
            weights={shown.feature_weights}
            report={useNewestReport(strategy)}
            change={(feature_weights) => change({ feature_weights })}
          />
        </div>
      </div>
      <div class={`actions end save ${isChanged ? "changed" : ""}`}>
        {isChanged && <span class="hint">Not saved yet</span>}
        <button type="button" disabled={!isChanged || busy} onClick={() => setChanges({})}>
          Discard
        </button>
        <button class="primary" disabled={!isChanged || busy}>
          Save settings
        </button>
      </div>
    </form>
  );
}

/** What the live model leans on stands beside the weights. */
function useNewestReport(strategy: Strategy): Report | null {
  const { data } = useReport(strategy.id, strategy.champion?.version ?? null);
  const report = data ? readReport(data.report) : null;
  return typeof report === "object" ? report : null;
}

type Part = { shown: Settings; change: (more: SettingsChange) => void };

function When({ shown, change }: Part) {
  return (
    <fieldset>
      <legend>When to retrain</legend>
      <Switch
        name="Retrain automatically"
        on={shown.ml_training_enabled}
        change={(ml_training_enabled) => change({ ml_training_enabled })}
      />
      <NumberField
        name="Minimum trades"
        unit="closed trades before anything is trained"
        value={shown.ml_min_trades_for_training}
        range={[60, 1_000_000]}
        change={(ml_min_trades_for_training) => change({ ml_min_trades_for_training })}
      />
      <NumberField
        name="New trades"
        unit="since the last training"
        value={shown.new_trades_threshold}
        range={[1, 1000]}
        change={(new_trades_threshold) => change({ new_trades_threshold })}
      />
      <NumberField
        name="Schedule"
        unit="days after the last training"
        value={shown.max_age_days}
        range={[0.01, 3650]}
        step="any"
        change={(max_age_days) => change({ max_age_days })}
      />
      <OptionalNumber
        name="Feature drift"
        unit="PSI that a feature may move by; off where it is empty"
        value={shown.feature_drift_psi}
        range={[0.01, 10]}
        change={(feature_drift_psi) => change({ feature_drift_psi })}
      />
    </fieldset>
  );
}

function Degradation({ shown, change }: Part) {
  return (
    <fieldset>
      <legend>Performance degradation</legend>
      <Choice
        name="Rule"
        options={RULES}
        chosen={shown.degradation_rule}
        change={(degradation_rule) => change({ degradation_rule })}
      />
      <NumberField
        name="Retrain below"
        unit="% of what was expected"
        value={Math.round(shown.degradation_ratio * 1000) / 10}
        range={[0.1, 100]}
        step="0.1"
        change={(percents) => change({ degradation_ratio: percents / 100 })}
      />
      <NumberField
        name="Newest trades looked at"
        unit="trades"
        value={shown.degradation_window}
        range={[30, 1000]}
        change={(degradation_window) => change({ degradation_window })}
      />
      <NumberField
        name="Judged from"
        unit="trades on"
        value={shown.degradation_min_trades}
        range={[10, 1000]}
        change={(degradation_min_trades) => change({ degradation_min_trades })}
      />
    </fieldset>
  );
}

function GoesLive({ shown, change }: Part) {
  return (
    <fieldset>
      <legend>What goes live</legend>
      <Choice
        name="Activation"
        options={MODES}
        chosen={shown.activation_mode}
        change={(activation_mode) => change({ activation_mode })}
      />
      <OptionalNumber
        name="Model expires"
        unit="days after it was made; bots then use the base rate"
        value={shown.model_max_age_days}
        range={[0.01, 3650]}
        change={(model_max_age_days) => change({ model_max_age_days })}
      />
    </fieldset>
  );
}
