/** What was active when, out of the activations. */

import type { Activation } from "./shapes";

/** `until` is null for what is live; `version` where nothing was. */
export type Span = {
  version: string | null;
  from: string;
  until: string | null;
  by: string | null;
  why: string;
};

/** Oldest first; activations come newest first, pinning and unpinning among them. */
export function spansOf(activations: readonly Activation[]): Span[] {
  const spans: Span[] = [];
  for (const { version, activated_at, activated_by, why } of [...activations].reverse()) {
    const last = spans.at(-1);
    if (last?.version === version) continue;
    if (last) last.until = activated_at;
    spans.push({ version, from: activated_at, until: null, by: activated_by, why });
  }
  return spans;
}

export type Measured = Span & { lasted: number };

/** How long each span lasted, in milliseconds. */
export function measured(spans: readonly Span[], now: number): Measured[] {
  return spans.map((span) => {
    const end = span.until === null ? now : Date.parse(span.until);
    return { ...span, lasted: Math.max(0, end - Date.parse(span.from)) };
  });
}
