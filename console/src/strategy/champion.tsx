import { decimal, percent, person } from "../domain/format";
import type { Strategy } from "../domain/shapes";
import { Tag } from "../parts/badge";
import { Icon } from "../parts/icon";
import { Moment } from "../parts/moment";
import { viewer } from "../session/session";
import { approve, pinLive, unpin } from "./deeds";

/** What is live, who keeps it there, and what waits to take its place. */
export function ChampionCard({ strategy }: { strategy: Strategy }) {
  const { champion } = strategy;
  return (
    <section class="card champion-card" aria-labelledby="live-model">
      <h2 id="live-model">Live model</h2>
      {champion ? <Live strategy={strategy} /> : <NoModel strategy={strategy} />}
      <Pinned strategy={strategy} />
      <Waiting strategy={strategy} />
    </section>
  );
}

function NoModel({ strategy }: { strategy: Strategy }) {
  return strategy.ml_model_version === null ? (
    <p>No model is live: bots use the base rate.</p>
  ) : (
    <p>
      <b class="version">{strategy.ml_model_version}</b>, from before auto-retrain: it has no report
      here.
    </p>
  );
}

function Live({ strategy }: { strategy: Strategy }) {
  const { id, champion, pin } = strategy;
  if (!champion) return null;
  return (
    <>
      <p class="row">
        <b class="version">{champion.version}</b>
        {champion.below_base_rate && <Tag tone="warn">below the base rate</Tag>}
        <span class="actions">
          <a href={`#/strategies/${id}/versions/${champion.version}`}>Report</a>
          {!pin && (
            <button class="link" onClick={() => void pinLive(strategy, champion.version)}>
              Pin {champion.version}
            </button>
          )}
        </span>
      </p>
      <dl class="facts">
        <div>
          <dt>Accuracy</dt>
          <dd>{percent(champion.accuracy)}</dd>
        </div>
        <div>
          <dt>ROC-AUC</dt>
          <dd>{decimal(champion.roc_auc, 3)}</dd>
        </div>
        <div>
          <dt>Made</dt>
          <dd>
            <Moment at={champion.created_at} relative />
          </dd>
        </div>
      </dl>
      <p class="hint">{champion.line}</p>
    </>
  );
}

function Pinned({ strategy }: { strategy: Strategy }) {
  const { pin } = strategy;
  if (!pin) return null;
  return (
    <div class="notice row">
      <p>
        <Icon name="pin" /> Pinned to <b>{pin.version}</b> by {person(pin.by, viewer.value)} since{" "}
        <Moment at={pin.since} />: trainings go on, nothing else goes live.
      </p>
      <button onClick={() => void unpin(strategy)}>Unpin</button>
    </div>
  );
}

function Waiting({ strategy }: { strategy: Strategy }) {
  const { id, waiting } = strategy;
  if (!waiting) return null;
  return (
    <div class="notice approval row">
      <p>
        <b>{waiting.version}</b> waits for your approval: {waiting.line}{" "}
        <a href={`#/strategies/${id}/versions/${waiting.version}`}>Compare</a>
      </p>
      <button class="primary" onClick={() => void approve(strategy, waiting)}>
        Approve {waiting.version}
      </button>
    </div>
  );
}
