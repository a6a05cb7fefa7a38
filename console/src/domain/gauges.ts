/** Each condition as a gauge: what it stands at, and how far it is from firing. */

import { count, percent, plural, points } from "./format";
import type { Condition, Strategy } from "./shapes";
import { ago, DAY } from "./times";

/** `fill` fires when it is full, `floor` when the value falls below the floor, `idle` cannot. */
export type Dial =
  | { kind: "fill"; share: number }
  | { kind: "floor"; value: number; floor: number }
  | { kind: "idle" };

export type Gauge = {
  name: string;
  title: string;
  dial: Dial;
  reading: string;
  words: string;
  distance: string;
  fired: boolean;
  /** What else was looked at, in the API's own words. */
  beside: string | null;
};

type Face = Omit<Gauge, "name" | "title" | "fired" | "beside"> & { beside?: string | null };
type Figures = Readonly<Record<string, unknown>>;
type Told = Pick<Strategy, "last_decision" | "ml_model_trained_at">;

const TITLES: Readonly<Record<string, string>> = {
  initial_training: "First training",
  new_trades: "New trades",
  performance_degradation: "Performance",
  weekly_schedule: "Schedule",
  feature_drift: "Feature drift",
};

export function gaugesOf(strategy: Told, now: number): Gauge[] {
  return (strategy.last_decision?.conditions ?? []).map((condition) => {
    const face = faceOf(condition, strategy, now);
    return {
      beside: null,
      ...face,
      name: condition.name,
      title: TITLES[condition.name] ?? condition.name.replaceAll("_", " "),
      fired: condition.fired && !trainedSince(strategy),
    };
  });
}

/** Whether a training has ended since the check: its figures are those of before. */
export function trainedSince(strategy: Told): boolean {
  const { last_decision, ml_model_trained_at } = strategy;
  if (!last_decision || !ml_model_trained_at) return false;
  return Date.parse(ml_model_trained_at) > Date.parse(last_decision.decided_at);
}

function faceOf(condition: Condition, strategy: Told, now: number): Face {
  switch (condition.name) {
    case "initial_training":
      return firstTraining(condition.figures);
    case "new_trades":
      return newTrades(condition, strategy, now);
    case "performance_degradation":
      return performance(condition, strategy, now);
    case "weekly_schedule":
      return schedule(condition, strategy, now);
    case "feature_drift":
      return drift(condition, strategy, now);
    default:
      return idle("–", condition.line);
  }
}

function idle(reading: string, words: string, distance = ""): Face {
  return { dial: { kind: "idle" }, reading, words, distance };
}

function anew(strategy: Told, now: number): Face {
  const when = strategy.ml_model_trained_at ? ago(strategy.ml_model_trained_at, now) : "since";
  return idle("0", `trained ${when}`, "counts anew from there");
}

function firstTraining(figures: Figures): Face {
  if (figures.trained_before === true) return idle("✓", "trained before", "done for good");
  const [trades, threshold] = [number(figures.trades), number(figures.threshold)];
  return counting(trades, threshold, `${count(trades)} of ${plural(threshold, "trade")}`);
}

function newTrades(condition: Condition, strategy: Told, now: number): Face {
  if (trainedSince(strategy)) return anew(strategy, now);
  const trades = number(condition.figures.new_trades);
  const threshold = number(condition.figures.threshold);
  if (condition.line.startsWith("no training yet")) {
    return idle("–", "counts from the first training");
  }
  return counting(trades, threshold, `${count(trades)} of ${plural(threshold, "new trade")}`);
}

function counting(value: number, threshold: number, words: string): Face {
  const left = threshold - value;
  return {
    dial: { kind: "fill", share: threshold > 0 ? value / threshold : 1 },
    reading: count(value),
    words,
    distance: left > 0 ? `${count(left)} to go` : "reached",
  };
}

