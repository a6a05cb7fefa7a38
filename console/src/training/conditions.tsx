import { useState } from "preact/hooks";
import { checkNow } from "../api/actions";
import { gaugesOf, trainedSince } from "../domain/gauges";
import type { Strategy } from "../domain/shapes";
import { now } from "../parts/clock";
import { Gauge } from "../parts/gauge";
import { LastDecision } from "../strategy/decision";
import { perform } from "../strategy/deeds";

export function Conditions({ strategy }: { strategy: Strategy }) {
  const gauges = gaugesOf(strategy, now.value);
  return (
    <section class="card whole" aria-labelledby="conditions">
      <div class="row">
        <h2 id="conditions">Retrain?</h2>
        <CheckButton id={strategy.id} />
      </div>
      <LastDecision decision={strategy.last_decision} />
      {trainedSince(strategy) && (
        <p class="hint">A training has ended since this check; the next one counts from there.</p>
      )}
      {gauges.length > 0 && (
        <div class="gauges">
          {gauges.map((gauge) => (
            <Gauge key={gauge.name} told={gauge} />
          ))}
        </div>
      )}
    </section>
  );
}

function CheckButton({ id }: { id: string }) {
  const [busy, setBusy] = useState(false);
  return (
    <button
      disabled={busy}
      title="Looks at the conditions now, and trains if one fires"
      onClick={() => {
        setBusy(true);
        void perform(id, () => checkNow(id), "Checked.").finally(() => setBusy(false));
      }}
    >
      Check now
    </button>
  );
}
