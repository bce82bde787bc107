"""How search is doing: the index of this host, and the speed and failures of a day. Read-only.

Whether searchers find answers is analytics' to say (analytics/reports/search_health.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Aggregate, Count, F, FloatField, Q

from kb import search
from kb.models import Article, SearchLog
from kb.search import indexing
from kb.search.engine import EngineUnavailable, IndexDamaged, Stats

DAY = timedelta(hours=24)
_LISTED = 10


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


class _Percentile(Aggregate):
    """The value below which this share of the rows lies, interpolated (percentile_cont)."""

    name = "percentile"
    output_field = FloatField()

    def __init__(self, share: float, column: str) -> None:
        super().__init__(F(column), template=f"percentile_cont({share:f}) WITHIN GROUP (ORDER BY %(expressions)s)")


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
