"""What a chart says: numbers, their bounds, what they are compared with, what happened meanwhile. Pure: no Django.

A page builds a `Chart` and shows it by `{% load figures %}{% chart figure %}`. Without script, for screen readers and
in print it is a table made on the server; `static/js/chart.js` draws it from the same numbers, which stand in the
page as JSON (`Chart.data`). The page's head needs `{% include "desk/_partials/chart_head.html" %}` once.

Contract:

- `points` are the places along the time line (or the categories), in order. `days(...)` and `times(...)` make them.
  Each has its whole label (table, reading aloud), a short one (axis), the moment that it begins (`at`: where marks
  are placed; None for categories), and optionally the address that its rows are at: a click, Enter, or on touch a link
  in its tip opens it. `opens` says what is there.
- Every `Series` has one value for each point, in the chart's unit (write 4.1 and unit "%", not 0.041); None is a gap,
  "not enough data yet", never 0. `low` and `high`, where given, are as long as the values: a band around a line, a
  bar of certainty for INTERVALS. A series with `is_compared` is drawn dashed and grey: the period before.
- `Kind.LINE` draws lines with bands; `Kind.BARS` stacks bars (compared series lie over them as a line);
  `Kind.INTERVALS` draws one row per point: a dot with its interval, for effects side by side, taking the first series
  only.
- With `adds_up` the stacked series are added, and the sum is said beside them ("All").
- `levels` are horizontal lines to read by (vertical for INTERVALS): 0, the smallest effect worth having, the plan.
- `marks` are what happened (analytics/markers.py); one between two points belongs to the earlier.
- `reads` says in one sentence what one reads from the chart; `source` what was counted, with its denominator.

An experiment's interval over its looks:

    Chart(
        name="looks", kind=Kind.LINE, title="Effect so far", unit="points", decimals=1, from_zero=False, x_title="Look",
        reads="B is shown to be better: +3.1 points, interval +0.4 to +5.8.",
        source="1,204 mature visitors of 1,310 exposed.",
        points=times(look.at for look in looks),
        series=(Series("B against the control", effects, low=lows, high=highs),),
        levels=(Level(0, "no difference"), Level(5, "worth having")),
    )
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

Number = float | None


class Kind(StrEnum):
    """How the numbers are drawn."""

    LINE = "line"
    BARS = "bars"
    INTERVALS = "intervals"


class MarkKind(StrEnum):
    """What happened at a mark."""

    ARTICLE = "article"  # a text was published
    INCIDENT = "incident"  # trouble that customers felt
    EXPERIMENT = "experiment"  # a test began or ended
    SEARCH = "search"  # editors told search something: a synonym, a pin
    RELEASE = "release"  # the shop or the product changed; written down by a colleague


@dataclass(frozen=True)
class Mark:
    """Something that happened on a day of the shop."""

    on: date
    kind: MarkKind
    label: str
    url: str = ""


@dataclass(frozen=True)
class Point:
    """A place along the axis."""

    label: str
    short: str = ""
    at: date | None = None
    url: str = ""


@dataclass(frozen=True)
class Series:
    """Numbers of one kind, one for each point; bounds where they are estimates."""

    name: str
    values: Sequence[Number]
    low: Sequence[Number] = ()
    high: Sequence[Number] = ()
    is_compared: bool = False

    @property
    def has_bounds(self) -> bool:
        return bool(self.low and self.high)

    @property
    def cells(self) -> list[tuple[Number, Number, Number]]:
        """Value, lower and upper bound of each point."""
        nothing = [None] * len(self.values)
        return list(zip(self.values, self.low or nothing, self.high or nothing, strict=True))


@dataclass(frozen=True)
class Level:
    """A line across the chart to read the others by."""

    value: float
    label: str


@dataclass(frozen=True)
class Chart:
    """One chart with everything that is said about it. `name` is its id, unique on the page: a word of a-z and -."""

    name: str
    title: str
    reads: str
    points: Sequence[Point]
    series: Sequence[Series]
    source: str
    kind: Kind = Kind.LINE
    unit: str = ""
    decimals: int = 0
    x_title: str = ""
    from_zero: bool = True
    adds_up: bool = False
    levels: Sequence[Level] = ()
    marks: Sequence[Mark] = ()
    opens: str = ""  # what is at a point's address, like "Show the readings"; empty: its rows

    def __post_init__(self) -> None:
        for series in self.series:
            for numbers in (series.values, series.low, series.high):
                if len(numbers) not in (len(self.points), 0 if numbers is not series.values else -1):
                    raise ValueError(f"{series.name}: {len(numbers)} numbers for {len(self.points)} points")
            if bool(series.low) != bool(series.high):
                raise ValueError(f"{series.name}: a bound on one side only")
        if self.kind is Kind.INTERVALS and not (len(self.series) == 1 and self.series[0].has_bounds):
            raise ValueError("intervals are drawn of one series with bounds")

    @property
    def has_numbers(self) -> bool:
        """There is something to draw."""
        return any(value is not None for series in self.series for value in series.values)

    @property
    def has_addresses(self) -> bool:
        """Some point opens its rows."""
        return any(point.url for point in self.points)

    @property
    def totals(self) -> list[Number] | None:
        """The sum of the series at each point, without those that are compared; None where they do not add up."""
        if not self.adds_up:
            return None
        stacked = [series.values for series in self.series if not series.is_compared]
        return [sum(values[index] or 0 for values in stacked) for index in range(len(self.points))]

    @property
    def placed(self) -> list[tuple[int, Mark]]:
        """The marks that fall into the chart, each with the number of its point, oldest first."""
        starts = [point.at for point in self.points if point.at]
        if not starts or len(starts) < len(self.points):
            return []
        found = sorted(self.marks, key=lambda mark: mark.on)
        return [(bisect_right(starts, mark.on) - 1, mark) for mark in found if mark.on >= starts[0]]

    @property
    def data(self) -> dict[str, Any]:
        """What chart.js draws from."""
        return {
            "kind": self.kind.value,
            "title": self.title,
            "reads": self.reads,
            "source": self.source,
            "unit": self.unit,
            "decimals": self.decimals,
            "x_title": self.x_title,
            "from_zero": self.from_zero,
            "totals": self.totals,
            "points": [
                {"label": point.label, "short": point.short or point.label, "url": point.url} for point in self.points
            ],
            "series": [
                {
                    "name": series.name,
                    "values": list(series.values),
                    "low": list(series.low) or None,
                    "high": list(series.high) or None,
                    "compared": series.is_compared,
                }
                for series in self.series
            ],
            "levels": [{"value": level.value, "label": level.label} for level in self.levels],
            "marks": [
                {"point": index, "kind": mark.kind.value, "label": mark.label, "on": mark.on.isoformat()}
                for index, mark in self.placed
            ],
        }


def days(first: date, last: date, *, step: int = 1, urls: Sequence[str] = ()) -> list[Point]:
    """A point for every `step` days from `first` to `last`; a longer one is named by its first and last day."""
    points = []
    for index, (begins, ends) in enumerate(spans(first, last, step=step)):
        label = _whole(begins) if begins == ends else f"{_whole(begins)} – {_whole(ends)}"
        points.append(Point(label, _short(begins), begins, urls[index] if urls else ""))
    return points


def spans(first: date, last: date, *, step: int = 1) -> list[tuple[date, date]]:
    """The first and last days of the points of days()."""
    begins = [first + timedelta(days=days) for days in range(0, (last - first).days + 1, step)]
    return [(day, min(day + timedelta(days=step - 1), last)) for day in begins]


def times(moments: Iterable[datetime | date], *, urls: Sequence[str] = ()) -> list[Point]:
    """A point for each moment; give moments of the shop's time zone."""
    points = []
    for index, moment in enumerate(moments):
        day = moment.date() if isinstance(moment, datetime) else moment
        hour = f", {moment:%H:%M}" if isinstance(moment, datetime) else ""
        points.append(Point(_whole(day) + hour, _short(day), day, urls[index] if urls else ""))
    return points


def _whole(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


def _short(day: date) -> str:
    return f"{day.day} {day:%b}"
