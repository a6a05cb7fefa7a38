import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { theme } from "./theme";

export type Ink = Readonly<Record<"text" | "rule" | "a" | "b" | "soft" | "good" | "bad", string>>;
export type Drawing = (ink: Ink) => Omit<uPlot.Options, "width" | "height" | "legend">;

const NAMES = ["text", "rule", "a", "b", "soft", "good", "bad"] as const;

function inkOf(element: Element): Ink {
  const style = getComputedStyle(element);
  return Object.fromEntries(
    NAMES.map((name) => [name, style.getPropertyValue(`--${name}`)]),
  ) as Ink;
}

type Props = {
  /** What a screen reader says instead of the picture. */
  label: string;
  height: number;
  data: uPlot.AlignedData;
  drawing: Drawing;
  /** Follows the pointer, with the place among the data, null when it has left. */
  onPoint?: (index: number | null) => void;
};

/** A chart of uPlot, drawn anew where its data, its width or the theme changes. */
export function Plot({ label, height, data, drawing, onPoint }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const colors = theme.value;
  useEffect(() => {
    const watcher = new ResizeObserver(([entry]) =>
      setWidth(Math.floor(entry?.contentRect.width ?? 0)),
    );
    if (frame.current) watcher.observe(frame.current);
    return () => watcher.disconnect();
  }, []);
  useEffect(() => {
    if (!frame.current || width === 0) return undefined;
    const drawn = drawing(inkOf(frame.current));
    const hooks = {
      ...drawn.hooks,
      ...(onPoint ? { setCursor: [(plot: uPlot) => onPoint(plot.cursor.idx ?? null)] } : {}),
    };
    const options = { ...drawn, hooks, width, height, legend: { show: false } };
    const plot = new uPlot(options, data, frame.current);
    return () => plot.destroy();
  }, [width, height, data, drawing, onPoint, colors]);
  return (
    <div
      class="plot"
      ref={frame}
      role="img"
      aria-label={label}
      style={{ height: `${height}px` }}
    ></div>
  );
}
