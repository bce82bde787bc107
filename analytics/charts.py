"""Where the parts of a chart go: numbers -> coordinates. Pure; templates draw them as SVG without any script."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 480.0, 190.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 30.0, 478.0, 10.0, 164.0


@dataclass(frozen=True)
class Segment:
    series: int  # index into the chart's series
    y: float
    height: float


@dataclass(frozen=True)
class Bar:
    x: float
    width: float
    total: int
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Tick:
    position: float
    value: float


@dataclass(frozen=True)
class Bars:
    """Stacked bars, one for each column, with the lines to read them by."""

    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    left: float = _LEFT
    right: float = _RIGHT
    bottom: float = _BOTTOM
    label_y: float = _BOTTOM + 18


def stacked(columns: Sequence[Mapping[int, int]]) -> Bars:
    """Bars for columns of {series: number}; series 0 stands at the bottom."""
    step = _nice(max([sum(column.values()) for column in columns], default=0) / 2)
    top = 2 * step
    scale = (_BOTTOM - _TOP) / top
    slot = (_RIGHT - _LEFT) / max(len(columns), 1)
    bars = []
    for index, column in enumerate(columns):
        y, segments = _BOTTOM, []
        for series in sorted(column):
            height = column[series] * scale
            y -= height
            segments.append(Segment(series, round(y, 2), round(height, 2)))
        width = min(slot * 0.78, 40)
        x = _LEFT + index * slot + (slot - width) / 2
        bars.append(Bar(round(x, 2), round(width, 2), sum(column.values()), tuple(segments)))
    ticks = tuple(Tick(round(_BOTTOM - value * scale, 2), value) for value in (0, step, top))
    return Bars(tuple(bars), ticks)


def _nice(value: float) -> int:
    """The least of 1, 2, 3, 4, 5, 6, 8, 10, 20, 30 … that is not below `value`."""
    if value <= 1:
        return 1
    power = 10 ** math.floor(math.log10(value))
    return next(int(step * power) for step in (1, 2, 3, 4, 5, 6, 8, 10) if step * power >= value)
