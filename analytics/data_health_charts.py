"""The charts of data health, made of its numbers."""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import reverse
from django.utils.translation import gettext as _

from analytics import figures
from analytics.figures import Chart, Kind, Level, Mark, Point, Series
from analytics.reports.data_health import DayRow, Health
from analytics.reports.data_health_words import left_out_names
from analytics.stats.proportions import Rate

_LEAST = 10  # journeys of a day, below which its share is a gap


def step_of(days: int) -> int:
    """How many days stand together."""
    return 1 if days <= 63 else 7


def coverage(health: Health, *, marks: Sequence[Mark] = ()) -> Chart:
    """Linkable journeys of all, day by day, with the line under which rates are withheld."""
    groups = _groups(health)
    rates = [Rate(sum(day.linkable for day in group), sum(day.begun for day in group)) for group in groups]
    known = [rate if rate.of >= _LEAST else None for rate in rates]
    whole = health.coverage
    reads = _("No journey began in these days.")
    if whole.percent is not None:
        reads = _("Of %(hits)s of %(of)s journeys we would know whether they led to a contact (%(share)s %%).") % {
            "hits": f"{whole.hits:,}",
            "of": f"{whole.of:,}",
            "share": f"{whole.percent:.1f}",
        }
    return Chart(
        name="coverage",
        title=_("Linkable coverage"),
        reads=reads,
        points=_points(
            health, "desk:journeys", [sum(day.linkable for day in group) for group in groups], linkable="yes"
        ),
        series=[
            Series(
                _("Linkable"),
                [rate.percent if rate else None for rate in known],
                low=[100 * rate.interval.low if rate else None for rate in known],
                high=[100 * rate.interval.high if rate else None for rate in known],
            )
        ],
        source=_("Linkable journeys of all journeys that began on the day; a gap where they are fewer than %(least)s.")
        % {"least": _LEAST},
        unit="%",
        decimals=1,
        x_title=_("Day"),
        levels=(Level(30, _("withheld below")),),
        marks=marks,
    )


def incoming(health: Health, *, marks: Sequence[Mark] = ()) -> Chart:
    """What came in, by kind: a day without is a day on which something was broken, or a holiday."""
    kinds = {
        "reads": _("Readings"),
        "asked": _("Searches"),
        "told": _("Readings with a time"),
        "votes": _("Votes"),
        "received": _("Contacts"),
    }
    groups = _groups(health)
    return Chart(
        name="incoming",
        title=_("What came in"),
        reads=_said(health.days),
        points=_points(health, "desk:article-views", [sum(day.reads for day in group) for group in groups]),
        series=[
            Series(name, [sum(getattr(day, kind) for day in group) for group in groups]) for kind, name in kinds.items()
        ],
        source=_("From the counts of each day: visitors who are counted, and all contacts."),
        x_title=_("Day"),
        marks=marks,
        opens=_("Show the readings"),
    )


def left_out(health: Health, *, marks: Sequence[Mark] = ()) -> Chart | None:
    """Pages opened by who is in no number; None where nobody was."""
    if not health.left_out:
        return None
    total = sum(health.left_out_by_reason.values())
    return Chart(
        name="left-out",
        title=_("Pages in no number"),
        reads=_(
            "%(pages)s pages of the help centre were opened by who is in no number; %(reads)s readings are counted."
        )
        % {"pages": f"{total:,}", "reads": f"{sum(day.reads for day in health.days):,}"},
        points=_points(health),
        series=[
            Series(
                name, [sum(health.left_out.get(day.day, {}).get(why, 0) for day in group) for group in _groups(health)]
            )
            for why, name in left_out_names().items()
            if health.left_out_by_reason.get(why)
        ],
        source=_("Pages that were opened, by why they are not counted. Nothing else is kept about them."),
        kind=Kind.BARS,
        unit=_("pages"),
        x_title=_("Day"),
        adds_up=True,
        marks=marks,
    )


def _said(days: Sequence[DayRow]) -> str:
    """Days without a reading between days that had some."""
    busy = [number for number, day in enumerate(days) if day.reads]
    if not busy:
        return _("No article was read in these days.")
    empty = sum(not day.reads for day in days[busy[0] : busy[-1]])
    if empty:
        return _("On %(number)s of %(days)s days no article was read.") % {"number": empty, "days": len(days)}
    return _("Something was read on every day since %(day)s.") % {"day": days[busy[0]].day.isoformat()}


def _groups(health: Health) -> list[list[DayRow]]:
    step = step_of(len(health.days))
    return [health.days[start : start + step] for start in range(0, len(health.days), step)]


def _points(health: Health, target: str = "", numbers: Sequence[int] = (), **narrowed: str) -> list[Point]:
    """Each opens the list `target`, where it has any of the rows that are listed there."""
    period, urls = health.period, []
    for group, number in zip(_groups(health), numbers, strict=False):
        days = {"from": group[0].day.isoformat(), "to": group[-1].day.isoformat()}
        urls.append(period.address(reverse(target), **days, **narrowed) if number else "")
    return figures.days(period.first, period.last, step=step_of(period.days), urls=urls)
