"""A customer's words → articles they may read. The index proposes, the database decides what is visible."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from django.urls import reverse
from django.utils import translation
from django.utils.safestring import SafeString, mark_safe

from kb import search
from kb.models import Article, Revision
from kb.search import analysis, indexing, snippets
from kb.search.engine import IndexDamaged, Results, SearchRequest

logger = logging.getLogger("preempt.search")

MAX_QUERY = 200  # characters; a longer text is searched by its rarest words
_SPARE = 10  # hits beyond those wanted, for articles unpublished since the index was written


@dataclass(frozen=True)
class Result:
    """One answer as a page shows it. `url` is the article's own, in its own language. `why` only where asked for."""

    article_id: int
    title: str
    url: str
    category_name: str
    snippet_html: SafeString
    locale: str = ""
    is_pinned: bool = False
    is_staff_only: bool = False
    score: float = 0.0
    why: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Featured:
    """A passage that clearly answers the query, shown on top. `url` leads to its heading in the article."""

    article_id: int
    title: str
    url: str
    heading: str
    answer_html: SafeString


@dataclass(frozen=True)
class Facet:
    """A category that some of the answers are in."""

    id: int
    slug: str
    name: str
    count: int
    is_chosen: bool


@dataclass(frozen=True)
class Found:
    """What a search found. `total` counts all answers; `corrected` is the query as it was run, where that differs.

    `other_locale` is the language of the answers where that is not the page's. `engine` and `is_fallback` tell who
    answered; `ranking` the arm of the test of learnt ranking ("" where it is off); `error` why there is no answer.
    """

    results: tuple[Result, ...]
    total: int
    corrected: str = ""
    text: str = ""
    key: str = ""
    featured: Featured | None = None
    facets: tuple[Facet, ...] = ()
    other_locale: str = ""
    engine: str = ""
    is_fallback: bool = False
    ranking: str = ""
    took_ms: float = 0.0
    error: str = ""


def key_of(text: str, locale: str) -> str:
    """A query as queries are compared: its telling stems, each once, in order of the alphabet; 200 characters at most.

    Without any telling word, all its stems.
    """
    language = analysis.for_language(locale)
    words = language.words(text)
    telling = [word for word in words if not language.is_stop(word)] or words
    return " ".join(sorted({language.stem(word) for word in telling}))[:MAX_QUERY]


def find(text: str, *, locale: str, k: int = 20, max_terms: int | None = None) -> Found:
    """The k best published articles in `locale`. One query to the database; none where nothing is found."""
    text = text.strip()
    if not text:
        return Found((), 0)
    results = _ask(SearchRequest(text=text, lang=locale, k=k + _SPARE, max_terms=max_terms))
    if not results.hits:
        return Found((), 0, results.corrected)
    ids = [hit.id for hit in results.hits]
    articles = {
        article.pk: article
        for article in Article.objects.published()
        .filter(pk__in=ids, locale=locale)
        .select_related("live_revision")
        .defer("live_revision__body", "live_revision__html", "live_revision__headings")
        .with_texts(locale)
    }
    visible = [articles[id] for id in ids if id in articles]
    return Found(
        results=tuple(_result(article, results, locale) for article in visible[:k]),
        total=max(results.total - (len(ids) - len(visible)), len(visible)),
        corrected=results.corrected,
    )


def _result(article: Article, results: Results, locale: str) -> Result:
    revision = cast(Revision, article.live_revision)  # published, so by constraint there is one
    with translation.override(locale):
        url = reverse("help:article", args=[article.slug])
    # The summary tells best what an article is about; the text is quoted where the summary lacks the words.
    text = revision.summary if snippets.holds(revision.summary, results.terms, lang=locale) else revision.text
    return Result(
        article_id=article.pk,
        title=revision.title,
        url=url,
        category_name=article.category_name,  # type: ignore[attr-defined]  # with_texts
        snippet_html=mark_safe(snippets.snippet(text, results.terms, lang=locale)),
    )


def _ask(request: SearchRequest) -> Results:
    """The engine's answer. A missing or broken index is made anew where that is quick, and else finds nothing."""
    try:
        return search.engine().search(request)
    except IndexDamaged as error:
        logger.error("search index unusable", extra={"reason": str(error)})
    try:
        return search.engine().search(request) if indexing.rebuild_if_small() else Results((), 0)
    except IndexDamaged as error:
        logger.error("search index unusable after a rebuild", extra={"reason": str(error)})
        return Results((), 0)
