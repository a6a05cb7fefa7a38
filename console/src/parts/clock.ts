/** The time of day as the pages show it; it moves on by itself. */

import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";

const TICK_MS = 10_000;

export const now = signal(Date.now());

export function startClock(): void {
  setInterval(() => (now.value = Date.now()), TICK_MS);
}

/** By the second, while something is watched. */
export function useSeconds(running: boolean): number {
  const [at, setAt] = useState(() => Date.now());
  useEffect(() => {
    if (!running) return undefined;
    const timer = setInterval(() => setAt(Date.now()), 250);
    return () => clearInterval(timer);
  }, [running]);
  return at;
}
