import { useActivations, useModels } from "../api/queries";
import { decimal, percent, points, signed } from "../domain/format";
import type { Model, Strategy } from "../domain/shapes";
import { Tag } from "../parts/badge";
import { Moment } from "../parts/moment";
import { Scroll } from "../parts/scroll";
import { Empty, Loaded } from "../parts/states";
import { activate, approve } from "../strategy/deeds";
import { ScoresChart } from "./scores-chart";
import { Timeline } from "./timeline";

export function Versions({ strategy }: { strategy: Strategy }) {
  const models = useModels(strategy.id);
  const activations = useActivations(strategy.id);
  return (
    <section class="card whole" aria-labelledby="versions">
      <h2 id="versions">Versions</h2>
      <Loaded of={models} height={420}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>No model yet: the first training makes one.</Empty>
          ) : (
            <>
              <Loaded of={activations} height={96}>
                {(page) => <Timeline activations={page.items} />}
              </Loaded>
              {items.length > 1 && <ScoresChart models={items} />}
              <VersionTable strategy={strategy} models={items} />
            </>
          )
        }
      </Loaded>
    </section>
  );
}

function VersionTable({ strategy, models }: { strategy: Strategy; models: readonly Model[] }) {
  return (
    <Scroll label="Versions, newest first">
      <table>
        <thead>
          <tr>
            <th scope="col">Version</th>
            <th scope="col">Made</th>
            <th scope="col" class="number">
              Accuracy
            </th>
            <th scope="col" class="number">
              ROC-AUC
            </th>
            <th scope="col" class="number">
              Log-loss gain
            </th>
            <th scope="col">Verdict</th>
            <th scope="col">
              <span class="hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {models.map((model) => (
            <VersionRow key={model.version} strategy={strategy} model={model} />
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function VersionRow({ strategy, model }: { strategy: Strategy; model: Model }) {
  const { version } = model;
  return (
    <tr class={model.is_active ? "live" : ""}>
      <th scope="row">
        <a href={`#/strategies/${strategy.id}/versions/${version}`}>{version}</a>{" "}
        {model.is_active && <Tag tone="good">live</Tag>}
        {strategy.pin?.version === version && <Tag>pinned</Tag>}
        {model.awaiting_approval && <Tag tone="approval">waits</Tag>}
        {model.below_base_rate && <Tag tone="warn">below base rate</Tag>}
      </th>
      <td>
        <Moment at={model.created_at} />
      </td>
      <td class="number" title={`${points(model.improvement)} against ${model.rival ?? "nothing"}`}>
        {percent(model.accuracy, 1)}
      </td>
      <td class="number">{decimal(model.roc_auc, 3)}</td>
      <td class="number">{signed(model.log_loss_improvement, 3)}</td>
      <td class="line">{model.line}</td>
      <td class="number">
        <ActivateButton strategy={strategy} model={model} />
      </td>
    </tr>
  );
}

function ActivateButton({ strategy, model }: { strategy: Strategy; model: Model }) {
  if (model.is_active) return null;
  if (model.awaiting_approval) {
    return (
      <button class="small" onClick={() => void approve(strategy, model)}>
        Approve {model.version}
      </button>
    );
  }
  const { champion } = strategy;
  const isOlder = champion !== null && model.created_at < champion.created_at;
  return (
    <button
      class="small"
      aria-label={`${isOlder ? "Roll back to" : "Activate"} ${model.version}`}
      onClick={() => void activate(strategy, model.version)}
    >
      {isOlder ? "Roll back" : "Activate"}
    </button>
  );
}
