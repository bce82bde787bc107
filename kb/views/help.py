"""What customers see: home, category, article. Search is in search.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from core import clock, roles, visitors
from core.events import fire
from kb import events, experiments, rendering, selectors
from kb.models import Article, Revision, Visibility
from kb.search import log
from kb.views import links, votes


@dataclass(frozen=True)
class TocEntry:
    level: int
    id: str
    text: str


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    locale = get_language()
    _opened(request, "", locale)
    context = {"categories": selectors.category_texts(locale), "popular": selectors.popular(locale)}
    return render(request, "help/home.html", context)


@require_safe
def category(request: HttpRequest, slug: str) -> HttpResponse:
    locale = get_language()
    shelves = list(selectors.category_texts(locale))
    shown = next((shelf for shelf in shelves if shelf.slug == slug), None)
    if shown is None:
        if moved := selectors.category_slug_in(slug, locale):
            return redirect("help:category", moved)
        return links.not_found(request, slug)
    _opened(request, shown.topic, locale)  # type: ignore[attr-defined]  # category_texts adds it
    context = {
        "category": shown,
        "articles": selectors.in_category(shown.category_id, locale),
        "other_categories": [shelf for shelf in shelves if shelf is not shown],
    }
    return render(request, "help/category.html", context)


@require_safe
def article(request: HttpRequest, slug: str) -> HttpResponse:
    locale = get_language()
    found = selectors.to_read(slug, locale)
    if found is None:
        return links.moved_or_not_found(request, slug)
    if found.visibility == Visibility.STAFF and not roles.roles_of(request.user):
        return links.not_found(request, slug)
    if found.locale != locale and (translated := selectors.translation_of(found, locale)):
        return redirect(translated)
    visitor = visitors.of(request)
    variant = experiments.variant_for(found, visitor.id)
    shown = variant.revision if variant else cast(Revision, found.live_revision)
    context = {
        "article": found,
        "category": {"name": found.category_name, "slug": found.category_slug},  # type: ignore[attr-defined]
        "revision": shown,
        "html": mark_safe(rendering.localise(shown.html, locale)),
        "toc": [TocEntry(*heading) for heading in shown.headings if heading[0] <= 3],
        "related": selectors.related(found, locale),
        "is_fallback": found.locale != locale,
        "contact_query": f"?article={found.pk}",
        **votes.state_of(request, shown, variant),
    }
    response = render(request, "help/article.html", context)
    # Only now, when the page is made, has the visitor been shown the text; after a vote they see it again.
    if visitor.id and request.method == "GET" and "voted" not in request.GET:
        _viewed(found, shown, variant.pk if variant else None, visitor, locale)
        if variant is not None:
            experiments.expose(variant, visitor.id, at=clock.now())
        if via := request.GET.get("via", ""):  # from the answers of a search
            log.opened(via, found.pk, visitor.id)
    return response


def _opened(request: HttpRequest, topic: str, locale: str) -> None:
    visitor = visitors.of(request)
    if visitor.id and request.method == "GET":
        fire(events.help_opened, events.HelpOpened(clock.now(), visitor.id, not visitor.is_new, topic, locale))


def _viewed(article: Article, shown: Revision, variant_id: int | None, visitor: visitors.Visitor, locale: str) -> None:
    fire(
        events.article_viewed,
        events.ArticleViewed(
            at=clock.now(),
            visitor=visitor.id,
            is_returning=not visitor.is_new,
            article_id=article.pk,
            revision_id=shown.pk,
            variant_id=variant_id,
            topic=article.category.topic,
            locale=locale,
        ),
    )
