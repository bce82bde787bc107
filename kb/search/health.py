"""How search is doing: the index of this host, the queries of a day, what people search in weeks. Read-only.

A page of these takes a fixed number of queries however long the log is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Aggregate, Count, Exists, F, FloatField, OuterRef, Q, QuerySet

from kb import search
from kb.models import Article, SearchClick, SearchKind, SearchLog
from kb.search import indexing
from kb.search.engine import EngineUnavailable, IndexDamaged, Stats

DAY = timedelta(hours=24)
_LISTED = 10


@dataclass(frozen=True)
class Share:
    """`hits` of `of`."""

    hits: int
    of: int

    @property
    def percent(self) -> float | None:
        return 100 * self.hits / self.of if self.of else None


@dataclass(frozen=True)
class Index:
    """This host's index. `waiting` articles changed and are not in it yet, the first `waiting_seconds` ago.

    `has_indexer`: a process of this host keeps it up to date at once; else the worker does, within a minute.
    `published` counts the database's articles by language, `stats.documents` the index's. `error` says why there are
    no figures.
    """

    engine: str
    stats: Stats = field(default_factory=lambda: Stats(generation=0))
    published: Mapping[str, int] = field(default_factory=dict)
    waiting: int = 0
    waiting_seconds: float = 0.0
    has_indexer: bool = False
    error: str = ""

    @property
    def languages(self) -> list[tuple[str, int, int]]:
        """(language, articles in the index, published ones), by language."""
        both = sorted(set(self.published) | set(self.stats.documents))
        return [(lang, self.stats.documents.get(lang, 0), self.published.get(lang, 0)) for lang in both]


@dataclass(frozen=True)
class Day:
    """The searches of the last 24 hours, everybody's. Times in milliseconds, None where there was no search."""

    searches: int
    p50: float | None
    p95: float | None
    fallbacks: int
    failures: int
    slowest: Sequence[SearchLog] = ()
    failed: Sequence[SearchLog] = ()


@dataclass(frozen=True)
class Habits:
    """What counted visitors did on the search page. `left_out` searches there were by nobody we count."""

    searches: int
    visitors: int
    without_answer: Share
    without_click: Share  # of those with an answer
    reformulated: Share
    left_out: int


@dataclass(frozen=True)
class QueryRow:
    """One query, as queries are compared: `hits` of its `searches` had no answer (or no click), by `visitors`."""

    locale: str
    key: str
    text: str  # its most frequent spelling
    hits: int
    searches: int
    visitors: int


class _Percentile(Aggregate):
    """The value below which this share of the rows lies, interpolated (percentile_cont)."""

    name = "percentile"
    output_field = FloatField()

    def __init__(self, share: float, column: str) -> None:
        super().__init__(F(column), template=f"percentile_cont({share:f}) WITHIN GROUP (ORDER BY %(expressions)s)")


class _MostFrequent(Aggregate):
    template = "mode() WITHIN GROUP (ORDER BY %(expressions)s)"


def index() -> Index:
    """A few queries, and the engine's own figures."""
    engine = search.engine()
    published = dict(Article.objects.published().order_by().values_list("locale").annotate(count=Count("pk")))
    try:
        stats, lag = engine.stats(), indexing.lag()
    except (IndexDamaged, EngineUnavailable) as error:
        return Index(engine=engine.name, published=published, error=str(error))
    return Index(
        engine=engine.name,
        stats=stats,
        published=published,
        waiting=lag.articles,
        waiting_seconds=lag.seconds,
        has_indexer=indexing.has_indexer(),
    )


def day(*, now: datetime) -> Day:
    """Three queries."""
    rows = SearchLog.objects.filter(at__gt=now - DAY, at__lte=now)
    figures = rows.aggregate(
        searches=Count("pk"),
        p50=_Percentile(0.5, "took_ms"),
        p95=_Percentile(0.95, "took_ms"),
        fallbacks=Count("pk", filter=Q(is_fallback=True)),
        failures=Count("pk", filter=~Q(error="")),
    )
    return Day(
        **figures,
        slowest=list(rows.filter(error="").order_by("-took_ms")[:5]),
        failed=list(rows.exclude(error="").order_by("-at")[:_LISTED]),
    )


def habits(*, days: int, now: datetime) -> Habits:
    """Four queries: each is a plan that a million rows do not slow down as one over all of them would."""
    everything = _on_the_page(days=days, now=now)
    counted = everything.exclude(visitor="")
    figures = counted.aggregate(
        searches=Count("pk"),
        empty=Count("pk", filter=Q(total=0)),
        reformulations=Count("pk", filter=Q(reformulates__isnull=False)),
    )
    searches = figures["searches"]
    return Habits(
        searches=searches,
        visitors=counted.values("visitor").distinct().count(),
        without_answer=Share(figures["empty"], searches),
        without_click=Share(counted.filter(~Exists(_clicks()), total__gt=0).count(), searches - figures["empty"]),
        reformulated=Share(figures["reformulations"], searches),
        left_out=everything.filter(visitor="").count(),
    )


def without_answer(*, days: int, now: datetime) -> list[QueryRow]:
    """The queries that most often found nothing. Two queries."""
    rows = _on_the_page(days=days, now=now).exclude(visitor="")
    return _top(rows, rows.filter(total=0))


def without_click(*, days: int, now: datetime) -> list[QueryRow]:
    """The queries whose answers were most often left unopened. Two queries."""
    rows = _on_the_page(days=days, now=now).exclude(visitor="")
    return _top(rows, rows.filter(~Exists(_clicks()), total__gt=0))


def _top(rows: QuerySet[SearchLog], missed: QuerySet[SearchLog]) -> list[QueryRow]:
    # Without words (only punctuation, say) there is nothing to mend.
    worst = list(
        missed.exclude(key="").values("locale", "key").annotate(hits=Count("pk")).order_by("-hits", "key")[:_LISTED]
    )
    wanted = Q(pk__in=[])
    for row in worst:
        wanted |= Q(locale=row["locale"], key=row["key"])
    about = {
        (row["locale"], row["key"]): row
        for row in rows.filter(wanted)
        .values("locale", "key")
        .annotate(searches=Count("pk"), visitors=Count("visitor", distinct=True), spelling=_MostFrequent("text"))
    }
    found = []
    for row in worst:
        more = about[row["locale"], row["key"]]
        found.append(
            QueryRow(row["locale"], row["key"], more["spelling"], row["hits"], more["searches"], more["visitors"])
        )
    return found


def _on_the_page(*, days: int, now: datetime) -> QuerySet[SearchLog]:
    """Searches on the search page. Suggestions are in the log only where one was opened, so they would flatter."""
    return SearchLog.objects.filter(kind=SearchKind.PAGE, at__gt=now - timedelta(days=days), at__lte=now).order_by()


def _clicks() -> QuerySet[SearchClick]:
    return SearchClick.objects.filter(search=OuterRef("pk"))
