import type { Sort } from "../api/queries";
import { percent } from "../domain/format";
import { progressOf } from "../domain/runs";
import type { Summary } from "../domain/shapes";
import { stateOf } from "../domain/state";
import { StateBadge, Tag } from "../parts/badge";
import { Icon } from "../parts/icon";
import { Moment } from "../parts/moment";
import { ProgressBar } from "../parts/progress";
import { Trend } from "./trend";

type Props = {
  strategies: readonly Summary[];
  sort: Sort;
  busy: boolean;
  onSort: (sort: Sort) => void;
};

export function StrategyTable({ strategies, sort, busy, onSort }: Props) {
  return (
    <table class="strategies" aria-label="Strategies" aria-busy={busy}>
      <thead>
        <tr>
          <Sortable name="Strategy" by="name" sort={sort} onSort={onSort} />
          <th scope="col">State</th>
          <Sortable name="Champion" by="trained_at" sort={sort} onSort={onSort} />
          <th scope="col" class="wide number">
            Accuracy
          </th>
          <th scope="col" class="wide">
            Live win rate
          </th>
        </tr>
      </thead>
      <tbody>
        {strategies.map((strategy) => (
          <Row key={strategy.id} strategy={strategy} />
        ))}
      </tbody>
    </table>
  );
}

function Sortable(props: {
  name: string;
  by: "name" | "trained_at";
  sort: Sort;
  onSort: (sort: Sort) => void;
}) {
  const { name, by, sort, onSort } = props;
  const up = sort === by;
  const direction = up ? "ascending" : sort === `-${by}` ? "descending" : "none";
  return (
    <th scope="col" aria-sort={direction}>
      <button class="sort" onClick={() => onSort(up ? `-${by}` : by)}>
        {name}
        <span aria-hidden="true">{{ ascending: " ↑", descending: " ↓", none: "" }[direction]}</span>
      </button>
    </th>
  );
}

function Row({ strategy }: { strategy: Summary }) {
  const state = stateOf(strategy);
  return (
    <tr>
      <td class="name">
        <a href={`#/strategies/${strategy.id}`}>{strategy.name}</a>
        <p class="hint" title={state.why}>
          {lastDecision(strategy)}
        </p>
      </td>
      <td class="state">
        <StateBadge state={state} />
        {strategy.live_run && (
          <ProgressBar
            progress={progressOf(strategy.live_run)}
            label={`Training ${strategy.name}`}
          />
        )}
      </td>
      <td class="champion">
        <Champion strategy={strategy} />
      </td>
      <td class="wide number">{percent(strategy.accuracy)}</td>
      <td class="wide trend">
        <Trend id={strategy.id} name={strategy.name} />
      </td>
    </tr>
  );
}

function Champion({ strategy }: { strategy: Summary }) {
  return (
    <>
      <Live strategy={strategy} />{" "}
      {strategy.pinned_version !== null && (
        <span class="pinned" title={`pinned to ${strategy.pinned_version}`}>
          <Icon name="pin" />
          <span class="hidden">pinned</span>
        </span>
      )}
      {strategy.waiting_version !== null && (
        <Tag tone="approval">{`${strategy.waiting_version} waits`}</Tag>
      )}
      {strategy.ml_model_trained_at !== null && (
        <p class="hint">
          last training <Moment at={strategy.ml_model_trained_at} relative />
        </p>
      )}
    </>
  );
}

/** What bots use: a model that was trained and kept out is none. */
function Live({ strategy }: { strategy: Summary }) {
  if (strategy.ml_model_version !== null) return <b>{strategy.ml_model_version}</b>;
  return <span class="soft">{strategy.ml_model_trained_at ? "base rate" : "no model yet"}</span>;
}

function lastDecision({ last_decision: decision, paused_reason }: Summary): string {
  if (paused_reason !== null) return paused_reason;
  if (decision === null) return "not checked yet";
  return `${decision.should_retrain ? "Yes" : "No"}: ${decision.reason}`;
}
