"""Draws small charts as SVG text, for pages that load nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from autoretrain_client.commands.printing import plain

WIDTH, HEIGHT = 420, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 26, 38
_BAR_HEIGHT = 22
_NAME_WIDTH = 170
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """Points in [0, 1] x [0, 1]; `dots` have a text each and are drawn instead of a line."""

    name: str
    color: str
    points: Sequence[Point]
    dots: Sequence[str] = ()


def safe(text: str) -> str:
    """The text for a page: whatever it holds, it is read and not obeyed."""
    return escape(plain(text))


def square(title: str, x_name: str, y_name: str, curves: Sequence[Curve]) -> str:
    """Curves over axes from 0 to 1."""
    drawn = "".join(_curve(curve) for curve in reversed(curves))
    axes = "".join(_grid(tick) for tick in _TICKS)
    names = label(WIDTH / 2, HEIGHT - 4, "middle", x_name) + label(4, 12, "start", y_name)
    keys = "".join(key(curve.name, curve.color) for curve in curves)
    return figure(title, keys, WIDTH, HEIGHT, axes + names + drawn)


def bars(title: str, values: Sequence[tuple[str, float]], told: Callable[[float], str]) -> str:
    """One bar for each name, below each other; those below zero go to the left."""
    low = min(0.0, *(value for _, value in values))
    high = max(0.0, *(value for _, value in values))
    scale = (WIDTH - _NAME_WIDTH - 60) / ((high - low) or 1.0)
    zero = _NAME_WIDTH - low * scale
    drawn = ""
    for place, (name, value) in enumerate(values):
        left, width = zero + min(0.0, value) * scale, abs(value) * scale
        drawn += _bar(place * _BAR_HEIGHT, name, left, width, told(value))
    return figure(title, "", WIDTH, len(values) * _BAR_HEIGHT + 6, drawn)


def figure(title: str, keys: str, width: float, height: float, drawn: str) -> str:
    return (
        f"<figure><figcaption>{safe(title)}{keys}</figcaption>"
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{safe(title)}">'
        f"{drawn}</svg></figure>"
    )


def _curve(curve: Curve) -> str:
    if curve.dots:
        return "".join(
            dot(curve.color, _x(x), _y(y), told)
            for (x, y), told in zip(curve.points, curve.dots, strict=True)
        )
    if not curve.points:
        return ""
    return line(curve.color, [(_x(x), _y(y)) for x, y in curve.points])


def _grid(tick: float) -> str:
    x, y = _x(tick), _y(tick)
    return (
        f'<path class="grid" d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}'
        f'M{x:.1f} {_TOP}V{HEIGHT - _BOTTOM}"/>'
        + label(_LEFT - 6, y + 4, "end", f"{tick:.0%}")
        + label(x, HEIGHT - _BOTTOM + 14, "middle", f"{tick:.0%}")
    )


def _bar(top: float, name: str, left: float, width: float, told: str) -> str:
    shown = name if len(name) <= 26 else f"{name[:25]}…"
    middle = top + 15
    return (
        f"<g><title>{safe(name)}: {safe(told)}</title>"
        f'<rect class="a" x="{left:.1f}" y="{top + 4:.1f}" width="{width:.1f}" height="14"/>'
        + label(_NAME_WIDTH - 6, middle, "end", shown)
        + label(left + width + 4, middle, "start", told)
        + "</g>"
    )


def key(name: str, color: str) -> str:
    """What a color stands for; `color` is a CSS class of the page."""
    return f' <span class="key {color}">{safe(name)}</span>'


def line(color: str, points: Sequence[Point]) -> str:
    """Through the points, in the drawing's own units."""
    steps = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<path class="line {color}" d="M{steps}"/>'


def dot(color: str, x: float, y: float, told: str) -> str:
    return (
        f'<circle class="{color}" cx="{x:.1f}" cy="{y:.1f}" r="4">'
        f"<title>{safe(told)}</title></circle>"
    )


def label(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{safe(text)}</text>'


def _x(share: float) -> float:
    return _LEFT + share * (WIDTH - _LEFT - _RIGHT)


def _y(share: float) -> float:
    return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)
