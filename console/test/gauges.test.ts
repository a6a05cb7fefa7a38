import { expect, test } from "vitest";
import { type Gauge, gaugesOf } from "../src/domain/gauges";
import type { Condition } from "../src/domain/shapes";
import { AT_NOON, condition, decision, NOON, strategy } from "./shapes";

const DAY = 86_400_000;

function gauge(told: Condition, trainedDaysAgo: number | null = 4): Gauge {
  const trained =
    trainedDaysAgo === null ? null : new Date(AT_NOON - trainedDaysAgo * DAY).toISOString();
  const [found] = gaugesOf(
    strategy({
      last_decision: decision({ conditions: [told] }),
      ml_model_trained_at: trained,
    }),
    AT_NOON,
  );
  if (!found) throw new Error("no gauge");
  return found;
}

function performance(ratio: Record<string, unknown>): Condition {
  const calibrated = { trades: 30, line: "not comparable", evidence: 0, threshold: 20 };
  return condition("performance_degradation", { rule: "ratio", ratio, calibrated });
}

test("new trades are counted towards their threshold", () => {
  const told = gauge(condition("new_trades", { new_trades: 32, threshold: 50 }));

  expect(told.words).toBe("32 of 50 new trades");
  expect(told.distance).toBe("18 to go");
  expect(told.dial).toEqual({ kind: "fill", share: 0.64 });
});

test("a win rate is shown with the floor that it fires below", () => {
  const told = gauge(
    performance({
      quantity: "win rate",
      observed: 0.51,
      expected: 0.5444,
      threshold: 0.9,
      trades: 30,
    }),
  );

  expect(told.words).toBe("win rate 51% of 30 trades, retrains below 49%");
  expect(told.distance).toBe("2.0 points above");
  expect(told.dial).toMatchObject({ kind: "floor", value: 0.51 });
  expect(told.beside).toBe("calibrated, not in force: not comparable");
});

test("too few trades to judge by are counted, and fire nothing", () => {
  const told = gauge(performance({ trades: 12, min_trades: 30, line: "not enough evidence" }));

  expect([told.words, told.distance]).toEqual(["12 of 30 trades to judge by", "18 to go"]);
  expect(told.dial.kind).toBe("idle");
});

test("the calibrated rule shows its evidence", () => {
  const calibrated = { evidence: 5, threshold: 20, observed: 0.5, expected: 0.6, trades: 80 };
  const figures = { rule: "calibrated", calibrated, ratio: { line: "fine" } };
  const told = gauge(condition("performance_degradation", figures));

  expect(told.dial).toEqual({ kind: "fill", share: 0.25 });
  expect(told.distance).toBe("evidence 5.0 of 20");
});

test.each([
  [4, "3 days left"],
  [6.5, "12 hours left"],
  [8, "due"],
])("%d days after the training the schedule has %s", (age, left) => {
  const told = gauge(condition("weekly_schedule", { age_days: age, threshold: 7 }), age);

  expect(told.distance).toBe(left);
});

test("a first training counts all trades, and is done for good afterwards", () => {
  const figures = { trades: 94, threshold: 100, trained_before: false };
  const first = gauge(condition("initial_training", figures), null);
  const later = gauge(condition("initial_training", { ...figures, trained_before: true }));

  expect([first.words, first.distance]).toEqual(["94 of 100 trades", "6 to go"]);
  expect(later.dial.kind).toBe("idle");
});

test("feature drift shows the feature that is nearest to its limit", () => {
  const features = { rsi: { psi: 0.12, limit: 0.25 }, atr: { psi: 0.2, limit: 0.6 } };
  const told = gauge(condition("feature_drift", { threshold: 0.25, trades: 120, features }));

  expect(told.words).toBe("rsi has PSI 0.12, retrains above 0.25");
  expect(told.distance).toBe("0.13 to go");
});

test("what was counted before the last training is not shown as if it still held", () => {
  const fired = { fired: true };
  const told = gauge(condition("new_trades", { new_trades: 57, threshold: 50 }, fired), -0.01);

  expect(told.fired).toBe(false);
  expect(told.distance).toBe("counts anew from there");
  expect(told.dial.kind).toBe("idle");
});

test("a strategy that was never checked has no gauges", () => {
  expect(gaugesOf(strategy({ last_decision: null }), Date.parse(NOON))).toEqual([]);
});
