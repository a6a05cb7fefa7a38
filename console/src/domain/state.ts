/** A strategy's state in one word, and why. */

import { plural } from "./format";
import { progressOf } from "./runs";
import type { Strategy, Summary } from "./shapes";
import { timeOfDay } from "./times";

export type StateKind =
  | "training"
  | "paused"
  | "disabled"
  | "failed"
  | "approval"
  | "few"
  | "due"
  | "healthy"
  | "unchecked";

export type State = { kind: StateKind; label: string; why: string };

type Glance = Pick<
  Summary,
  | "is_active"
  | "ml_training_enabled"
  | "ml_model_trained_at"
  | "paused_reason"
  | "waiting_version"
  | "last_decision"
  | "live_run"
  | "failures"
  | "next_eligible_at"
>;

export function stateOf(strategy: Glance): State {
  const { live_run: run, last_decision: decision } = strategy;
  if (run) return { kind: "training", label: "Training now", why: progressOf(run).words };
  if (!strategy.is_active) return { kind: "disabled", label: "Inactive", why: "the bot is off" };
  if (!strategy.ml_training_enabled) {
    return { kind: "disabled", label: "Disabled", why: "auto-retraining is switched off" };
  }
  if (strategy.paused_reason) {
    return { kind: "paused", label: "Paused", why: strategy.paused_reason };
  }
  if (strategy.failures) return failed(strategy.failures, strategy);
  if (strategy.waiting_version) {
    const why = `${strategy.waiting_version} waits for approval`;
    return { kind: "approval", label: "Needs approval", why };
  }
  if (!decision) {
    return {
      kind: "unchecked",
      label: "Not checked yet",
      why: "the next check is within the hour",
    };
  }
  if (decision.outcome === "too_few_trades") {
    return { kind: "few", label: "Not enough trades", why: decision.reason };
  }
  if (decision.should_retrain && !answered(strategy)) {
    return { kind: "due", label: "Due", why: decision.reason };
  }
  return { kind: "healthy", label: "Healthy", why: decision.reason };
}

/** A failed strategy rests; the first check after that tries again if it says yes. */
function failed(failures: number, { next_eligible_at, last_decision }: Glance): State {
  const until = last_decision?.should_retrain ? "next try" : "resting until";
  const rest = next_eligible_at ? `, ${until} ${timeOfDay(next_eligible_at)}` : "";
  const why = `${plural(failures, "failed training")} in a row`;
  return { kind: "failed", label: `Failed${rest}`, why };
}

/** Whether a training has ended since the check asked for one. */
function answered({ ml_model_trained_at, last_decision }: Glance): boolean {
  if (!ml_model_trained_at || !last_decision) return false;
  return Date.parse(ml_model_trained_at) >= Date.parse(last_decision.decided_at);
}

export function glanceOf(strategy: Strategy): Glance {
  return {
    ...strategy,
    ml_training_enabled: strategy.settings.ml_training_enabled,
    waiting_version: strategy.waiting?.version ?? null,
  };
}
