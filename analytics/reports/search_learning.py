"""Whether the learnt ranking of search helps: its test, arm against arm.

A visitor is drawn once (core.bucketing) and counts once, by the first search in which the arms could differ; only
searches whose 24 hours are over count. So the units of both arms are independent, and intervals mean what they say.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from analytics.periods import Period
from analytics.reports.tables import Column, Table
from analytics.stats import proportions, srm
from analytics.stats.proportions import Interval, Rate
from kb.search import signals

_HOURS = 24  # after a search, in which a contact counts


@dataclass(frozen=True)
class Arm:
    """The visitors of one arm, and what they did after that search."""

    clicked: Rate
    reformulated: Rate
    contacted: Rate

    @property
    def visitors(self) -> int:
        return self.clicked.of


@dataclass(frozen=True)
class Difference:
    """Learnt minus plain, in percentage points, with the interval that holds at every look.

    `is_too_early`: so few that the interval cannot be trusted yet.
    """

    points: float
    interval: Interval
    is_too_early: bool

    @property
    def is_shown(self) -> bool:
        return not self.is_too_early and 0 not in self.interval


@dataclass(frozen=True)
class SearchLearning:
    """`setting` is SEARCH_LEARNING. A difference is None below two visitors in an arm, or where the draw is broken.

    `srm_p` is how likely the arms' sizes are if the draw works.
    """

    setting: str
    signals: int  # (query, article) pairs and articles of which something was learnt
    learnt: Arm
    plain: Arm
    srm_p: float
    clicked: Difference | None
    reformulated: Difference | None
    contacted: Difference | None

    @property
    def is_mismatched(self) -> bool:
        return self.srm_p < srm.LIMIT

    @property
    def arms(self) -> tuple[tuple[str, Arm], ...]:
        return ("Learnt", self.learnt), ("Plain", self.plain)

    @property
    def differences(self) -> tuple[tuple[str, Difference | None], ...]:
        return (
            ("opened an answer", self.clicked),
            ("searched again", self.reformulated),
            ("contacted us in 24 h", self.contacted),
        )


_FIRST_SEARCHES = """
WITH first AS (
    SELECT DISTINCT ON (visitor) id, visitor, at, ranking
    FROM kb_searchlog
    WHERE ranking <> '' AND visitor <> '' AND at >= %(start)s AND at < %(end)s
    ORDER BY visitor, at, id
), known AS (
    SELECT *, CASE WHEN visitor ~ '^[0-9a-f-]{36}$' THEN visitor::uuid END AS visitor_id FROM first
)
SELECT ranking, count(*),
       count(*) FILTER (WHERE EXISTS (SELECT FROM kb_searchclick WHERE search_id = known.id)),
       count(*) FILTER (WHERE EXISTS (SELECT FROM kb_searchlog WHERE reformulates_id = known.id)),
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM analytics_event AS event
           WHERE event.kind = 'contact' AND event.at >= known.at
             AND event.at < known.at + make_interval(hours => %(hours)s)
             AND (event.visitor = known.visitor_id
                  OR event.person IN (SELECT person FROM analytics_identity WHERE visitor = known.visitor_id))
       ))
FROM known GROUP BY ranking
"""


def build(period: Period, *, now: datetime) -> SearchLearning:
    """The test in a period; searches of the last 24 hours are not over yet and left out."""
    end = min(period.end, now - timedelta(hours=_HOURS))
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_SEARCHES, {"start": period.start, "end": end, "hours": _HOURS})
        counted = {ranking: counts for ranking, *counts in cursor.fetchall()}
        cursor.execute("SELECT count(*) FROM kb_searchsignal")
        known = cursor.fetchone()[0]
    learnt, plain = _arm(counted.get(signals.LEARNT)), _arm(counted.get(signals.PLAIN))
    srm_p = srm.p_value(learnt.visitors, plain.visitors, share=signals.SHARE)
    is_sound = srm_p >= srm.LIMIT
    return SearchLearning(
        setting=settings.SEARCH_LEARNING,
        signals=known,
        learnt=learnt,
        plain=plain,
        srm_p=srm_p,
        clicked=_difference(learnt.clicked, plain.clicked) if is_sound else None,
        reformulated=_difference(learnt.reformulated, plain.reformulated) if is_sound else None,
        contacted=_difference(learnt.contacted, plain.contacted) if is_sound else None,
    )


def _arm(counts: list[int] | None) -> Arm:
    visitors, clicked, reformulated, contacted = counts or (0, 0, 0, 0)
    return Arm(Rate(clicked, visitors), Rate(reformulated, visitors), Rate(contacted, visitors))


def _difference(learnt: Rate, plain: Rate) -> Difference | None:
    if min(learnt.of, plain.of) < 2:
        return None
    points = 100 * (learnt.hits / learnt.of - plain.hits / plain.of)
    se = 100 * math.sqrt(
        sum(rate.hits * (rate.of - rate.hits) / rate.of**2 / (rate.of - 1) for rate in (learnt, plain))
    )
    half = proportions.always_valid_half_width(se, learnt.of + plain.of)
    is_too_early = min(learnt, plain, key=lambda rate: rate.of).hits < proportions.BURN_IN
    return Difference(points, Interval(points - half, points + half), is_too_early)


def tables(period: Period, now: datetime) -> Sequence[Table]:
    """Both arms, and how they differ."""
    report = build(period, now=now)
    note = _("Visitors by their first search in which the arms could differ, once 24 hours have passed.")
    by_arm = [(name.lower(), arm.visitors, arm.clicked, arm.reformulated, arm.contacted) for name, arm in report.arms]
    differences = [
        (name, None, None, None, False)
        if found is None
        else (name, found.points, found.interval.low, found.interval.high, found.is_shown)
        for name, found in report.differences
    ]
    return [
        Table(
            name="test",
            title=_("The test of the learnt ranking"),
            columns=(
                Column("setting", _("Setting")),
                Column("signals", _("Learnt signals")),
                Column("srm_p", _("How likely arms of these sizes are")),
            ),
            rows=[(report.setting, report.signals, report.srm_p)],
        ),
        Table(
            name="arms",
            title=_("Search with and without what was learnt"),
            columns=(
                Column("arm", _("Arm")),
                Column("visitors", _("Visitors")),
                Column("clicked", _("Opened an answer")),
                Column("reformulated", _("Searched again")),
                Column("contacted", _("Contacted us in 24 h")),
            ),
            rows=by_arm,
            note=note,
        ),
        Table(
            name="differences",
            title=_("Learnt less plain, in percentage points"),
            columns=(
                Column("number", _("Number")),
                Column("points", _("Points")),
                Column("low", _("At least")),
                Column("high", _("At most")),
                Column("is_shown", _("Shown")),
            ),
            rows=differences,
            note=note,
        ),
    ]
