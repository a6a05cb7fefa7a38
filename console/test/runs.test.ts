import { expect, test } from "vitest";
import { endingOf, progressOf } from "../src/domain/runs";
import type { Run } from "../src/domain/shapes";
import { run } from "./shapes";

test("progress moves with the boosting rounds", () => {
  const half = progressOf(run({ round: 30, rounds: 60 }));
  const all = progressOf(run({ round: 60, rounds: 60 }));

  expect(half.rounds).toBe("round 30 of 60");
  expect(half.words).toBe("Fitting the challenger");
  expect(half.share).toBeLessThan(all.share);
});

test("every phase is further than the one before", () => {
  const phases = ["starting", "loading", "fitting", "judging", "refitting", "remembering"];
  const shares = [...phases, "reporting", "publishing"].map(
    (phase) => progressOf(run({ phase, round: 0, rounds: 0 })).share,
  );

  expect(shares).toEqual(shares.toSorted((one, other) => one - other));
  expect(new Set(shares).size).toBe(shares.length);
});

test("a queued run waits, whatever phase an earlier attempt was in", () => {
  expect(progressOf(run({ status: "queued", phase: "judging" })).words).toBe(
    "Waiting for its turn",
  );
});

test("a phase that this page does not know yet is shown by its name", () => {
  expect(progressOf(run({ phase: "polishing" })).words).toBe("polishing");
});

const succeeded: Partial<Run> = { status: "succeeded", model_version: "v3", activated: false };

test.each<[string, string, Partial<Run>]>([
  ["v3 is live: better than what was there", "good", { outcome: "better", activated: true }],
  ["v3 is live, not judged yet", "good", { outcome: "not_judged", activated: true }],
  ["v3 is better, and waits", "neutral", { outcome: "better" }],
  ["v3 is stored: not better than what is live", "neutral", { outcome: "not_better" }],
  ["v3 is stored: not judged", "neutral", { outcome: "not_judged" }],
  ["Not enough trades to train on", "neutral", { outcome: "insufficient_data" }],
  ["Cancelled", "neutral", { status: "cancelled" }],
  ["The training failed", "bad", { status: "failed" }],
])("it ends as: %s", (headline, tone, changes) => {
  expect(endingOf(run({ ...succeeded, ...changes }))).toMatchObject({ headline, tone });
});

test("a version that was not judged says so, and which one a pin keeps live", () => {
  const line = "0 of 20 trades that neither model has seen; pinned by hand to v2 since 2026-03-01";
  const { headline, line: rest } = endingOf(run({ ...succeeded, outcome: "not_judged", line }));

  expect(headline).toBe(
    "v3 is stored: not judged (0 of 20 trades that neither model has seen); v2 is pinned",
  );
  expect(rest).toBeNull();
});

test("a failure is told in the API's words", () => {
  const error = { code: "leak", message: "target_price alone tells wins from losses" };

  expect(endingOf(run({ status: "failed", error })).line).toBe(error.message);
});
