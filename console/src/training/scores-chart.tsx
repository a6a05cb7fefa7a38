import { useMemo, useState } from "preact/hooks";
import type uPlot from "uplot";
import { decimal, percent } from "../domain/format";
import type { Model } from "../domain/shapes";
import { axis, clip } from "../parts/axes";
import { Figure } from "../parts/figure";
import { type Drawing, Plot } from "../parts/plot";

/** Accuracy and AUC of every version, on the trades that each was judged on. */
export function ScoresChart({ models }: { models: readonly Model[] }) {
  const oldestFirst = useMemo(() => [...models].reverse(), [models]);
  const data = useMemo<uPlot.AlignedData>(
    () => [
      oldestFirst.map(({ created_at }) => Date.parse(created_at) / 1000),
      oldestFirst.map(({ accuracy }) => accuracy),
      oldestFirst.map(({ roc_auc }) => roc_auc),
    ],
    [oldestFirst],
  );
  const [at, setAt] = useState<number | null>(null);
  const pointed = at === null ? oldestFirst.at(-1) : oldestFirst[at];
  return (
    <Figure
      title={`Accuracy and ROC-AUC over time${pointed ? `, ${pointed.version}` : ""}`}
      keys={[
        { name: "accuracy", ink: "a", value: percent(pointed?.accuracy, 1) },
        { name: "ROC-AUC", ink: "b", value: decimal(pointed?.roc_auc, 3) },
      ]}
    >
      <Plot
        label={`Accuracy and ROC-AUC of ${models.length} versions over time; the figures are in the table of versions`}
        height={180}
        data={data}
        drawing={scoresDrawing}
        onPoint={setAt}
      />
    </Figure>
  );
}

const scoresDrawing: Drawing = (ink) => ({
  axes: [axis(ink), axis(ink, { size: 40 })],
  scales: { y: { range: clip(0.3, 1) } },
  series: [
    {},
    { stroke: ink.a, width: 2, spanGaps: true, points: { show: true, size: 7, fill: ink.a } },
    {
      stroke: ink.b,
      width: 2,
      dash: [6, 4],
      spanGaps: true,
      points: { show: true, size: 7, fill: ink.b },
    },
  ],
});
