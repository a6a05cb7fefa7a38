/** Moments and spans in words: the viewer's zone first, UTC beside it. */

const SECOND = 1000;
export const DAY = 86_400 * SECOND;
const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["year", 365 * DAY],
  ["month", 30 * DAY],
  ["day", DAY],
  ["hour", 3600 * SECOND],
  ["minute", 60 * SECOND],
];

export function ago(moment: string | number, now: number): string {
  const passed = new Date(moment).getTime() - now;
  const unit = UNITS.find(([, size]) => Math.abs(passed) >= size);
  if (!unit) return "just now";
  const [name, size] = unit;
  return new Intl.RelativeTimeFormat("en").format(Math.trunc(passed / size), name);
}

/** "2 h 5 min", "3.4 days": how long, for people. */
export function lasting(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / SECOND;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 2 * 86_400) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

export function local(moment: string): string {
  return new Date(moment).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

export function timeOfDay(moment: string): string {
  return new Date(moment).toLocaleTimeString([], { timeStyle: "short" });
}

export function localDay(moment: string): string {
  return new Date(moment).toLocaleDateString([], { dateStyle: "medium" });
}

export function utc(moment: string): string {
  return `${new Date(moment).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
