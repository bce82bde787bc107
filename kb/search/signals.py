"""The learnt ranking as a search uses it: each article's factor, and which visitors get it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings

from core import bucketing
from kb.models import SearchSignal
from kb.search import learning
from kb.search.engine import Hit
from kb.search.learning import Signal

OFF, TEST, ON = "off", "test", "on"  # of SEARCH_LEARNING
PLAIN, LEARNT = "plain", "learnt"  # the arms
SALT = "search-ranking"
SHARE = 0.5  # of visitors who get the learnt ranking while it is tested
_FRESH_SECONDS = 60.0  # signals are made anew each few hours
_NONE = Signal(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Signals:
    """One language's: `by_query` by (query key, article), `by_article` over all queries, `usual` over all articles."""

    by_query: Mapping[tuple[str, int], Signal]
    by_article: Mapping[int, Signal]
    usual: Signal

    def factor(self, key: str, article_id: int) -> float:
        of_article = self.by_article.get(article_id, _NONE)
        return learning.factor(self.by_query.get((key, article_id), _NONE), of_article, self.usual)


_read: tuple[float, Mapping[str, Signals]] | None = None


def forget() -> None:
    """Read anew at the next search."""
    global _read
    _read = None


def rerank(hits: Sequence[Hit], *, key: str, locale: str, visitor: str) -> tuple[Sequence[Hit], str]:
    """The hits in the visitor's order, and the arm that the visitor is in: plain, learnt, or "" where there is no test.

    There is a test only where something was learnt of one of the hits: the arms then differ by nothing but the ranking.
    A visitor who is not counted gets the plain ranking. What was learnt stands in Hit.why as "learnt".
    """
    if settings.SEARCH_LEARNING == OFF or not hits:
        return hits, ""
    signals = _signals().get(locale)
    if signals is None:
        return hits, ""
    factors = {hit.id: signals.factor(key, hit.id) for hit in hits}
    if all(factor == 1.0 for factor in factors.values()):
        return hits, ""
    if settings.SEARCH_LEARNING == TEST:
        if not visitor:
            return hits, ""
        if not bucketing.is_in_share(SALT, visitor, SHARE):
            return hits, PLAIN
    learnt = [_raised(hit, factors[hit.id]) for hit in hits]
    # Stable: what has the same score stays in the engine's order.
    return sorted(learnt, key=lambda hit: -hit.score), LEARNT if settings.SEARCH_LEARNING == TEST else ""


def _raised(hit: Hit, factor: float) -> Hit:
    if factor == 1.0:
        return hit
    return hit._replace(score=hit.score * factor, why={**hit.why, LEARNT: hit.score * (factor - 1.0)})


def _signals() -> Mapping[str, Signals]:
    global _read
    last = _read
    if last is not None and time.monotonic() - last[0] < _FRESH_SECONDS:
        return last[1]
    by_query: dict[str, dict[tuple[str, int], Signal]] = defaultdict(dict)
    by_article: dict[str, dict[int, Signal]] = defaultdict(dict)
    rows = SearchSignal.objects.values_list("locale", "key", "article_id", "reads", "confirmed", "contacted")
    for locale, key, article_id, reads, confirmed, contacted in rows:
        if key:
            by_query[locale][key, article_id] = Signal(reads, confirmed, contacted)
        else:
            by_article[locale][article_id] = Signal(reads, confirmed, contacted)
    found = {
        locale: Signals(by_query[locale], articles, learning.usual(articles.values()))
        for locale, articles in by_article.items()
    }
    _read = (time.monotonic(), found)
    return found
