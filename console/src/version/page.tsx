import { useReport, useStrategy } from "../api/queries";
import { readReport } from "../domain/report";
import type { ModelReport, Strategy } from "../domain/shapes";
import { Tag } from "../parts/badge";
import { Heading } from "../parts/heading";
import { Icon } from "../parts/icon";
import { Moment } from "../parts/moment";
import { Loaded } from "../parts/states";
import { activate, approve } from "../strategy/deeds";
import { Comparison } from "./comparison";

/** How one version was judged: champion against challenger. */
export function VersionPage({ id, version }: { id: string; version: string }) {
  const strategy = useStrategy(id);
  const model = useReport(id, version);
  return (
    <>
      <a class="back" href={`#/strategies/${id}/training`}>
        <Icon name="back" /> {strategy.data?.name ?? "Strategy"}, ML Training
      </a>
      <Heading title={titleOf(version, model.data)}>
        {model.data?.is_active && <Tag tone="good">live</Tag>}
        {strategy.data && model.data && <Deeds strategy={strategy.data} model={model.data} />}
      </Heading>
      <Loaded of={model} height={900}>
        {(found) => (
          <>
            <p class="soft made">
              Made <Moment at={found.created_at} />. {found.line}
            </p>
            <Report model={found} />
          </>
        )}
      </Loaded>
    </>
  );
}

function titleOf(version: string, model: ModelReport | undefined): string {
  return model?.rival == null ? version : `${version} against ${model.rival}`;
}

function Deeds({ strategy, model }: { strategy: Strategy; model: ModelReport }) {
  const isLive = strategy.champion?.version === model.version;
  if (isLive) return null;
  return model.awaiting_approval ? (
    <button class="primary" onClick={() => void approve(strategy, model)}>
      Approve {model.version}
    </button>
  ) : (
    <button onClick={() => void activate(strategy, model.version)}>Activate {model.version}</button>
  );
}

function Report({ model }: { model: ModelReport }) {
  const report = readReport(model.report);
  if (typeof report === "string") return <p class="notice">{report}</p>;
  return <Comparison version={model.version} report={report} />;
}
