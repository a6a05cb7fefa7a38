import { usePerformance } from "../api/queries";
import type { Strategy } from "../domain/shapes";
import { glanceOf, stateOf } from "../domain/state";
import { Empty, Loaded } from "../parts/states";
import { ChampionCard } from "./champion";
import { LastDecision, LastFailure } from "./decision";
import { EarningsChart, WinRateChart } from "./live-charts";

const WEEKS = 52;

export function Overview({ strategy }: { strategy: Strategy }) {
  const performance = usePerformance(strategy.id, WEEKS);
  const state = stateOf(glanceOf(strategy));
  return (
    <div class="columns">
      <ChampionCard strategy={strategy} />
      <section class="card" aria-labelledby="last-check">
        <h2 id="last-check">Retrain?</h2>
        <LastDecision decision={strategy.last_decision} />
        {strategy.failures > 0 && <LastFailure key={strategy.failures} id={strategy.id} />}
        {state.kind !== "healthy" && (
          <p class="hint">
            {state.label}: {state.why}
          </p>
        )}
        <p>
          <a href={`#/strategies/${strategy.id}/training`}>How far each condition is from firing</a>
        </p>
      </section>
      <section class="card whole" aria-labelledby="live-trades">
        <h2 id="live-trades">Live trades, week by week</h2>
        <Loaded of={performance} height={480}>
          {({ weeks }) =>
            weeks.length === 0 ? (
              <Empty>No trade has closed in the last {WEEKS} weeks.</Empty>
            ) : (
              <>
                <WinRateChart weeks={weeks} />
                <EarningsChart weeks={weeks} />
              </>
            )
          }
        </Loaded>
      </section>
    </div>
  );
}
