import type { State } from "../domain/state";
import { Icon } from "./icon";

/** A state by shape, color and word, so that no one of them is needed. */
export function StateBadge({ state }: { state: State }) {
  return (
    <span class={`badge ${state.kind}`} title={state.why}>
      <Icon name={state.kind} />
      {state.label}
    </span>
  );
}

export function Tag({ children, tone = "plain" }: { children: string; tone?: string }) {
  return <span class={`tag ${tone}`}>{children}</span>;
}
