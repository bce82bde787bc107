"""Searches that led nowhere, like ones together, and how many of their visitors contacted us after."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Sum

from analytics import gap_clusters, rollups
from analytics.gaps import Known, Standing
from analytics.models import GapKind
from analytics.periods import Period
from analytics.reports import query_words, search_counts
from analytics.stats.proportions import Rate

_NAMED = 6  # queries that a cluster is explained by
# A query's answers fail where at least half of its searches found nothing or opened nothing.
_FAILS = 0.5


@dataclass(frozen=True)
class Query:
    """One query of a cluster: `failed` of its `searches` found or opened nothing."""

    key: str
    text: str
    failed: int
    searches: int


@dataclass(frozen=True)
class Cluster:
    """Like queries that led nowhere. `contacted`: of the visitors to whom it happened, how many contacted us after."""

    locale: str
    text: str  # of the query that leads it
    queries: tuple[Query, ...]
    failed: int
    searches: int
    without_answer: int
    contacted: Rate
    standing: Standing | None

    @property
    def keys(self) -> list[str]:
        return [f"{self.locale} {query.key}" for query in self.queries]

    @property
    def contacts_at_least(self) -> float:
        """The lower bound of the share who contacted us, times the visitors: one of one leads no list."""
        return self.contacted.interval.low * self.contacted.of if self.contacted.of else 0.0

    @property
    def named(self) -> tuple[Query, ...]:
        return self.queries[:_NAMED]

    @property
    def more(self) -> int:
        return len(self.queries) - len(self.named)


# Visitors are counted once a cluster, so they come one by one; a thousand of each query tell enough. A contact is of
# its visitor, and of everyone whom we know to be the same person.
_VISITORS = """
WITH failed AS MATERIALIZED (
    SELECT asked.locale, asked.key, failed.*, failed.at + %(window)s AS until
    FROM unnest(%(locales)s::text[], %(keys)s::text[]) AS asked (locale, key)
    CROSS JOIN LATERAL (
        SELECT search.visitor::uuid AS visitor, min(search.at) AS at
        FROM kb_searchlog AS search
        WHERE search.locale = asked.locale AND search.key = asked.key
          AND search.at >= %(start)s AND search.at < %(end)s
          AND search.kind = 'page' AND search.visitor ~ %(uuid)s AND search.error = '' AND search.featured IS NULL
          AND NOT EXISTS (SELECT FROM kb_searchclick AS click WHERE click.search_id = search.id)
        GROUP BY search.visitor LIMIT 1000
    ) AS failed
)
SELECT locale, key, visitor,
       EXISTS (
           SELECT FROM contacts_contact AS contact
           WHERE contact.visitor = failed.visitor
             AND contact.received_at >= failed.at AND contact.received_at < failed.until
       ) OR EXISTS (
           SELECT FROM analytics_identity AS known JOIN contacts_contact AS contact USING (person)
           WHERE known.visitor = failed.visitor AND contact.person <> ''
             AND contact.received_at >= failed.at AND contact.received_at < failed.until
       )
FROM failed
"""


def clusters(period: Period, known: Known) -> tuple[list[Cluster], frozenset[str]]:
    """Of the queries that failed most, those that mostly fail, and the languages compared by meaning too. Searches are
    counted as in search health (SearchDay): each visitor once a query and day."""
    rows = (
        search_counts.days(period)
        .exclude(key="")
        .values("locale", "key")
        .annotate(failed=Sum(search_counts.FAILED), empty=Sum("without_answer"), asked=Sum("searches"))
        .filter(failed__gt=0)
        .order_by("-failed", "locale", "key")[: gap_clusters.MOST]
    )
    counts = {(row["locale"], row["key"]): row for row in rows if row["failed"] >= _FAILS * row["asked"]}
    like = query_words.like({query: row["failed"] for query, row in counts.items()})
    visitors = _visitors(list(like.text), period)
    found = []
    for locale, keys in like.groups:
        group = [
            Query(key, like.text[locale, key], counts[locale, key]["failed"], counts[locale, key]["asked"])
            for key in keys
        ]
        empty = sum(counts[locale, key]["empty"] for key in keys)
        found.append(_cluster(locale, group, empty, visitors, known, period))
    found.sort(key=lambda each: (-each.contacts_at_least, -each.contacted.of, -each.failed, each.text))
    return found, like.by_meaning


def _cluster(
    locale: str,
    group: Sequence[Query],
    empty: int,
    visitors: dict[tuple[str, str], dict[UUID, bool]],
    known: Known,
    period: Period,
) -> Cluster:
    queries = tuple(sorted(group, key=lambda query: (-query.failed, query.key)))
    of: dict[UUID, bool] = {}
    for query in queries:
        for visitor, has_contacted in visitors.get((locale, query.key), {}).items():
            of[visitor] = of.get(visitor, False) or has_contacted
    keys = {f"{locale} {query.key}": float(query.failed) for query in queries}
    return Cluster(
        locale=locale,
        text=queries[0].text,
        queries=queries,
        failed=sum(query.failed for query in queries),
        searches=sum(query.searches for query in queries),
        without_answer=empty,
        contacted=Rate(sum(of.values()), len(of)),
        standing=known.of(GapKind.SEARCHES, keys, size=period.per_28(len(of))),
    )


def _visitors(queries: Sequence[tuple[str, str]], period: Period) -> dict[tuple[str, str], dict[UUID, bool]]:
    """Of each (locale, key): the visitors to whom it failed, and whether they contacted us within the window after."""
    found: dict[tuple[str, str], dict[UUID, bool]] = defaultdict(dict)
    given: dict[str, Any] = {
        "locales": [locale for locale, _key in queries],
        "keys": [key for _locale, key in queries],
        "start": period.start,
        "end": period.end,
        "window": timedelta(days=period.window),
        "uuid": rollups.UUID_PATTERN,
    }
    with connection.cursor() as cursor:
        cursor.execute(_VISITORS, given)
        for locale, key, visitor, has_contacted in cursor.fetchall():
            found[locale, key][visitor] = has_contacted
    return found
