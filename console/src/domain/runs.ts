/** A training in words: how far it is, and what came of it. */

import type { Run, RunSummary } from "./shapes";

export type Progress = { share: number; words: string; rounds: string | null };

const PHASES: Readonly<Record<string, readonly [words: string, from: number, to: number]>> = {
  queued: ["Waiting for its turn", 0, 0.02],
  starting: ["Starting a trainer", 0.02, 0.08],
  loading: ["Reading the trades", 0.08, 0.15],
  fitting: ["Fitting the challenger", 0.15, 0.6],
  judging: ["Judging it on trades it has not seen", 0.6, 0.65],
  refitting: ["Fitting on all trades", 0.65, 0.8],
  remembering: ["Remembering for the next training", 0.8, 0.9],
  reporting: ["Writing the report", 0.9, 0.95],
  publishing: ["Publishing", 0.95, 1],
};

export function progressOf(run: RunSummary): Progress {
  const phase = run.status === "running" ? (run.phase ?? "starting") : run.status;
  const [words, from, to] = PHASES[phase] ?? [phase, 0, 1];
  const done = run.round && run.rounds ? run.round / run.rounds : 0;
  return {
    share: from + (to - from) * Math.min(1, done),
    words,
    rounds: run.rounds ? `round ${run.round ?? 0} of ${run.rounds}` : null,
  };
}

export function isLive(run: Pick<Run, "status">): boolean {
  return run.status === "queued" || run.status === "starting" || run.status === "running";
}

export type Ending = { tone: "good" | "neutral" | "bad"; headline: string; line: string | null };

export function endingOf(run: Run): Ending {
  if (run.status === "cancelled") {
    return { tone: "neutral", headline: "Cancelled", line: run.line };
  }
  if (run.status === "failed") {
    return { tone: "bad", headline: "The training failed", line: run.error?.message ?? run.line };
  }
  const version = run.model_version ?? "The model";
  if (run.activated) return { tone: "good", headline: liveHeadline(run, version), line: run.line };
  if (run.outcome === "not_judged") return unjudged(run, version);
  return { tone: "neutral", headline: keptHeadline(run, version), line: run.line };
}

const UNDER_A_PIN = /^(.+); pinned by hand to (\S+)/;

/** Nothing but a pin keeps such a version from going live; the API's line says which. */
function unjudged(run: Run, version: string): Ending {
  const headline = `${version} is stored: not judged`;
  const [, why, pinned] = UNDER_A_PIN.exec(run.line ?? "") ?? [];
  if (!why || !pinned) return { tone: "neutral", headline, line: run.line };
  return { tone: "neutral", headline: `${headline} (${why}); ${pinned} is pinned`, line: null };
}

function liveHeadline(run: Run, version: string): string {
  if (run.outcome === "better") return `${version} is live: better than what was there`;
  if (run.outcome === "not_judged") return `${version} is live, not judged yet`;
  return `${version} is live`;
}

function keptHeadline(run: Run, version: string): string {
  switch (run.outcome) {
    case "insufficient_data":
      return "Not enough trades to train on";
    case "nothing_new":
      return "Nothing new to learn from";
    case "better":
      return `${version} is better, and waits`;
    case "not_enough_evidence":
      return `${version} is stored: not enough evidence that it is better`;
    default:
      return `${version} is stored: not better than what is live`;
  }
}
