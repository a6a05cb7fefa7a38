import { useMemo } from "preact/hooks";
import type uPlot from "uplot";
import { usePerformance } from "../api/queries";
import { percent } from "../domain/format";
import type { Week } from "../domain/shapes";
import { trendOf, winRate } from "../domain/trend";
import { type Drawing, Plot } from "../parts/plot";

const WEEKS = 26;

/** The live win rate of the last half year at a glance. */
export function Trend({ id, name }: { id: string; name: string }) {
  const { data, error } = usePerformance(id, WEEKS);
  if (error && !data) return <div class="sparkline soft">not known</div>;
  if (!data) return <div class="sparkline skeleton"></div>;
  if (data.weeks.length < 2) return <div class="sparkline soft">too few trades</div>;
  return <Sparkline weeks={data.weeks} name={name} />;
}

function Sparkline({ weeks, name }: { weeks: readonly Week[]; name: string }) {
  const data = useMemo(() => series(weeks), [weeks]);
  const all = percent(winRate(weeks));
  return (
    <div class="sparkline">
      <Plot
        label={`Live win rate of ${name}, ${weeks.length} weeks: ${all} overall`}
        height={34}
        data={data}
        drawing={sparkline}
      />
      <b>{all}</b>
    </div>
  );
}

function series(weeks: readonly Week[]): uPlot.AlignedData {
  const trend = trendOf(weeks);
  return [trend.map(({ week }) => Date.parse(week) / 1000), trend.map(({ rate }) => rate)];
}

const LEAST_SPAN = 0.4;

/** Small changes stay small: the line is never stretched beyond what a rate can mean. */
const around: uPlot.Range.Function = (_, low, high) => {
  const more = Math.max(0, LEAST_SPAN - (high - low)) / 2;
  return [low - more, high + more];
};

const sparkline: Drawing = (ink) => ({
  cursor: { show: false },
  axes: [{ show: false }, { show: false }],
  padding: [3, 2, 3, 2],
  scales: { y: { range: around } },
  series: [{}, { stroke: ink.a, width: 1.6, points: { show: false } }],
});
