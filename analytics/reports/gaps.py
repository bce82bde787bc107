"""What to write next: searches that led nowhere, reasons without an article, articles after which people contact us.

Counts with their denominators; none of it says that a missing article caused a contact.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
from django.conf import settings
from django.db import connection

from analytics import gap_clusters
from analytics.gap_clusters import Asked
from analytics.gaps import Known, Standing
from analytics.models import GapKind
from analytics.periods import Period
from analytics.reports import journeys
from analytics.reports.journeys import Guarded, Tally
from analytics.stats.proportions import Rate
from contacts import reasons, selectors
from kb.models import Article
from kb.search import analysis, semantic
from kb.search.keys import key_of

logger = logging.getLogger("preempt.analytics")

_SHOWN = 30  # rows of each list
_NAMED = 6  # queries that a cluster is explained by
_LEAST_VISITORS = 2  # of a cluster that is shown
_LEADERS = 80  # whose meaning is looked at
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


@dataclass(frozen=True)
class ReasonGap:
    """A topic of contacts that no published article is about. The code of what nobody could code is empty."""

    code: str
    name: str
    contacts: int
    parts: tuple[tuple[str, int], ...]  # (reason under it, contacts), most first
    standing: Standing | None


@dataclass(frozen=True)
class Failing:
    """An article after which people contacted us. `at_least`: the lower bound of its share, times its journeys."""

    article_id: int
    title: str
    locale: str
    contact_after_read: Guarded
    denied: int
    standing: Standing | None

    @property
    def at_least(self) -> float:
        rate = self.contact_after_read.rate
        return rate.interval.low * rate.of


@dataclass(frozen=True)
class Gaps:
    """The three lists; `hidden` were dismissed. `too_few` articles have had too few readers to be ranked."""

    clusters: tuple[Cluster, ...]
    reasons: tuple[ReasonGap, ...]
    uncoded: int
    contacts: int
    failing: tuple[Failing, ...]
    too_few: int
    hidden: int = 0
    more_clusters: int = 0
    single: int = 0  # clusters of one visitor, which tell too little
    by_meaning: frozenset[str] = field(default_factory=frozenset)  # locales whose queries were compared by meaning too


def build(period: Period, known: Known, *, with_dismissed: bool = False) -> Gaps:
    """`known`: what was decided of gaps before. What was dismissed and has not grown is left out but for its number."""
    found, by_meaning = _clusters(period, known)
    uncovered, uncoded, contacts = _reasons(period, known)
    failing, too_few = _failing(period, known)
    often = [cluster for cluster in found if cluster.contacted.of >= _LEAST_VISITORS]
    every: list[Cluster | ReasonGap | Failing] = [*often, *uncovered, *failing]
    hidden = sum(bool(gap.standing and gap.standing.is_hidden) for gap in every)

    def is_kept(gap: Cluster | ReasonGap | Failing) -> bool:
        return with_dismissed or not (gap.standing and gap.standing.is_hidden)

    clusters = list(filter(is_kept, often))
    return Gaps(
        clusters=tuple(clusters[:_SHOWN]),
        reasons=tuple(filter(is_kept, uncovered)),
        uncoded=uncoded,
        contacts=contacts,
        failing=tuple(filter(is_kept, failing))[:_SHOWN],
        too_few=too_few,
        hidden=hidden,
        more_clusters=max(0, len(clusters) - _SHOWN),
        single=len(found) - len(often),
        by_meaning=by_meaning,
    )


def find_cluster(period: Period, known: Known, *, locale: str, key: str) -> Cluster | None:
    """The cluster that this query is in now."""
    found, _by_meaning = _clusters(period, known)
    return next(
        (each for each in found if each.locale == locale and any(query.key == key for query in each.queries)), None
    )


def find_reason(period: Period, known: Known, *, code: str) -> ReasonGap | None:
    return next((gap for gap in _reasons(period, known)[0] if gap.code == code), None)


def find_failing(period: Period, known: Known, *, article_id: int) -> Failing | None:
    return next((gap for gap in _failing(period, known)[0] if gap.article_id == article_id), None)


# The queries that failed most visitors, and of those visitors who contacted us within the window after it.
_QUERIES = """
WITH failed AS (
    SELECT search.locale, search.key, search.id, search.at, search.visitor, search.total
    FROM kb_searchlog AS search
    WHERE search.kind = 'page' AND search.at >= %(start)s AND search.at < %(end)s AND search.visitor <> ''
      AND search.key <> '' AND search.error = ''
      AND NOT EXISTS (SELECT FROM kb_searchclick AS click WHERE click.search_id = search.id)
      AND search.featured IS NULL
), worst AS (
    SELECT locale, key, count(*) AS failed, count(*) FILTER (WHERE total = 0) AS empty
    FROM failed GROUP BY locale, key ORDER BY count(DISTINCT visitor) DESC, key LIMIT %(most)s
), every AS (
    SELECT worst.locale, worst.key, count(*) AS searches, mode() WITHIN GROUP (ORDER BY search.text) AS text,
           max(search.corrected) AS corrected
    FROM worst JOIN kb_searchlog AS search USING (locale, key)
    WHERE search.kind = 'page' AND search.at >= %(start)s AND search.at < %(end)s AND search.visitor <> ''
    GROUP BY worst.locale, worst.key
)
SELECT worst.locale, worst.key, every.text, every.corrected, worst.failed, worst.empty, every.searches
FROM worst JOIN every USING (locale, key)
WHERE worst.failed >= %(fails)s * every.searches
"""

# Visitors are counted once a cluster, so they come one by one; a thousand of each query tell enough.
_VISITORS = """
SELECT asked.key, failed.visitor,
       EXISTS (
           SELECT FROM analytics_event AS event
           WHERE event.visitor = failed.visitor_id AND event.kind = 'contact' AND event.at >= failed.at
             AND event.at < failed.at + make_interval(days => %(days)s)
       ) OR EXISTS (
           SELECT FROM analytics_identity AS known
           JOIN analytics_event AS event ON event.person = known.person AND event.person <> ''
           WHERE known.visitor = failed.visitor_id AND event.kind = 'contact' AND event.at >= failed.at
             AND event.at < failed.at + make_interval(days => %(days)s)
       )
