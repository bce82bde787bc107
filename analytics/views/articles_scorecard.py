"""What articles come to: the list by which one decides what to rewrite, and one article with what its edits came to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from analytics import article_charts, periods, saved_views, settling
from analytics.models import SettlingMark
from analytics.periods import Compare, Period, Segment
from analytics.reports import (
    article_edits,
    article_rows,
    article_scorecard,
    article_searches,
    articles,
    contacts,
    journeys,
    spells,
)
from analytics.reports.articles import Narrowed
from analytics.views.desk import READERS
from analytics.views.paging import page_of
from core import clock, roles
from kb.models import Article

DEFAULT_SORT = "-contact"
# What the list can be sorted by, in words; each key of articles.SORTS in the directions that mean something.
ORDERS = [
    ("-contact", _("surest to lead to contacts")),
    ("contact", _("surest not to")),
    ("-change", _("surest to have got worse")),
    ("change", _("surest to have got better")),
    ("-no", _("surest to get a no")),
    ("-confirmed", _("surest to be confirmed")),
    ("confirmed", _("surest not to be confirmed")),
    ("-views", _("most views")),
    ("-journeys", _("most journeys")),
    ("-last", _("most last reads")),
]


@require_safe
@roles.desk()
def page(request: HttpRequest) -> HttpResponse:
    """Every article that was read in the period."""
    period, wrong = _period(request)
    sort = request.GET.get("sort", "")
    sort = sort if sort.removeprefix("-") in articles.SORTS else DEFAULT_SORT
    narrowed = Narrowed(
        locale=period.segment.locale, topic=request.GET.get("topic", ""), words=request.GET.get("q", "")[:100]
    )
    before = None if period.compare is Compare.NONE else journeys.tally(period.before())
    found = articles.rows(period, journeys.tally(period), before=before, sort=sort, narrowed=narrowed)
    context = {
        "page": page_of(found, request),
        "total": articles.total(found),
        "unread": None if narrowed.is_any else articles.published_unread(found),
        "sort": sort,
        "orders": ORDERS,
        "narrowed": narrowed,
        "topics": sorted(contacts.topic_names().items(), key=lambda topic: topic[1]),
        "locales": settings.LANGUAGES,
        **saved_views.context(request, "article-scorecards", period),
        **_about(request, period, wrong),
    }
    return render(request, "desk/results.html", context)


@require_safe
@roles.desk()
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One article, large."""
    period, wrong = _period(request)
    scorecard = article_scorecard.build(pk, period)
    if scorecard is None:
        raise Http404
    mine = roles.roles_of(request.user)
    rates, views = article_charts.weeks(scorecard, reader=mine)
    context = {
        "scorecard": scorecard,
        "row": scorecard.row,
        "rates": rates,
        "views": views,
        "newest": article_searches.NEWEST,
        "most_edits": article_edits.MOST,
        "look_back": spells.LOOK_BACK.days,
        "may_write": bool(mine & {roles.WRITER, roles.REVIEWER, roles.ADMIN}),
        "may_open_texts": bool(mine & {roles.WRITER, roles.REVIEWER, roles.ANALYST, roles.ADMIN}),
        "back": period.address(reverse("desk:article-scorecards")),
        **_about(request, period, wrong),
    }
    return render(request, "desk/results_article.html", context)


@require_safe
@roles.desk(*READERS)
def rows(request: HttpRequest, pk: int, which: str) -> HttpResponse:
    """What stands behind a number of an article: what readers said, or the openings from a search."""
    if which not in article_rows.LISTS:
        raise Http404
    period, wrong = _period(request)
    found = article_rows.LISTS[which](pk, period, request.GET.dict())
    page = page_of(found.rows, request)
    context = {
        "title": found.title,
        "pk": pk,
        "which": which,
        "article": Article.objects.filter(pk=pk).values_list("live_revision__title", flat=True).first(),
        "rows": found.tell(list(page)),
        "page": page,
        "without_window": True,
        "kept": [(name, value) for name, value in request.GET.items() if name not in (*periods.NAMES, "page")],
        "back": period.address(reverse("desk:article-scorecard", args=[pk])),
        **_about(request, period, wrong),
    }
    return render(request, "desk/article_rows.html", context)


def _period(request: HttpRequest) -> tuple[Period, list[str]]:
    """Channels of contacts narrow no article's numbers, so that an address with one is read without it."""
    period, wrong = periods.read(request.GET, now=clock.now())
    return replace(period, segment=Segment(locale=period.segment.locale)), wrong


def _about(request: HttpRequest, period: Period, wrong: list[str]) -> dict[str, Any]:
    mine = roles.roles_of(request.user)
    return {
        "section": "results",
        "period": period,
        "wrong": wrong,
        "windows": settling.windows(),
        "mark": SettlingMark.objects.filter(pk=1).first(),
        "may_open_rows": bool(mine & set(READERS)),
        "may_open_tests": bool(mine - {roles.OPS}),
    }
