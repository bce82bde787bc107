"""Search as somebody types: titles of articles, and queries that led others to an answer."""

from __future__ import annotations

import logging
import time
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import translation

from core import clock
from kb import search
from kb.models import Article, PopularQuery, SearchClick, SearchKind, SearchLog
from kb.search import log
from kb.search.engine import Engine, EngineUnavailable, Hit, IndexDamaged
from kb.search.keys import key_of

logger = logging.getLogger("preempt.search")

MOST = 8
_MOST_QUERIES = 3  # of those; articles are one step nearer to the answer
_LONGEST_PREFIX = 80  # characters; by then it is a query
_FRESH_SECONDS = 60.0  # popular queries change once a night
_MOST_POPULAR = 1_000  # kept in memory, a language
_MOST_TITLES = 50_000
_LEARNT_FROM = timedelta(days=90)
_LEAST_VISITORS = 3  # one person's words are nobody else's business


@dataclass(frozen=True)
class SuggestedArticle:
    article_id: int
    title: str
    url: str  # tells, when followed, which suggestion it was


@dataclass(frozen=True)
class Suggestions:
    articles: tuple[SuggestedArticle, ...] = ()
    queries: tuple[str, ...] = ()


# By article and version: a version's title never changes, and the index names the version that it holds.
_titles: dict[tuple[int, int], tuple[str, str]] = {}
_popular: dict[str, tuple[float, Sequence[tuple[str, str]]]] = {}


def forget() -> None:
    """Read everything anew at the next keystroke."""
    _titles.clear()
    _popular.clear()


def suggest(prefix: str, *, locale: str) -> Suggestions:
    """At most MOST suggestions for what is typed so far. Public articles only; empty where no engine answers.

    Mostly without the database: it is asked for titles that were not suggested before, and for popular queries once a
    minute.
    """
    prefix = " ".join(prefix[:_LONGEST_PREFIX].replace("\0", " ").encode(errors="replace").decode().split())
    if not prefix:
        return Suggestions()
    hits = _hits(prefix, locale)
    found = _articles(hits, locale)
    titles = {_folded(article.title) for article in found}
    queries = [
        text
        for text in _popular_for(prefix, locale)
        if (folded := _folded(text)) not in titles and folded != _folded(prefix)
    ][:_MOST_QUERIES]
    found = found[: MOST - len(queries)]
    if not found:
        return Suggestions((), tuple(queries))
    vias = log.suggestion_vias(prefix, locale=locale, shown=[article.article_id for article in found])
    with_vias = [replace(article, url=f"{article.url}?via={via}") for article, via in zip(found, vias, strict=True)]
    return Suggestions(tuple(with_vias), tuple(queries))


def make_popular_queries() -> int:
    """PopularQuery anew from the log: what at least three visitors searched, opened an answer of, and left at that.

    Returns how many there are. Queries with something masked in them are never suggested.
    """
    successes = (
        SearchLog.objects.filter(at__gte=clock.now() - _LEARNT_FROM, kind=SearchKind.PAGE, error="", total__gt=0)
        .exclude(visitor="")
        .exclude(text__contains=log.MASK)
        .filter(Exists(SearchClick.objects.filter(search=OuterRef("pk"))))
        .exclude(Exists(SearchLog.objects.filter(reformulates=OuterRef("pk"))))
        .values_list("locale", "text", "corrected", "visitor")
    )
    visitors: dict[tuple[str, str], set[str]] = defaultdict(set)
    spellings: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for locale, text, corrected, visitor in successes.iterator():
        text = " ".join((corrected or text).lower().split())
        if key := key_of(text, locale):
            visitors[locale, key].add(visitor)
            spellings[locale, key][text] += 1
    rows = [
        PopularQuery(locale=locale, key=key, visitors=len(who), text=_commonest(spellings[locale, key]))
        for (locale, key), who in visitors.items()
        if len(who) >= _LEAST_VISITORS
    ]
    with transaction.atomic():
        PopularQuery.objects.all().delete()
        PopularQuery.objects.bulk_create(rows)
    return len(rows)


def _commonest(spellings: Counter[str]) -> str:
    return min(spellings, key=lambda text: (-spellings[text], len(text), text))


def _hits(prefix: str, locale: str) -> Sequence[Hit]:
    engine = search.engine()
    try:
        return _forgiving(engine, prefix, locale)
    except (IndexDamaged, EngineUnavailable) as error:
        logger.error("search engine cannot suggest", extra={"engine": engine.name, "reason": str(error)})
    database = search.database()
    try:
        return _forgiving(database, prefix, locale)
    except (IndexDamaged, EngineUnavailable) as error:
        logger.error("search engine cannot suggest", extra={"engine": database.name, "reason": str(error)})
        return []


def _forgiving(engine: Engine, prefix: str, locale: str) -> Sequence[Hit]:
    """The engine's suggestions; where it has none, those for the words as they were probably meant, else those in the
    language whose articles stand in for missing ones.
    """
    if hits := engine.suggest(prefix, locale, limit=MOST) or _corrected(engine, prefix, locale):
        return hits
    return engine.suggest(prefix, settings.LANGUAGE_CODE, limit=MOST) if locale != settings.LANGUAGE_CODE else []


def _corrected(engine: Engine, prefix: str, locale: str) -> Sequence[Hit]:
    done, _, last = prefix.rpartition(" ")
    meant = f"{engine.correct(done, locale)} {last}" if done else ""
    if meant and meant != prefix and (hits := engine.suggest(meant, locale, limit=MOST)):
        return hits
    # Perhaps the last word is not a beginning but whole, and mistyped.
    meant = engine.correct(prefix, locale)
    return engine.suggest(meant, locale, limit=MOST) if meant != prefix else []


def _articles(hits: Sequence[Hit], locale: str) -> list[SuggestedArticle]:
    wanted = {hit.id: hit.version for hit in hits}
    if missing := [id for id, version in wanted.items() if (id, version) not in _titles]:
        if len(_titles) > _MOST_TITLES:
            _titles.clear()
        rows = Article.objects.public().filter(pk__in=missing).values_list("pk", "slug", "live_revision__title")
        for id, slug, title in rows:
            _titles[id, wanted[id]] = (title, slug)
    # Made anew each time: inside the widget, and for readers in another language, an article has another address.
    with translation.override(locale):
        return [
            SuggestedArticle(id, _titles[id, version][0], reverse("help:article", args=[_titles[id, version][1]]))
            for id, version in wanted.items()
            if (id, version) in _titles
        ]


def _popular_for(prefix: str, locale: str) -> list[str]:
    """Popular queries with a word that begins so, those that begin so themselves first, else the most popular."""
    wanted = _folded(prefix)
    found = [
        (not folded.startswith(wanted), text) for folded, text in _popular_in(locale) if f" {wanted}" in f" {folded}"
    ]
    return [text for _is_inside, text in sorted(found, key=lambda one: one[0])]


def _popular_in(locale: str) -> Sequence[tuple[str, str]]:
    """(folded, as written), the most popular first."""
    last = _popular.get(locale)
    if last is not None and time.monotonic() - last[0] < _FRESH_SECONDS:
        return last[1]
    texts = PopularQuery.objects.filter(locale=locale).order_by("-visitors", "text").values_list("text", flat=True)
    read = [(_folded(text), text) for text in texts[:_MOST_POPULAR]]
    _popular[locale] = (time.monotonic(), read)
    return read


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))
