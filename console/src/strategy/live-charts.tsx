import { useMemo, useState } from "preact/hooks";
import uPlot from "uplot";
import { percent, plural, signed } from "../domain/format";
import type { Week } from "../domain/shapes";
import { localDay } from "../domain/times";
import { trendOf, winRate } from "../domain/trend";
import { axis, clip, shares, withZero } from "../parts/axes";
import { Figure } from "../parts/figure";
import { type Drawing, Plot } from "../parts/plot";

type Props = { weeks: readonly Week[] };

export function WinRateChart({ weeks }: Props) {
  const oldestFirst = useMemo(() => [...weeks].reverse(), [weeks]);
  const data = useMemo<uPlot.AlignedData>(
    () => [
      oldestFirst.map(({ week }) => Date.parse(week) / 1000),
      oldestFirst.map((week) => week.win_rate_high),
      oldestFirst.map((week) => week.win_rate_low),
      oldestFirst.map((week) => week.win_rate),
      trendOf(weeks).map(({ rate }) => rate),
    ],
    [weeks, oldestFirst],
  );
  const [at, setAt] = useState<number | null>(null);
  const pointed = at === null ? undefined : oldestFirst[at];
  return (
    <Figure
      title={pointed ? `Win rate, week of ${localDay(pointed.week)}` : "Win rate"}
      keys={[
        { name: "six weeks", ink: "a", value: percent(trendOf(weeks).at(at ?? -1)?.rate) },
        {
          name: "week and its 95% interval",
          ink: "soft",
          value: pointed
            ? `${percent(pointed.win_rate)} of ${plural(pointed.trades, "trade")}`
            : null,
        },
      ]}
      table={{
        head: ["Week of", "Trades", "Win rate", "95% interval", "P&L"],
        rows: weeks.map((week) => [
          localDay(week.week),
          String(week.trades),
          percent(week.win_rate),
          `${percent(week.win_rate_low)} to ${percent(week.win_rate_high)}`,
          `${signed(week.pnl_pct, 2)}%`,
        ]),
      }}
    >
      <Plot
        label={`Win rate of the last ${weeks.length} weeks with trades, ${percent(winRate(weeks))} overall`}
        height={220}
        data={data}
        drawing={winRateDrawing}
        onPoint={setAt}
      />
    </Figure>
  );
}

const winRateDrawing: Drawing = (ink) => ({
  axes: [axis(ink), axis(ink, { values: shares, size: 46 })],
  scales: { y: { range: clip(0, 1) } },
  bands: [{ series: [1, 2], fill: `${ink.soft}33` }],
  series: [
    {},
    { stroke: "transparent", points: { show: false } },
    { stroke: "transparent", points: { show: false } },
    { stroke: ink.soft, paths: () => null, points: { show: true, size: 5, fill: ink.soft } },
    { stroke: ink.a, width: 2, points: { show: false } },
  ],
});

export function EarningsChart({ weeks }: Props) {
  const data = useMemo<uPlot.AlignedData>(() => {
    const oldestFirst = [...weeks].reverse();
    return [
      oldestFirst.map(({ week }) => Date.parse(week) / 1000),
      oldestFirst.map(({ pnl_pct }) => Math.max(0, pnl_pct)),
      oldestFirst.map(({ pnl_pct }) => Math.min(0, pnl_pct)),
    ];
  }, [weeks]);
  const sum = weeks.reduce((total, { pnl_pct }) => total + pnl_pct, 0);
  return (
    <Figure title="P&L by week, in percent">
      <Plot
        label={`P&L by week, ${signed(sum, 1)} percent in all`}
        height={150}
        data={data}
        drawing={earningsDrawing}
      />
    </Figure>
  );
}

const earningsDrawing: Drawing = (ink) => {
  const bar = { width: 0, paths: uPlot.paths.bars?.({ size: [0.6, 24] }), points: { show: false } };
  return {
    cursor: { show: false },
    axes: [axis(ink), axis(ink, { size: 46 })],
    scales: { y: { range: withZero() } },
    series: [{}, { ...bar, fill: ink.good }, { ...bar, fill: ink.bad }] as uPlot.Series[],
  };
};
