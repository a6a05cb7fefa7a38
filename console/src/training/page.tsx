import type { Strategy } from "../domain/shapes";
import { ChampionCard } from "../strategy/champion";
import { Conditions } from "./conditions";
import { History } from "./history";
import { SettingsForm } from "./settings";
import { TrainPanel } from "./train";
import { Versions } from "./versions";

export function Training({ strategy }: { strategy: Strategy }) {
  return (
    <div class="columns">
      <ChampionCard strategy={strategy} />
      <TrainPanel key={strategy.id} strategy={strategy} />
      <Conditions strategy={strategy} />
      <Versions strategy={strategy} />
      <SettingsForm key={strategy.id} strategy={strategy} />
      <History id={strategy.id} />
    </div>
  );
}
