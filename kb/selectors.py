"""What other rooms and our own pages read of articles."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Window
from django.db.models.functions import Coalesce, RowNumber
from django.urls import reverse
from django.utils import translation
from django.utils.safestring import SafeString, mark_safe

from kb import search
from kb.models import Article, ArticleState, Category, CategoryText, Redirect, Visibility, Vote
from kb.models.article import ArticleQuerySet
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
    locale: str = ""  # of the article, where it is not the reader's


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


def topics() -> dict[str, int]:
    """The id of a category by its key, and by the topic that its articles should prevent contacts about. One query."""
    rows = list(Category.objects.order_by("-position", "-key").values_list("pk", "key", "topic"))
    return {topic: id for id, _key, topic in rows} | {key: id for id, key, _topic in rows}


def popular(locale: str, *, limit: int = 6, category_id: int = 0) -> list[Card]:
    """The articles whose live text most readers called helpful; where votes are few, the first ones of each shelf.

    With a `category_id` only those of that shelf.
    """
    rows = (
        Article.objects.readable_in(locale)
        .with_texts(locale)
        .annotate(yes=Count("live_revision__votes", filter=Q(live_revision__votes__is_helpful=True)))
        .annotate(
            is_own=Q(locale=locale),
            place=Window(RowNumber(), partition_by=["category", "is_own"], order_by="pk"),
        )
        .order_by("-yes", "-is_own", "place", "category__position", "pk")
    )
    if category_id:
        rows = rows.filter(category=category_id)
    return [_card(article, locale) for article in rows[:limit]]


def to_read(slug: str, locale: str) -> ArticleQuerySet:
    """The published article at this address, its live revision and names loaded: the first of these rows.

    Where `locale` has none, that of the default language, else of any.
    """
    return (
        Article.objects.published()
        .at_address(slug, locale)
        .select_related("live_revision", "category")
        .with_texts(locale)
    )


def translation_of(article: Article, locale: str) -> Article | None:
    """The public article that says the same in `locale`."""
    return Article.objects.public().filter(translation_group=article.translation_group, locale=locale).first()


def translation_by_slug(slug: str, locale: str) -> Article | None:
    """The public article in `locale`, else in the default language, that says the same as the one at this address in
    another language.
    """
    others = Article.objects.public().filter(slug=slug).values("translation_group")
    found = Article.objects.public().filter(translation_group__in=others, locale__in={locale, settings.LANGUAGE_CODE})
    return found.annotate(is_own=Q(locale=locale)).order_by("-is_own", "pk").first()


@dataclass(frozen=True)
class Moved:
    """The present slug of what was at an old address; `is_for_good` where it is the same article in its language.

    `view` is the page that has this slug. `is_archived`: an editor leads readers on from what is no longer shown.
    """

    slug: str
    is_for_good: bool
    view: str = "help:article"
    is_archived: bool = False


def moved_to(slug: str, locale: str) -> Moved | None:
    """Where a reader in `locale` finds what had this address, in one hop: the article that was renamed, or where an
    editor leads the readers of one that is archived. None where nothing had it, or it leads nowhere.
    """
    near: dict[str, Any] = {"is_own": Q(locale=locale), "is_default": Q(locale=settings.LANGUAGE_CODE)}
    order = ("-is_own", "-is_default", "pk")
    renamed = Redirect.objects.filter(old_slug=slug).annotate(**near).select_related("article")
    if old := renamed.filter(article__in=Article.objects.public()).order_by(*order).first():
        return _moved(old.article, locale)
    leads = ~Q(leads_to=None) | ~Q(leads_to_category=None)
    archived = Article.objects.filter(leads, state=ArticleState.ARCHIVED).annotate(**near, is_by_slug=Q(slug=slug))
    # Links name an article that was imported by its id there (by_reference).
    named = archived.filter(Q(slug=slug) | Q(external_id=slug))
    was = named.order_by("-is_by_slug", *order).first()
    if was is None and (old := renamed.filter(article__in=archived).order_by(*order).first()):
        was = old.article
    return _led_on(was, locale) if was else None


def _moved(article: Article, locale: str) -> Moved | None:
    if article.locale == locale:
        return Moved(article.slug, is_for_good=True)
    if translated := translation_of(article, locale):
        return Moved(translated.slug, is_for_good=False)
    # Read in the default language where it is not translated.
    return Moved(article.slug, is_for_good=False) if article.locale == settings.LANGUAGE_CODE else None


def _led_on(article: Article, locale: str) -> Moved | None:
    article = article.led_to()
    if article.state == ArticleState.PUBLISHED:
        moved = _moved(article, locale) if article.visibility == Visibility.PUBLIC else None
        return replace(moved, is_archived=True) if moved else None
    if article.state != ArticleState.ARCHIVED or article.leads_to_category_id is None:
        return None
    texts = CategoryText.objects.filter(
        category=article.leads_to_category_id, locale__in={locale, settings.LANGUAGE_CODE}
    )
    own = sorted(texts.values_list("locale", "slug"), key=lambda text: text[0] != locale)
    return Moved(own[0][1], own[0][0] == locale, view="help:category", is_archived=True) if own else None


def category_moved_to(slug: str, locale: str) -> str:
    """The present slug in `locale` of the category that had this one; empty where none had."""
    texts = CategoryText.objects.filter(
        locale=locale, category__redirects__old_slug=slug, category__redirects__locale=locale
    )
    return texts.values_list("slug", flat=True).first() or ""


def category_slug_in(slug: str, locale: str) -> str:
    """The slug in `locale` of the category that has this one in another language; empty where none has."""
    texts = CategoryText.objects.filter(category__texts__slug=slug, locale__in={locale, settings.LANGUAGE_CODE})
    own = sorted(texts.values_list("locale", "slug"), key=lambda text: text[0] != locale)
    return own[0][1] if own and own[0][1] != slug else ""


def category_slug_for(slug: str, locale: str) -> str:
    """The slug under which a reader in `locale` finds the category that has this one in any language; empty if none."""
    ids = set(CategoryText.objects.filter(slug=slug).values_list("category_id", flat=True))
    return next((shelf.slug for shelf in category_texts(locale) if shelf.category_id in ids), "")


def slug_in(slug: str, source: str, locale: str) -> str:
    """The slug under which a reader in `locale` finds the public article that is here in `source`; empty if none."""
    found = Article.objects.public().at_address(slug, source).first()
    if found is None:
        return ""
    others = {at["locale"]: at["slug"] for at in found.translations}  # type: ignore[attr-defined]  # at_address adds it
    return others.get(locale) or others.get(settings.LANGUAGE_CODE) or found.slug


def url_of_revision(revision_id: int, locale: str) -> str:
    """The address of the published article that this text belongs to, for a reader in `locale`; empty if none."""
    article = Article.objects.published().filter(revisions=revision_id).first()
    if article is None:
        return ""
    with translation.override(locale):
        return article.get_absolute_url()


def has_said_no(visitor: str, *, since: datetime) -> bool:
    """Whether this visitor's latest word on any text, given after `since`, was that it did not help. One query."""
    return Vote.objects.filter(visitor=visitor, is_helpful=False, at__gt=since).exists()


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


def related_ids(article: Article, *, limit: int = 4) -> list[int]:
    """Articles about the same, best first; none where no engine can tell. Some may not be public (any more)."""
    return [hit.id for hit in _similar(article, limit)]


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
