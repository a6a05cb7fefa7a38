/** The live win rate as a line that a person can follow: single weeks have few trades. */

import type { Week } from "./shapes";

const SMOOTHED_WEEKS = 6;

export type TrendPoint = { week: string; rate: number };

/** Oldest first; each the share of wins in the weeks up to it. Weeks come newest first. */
export function trendOf(weeks: readonly Week[]): TrendPoint[] {
  const oldestFirst = [...weeks].reverse();
  return oldestFirst.map(({ week }, place) => {
    const window = oldestFirst.slice(Math.max(0, place - SMOOTHED_WEEKS + 1), place + 1);
    return { week, rate: winRate(window) ?? 0 };
  });
}

export function winRate(weeks: readonly Week[]): number | null {
  const trades = weeks.reduce((sum, week) => sum + week.trades, 0);
  return trades > 0 ? weeks.reduce((sum, week) => sum + week.wins, 0) / trades : null;
}
