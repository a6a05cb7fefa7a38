/** What all charts look alike in. */

import type uPlot from "uplot";
import { percent } from "../domain/format";
import type { Ink } from "./plot";

const FONT = "11px system-ui, sans-serif";

export function axis(ink: Ink, more: uPlot.Axis = {}): uPlot.Axis {
  return {
    stroke: ink.soft,
    font: FONT,
    labelFont: FONT,
    labelSize: 18,
    labelGap: 2,
    size: 32,
    grid: { stroke: ink.rule, width: 1 },
    ticks: { show: false },
    ...more,
  };
}

export function shares(_: uPlot, values: number[]): string[] {
  return values.map((value) => percent(value));
}

/** As far as the values go, and zero with them. */
export function withZero(): uPlot.Range.Function {
  return (_, low, high) => [Math.min(0, low * 1.15), Math.max(0, high * 1.15)];
}

export function clip(low: number, high: number): uPlot.Range.Function {
  return () => [low, high];
}
