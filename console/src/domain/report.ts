/** A model's report as the trainer writes it, format 1; the contract leaves it open. */

export type Score = {
  log_loss: number;
  accuracy: number;
  roc_auc: number | null;
  brier: number;
  pnl_pct: number | null;
  taken: number;
};

export type Evidence =
  | { rival: string; rows: number; needed: number }
  | {
      rival: string;
      rows: number;
      judged_from: string;
      judged_until: string;
      rows_reused: number;
      z: number;
      p_better: number;
      enough: boolean;
      log_loss_improvement: number;
      challenger: Score;
      champion: Score | null;
      base_rate: Score;
    };

export type Point = readonly [number, number];

type Bin = { from: number; to: number; rows: number; enough: boolean };
export type Reliability = Bin & { probability: number | null; win_rate: number | null };
export type Earned = Bin & { mean_pnl_pct: number | null; sum_pnl_pct: number };

export type Drawn = {
  roc: Point[] | null;
  precision_recall: Point[] | null;
  reliability: Reliability[];
  pnl: Earned[];
};

export type Judged = {
  wins: number;
  losses: number;
  enough_rows: number;
  enough: boolean;
  challenger: Drawn;
  champion?: Drawn;
};

export type Input = { feature?: string; trade?: string; log_odds: number };

/** What the weights are worth: the same training with and without them. */
export type Ablation = {
  log_loss: number;
  uniform_log_loss: number;
  log_loss_improvement: number;
  z: number;
  enough: boolean;
};

export type Report = {
  format: 1;
  evidence: Evidence;
  judged: Judged | null;
  warnings: string[];
  importance: { rows: number; judged: boolean; inputs: number; highest: Input[] } | null;
  weights: Ablation | null;
  rows: { usable: number; fitted: number; purged: number; dropped: Record<string, number> };
  data_from: string;
  data_cutoff: string;
  win_rate: number;
  recipe: { version: string; trees: number; params: { num_leaves: number } };
  memory: { stood: string; scored: number; z: number | null; note: string | null };
  lightgbm: string;
};

export type Failed = { format: 1; failed: string };

/** A string says why there is nothing to draw. */
export function readReport(told: Record<string, unknown> | null): Report | string {
  if (told === null) return "This version was trained before there were reports.";
  if (told.format !== 1) return "This report is of a newer format than this page reads.";
  const failed = told.failed;
  if (typeof failed === "string") return `The report could not be made: ${failed}`;
  return told as unknown as Report;
}

export function inputName(input: Input): string {
  return input.feature ?? `the trade's ${input.trade ?? "value"}`;
}
