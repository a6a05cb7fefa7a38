/** The feature weights as sliders: 1 is neutral, and what is neutral is not stored. */

import type { Input } from "./report";

export const NEUTRAL = 1;
export const HIGHEST = 3;

/** The features that there is a slider for: what the model leans on first, then the others. */
export function namesOf(
  weights: Readonly<Record<string, number>>,
  inputs: readonly Input[],
): string[] {
  const leaned = inputs.flatMap(({ feature }) => (feature === undefined ? [] : [feature]));
  return [...new Set([...leaned, ...Object.keys(weights).sort()])];
}

export function stored(weights: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(weights).filter(([, weight]) => weight !== NEUTRAL));
}
