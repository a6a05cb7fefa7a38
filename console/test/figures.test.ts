import { expect, test } from "vitest";
import { earnings, reliabilityData, rocData } from "../src/domain/curves";
import { type Drawn, type Judged, readReport } from "../src/domain/report";
import type { Week } from "../src/domain/shapes";
import { measured, spansOf } from "../src/domain/timeline";
import { trendOf, winRate } from "../src/domain/trend";
import { namesOf, stored } from "../src/domain/weights";
import { activation, AT_NOON } from "./shapes";

function drawn(changes: Partial<Drawn> = {}): Drawn {
  return { roc: null, precision_recall: null, reliability: [], pnl: [], ...changes };
}

function judged(challenger: Partial<Drawn>, champion?: Partial<Drawn>): Judged {
  const both = { wins: 20, losses: 20, enough_rows: 10, enough: true };
  return {
    ...both,
    challenger: drawn(challenger),
    ...(champion ? { champion: drawn(champion) } : {}),
  };
}

test("both ROC curves keep every step on one rising axis", () => {
  const steps: [number, number][] = [
    [0, 0],
    [0, 0.5],
    [0.5, 0.5],
    [0.5, 1],
    [1, 1],
  ];
  const [x, challenger] = rocData(judged({ roc: steps }, { roc: steps.slice(2) }));

  expect([...(challenger ?? [])].filter((y) => y != null)).toEqual([0, 0.5, 0.5, 1, 1]);
  expect([...x]).toEqual([...x].sort((one, other) => one - other));
});

test("tenths with too few trades have no dot and no bar", () => {
  const bin = { from: 0.1, to: 0.2, rows: 3, enough: false };
  const few = judged({
    reliability: [{ ...bin, probability: 0.15, win_rate: 1 }],
    pnl: [{ ...bin, mean_pnl_pct: 9, sum_pnl_pct: 27 }],
  });

  expect([...(reliabilityData(few)[1] ?? [])].filter((y) => y != null)).toEqual([]);
  expect(earnings(few).names).toEqual(["0.1"]);
  expect(earnings(few).data[1]).toEqual([null]);
});

test("a report that cannot be shown says why", () => {
  expect(readReport(null)).toMatch("before there were reports");
  expect(readReport({ format: 2 })).toMatch("newer format");
  expect(readReport({ format: 1, failed: "ValueError: x" })).toMatch("ValueError: x");
});

test("spans go from one activation to the next, and pinning makes no new one", () => {
  const newestFirst = [
    activation("v2", { activated_at: "2026-03-02T10:00:00Z", why: "pinned" }),
    activation("v2", { activated_at: "2026-03-02T09:00:00Z" }),
    activation("v1", { activated_at: "2026-03-01T12:00:00Z" }),
  ];

  const spans = measured(spansOf(newestFirst), AT_NOON);

  expect(spans.map(({ version, lasted }) => [version, lasted / 3_600_000])).toEqual([
    ["v1", 21],
    ["v2", 3],
  ]);
  expect(spans.map(({ until }) => until)).toEqual(["2026-03-02T09:00:00Z", null]);
});

function week(day: string, wins: number, trades: number): Week {
  const bounds = { win_rate_low: 0, win_rate_high: 1, pnl_pct: 0, enough: true };
  return { week: day, trades, wins, win_rate: wins / trades, ...bounds };
}

test("the trend weighs weeks by their trades, oldest first", () => {
  const weeks = [week("2026-03-09", 9, 9), week("2026-03-02", 0, 1)];

  expect(trendOf(weeks)).toEqual([
    { week: "2026-03-02", rate: 0 },
    { week: "2026-03-09", rate: 0.9 },
  ]);
  expect(winRate([])).toBeNull();
});

test("sliders begin with what the model leans on, and neutral weights are not stored", () => {
  const inputs = [
    { feature: "rsi", log_odds: 0.4 },
    { trade: "side", log_odds: 0.3 },
  ];

  expect(namesOf({ macd: 2, rsi: 1 }, inputs)).toEqual(["rsi", "macd"]);
  expect(stored({ macd: 2, rsi: 1, atr: 0 })).toEqual({ macd: 2, atr: 0 });
});
