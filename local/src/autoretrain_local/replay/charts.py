"""Charts over axes that fit what is drawn, out of the parts that a model's report is drawn of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autoretrain_client.commands.charts import Point, dot, figure, key, label, line, safe

WIDTH, HEIGHT = 860, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 12, 28
_STEPS = 4

Label = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Line:
    """Points in the order of x; `color` is a CSS class of the page."""

    name: str
    color: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines and dots over one pair of axes; `marks` are short ticks on the x axis."""

    title: str
    lines: Sequence[Line]
    x_label: Label
    y_label: Label
    marks: Sequence[float] = ()
    dots: Sequence[tuple[Point, str]] = ()
    square: bool = False
    """Both axes from 0 to 1."""

    def svg(self) -> str:
        if not any(each.points for each in self.lines):
            return f"<p>{safe(self.title)}: there is nothing to draw.</p>"
        frame = _Frame.around(self)
        parts = [*frame.grid(self.x_label, self.y_label)]
        parts += [
            f'<path class="mark" d="M{frame.x(mark):.1f} {HEIGHT - _BOTTOM}v-8"/>'
            for mark in self.marks
        ]
        # The first line is the one that matters: nothing covers it.
        parts += [
            line(each.color, [(frame.x(x), frame.y(y)) for x, y in each.points])
            for each in reversed(self.lines)
            if each.points
        ]
        parts += [dot("a", frame.x(x), frame.y(y), told) for (x, y), told in self.dots]
        keys = "".join(key(each.name, each.color) for each in self.lines if each.name)
        return figure(self.title, keys, WIDTH, HEIGHT, "".join(parts))


@dataclass(frozen=True, slots=True)
class _Frame:
    low: Point
    high: Point

    @classmethod
    def around(cls, chart: Chart) -> _Frame:
        if chart.square:
            return cls((0, 0), (1, 1))
        points = [point for each in chart.lines for point in each.points]
        xs, ys = [*(x for x, _ in points), *chart.marks], [y for _, y in points]
        spare = (max(ys) - min(ys)) * 0.05 or 1.0
        wide = 1.0 if max(xs) == min(xs) else 0.0
        return cls((min(xs), min(ys) - spare), (max(xs) + wide, max(ys) + spare))

    def x(self, value: float) -> float:
        share = (value - self.low[0]) / (self.high[0] - self.low[0])
        return _LEFT + share * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        share = (value - self.low[1]) / (self.high[1] - self.low[1])
        return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)

    def grid(self, x_label: Label, y_label: Label) -> list[str]:
        parts = []
        for step in range(_STEPS + 1):
            share = step / _STEPS
            x, y = (
                low + share * (high - low) for low, high in zip(self.low, self.high, strict=True)
            )
            place = self.y(y)
            parts.append(f'<path class="grid" d="M{_LEFT} {place:.1f}H{WIDTH - _RIGHT}"/>')
            parts.append(label(_LEFT - 6, place + 4, "end", y_label(y)))
            anchor = "start" if step == 0 else "end" if step == _STEPS else "middle"
            parts.append(label(self.x(x), HEIGHT - 8, anchor, x_label(x)))
        return parts