function performance(condition: Condition, strategy: Told, now: number): Face {
  const rule = String(condition.figures.rule);
  const inForce = figuresOf(condition.figures[rule]);
  const other = rule === "ratio" ? "calibrated" : "ratio";
  const beside = `${other}, not in force: ${String(figuresOf(condition.figures[other]).line)}`;
  if (trainedSince(strategy) && rule === "ratio") return { ...anew(strategy, now), beside };
  return { ...(rule === "ratio" ? ratio(inForce) : calibrated(inForce)), beside };
}

function ratio(figures: Figures): Face {
  const trades = number(figures.trades);
  if (typeof figures.observed !== "number") return notEnough(figures, trades);
  const observed = figures.observed;
  const floor = number(figures.threshold) * number(figures.expected);
  return {
    dial: { kind: "floor", value: observed, floor },
    reading: percent(observed),
    words: `${String(figures.quantity)} ${percent(observed)} of ${plural(trades, "trade")}, retrains below ${percent(floor)}`,
    distance: `${points(observed - floor)} ${observed < floor ? "below" : "above"}`.replace(
      /^[+−]/,
      "",
    ),
  };
}

function calibrated(figures: Figures): Face {
  const evidence = figures.evidence;
  if (typeof evidence !== "number" || /not (enough|comparable)|no active/.test(line(figures))) {
    return notEnough(figures, number(figures.trades));
  }
  const threshold = number(figures.threshold);
  return {
    dial: { kind: "fill", share: evidence / threshold },
    reading: evidence.toFixed(1),
    words: `accuracy ${percent(number(figures.observed))} against ${percent(number(figures.expected))} expected of ${plural(number(figures.trades), "trade")}`,
    distance: `evidence ${evidence.toFixed(1)} of ${count(threshold)}`,
  };
}

/** The feature that is nearest to its own limit stands for all. */
function drift({ figures, line }: Condition, strategy: Told, now: number): Face {
  if (trainedSince(strategy)) return anew(strategy, now);
  const drifts = Object.entries(figuresOf(figures.features)).map(([feature, told]) => {
    const { psi, limit } = figuresOf(told);
    return { feature, psi: number(psi), limit: number(limit) };
  });
  const [farthest] = drifts.sort((one, other) => other.psi / other.limit - one.psi / one.limit);
  if (!farthest) return idle("–", line);
  const { feature, psi, limit } = farthest;
  return {
    dial: { kind: "fill", share: psi / limit },
    reading: psi.toFixed(2),
    words: `${feature} has PSI ${psi.toFixed(2)}, retrains above ${limit.toFixed(2)}`,
    distance: psi > limit ? "drifted" : `${(limit - psi).toFixed(2)} to go`,
  };
}

function notEnough(figures: Figures, trades: number): Face {
  const least = figures.min_trades;
  if (typeof least !== "number") return idle("–", line(figures));
  return {
    ...counting(trades, least, `${count(trades)} of ${plural(least, "trade")} to judge by`),
    dial: { kind: "idle" },
  };
}

function schedule(condition: Condition, strategy: Told, now: number): Face {
  const limit = condition.figures.threshold;
  if (typeof limit !== "number" || !strategy.ml_model_trained_at) return idle("–", condition.line);
  const age = (now - Date.parse(strategy.ml_model_trained_at)) / DAY;
  const left = limit - age;
  return {
    dial: { kind: "fill", share: age / limit },
    reading: `${Math.floor(Math.max(0, age))} d`,
    words: `last training ${ago(strategy.ml_model_trained_at, now)}, limit ${plural(limit, "day")}`,
    distance: left > 0 ? `${timeLeft(left)} left` : "due",
  };
}

function timeLeft(days: number): string {
  return days >= 1.5 ? plural(Math.round(days), "day") : plural(Math.ceil(days * 24), "hour");
}

function line(figures: Figures): string {
  return typeof figures.line === "string" ? figures.line : "not known yet";
}

function number(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

function figuresOf(value: unknown): Figures {
  return typeof value === "object" && value !== null ? (value as Figures) : {};
}
