"""Data health against the days before: shares, and whether their difference is more than chance; and counts of pages,
of which nothing is claimed. What is as of now has no days before: nothing keeps how late a source was then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from django.utils.translation import gettext as _

from analytics import spreads
from analytics.reports import data_health_words
from analytics.reports.data_health import Health, Within
from analytics.reports.tables import Column, Table, Value
from analytics.reports.unlinkable import TOLD
from analytics.stats.proportions import Interval, Rate, difference


@dataclass(frozen=True)
class Share:
    """One share now and before. `target` (a page; empty where none has them) lists its whole by the parameters `whole`,
    and by `narrowed` its hits."""

    code: str
    text: str
    now: Rate
    before: Rate
    target: str = ""
    narrowed: Mapping[str, str] = field(default_factory=dict)
    whole: Mapping[str, str] = field(default_factory=dict)

    @property
    def interval(self) -> Interval | None:
        """Of the share now less that before; None where one of them is of nothing."""
        return difference(self.now, self.before) if self.now.of and self.before.of else None

    @property
    def points(self) -> float:
        return (self.now.share or 0) - (self.before.share or 0)

    @property
    def is_turn(self) -> bool:
        return self.interval is not None and 0 not in self.interval


@dataclass(frozen=True)
class Pages:
    """Pages in no number, for one reason. Programs come in bursts: these are no draw of anything."""

    code: str
    text: str
    now: int
    before: int


def shares(health: Health) -> list[Share]:
    """Nothing where nothing is compared. One query."""
    if health.before is None:
        return []
    alike = spreads.known(health.period.window).coverage
    now, before = health, health.before
    linkable, linkable_before = (replace(each.coverage, spread=alike) for each in (now, before))
    return [
        Share("coverage", _("Linkable of journeys"), linkable, linkable_before, "journeys", {"linkable": "yes"}),
        *_unlinkable(now, before, alike),
        Share("uncoded", _("Uncoded contacts"), now.uncoded, before.uncoded, "contacts", {"reason": "uncoded"}),
        Share("unknown", _("Contacts of nobody we know"), now.unknown, before.unknown, "contacts", {"who": "nobody"}),
    ]


def _unlinkable(now: Within, before: Within, alike: float) -> list[Share]:
    """Of the newest unlinkable journeys of each side those whose reason can be told: of older ones it no longer can."""

    def rate(of: Within, code: str) -> Rate:
        return Rate(getattr(of.unlinkable, code), of.unlinkable.looked_at - of.unlinkable.untold, alike)

    names = data_health_words.unlinkable_names()
    found = [
        Share(code, text, rate(now, code), rate(before, code), "journeys", {"why": code}, {"why": TOLD})
        for code, text in names.items()
        if code != "untold"
    ]
    return [each for each in found if each.now.hits or each.before.hits]


def pages(health: Health) -> list[Pages]:
    if health.before is None:
        return []
    now, before = health.left_out_by_reason, health.before.left_out_by_reason
    found = [
        Pages(code, text, now.get(code, 0), before.get(code, 0))
        for code, text in data_health_words.left_out_names().items()
    ]
    return [each for each in found if each.now or each.before]


def tables(health: Health) -> list[Table]:
    """Nothing where nothing is compared."""
    if health.before is None:
        return []
    then = health.before.period
    days = _("Against %(first)s to %(last)s.") % {"first": then.first, "last": then.last}
    shares_said = _("%(days)s It says nothing of a cause. Why journeys are unlinkable: of the newest 500 of each.")
    pages_said = _("%(days)s Programs come in bursts: nothing is claimed of a difference.")
    names = (
        Column("code", _("Code")),
        Column("name", _("In words")),
        Column("now", _("These days")),
        Column("before", _("Before")),
    )
    differences = (
        Column("points", _("Difference, points")),
        Column("low", _("Difference, lower end")),
        Column("high", _("Difference, upper end")),
        Column("is_turn", _("More than chance")),
    )
    return [
        Table(
            "compared",
            _("Against the days before"),
            (*names, *differences),
            [_told(each) for each in shares(health)],
            shares_said % {"days": days},
        ),
        Table(
            "left_out_compared",
            _("Left out, against the days before"),
            names,
            [(each.code, each.text, each.now, each.before) for each in pages(health)],
            pages_said % {"days": days},
        ),
    ]


def _told(share: Share) -> tuple[Value, ...]:
    interval = share.interval
    points = (share.points, interval.low, interval.high) if interval else (None, None, None)
    said = tuple(None if point is None else round(100 * point, 2) for point in points)
    return (share.code, share.text, share.now, share.before, *said, share.is_turn if interval else None)
