/** Curves of two models brought onto one axis, as the chart library wants them. */

import uPlot from "uplot";
import type { Drawn, Earned, Judged, Point } from "./report";

/** Far below what can be seen; tells points of the same x apart. */
const APART = 1e-7;

/** x, challenger, champion, and chance: the diagonal. */
export function rocData({ challenger, champion }: Judged): uPlot.AlignedData {
  const curves = [challenger.roc, champion?.roc ?? null, DIAGONAL];
  return uPlot.join(curves.map(aligned));
}

/** x, challenger, champion, and perfection; a dot for each tenth that has enough trades. */
export function reliabilityData({ challenger, champion }: Judged): uPlot.AlignedData {
  return uPlot.join([dots(challenger), dots(champion), aligned(DIAGONAL)]);
}

export type Tenths = { names: string[]; data: uPlot.AlignedData };

/** The tenths in which either has trades, and the mean P&L where there are enough. */
export function earnings({ challenger, champion }: Judged): Tenths {
  const rival = champion?.pnl ?? [];
  const used = challenger.pnl
    .map((_, place) => place)
    .filter((place) => {
      return (challenger.pnl[place]?.rows ?? 0) + (rival[place]?.rows ?? 0) > 0;
    });
  const mean = (bins: readonly Earned[]) => used.map((place) => enough(bins[place]));
  const names = used.map((place) => tenth(challenger.pnl[place]));
  return { names, data: [used.map((_, place) => place), mean(challenger.pnl), mean(rival)] };
}

const DIAGONAL: Point[] = [
  [0, 0],
  [1, 1],
];

function aligned(points: readonly Point[] | null): uPlot.AlignedData {
  const drawn = points ?? [];
  return [drawn.map(([x], place) => x + place * APART), drawn.map(([, y]) => y)];
}

function dots(drawn: Drawn | undefined): uPlot.AlignedData {
  const points = (drawn?.reliability ?? []).flatMap(({ enough, probability, win_rate }): Point[] =>
    enough && probability !== null && win_rate !== null ? [[probability, win_rate]] : [],
  );
  return aligned(points);
}

function enough(bin: Earned | undefined): number | null {
  return bin?.enough ? bin.mean_pnl_pct : null;
}

function tenth(bin: Earned | undefined): string {
  return bin ? bin.from.toFixed(1) : "";
}
