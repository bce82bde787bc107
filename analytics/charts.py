"""Where the parts of a chart go: numbers -> coordinates. Pure; templates draw them as SVG without any script."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 480.0, 190.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 30.0, 478.0, 10.0, 164.0
_MARGIN = 24.0


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


@dataclass(frozen=True)
class Whisker:
    """A point with its interval on an axis that has 0 in it."""

    low: float
    point: float
    high: float
    zero: float
    ticks: tuple[Tick, ...]


def whisker(low: float, point: float, high: float) -> Whisker:
    """Positions for an estimate and its interval, with room for the words at both ends."""
    reach = 2 * _nice(max(abs(low), abs(high)) / 2)
    left, right = (-reach if low < 0 else 0.0), (reach if high > 0 else 0.0)

    def place(value: float) -> float:
        return round(_MARGIN + (value - left) / (right - left) * (WIDTH - 2 * _MARGIN), 2)

    values = sorted({left, left / 2, 0.0, right / 2, right})
    return Whisker(
        place(low), place(point), place(high), place(0), tuple(Tick(place(value), value) for value in values)
    )


def _nice(value: float) -> int:
    """The least of 1, 2, 3, 4, 5, 6, 8, 10, 20, 30 … that is not below `value`."""
    if value <= 1:
        return 1
    power = 10 ** math.floor(math.log10(value))
    return next(int(step * power) for step in (1, 2, 3, 4, 5, 6, 8, 10) if step * power >= value)


@dataclass(frozen=True)
class Point:
    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True)
class Band:
    """An interval as it moves: its area, the line of its middle, and the line of 0. Positions, as SVG's points."""

    points: tuple[Point, ...]
    area: str
    line: str
    zero: float
    ticks: tuple[Tick, ...]
    left: float = _LEFT
    right: float = _RIGHT
    bottom: float = _BOTTOM
    label_y: float = _BOTTOM + 18


_REACH = 40.0  # beyond it an interval says nothing yet, and is cut off


def band(moments: Sequence[float], intervals: Sequence[tuple[float, float, float]]) -> Band:
    """Positions of (low, middle, high) at each of `moments`, which rise. The scale is that of the later half: what was
    not known in the first days is cut off, or nothing would be seen of the rest."""
    later = intervals[len(intervals) // 2 :]
    reach = 2 * _nice(min(_REACH, max([abs(value) for each in later for value in each], default=1)) / 2)
    first, last = moments[0], moments[-1]

    def across(moment: float) -> float:
        share = (moment - first) / (last - first) if last > first else 0.5
        return round(_LEFT + 8 + share * (_RIGHT - _LEFT - 16), 2)

    def up(value: float) -> float:
        inside = max(-reach, min(reach, value))
        return round(_BOTTOM - (inside + reach) / (2 * reach) * (_BOTTOM - _TOP), 2)

    points = tuple(
        Point(across(moment), up(middle), up(low), up(high))
        for moment, (low, middle, high) in zip(moments, intervals, strict=True)
    )
    upper = [f"{point.x},{point.high}" for point in points]
    lower = [f"{point.x},{point.low}" for point in reversed(points)]
    ticks = tuple(Tick(up(value), value) for value in (-reach, -reach / 2, 0, reach / 2, reach))
    line = " ".join(f"{point.x},{point.y}" for point in points)
    return Band(points, " ".join(upper + lower), line, up(0), ticks)
