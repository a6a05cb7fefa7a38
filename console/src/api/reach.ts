/** Whether the API answers; when it does not, asks until it does, and then reads everything anew. */

import { signal } from "@preact/signals";
import type { QueryClient } from "@tanstack/preact-query";
import type { HealthReport } from "../domain/shapes";

const AGAIN_MS = 2000;

/** Why the API cannot be used, null while it can. */
export const down = signal<string | null>(null);

export function lost(queries: QueryClient): void {
  if (down.peek() !== null) return;
  down.value = "The API does not answer.";
  void recover(queries);
}

async function recover(queries: QueryClient): Promise<void> {
  for (;;) {
    const wrong = await problem();
    if (wrong === null) break;
    down.value = wrong;
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
  down.value = null;
  await queries.invalidateQueries();
}

async function problem(): Promise<string | null> {
  try {
    const answer = await fetch("/health", { cache: "no-store" });
    if (answer.ok) return null;
    const report = (await answer.json()) as Partial<HealthReport>;
    return report.problems?.[0]?.message ?? "The API is not ready.";
  } catch (error) {
    if (error instanceof TypeError || error instanceof SyntaxError)
      return "The API does not answer.";
    throw error;
  }
}