FROM unnest(%(locales)s::text[], %(keys)s::text[]) AS asked (locale, key)
CROSS JOIN LATERAL (
    SELECT search.visitor, min(search.at) AS at,
           CASE WHEN search.visitor ~ '^[0-9a-f-]{36}$' THEN search.visitor::uuid END AS visitor_id
    FROM kb_searchlog AS search
    WHERE search.locale = asked.locale AND search.key = asked.key
      AND search.at >= %(start)s AND search.at < %(end)s
      AND search.kind = 'page' AND search.visitor <> '' AND search.error = '' AND search.featured IS NULL
      AND NOT EXISTS (SELECT FROM kb_searchclick AS click WHERE click.search_id = search.id)
    GROUP BY search.visitor LIMIT 1000
) AS failed
"""


def _clusters(period: Period, known: Known) -> tuple[list[Cluster], frozenset[str]]:
    span = {"start": period.start, "end": period.end}
    with connection.cursor() as cursor:
        cursor.execute(_QUERIES, {**span, "most": gap_clusters.MOST, "fails": _FAILS})
        rows = cursor.fetchall()
    by_locale: dict[str, dict[str, tuple[Query, int]]] = defaultdict(dict)
    meant: dict[str, dict[str, str]] = defaultdict(dict)
    for locale, key, text, corrected, failed, empty, searches in rows:
        if tells_something(text, locale):
            by_locale[locale][key] = (Query(key, text, failed, searches), empty)
            meant[locale][key] = corrected or text
    visitors = _visitors([(row[0], row[1]) for row in rows], period)
    found: list[Cluster] = []
    by_meaning = set()
    for locale, queries in by_locale.items():
        asked = [
            Asked(key, frozenset(key_of(meant[locale][key], locale).split()), query.failed)
            for key, (query, _empty) in queries.items()
        ]
        meaning = meaning_of(locale, meant[locale], asked)
        if meaning is not None:
            by_meaning.add(locale)
        found += [
            _cluster(locale, [queries[each.key] for each in group], visitors, known, period)
            for group in gap_clusters.cluster(asked, meaning=meaning)
        ]
    found.sort(key=lambda each: (-each.contacts_at_least, -each.contacted.of, -each.failed, each.text))
    return found, frozenset(by_meaning)


def tells_something(text: str, locale: str) -> bool:
    """Whether a query has a word that is no stop word: "how to" is the beginning of a question."""
    language = analysis.for_language(locale)
    return any(not language.is_stop(word) for word in language.words(text))


def _cluster(
    locale: str,
    group: Sequence[tuple[Query, int]],
    visitors: dict[tuple[str, str], dict[str, bool]],
    known: Known,
    period: Period,
) -> Cluster:
    queries = tuple(sorted((query for query, _empty in group), key=lambda query: (-query.failed, query.key)))
    of: dict[str, bool] = {}
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
        without_answer=sum(empty for _query, empty in group),
        contacted=Rate(sum(of.values()), len(of)),
        standing=known.of(GapKind.SEARCHES, keys, size=per_28(len(of), period)),
    )


def _visitors(pairs: Sequence[tuple[str, str]], period: Period) -> dict[tuple[str, str], dict[str, bool]]:
    """Of each (locale, key): the visitors to whom it failed, and whether they contacted us within the window after."""
    found: dict[tuple[str, str], dict[str, bool]] = defaultdict(dict)
    by_locale: dict[str, list[str]] = defaultdict(list)
    for locale, key in pairs:
        by_locale[locale].append(key)
    with connection.cursor() as cursor:
        for locale, keys in by_locale.items():
            cursor.execute(
                _VISITORS,
                {
                    "locales": [locale] * len(keys),
                    "keys": keys,
                    "start": period.start,
                    "end": period.end,
                    "days": period.window,
                },
            )
            for key, visitor, has_contacted in cursor.fetchall():
                found[locale, key][visitor] = has_contacted
    return found


def meaning_of(
    locale: str, texts: dict[str, str], asked: Sequence[Asked]
) -> Callable[[Asked, Asked], float | None] | None:
    """How near two queries are in meaning; None where meaning is not installed or does not know the language."""
    encoder = semantic.loaded() if settings.SEARCH_MEANING and semantic.speaks(locale) else None
    if encoder is None:
        return None
    heaviest = sorted(asked, key=lambda query: (-query.weight, query.key))[:_LEADERS]
    vectors = {query.key: encoder.query(texts[query.key]) for query in heaviest}

    def cosine(one: Asked, other: Asked) -> float | None:
        if one.key not in vectors or other.key not in vectors:
            return None
        return float(np.dot(vectors[one.key], vectors[other.key]))

    return cosine


def _reasons(period: Period, known: Known) -> tuple[list[ReasonGap], int, int]:
    """The topics with contacts and without any published article, how many contacts are uncoded, and how many all."""
    counts = selectors.counts_by_reason(since=period.start, until=period.end)
    tree = reasons.stored()
    covered = set(Article.objects.public().order_by().values_list("category__topic", flat=True).distinct())
    by_topic: dict[str, dict[str, int]] = defaultdict(dict)
    for reason in tree:
        # A shelf may be about a whole topic, or about one reason under it.
        if (number := counts.get(reason.code, 0)) and not covered & set(reason.path):
            by_topic[reason.topic][reason.name] = number
    names = {reason.code: reason.name for reason in tree}
    found = [
        ReasonGap(
            code=topic,
            name=names[topic],
            contacts=sum(parts.values()),
            parts=tuple(sorted(parts.items(), key=lambda part: (-part[1], part[0]))),
            standing=known.of(GapKind.REASON, {topic: 1.0}, size=per_28(sum(parts.values()), period)),
        )
        for topic, parts in by_topic.items()
    ]
    found.sort(key=lambda gap: (-gap.contacts, gap.code))
    return found, counts.get("", 0), sum(counts.values())


def _failing(period: Period, known: Known) -> tuple[list[Failing], int]:
    """Articles after which somebody contacted us, by the lower bound of how many; and how many had too few readers."""
    tally = journeys.tally(period)
    by_article = journeys.by_article(tally.cells, tally.spreads)
    ranked = {pk: tally for pk, tally in by_article.items() if not tally.contact_after_read.why_withheld}
    texts = {
        pk: (title, locale)
        for pk, title, locale in Article.objects.published()
        .filter(pk__in=ranked)
        .values_list("pk", "live_revision__title", "locale")
    }
    found = [_failing_row(pk, *texts[pk], tally, known, period) for pk, tally in ranked.items() if pk in texts]
    found = [gap for gap in found if gap.contact_after_read.rate.hits]
    found.sort(key=lambda gap: (-gap.at_least, gap.title))
    return found, len(by_article) - len(ranked)


def _failing_row(pk: int, title: str, locale: str, tally: Tally, known: Known, period: Period) -> Failing:
    guarded = tally.contact_after_read
    return Failing(
        article_id=pk,
        title=title,
        locale=locale,
        contact_after_read=guarded,
        denied=tally.count("denied"),
        standing=known.of(GapKind.ARTICLE, {str(pk): 1.0}, size=per_28(guarded.rate.hits, period)),
    )


def per_28(number: int, period: Period) -> float:
    """As many as it would be in 28 days."""
    return number * timedelta(days=28) / timedelta(days=period.days)
