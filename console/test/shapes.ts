/** Answers of the API, whole, to be changed where a test means something else. */

import type { Activation, Condition, Decision, Run, Strategy, Summary } from "../src/domain/shapes";

export const NOON = "2026-03-02T12:00:00Z";
export const AT_NOON = Date.parse(NOON);
export const ID = "10000000-0000-0000-0000-000000000001";
export const USER = "00000000-0000-0000-0000-000000abcdef";

export function run(changes: Partial<Run> = {}): Run {
  return {
    id: "20000000-0000-0000-0000-000000000001",
    strategy_id: ID,
    status: "running",
    phase: "fitting",
    round: 30,
    rounds: 60,
    reason: "50+ new trades since last training",
    manual: false,
    force: false,
    attempt: 1,
    queued_at: NOON,
    running_at: NOON,
    finished_at: null,
    training_seconds: null,
    min_trades: null,
    feature_weights: null,
    rows_used: null,
    rows_dropped: null,
    outcome: null,
    line: null,
    model_version: null,
    activated: null,
    error: null,
    ...changes,
  };
}

export function decision(changes: Partial<Decision> = {}): Decision {
  return {
    id: null,
    slot: NOON,
    decided_at: NOON,
    should_retrain: false,
    outcome: "nothing_due",
    reason: "32 of 50 new trades since last training",
    conditions: [],
    ...changes,
  };
}

export function condition(
  name: string,
  figures: Record<string, unknown>,
  changes: Partial<Condition> = {},
): Condition {
  return { name, fired: false, line: "as the API says it", figures, ...changes };
}

export function summary(changes: Partial<Summary> = {}): Summary {
  return {
    id: ID,
    name: "Momentum",
    is_active: true,
    ml_training_enabled: true,
    ml_model_version: "v2",
    ml_model_trained_at: "2026-03-01T12:00:00Z",
    accuracy: 0.68,
    paused_reason: null,
    failures: 0,
    next_eligible_at: null,
    pinned_version: null,
    waiting_version: null,
    last_decision: decision(),
    live_run: null,
    ...changes,
  };
}

export function strategy(changes: Partial<Strategy> = {}): Strategy {
  return {
    id: ID,
    name: "Momentum",
    is_active: true,
    ml_model_version: "v2",
    ml_model_trained_at: "2026-03-01T12:00:00Z",
    ml_model_performance: null,
    settings: {
      ml_training_enabled: true,
      ml_min_trades_for_training: 100,
      activation_mode: "if_better",
      degradation_rule: "ratio",
      new_trades_threshold: 50,
      degradation_ratio: 0.9,
      degradation_window: 50,
      degradation_min_trades: 30,
      max_age_days: 7,
      model_max_age_days: null,
      feature_drift_psi: null,
      feature_weights: {},
      allowed_features: [],
    },
    champion: null,
    waiting: null,
    pin: null,
    paused_reason: null,
    failures: 0,
    next_eligible_at: null,
    last_decision: decision(),
    live_run: null,
    ...changes,
  };
}

export function activation(version: string | null, changes: Partial<Activation> = {}): Activation {
  return {
    id: 1,
    version,
    previous_version: null,
    activated_at: NOON,
    run_id: null,
    activated_by: null,
    why: "better",
    ...changes,
  };
}
