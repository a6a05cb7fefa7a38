import { useRuns } from "../api/queries";
import { endingOf } from "../domain/runs";
import type { Decision } from "../domain/shapes";
import { Moment } from "../parts/moment";

/** Why the last check said yes or no. */
export function LastDecision({ decision }: { decision: Decision | null }) {
  if (!decision) return <p class="soft">Not checked yet: the next check is within the hour.</p>;
  return (
    <p class="decision">
      <b class={decision.should_retrain ? "yes" : "no"}>{decision.should_retrain ? "Yes" : "No"}</b>{" "}
      {decision.reason}{" "}
      <span class="soft">
        (checked <Moment at={decision.decided_at} relative />)
      </span>
    </p>
  );
}

/** Why the newest training that failed did. */
export function LastFailure({ id }: { id: string }) {
  const run = useRuns(id).data?.items.find(({ status }) => status === "failed");
  if (!run) return null;
  return (
    <p class="notice bad">
      The last training failed <Moment at={run.finished_at ?? run.queued_at} relative />:{" "}
      {endingOf(run).line}
    </p>
  );
}
