import type { Dial, Gauge as Told } from "../domain/gauges";

const ARC = "M12 62A48 48 0 0 1 108 62";
const [CENTER_X, CENTER_Y, RADIUS] = [60, 62, 48];

/** How far a condition is from firing, as a half circle that is full when it fires. */
export function Gauge({ told }: { told: Told }) {
  return (
    <article class={`gauge ${told.fired ? "fired" : ""}`} aria-label={told.title}>
      <h3>{told.title}</h3>
      <svg
        viewBox="0 0 120 70"
        role="meter"
        aria-label={told.title}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(100 * shareOf(told.dial))}
        aria-valuetext={`${told.words}, ${told.distance}`}
      >
        <path class="track" d={ARC} pathLength={100} />
        <DialMarks dial={told.dial} />
        <text x={CENTER_X} y={CENTER_Y - 4}>
          {told.reading}
        </text>
      </svg>
      <p class="words">{told.words}</p>
      <p class="distance">{told.fired ? `fires: ${told.distance}` : told.distance}</p>
      {told.beside !== null && (
        <details>
          <summary>Also watched</summary>
          <p class="hint">{told.beside}</p>
        </details>
      )}
    </article>
  );
}

function DialMarks({ dial }: { dial: Dial }) {
  switch (dial.kind) {
    case "idle":
      return null;
    case "fill":
      return <path class="value" d={ARC} pathLength={100} stroke-dasharray={dashes(dial.share)} />;
    case "floor":
      return (
        <>
          <path class="below" d={ARC} pathLength={100} stroke-dasharray={dashes(dial.floor)} />
          <path class="mark" d={spoke(dial.floor, 40, 56)} />
          <circle class="point" {...at(dial.value, RADIUS)} r={5.5} />
        </>
      );
  }
}

function shareOf(dial: Dial): number {
  if (dial.kind === "idle") return 0;
  return within(dial.kind === "fill" ? dial.share : dial.value);
}

function within(share: number): number {
  return Math.max(0, Math.min(1, share));
}

function dashes(share: number): string {
  return `${100 * within(share)} 200`;
}

function at(share: number, radius: number): { cx: number; cy: number } {
  const angle = Math.PI * (1 - share);
  return { cx: CENTER_X + radius * Math.cos(angle), cy: CENTER_Y - radius * Math.sin(angle) };
}

function spoke(share: number, inner: number, outer: number): string {
  const [from, to] = [at(share, inner), at(share, outer)];
  return `M${from.cx} ${from.cy}L${to.cx} ${to.cy}`;
}
