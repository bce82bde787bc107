"""The searches that led readers to one article, and how the journeys of these readers ended."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

from analytics.periods import Period
from analytics.stats.proportions import Rate

NEWEST = 3_000  # openings that are looked at
SHOWN = 25


@dataclass(frozen=True)
class Query:
    """One query. `position`: the middle place at which it was opened, None where only as the passage on top.

    `voted`: of the openings, in whose journey something was said of an article. `contacted`: of those whose journey is
    mature and linkable, how many contacted us about its topic.
    """

    locale: str
    key: str
    text: str
    openings: int
    position: int | None
    on_top: int
    voted: Rate
    contacted: Rate


@dataclass(frozen=True)
class Searches:
    """The most frequent of `different` queries. `is_cut`: of the newest openings only."""

    openings: int
    different: int
    queries: tuple[Query, ...]
    is_cut: bool


_ENDED = """
WITH clicked AS MATERIALIZED (
    SELECT id, search_id, at, position FROM kb_searchclick
    WHERE article_id = %(article)s AND at >= %(start)s AND at < %(end)s
    ORDER BY at DESC LIMIT %(newest)s
), led AS MATERIALIZED (
    SELECT clicked.id, search.locale, search.key, search.text, clicked.at, clicked.position,
           CASE WHEN search.visitor ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                THEN search.visitor::uuid END AS visitor
    FROM clicked JOIN kb_searchlog AS search ON search.id = clicked.search_id
), known AS (
    SELECT led.*, journey.vote, journey.is_linkable AND journey.outcomes ? %(window)s AS is_judged,
           journey.outcomes ->> %(window)s AS outcome
    FROM led LEFT JOIN LATERAL (
        SELECT vote, is_linkable, outcomes, ended_at FROM analytics_journey AS journey
        WHERE journey.visitor = led.visitor AND journey.started_at <= led.at
        ORDER BY journey.started_at DESC LIMIT 1
    ) AS journey ON journey.ended_at >= led.at
), ended AS (
    SELECT *, count(*) FILTER (WHERE vote IS NOT NULL) OVER same AS known_alike,
           count(*) FILTER (WHERE is_judged) OVER same AS judged_alike
    FROM known WINDOW same AS (PARTITION BY locale, key, visitor)
)
"""

# What of the openings a query's rates count: said something, of those whose journey is known; contacted us, of those
# whose journey is mature and linkable.
AFTER = ("voted", "known", "contacted", "judged")
_OPENINGS = """
SELECT id, vote <> '', vote IS NOT NULL, is_judged AND outcome = 'contacted', is_judged FROM ended
"""
_QUERIES = """
SELECT locale, key, mode() WITHIN GROUP (ORDER BY text), count(*),
       percentile_disc(0.5) WITHIN GROUP (ORDER BY position) FILTER (WHERE position > 0),
       count(*) FILTER (WHERE position = 0),
       count(*) FILTER (WHERE vote <> ''), count(*) FILTER (WHERE vote IS NOT NULL),
       avg(known_alike) FILTER (WHERE vote IS NOT NULL),
       count(*) FILTER (WHERE is_judged AND outcome = 'contacted'), count(*) FILTER (WHERE is_judged),
       avg(judged_alike) FILTER (WHERE is_judged),
       sum(count(*)) OVER (), count(*) OVER ()
FROM ended GROUP BY locale, key
ORDER BY count(*) DESC, key LIMIT %(shown)s
"""


def of(article_id: int, period: Period) -> Searches:
    """One query."""
    found = _ask(_QUERIES, article_id, period)
    queries = tuple(
        Query(locale, key, text, openings, position, on_top, _rate(*ended[:3]), _rate(*ended[3:6]))
        for locale, key, text, openings, position, on_top, *ended in found
    )
    openings, different = (int(found[0][-2]), found[0][-1]) if found else (0, 0)
    return Searches(openings, different, queries, is_cut=openings >= NEWEST)


def openings(article_id: int, period: Period, after: str) -> list[int]:
    """The ids of those, of the newest NEWEST, that are counted `after` a query: one of AFTER."""
    place = AFTER.index(after)
    return [pk for pk, *counted in _ask(_OPENINGS, article_id, period) if counted[place]]


def _ask(sql: str, article_id: int, period: Period) -> list[tuple[Any, ...]]:
    given: dict[str, Any] = {
        "article": article_id,
        "start": period.start,
        "end": period.end,
        "window": str(period.window),
        "newest": NEWEST,
        "shown": SHOWN,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ENDED + sql, given)
        return list(cursor.fetchall())


def _rate(hits: int, of: int, alike: Decimal | None) -> Rate:
    """`alike`: how many openings one opening's visitor has among them, on average; they all end alike."""
    return Rate(hits, of, max(1.0, float(alike or 1)))
