"""What customers see: home, category, article. Search is in search.py."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import get_script_prefix
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from core import clock, roles, visitors
from core.events import fire
from core.visitors import Visitor
from kb import article_html, assignment, events, live, notices, origins, page_facts
from kb.live import Given, Kept
from kb.models import Revision, Visibility
from kb.page_facts import Reading
from kb.search import log
from kb.views import links, serving, votes

logger = logging.getLogger("preempt.experiments")


@dataclass(frozen=True)
class TocEntry:
    level: int
    id: str
    text: str


@dataclass(frozen=True)
class Shown:
    """What this visitor reads: a text, as an arm of a test where they are in one, and what they said of it."""

    revision: Revision
    variant_id: int | None
    given: Given | None
    is_exposed: bool  # it is in the table already


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    locale, count = get_language(), live.count()
    came_from = origins.category_of(request, count)
    kept = live.shelf.recall(key := ("home", locale, get_script_prefix(), came_from))
    if kept is None or not kept.is_good(count):
        kept = live.shelf.keep(key, page_facts.home(locale, came_from), count)
    _opened(request, "", locale)
    banners = notices.shown(locale, count)
    facts = kept.facts
    return serving.respond(
        request,
        kept,
        "help/home.html",
        lambda: {
            "categories": facts.categories,
            "popular": facts.popular,
            "popular_in": facts.category_name,
            "notices": banners,
        },
        state=banners,
    )


@require_safe
def category(request: HttpRequest, slug: str) -> HttpResponse:
    locale, count = get_language(), live.count()
    kept = live.shelf.recall(key := ("category", locale, get_script_prefix(), slug))
    if kept is None or not kept.is_good(count):
        if (found := page_facts.category(slug, locale)) is None:
            return links.category_moved_or_not_found(request, slug)
        kept = live.shelf.keep(key, found, count)
    facts = kept.facts
    _opened(request, facts.shown.topic, locale)
    context = {"category": facts.shown, "articles": facts.articles, "other_categories": facts.others}
    return serving.respond(request, kept, "help/category.html", lambda: context)


@require_safe
def article(request: HttpRequest, slug: str) -> HttpResponse:
    locale, visitor = get_language(), visitors.of(request)
    found = _find(slug, locale, visitor)
    if found is None:
        return links.moved_or_not_found(request, slug)
    kept, shown = found
    reading: Reading = kept.facts
    if reading.article.visibility == Visibility.STAFF and not roles.roles_of(request.user):
        return links.not_found(request, slug)
    if reading.translated:
        return redirect("help:article", reading.translated)
    if visitor.why_not == "prefetch" and reading.arms is not None:
        return serving.refuse_prefetch()
    vote_state = votes.state_of(request, shown.given)
    response = serving.respond(
        request,
        kept,
        "help/article.html",
        lambda: _context(reading, shown, locale) | votes.context(vote_state, reading.article, shown),
        state=(shown.revision.pk, shown.variant_id, vote_state),
    )
    # Only now, when the page is made, has the visitor been shown the text; after a vote they see it again.
    if visitor.id and request.method == "GET" and "voted" not in request.GET:
        _viewed(reading, shown, visitor, locale)
        if via := request.GET.get("via", ""):  # from the answers of a search
            log.opened(via, reading.article.pk, visitor.id)
    return response


def _find(slug: str, locale: str, visitor: Visitor) -> tuple[Kept, Shown] | None:
    """The article at this address and what this visitor reads of it: one query where it is kept and unchanged."""
    # What stood in the visitor's name before this visit: nothing, where their browser brought no id.
    known = "" if visitor.is_new else visitor.id
    kept = live.shelf.recall(key := ("article", locale, get_script_prefix(), slug))
    if kept is not None:
        facts: Reading = kept.facts
        drawn = facts.shown_to(visitor.id)
        if known:
            standing = live.standing(visitor=known, revision_id=drawn[0].pk, experiment_id=facts.experiment_id)
        else:
            standing = live.Standing(live.count())
        if kept.is_good(standing.count):
            shown = facts.shown_to(visitor.id, standing.seen) if standing.seen else drawn
            return kept, Shown(*shown, standing.given, bool(standing.seen))
    count = live.count() if kept is None else standing.count
    found = page_facts.article(slug, locale, visitor=known)
    if found is None:
        return None
    reading, before = found
    kept = live.shelf.keep(key, reading, count)
    revision, variant_id = reading.shown_to(visitor.id, before.seen)
    return kept, Shown(revision, variant_id, before.votes.get(revision.pk), bool(before.seen))


def _context(reading: Reading, shown: Shown, locale: str) -> dict[str, Any]:
    found, revision = reading.article, shown.revision
    reviewed_at = found.reviewed_at
    return {
        "article": found,
        "category": {"name": found.category_name, "slug": found.category_slug},  # type: ignore[attr-defined]
        "revision": revision,
        # Of the text that is live: what an editor looked at.
        "reviewed_at": reviewed_at if reviewed_at and reviewed_at > reading.live.created_at else None,
        "html": article_html.for_reader(revision.html, locale),
        "toc": [TocEntry(*heading) for heading in revision.headings if heading[0] <= 3],
        "related": reading.related,
        "before": reading.before,
        "after": reading.after,
        "contact_query": votes.contact_query(found.pk),
    }


def _opened(request: HttpRequest, topic: str, locale: str) -> None:
    visitor = visitors.of(request)
    if visitor.id and request.method == "GET":
        fire(events.help_opened, events.HelpOpened(clock.now(), visitor.id, not visitor.is_new, topic, locale))


def _viewed(reading: Reading, shown: Shown, visitor: Visitor, locale: str) -> None:
    now = clock.now()
    fire(
        events.article_viewed,
        events.ArticleViewed(
            at=now,
            visitor=visitor.id,
            is_returning=not visitor.is_new,
            article_id=reading.article.pk,
            revision_id=shown.revision.pk,
            variant_id=shown.variant_id,
            topic=reading.article.category.topic,
            locale=locale,
        ),
    )
    if shown.variant_id is not None and reading.experiment_id is not None and not shown.is_exposed:
        try:
            assignment.expose(
                experiment_id=reading.experiment_id,
                variant_id=shown.variant_id,
                visitor=visitor.id,
                at=now,
                epoch=reading.arms.epoch if reading.arms else 1,
                is_returning=not visitor.is_new,
            )
        except DatabaseError:
            # The answer is worth more than its measurement, and in each arm alike.
            logger.exception("an exposure was not stored", extra={"experiment": reading.experiment_id})
