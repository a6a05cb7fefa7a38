import { useDecisions, useRuns } from "../api/queries";
import { plural } from "../domain/format";
import { endingOf, isLive, progressOf } from "../domain/runs";
import type { Run } from "../domain/shapes";
import { lasting } from "../domain/times";
import { Moment } from "../parts/moment";
import { Empty, Loaded } from "../parts/states";

/** Trainings, and the checks whose outcome changed. */
export function History({ id }: { id: string }) {
  const runs = useRuns(id);
  const decisions = useDecisions(id);
  return (
    <section class="card whole" aria-labelledby="history">
      <h2 id="history">History</h2>
      <h3>Trainings</h3>
      <Loaded of={runs} height={120}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>No training yet.</Empty>
          ) : (
            <ol class="changes">
              {items.map((run) => (
                <li key={run.id}>
                  <Moment at={run.queued_at} /> <b>{outcome(run)}</b> {details(run)}
                </li>
              ))}
            </ol>
          )
        }
      </Loaded>
      <h3>Checks whose outcome changed</h3>
      <Loaded of={decisions} height={120}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>No check yet.</Empty>
          ) : (
            <ol class="changes">
              {items.map(({ id: key, decided_at, should_retrain, reason }) => (
                <li key={key ?? decided_at}>
                  <Moment at={decided_at} />{" "}
                  <b class={should_retrain ? "yes" : "no"}>{should_retrain ? "Yes" : "No"}</b>{" "}
                  {reason}
                </li>
              ))}
            </ol>
          )
        }
      </Loaded>
    </section>
  );
}

function outcome(run: Run): string {
  return isLive(run) ? progressOf(run).words : endingOf(run).headline;
}

function details(run: Run): string {
  const said = [run.manual ? "by hand" : run.reason, endingOf(run).line];
  if (run.rows_used !== null) said.push(`${plural(run.rows_used, "trade")} used`);
  if (run.training_seconds !== null) said.push(lasting(run.training_seconds * 1000));
  return said.filter((part) => part !== null).join(" · ");
}
