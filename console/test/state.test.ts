import { expect, test } from "vitest";
import type { Strategy, Summary } from "../src/domain/shapes";
import { glanceOf, stateOf } from "../src/domain/state";
import { timeOfDay } from "../src/domain/times";
import { decision, NOON, run, strategy, summary } from "./shapes";

const due = decision({ should_retrain: true, outcome: "new_trades", reason: "50+ new trades" });
const few = decision({ outcome: "too_few_trades", reason: "too few trades: 94 of 100" });

test.each<[string, Partial<Summary>]>([
  ["Healthy", {}],
  ["Training now", { live_run: run(), paused_reason: "failed" }],
  ["Inactive", { is_active: false }],
  ["Disabled", { ml_training_enabled: false }],
  ["Paused", { paused_reason: "5 trainings failed in a row" }],
  ["Needs approval", { waiting_version: "v3" }],
  ["Not checked yet", { last_decision: null }],
  ["Not enough trades", { last_decision: few }],
  ["Due", { last_decision: due }],
])("a strategy is %s", (label, changes) => {
  expect(stateOf(summary(changes)).label).toBe(label);
});

test("a training that has ended since answers the check that asked for it", () => {
  const trained = { ml_model_trained_at: "2026-03-02T12:00:05Z", last_decision: due };

  expect(stateOf(summary(trained)).label).toBe("Healthy");
});

const at = timeOfDay(NOON);

test.each<[string, Partial<Strategy>]>([
  [`Failed, next try ${at}`, { next_eligible_at: NOON, last_decision: due }],
  [`Failed, resting until ${at}`, { next_eligible_at: NOON }],
  ["Failed", { last_decision: due }],
  ["Paused", { paused_reason: "5 failed trainings in a row" }],
  ["Training now", { live_run: run() }],
])("a strategy whose last training failed is: %s", (label, changes) => {
  expect(stateOf(glanceOf(strategy({ failures: 1, ...changes }))).label).toBe(label);
});

test("a state says why", () => {
  expect(stateOf(summary({ last_decision: few })).why).toBe("too few trades: 94 of 100");
  expect(stateOf(glanceOf(strategy({ failures: 2 }))).why).toBe("2 failed trainings in a row");
});
