"""Where the places and flows of analytics/reports/flow.py lie in their drawing. Pure: no Django."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 960
_BAR = 12  # width of a place
_FLOWS = 320  # height of all journeys together, without the gaps
_GAP = 12
_LEAST = 22  # height of a place with its words
_TOP = 28  # of the columns' titles


@dataclass(frozen=True)
class Bar:
    """A place: a bar, and where its words begin. `anchor` as SVG has it."""

    x: float
    y: float
    height: float
    text_x: float
    text_y: float
    anchor: str


@dataclass(frozen=True)
class Picture:
    """`bars` by column and place, `paths` by link, in the order in which they were given."""

    height: int
    bars: Sequence[Sequence[Bar]]
    paths: Sequence[str]

    width: int = WIDTH
    bar: int = _BAR


def draw(columns: Sequence[Sequence[int]], links: Sequence[tuple[int, int, int, int]]) -> Picture:
    """`columns` are the journeys of each place; a link is its column, the numbers of its source there and of its target
    in the next one, and its journeys. Links of one source come in the order of their targets."""
    total = max((sum(column) for column in columns), default=0) or 1
    scale = _FLOWS / total
    heights = [sum(max(number * scale, _LEAST) + _GAP for number in column) for column in columns]
    tallest = max(heights, default=0)
    bars = [
        _column(column, index, len(columns), scale, top=_TOP + (tallest - height) / 2)
        for index, (column, height) in enumerate(zip(columns, heights, strict=True))
    ]
    leaving = [[bar.y for bar in column] for column in bars]
    arriving = [[bar.y for bar in column] for column in bars]
    paths = [""] * len(links)
    for index, (column, source, target, journeys) in enumerate(links):
        thick = journeys * scale
        paths[index] = _path(
            bars[column][source].x + _BAR, leaving[column][source], bars[column + 1][target].x,
            arriving[column + 1][target], thick,
        )  # fmt: skip
        leaving[column][source] += thick
        arriving[column + 1][target] += thick
    return Picture(round(_TOP + tallest), bars, paths)


def _column(numbers: Sequence[int], index: int, columns: int, scale: float, *, top: float) -> list[Bar]:
    is_last = index == columns - 1
    x = (WIDTH - _BAR) * index / max(1, columns - 1)
    text_x, anchor = (x - 6, "end") if is_last else (x + _BAR + 6, "start")
    bars = []
    for number in numbers:
        slot = max(number * scale, _LEAST)
        height = max(number * scale, 1.0)
        y = top + (slot - height) / 2
        bars.append(_rounded(x, y, height, text_x, top + slot / 2, anchor))
        top += slot + _GAP
    return bars


def _rounded(x: float, y: float, height: float, text_x: float, text_y: float, anchor: str) -> Bar:
    return Bar(round(x, 1), round(y, 1), round(height, 1), round(text_x, 1), round(text_y, 1), anchor)


def _path(x0: float, y0: float, x1: float, y1: float, thick: float) -> str:
    """A band from one bar to the next."""
    middle, thick = (x0 + x1) / 2, max(thick, 0.5)
    down = f"M{x0:.1f} {y0:.1f}C{middle:.1f} {y0:.1f} {middle:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
    y0, y1 = y0 + thick, y1 + thick
    return f"{down}V{y1:.1f}C{middle:.1f} {y1:.1f} {middle:.1f} {y0:.1f} {x0:.1f} {y0:.1f}Z"
