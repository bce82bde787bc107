"""What other rooms and our own pages read of articles."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Window
from django.db.models.functions import Coalesce, RowNumber
from django.urls import reverse
from django.utils import translation
from django.utils.safestring import SafeString, mark_safe

from kb import search
from kb.models import Article, CategoryText, Experiment, ExperimentState, Redirect
from kb.search import messages, snippets
from kb.search.asking import NoAnswer
from kb.search.engine import EngineUnavailable, Hit, IndexDamaged

logger = logging.getLogger("preempt.search")


@dataclass(frozen=True)
class Card:
    """A published article as a link shows it. `locale` is the article's own; `url` leads there in the reader's."""

    id: int
    external_id: str
    locale: str
    title: str
    summary: str
    url: str
    category_name: str
    topic: str

    @property
    def get_absolute_url(self) -> str:
        return self.url


@dataclass(frozen=True)
class Suggestion:
    article_id: int
    title: str
    url: str
    snippet: SafeString  # HTML with the words of the text marked


def published(locale: str | None = None) -> list[Card]:
    """Every published article (in `locale`), each with its address in its own language, in a fixed order."""
    articles = Article.objects.published()
    if locale is not None:
        articles = articles.filter(locale=locale)
    rows = articles.with_texts(locale or settings.LANGUAGE_CODE).order_by("locale", "pk")
    return [_card(article, article.locale) for article in rows]


def cards(ids: Sequence[int], locale: str) -> list[Card]:
    """The public ones of these articles, in the order of `ids`, for a reader in `locale`. One query."""
    rows = {article.pk: article for article in Article.objects.public().filter(pk__in=ids).with_texts(locale)}
    return [_card(rows[id], locale) for id in ids if id in rows]


def suggest(text: str, *, locale: str, limit: int = 3) -> list[Suggestion]:
    """Public articles that may answer a message while it is being written; none where none clearly fits."""
    try:
        offers = messages.offers(text, locale=locale, limit=limit)
    except NoAnswer:
        return []  # said in the log; the form goes on without
    found = []
    for offer in offers:
        row = offer.row
        with translation.override(row.locale):
            url = reverse("help:article", args=[row.slug])
        snippet = mark_safe(snippets.best(row.html, offer.terms, lang=row.locale))
        found.append(Suggestion(row.id, row.title, url, snippet))
    return found


def topic_of(article_id: int) -> str:
    """The reason code of the contacts that the article should prevent; empty where there is no such article."""
    return Article.objects.filter(pk=article_id).values_list("category__topic", flat=True).first() or ""


def published_count() -> int:
    return Article.objects.published().count()


def locales() -> list[str]:
    """The languages that have a published article, the default one first. One query."""
    found = set(Article.objects.published().order_by().values_list("locale", flat=True).distinct())
    return sorted(found, key=lambda locale: (locale != settings.LANGUAGE_CODE, locale))


def category_texts(locale: str) -> QuerySet[CategoryText]:
    """The shelves with something to read in `locale`, each with `icon`, `topic` and `article_count`. One query.

    A shelf without a name in `locale` has its default one.
    """
    own = CategoryText.objects.filter(category=OuterRef("category_id"), locale=locale)
    readable = (
        Article.objects.readable_in(locale)
        .filter(category=OuterRef("category_id"))
        .order_by()
        .values("category")
        .annotate(count=Count("pk"))
        .values("count")
    )
    return (
        CategoryText.objects.filter(Q(locale=locale) | (Q(locale=settings.LANGUAGE_CODE) & ~Exists(own)))
        .annotate(
            icon=F("category__icon"),
            topic=F("category__topic"),
            article_count=Coalesce(Subquery(readable), 0),
        )
        .filter(article_count__gt=0)
        .order_by("category__position", "category__key")
    )


def in_category(category_id: int, locale: str) -> list[Card]:
    """What a reader in `locale` finds on a shelf, by title."""
    rows = (
        Article.objects.readable_in(locale)
        .filter(category=category_id)
        .with_texts(locale)
        .order_by("live_revision__title", "pk")
    )
    return [_card(article, locale) for article in rows]


def popular(locale: str, *, limit: int = 6) -> list[Card]:
    """The articles whose live text most readers called helpful; where votes are few, the first ones of each shelf."""
    rows = (
        Article.objects.readable_in(locale)
        .with_texts(locale)
        .annotate(yes=Count("live_revision__votes", filter=Q(live_revision__votes__is_helpful=True)))
        .annotate(
            is_own=Q(locale=locale),
            place=Window(RowNumber(), partition_by=["category", "is_own"], order_by="pk"),
        )
        .order_by("-yes", "-is_own", "place", "category__position", "pk")[:limit]
    )
    return [_card(article, locale) for article in rows]


def to_read(slug: str, locale: str) -> Article | None:
    """The published article at this address, its live revision and names loaded; in one query.

    Where `locale` has none, that of the default language. `is_under_test` tells whether a test runs on it.
    """
    running = Experiment.objects.filter(article=OuterRef("pk"), state=ExperimentState.RUNNING)
    return (
        Article.objects.published()
        .filter(slug=slug, locale__in={locale, settings.LANGUAGE_CODE})
        .select_related("live_revision", "category")
        .with_texts(locale)
        .annotate(is_under_test=Exists(running), is_own=Q(locale=locale))
        .order_by("-is_own")
        .first()
    )


def translation_of(article: Article, locale: str) -> Article | None:
    """The published article that says the same in `locale`."""
    return Article.objects.published().filter(translation_group=article.translation_group, locale=locale).first()


def translation_by_slug(slug: str, locale: str) -> Article | None:
    """The published article in `locale` that says the same as the one at this address in another language."""
    others = Article.objects.published().filter(slug=slug).values("translation_group")
    return Article.objects.published().filter(translation_group__in=others, locale=locale).first()


def moved_to(slug: str, locale: str) -> str:
    """The present slug of the article that had this address; empty where none had."""
    found = Redirect.objects.filter(locale=locale, old_slug=slug, article__state="published")
    return found.values_list("article__slug", flat=True).first() or ""


def category_slug_in(slug: str, locale: str) -> str:
    """The slug in `locale` of the category that has this one in another language; empty where none has."""
    texts = CategoryText.objects.filter(category__texts__slug=slug, locale__in={locale, settings.LANGUAGE_CODE})
    own = sorted(texts.values_list("locale", "slug"), key=lambda text: text[0] != locale)
    return own[0][1] if own and own[0][1] != slug else ""


def url_of_revision(revision_id: int, locale: str) -> str:
    """The address of the published article that this text belongs to, for a reader in `locale`; empty if none."""
    article = Article.objects.published().filter(revisions=revision_id).first()
    if article is None:
        return ""
    with translation.override(locale):
        return article.get_absolute_url()


def by_reference(reference: str, locale: str) -> Article | None:
    """The article that a link `article:<reference>` means: by imported id, else by address; in `locale` if it can."""
    candidates = Article.objects.published().filter(Q(external_id=reference) | Q(slug=reference))
    found = (
        candidates.annotate(
            is_own=Q(locale=locale), is_by_id=Q(external_id=reference), is_default=Q(locale=settings.LANGUAGE_CODE)
        )
        .order_by("-is_own", "-is_by_id", "-is_default", "pk")
        .first()
    )
    if found is None or found.locale == locale:
        return found
    return translation_of(found, locale) or found


def related(article: Article, locale: str, *, limit: int = 4) -> list[Card]:
    """Public articles about the same. One query; none, and nothing shown, where no engine can tell."""
    hits = _similar(article, limit)
    return cards([hit.id for hit in hits], locale) if hits else []


def _similar(article: Article, limit: int) -> Sequence[Hit]:
    for engine in (search.engine, search.database):
        try:
            return engine().similar(article.pk, article.locale, limit=limit)
        except (IndexDamaged, EngineUnavailable) as error:
            logger.error("search engine cannot tell what is similar", extra={"reason": str(error)})
    return []


def _card(article: Article, locale: str) -> Card:
    with translation.override(locale):
        url = reverse("help:article", args=[article.slug])
    return Card(
        id=article.pk,
        external_id=article.external_id,
        locale=article.locale,
        title=article.title,  # type: ignore[attr-defined]  # with_texts, as the rest
        summary=article.summary,  # type: ignore[attr-defined]
        url=url,
        category_name=article.category_name,  # type: ignore[attr-defined]
        topic=article.topic,  # type: ignore[attr-defined]
    )
