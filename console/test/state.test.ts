import { expect, test } from "vitest";
import type { Summary } from "../src/domain/shapes";
import { stateOf } from "../src/domain/state";
import { decision, run, summary } from "./shapes";

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

test("a state says why", () => {
  expect(stateOf(summary({ last_decision: few })).why).toBe("too few trades: 94 of 100");
});
