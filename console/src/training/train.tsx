import { useEffect, useRef, useState } from "preact/hooks";
import { newKey, train } from "../api/actions";
import { wordsOf } from "../api/errors";
import { noticed, refreshed, useRun } from "../api/queries";
import { capitalized } from "../domain/format";
import { endingOf, isLive, progressOf } from "../domain/runs";
import type { Run, Strategy } from "../domain/shapes";
import { lasting } from "../domain/times";
import { useSeconds } from "../parts/clock";
import { ProgressBar } from "../parts/progress";
import { cancel } from "../strategy/deeds";

/** Trains by hand, and shows every training from its first second to its verdict. */
export function TrainPanel({ strategy }: { strategy: Strategy }) {
  const [watched, watch] = useState(strategy.live_run?.id ?? null);
  const [wrong, setWrong] = useState<string | null>(null);
  const key = useRef(newKey());
  const run = useWatched(strategy, watched, watch);
  const start = async () => {
    setWrong(null);
    try {
      const { training_run, not_started } = await train(strategy.id, key.current);
      key.current = newKey();
      if (training_run) watch(training_run.id);
      else setWrong(not_started?.message ?? "The training did not start.");
    } catch (error) {
      setWrong(wordsOf(noticed(error)));
    }
    await refreshed(strategy.id);
  };
  const busy = run !== undefined && isLive(run);
  return (
    <section class="card" aria-labelledby="train">
      <h2 id="train">Train</h2>
      <p class="row">
        <StartButton busy={busy} start={start} />
        <span class="hint">{promise(strategy)}</span>
      </p>
      <div aria-live="polite">
        {wrong !== null && <p class="notice bad">{wrong}</p>}
        {run && (busy ? <Underway run={run} /> : <Ended run={run} strategy={strategy} />)}
      </div>
    </section>
  );
}

/** The run that is watched: the one that was asked for here, or any other that goes on. */
function useWatched(
  strategy: Strategy,
  watched: string | null,
  watch: (id: string) => void,
): Run | undefined {
  const { data: run } = useRun(watched);
  const live = strategy.live_run?.id;
  useEffect(() => {
    if (live !== undefined) watch(live);
  }, [live, watch]);
  const isOver = run !== undefined && !isLive(run);
  useEffect(() => {
    if (isOver) void refreshed(strategy.id);
  }, [isOver, strategy.id]);
  return run;
}

function StartButton({ busy, start }: { busy: boolean; start: () => Promise<void> }) {
  const [asking, setAsking] = useState(false);
  return (
    <button
      class="primary"
      disabled={busy || asking}
      onClick={() => {
        setAsking(true);
        void start().finally(() => setAsking(false));
      }}
    >
      Train ML Model
    </button>
  );
}

function promise({ pin, champion }: Strategy): string {
  if (pin)
    return `The new model is judged and stored; ${pin.version} stays live while it is pinned.`;
  if (!champion) return "The first model goes live if it beats the base rate.";
  return "The new model goes live unless it is significantly worse.";
}

function Underway({ run }: { run: Run }) {
  const at = useSeconds(true);
  const progress = progressOf(run);
  const begun = Date.parse(run.queued_at);
  return (
    <div class="underway">
      <ProgressBar progress={progress} label="Training" />
      <p class="row">
        <span>
          <b>{progress.words}</b>
          {progress.rounds !== null && `, ${progress.rounds}`}
          <span class="soft"> · {lasting(at - begun)}</span>
        </span>
        <button onClick={() => void cancel(run)}>Cancel training</button>
      </p>
      <p class="hint">{capitalized(run.reason)}</p>
    </div>
  );
}

function Ended({ run, strategy }: { run: Run; strategy: Strategy }) {
  const { tone, headline, line } = endingOf(run);
  return (
    <div class={`verdict ${tone}`}>
      <p>
        <b>{headline}</b>
        {run.training_seconds !== null && (
          <span class="soft"> · {lasting(run.training_seconds * 1000)}</span>
        )}
      </p>
      {line !== null && <p>{capitalized(line)}</p>}
      {run.model_version !== null && (
        <p>
          <a href={`#/strategies/${strategy.id}/versions/${run.model_version}`}>
            How {run.model_version} was judged
          </a>
        </p>
      )}
    </div>
  );
}
