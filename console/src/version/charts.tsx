import { useMemo } from "preact/hooks";
import uPlot from "uplot";
import { earnings, reliabilityData, rocData } from "../domain/curves";
import { decimal, percent, signed } from "../domain/format";
import type { Drawn, Judged } from "../domain/report";
import { axis, clip, shares, withZero } from "../parts/axes";
import { Figure, type Key } from "../parts/figure";
import { type Drawing, type Ink, Plot } from "../parts/plot";

type Props = { version: string; rival: string; judged: Judged };

const HEIGHT = 280;

function keys({ version, rival, judged }: Props, line?: string): Key[] {
  return [
    { name: version, ink: "a" },
    ...(judged.champion ? [{ name: rival, ink: "b" } as const] : []),
    ...(line === undefined ? [] : [{ name: line, ink: "soft" } as const]),
  ];
}

function whoseOf({ version, rival, judged }: Props): [string, Drawn][] {
  return [
    [version, judged.challenger],
    ...(judged.champion ? [[rival, judged.champion] as [string, Drawn]] : []),
  ];
}

function square(ink: Ink, x: string, y: string): Pick<uPlot.Options, "axes" | "scales" | "cursor"> {
  return {
    cursor: { show: false },
    axes: [
      axis(ink, { label: x, values: shares }),
      axis(ink, { label: y, values: shares, size: 44 }),
    ],
    scales: { x: { time: false, range: clip(0, 1) }, y: { range: clip(0, 1) } },
  };
}

function diagonal(ink: Ink): uPlot.Series {
  return { stroke: ink.soft, dash: [4, 4], spanGaps: true, points: { show: false } };
}

const rocDrawing: Drawing = (ink) => {
  const curve = { width: 2, spanGaps: true, points: { show: false } };
  return {
    ...square(ink, "losses called wins", "wins called wins"),
    series: [
      {},
      { ...curve, stroke: ink.a },
      { ...curve, stroke: ink.b, dash: [8, 3] },
      diagonal(ink),
    ],
  };
};

export function RocChart(props: Props) {
  const { judged } = props;
  const data = useMemo(() => rocData(judged), [judged]);
  if (judged.challenger.roc === null) return null;
  return (
    <Figure title="ROC" keys={keys(props, "by chance")}>
      <Plot
        label={`ROC curves of ${whoseOf(props)
          .map(([whose]) => whose)
          .join(" and ")}; their areas are in the table of scores`}
        height={HEIGHT}
        data={data}
        drawing={rocDrawing}
      />
    </Figure>
  );
}

const reliabilityDrawing: Drawing = (ink) => {
  const dot = (color: string, size: number) => ({
    stroke: color,
    width: 2,
    spanGaps: true,
    points: { show: true, size, fill: color },
  });
  return {
    ...square(ink, "probability told", "share that won"),
    series: [{}, dot(ink.a, 8), { ...dot(ink.b, 8), dash: [8, 3] }, diagonal(ink)],
  };
};

export function ReliabilityChart(props: Props) {
  const { judged } = props;
  const data = useMemo(() => reliabilityData(judged), [judged]);
  return (
    <Figure
      title="Reliability"
      keys={keys(props, "perfect")}
      table={{
        head: ["Model", "Told", "Won", "Trades"],
        rows: whoseOf(props).flatMap(([whose, drawn]) =>
          drawn.reliability
            .filter(({ rows }) => rows > 0)
            .map(({ probability, win_rate, rows, enough }) => [
              whose,
              percent(probability, 1),
              enough ? percent(win_rate, 1) : "too few trades",
              String(rows),
            ]),
        ),
      }}
    >
      <Plot
        label="Reliability: of the trades that each told a probability of winning, the share that won; the figures are in the table below"
        height={HEIGHT}
        data={data}
        drawing={reliabilityDrawing}
      />
    </Figure>
  );
}

export function EarningsByProbability(props: Props) {
  const { judged } = props;
  const { names, data } = useMemo(() => earnings(judged), [judged]);
  const drawing = useMemo(() => earningsDrawing(names), [names]);
  return (
    <Figure
      title="P&L per trade by probability, %"
      keys={keys(props)}
      table={{
        head: ["Model", "Probability", "P&L per trade, %", "Trades"],
        rows: whoseOf(props).flatMap(([whose, drawn]) =>
          drawn.pnl
            .filter(({ rows }) => rows > 0)
            .map((bin) => [
              whose,
              `${decimal(bin.from, 1)} to ${decimal(bin.to, 1)}`,
              bin.enough ? signed(bin.mean_pnl_pct, 2) : "too few trades",
              String(bin.rows),
            ]),
        ),
      }}
    >
      <Plot
        label="Mean P&L per trade by told probability; the figures are in the table below"
        height={HEIGHT}
        data={data}
        drawing={drawing}
      />
    </Figure>
  );
}

function earningsDrawing(names: readonly string[]): Drawing {
  return (ink) => {
    const bar = (color: string, align: -1 | 1): uPlot.Series => ({
      width: 0,
      fill: color,
      points: { show: false },
      ...(uPlot.paths.bars ? { paths: uPlot.paths.bars({ size: [0.36, 30], align }) } : {}),
    });
    return {
      cursor: { show: false },
      axes: [
        axis(ink, {
          label: "probability told, from",
          splits: names.map((_, place) => place),
          values: (_, splits) => splits.map((place) => names[place] ?? ""),
        }),
        axis(ink, { size: 48 }),
      ],
      scales: {
        x: { time: false, range: clip(-0.6, names.length - 0.4) },
        y: { range: withZero() },
      },
      series: [{}, bar(ink.a, -1), bar(ink.b, 1)],
    };
  };
}
