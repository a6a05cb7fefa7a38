import { useStrategy } from "../api/queries";
import type { Strategy } from "../domain/shapes";
import { glanceOf, stateOf } from "../domain/state";
import { StateBadge } from "../parts/badge";
import { Heading } from "../parts/heading";
import { Icon } from "../parts/icon";
import { Loaded } from "../parts/states";
import { tabId, Tabs } from "../parts/tabs";
import { Training } from "../training/page";
import { resume } from "./deeds";
import { Overview } from "./overview";

const NAMES = { overview: "Overview", training: "ML Training" } as const;

function nameOf(tab: string): string {
  return tab === "training" ? NAMES.training : NAMES.overview;
}

export function StrategyPage({ id, tab }: { id: string; tab: string }) {
  const found = useStrategy(id);
  const selected = nameOf(tab);
  return (
    <>
      <a class="back" href="#/">
        <Icon name="back" /> Strategies
      </a>
      <Heading title={found.data?.name ?? "Strategy"}>
        {found.data && <StateBadge state={stateOf(glanceOf(found.data))} />}
      </Heading>
      <Loaded of={found} height={900}>
        {(strategy) => (
          <>
            <Paused strategy={strategy} />
            <Tabs
              label={strategy.name}
              selected={selected}
              tabs={[
                { name: NAMES.overview, href: `#/strategies/${id}` },
                { name: NAMES.training, href: `#/strategies/${id}/training` },
              ]}
            />
            <div id="panel" role="tabpanel" aria-labelledby={tabId(selected)}>
              {selected === NAMES.training ? (
                <Training strategy={strategy} />
              ) : (
                <Overview strategy={strategy} />
              )}
            </div>
          </>
        )}
      </Loaded>
    </>
  );
}

function Paused({ strategy }: { strategy: Strategy }) {
  if (strategy.paused_reason === null) return null;
  return (
    <div class="notice warn row">
      <p>
        <b>Paused:</b> {strategy.paused_reason}
      </p>
      <button class="primary" onClick={() => void resume(strategy)}>
        Resume
      </button>
    </div>
  );
}
