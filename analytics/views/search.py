"""Search health: how searches fared, what to do about it, and what a query's searchers saw and did."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from analytics import markers, periods, saved_views, search_acts, search_charts, settling
from analytics.models import SettlingMark
from analytics.periods import Period
from analytics.reports import search_health, search_learning, search_query, search_rows
from analytics.reports.search_counts import LEAST
from analytics.views.desk import READERS as ROW_READERS
from core import clock, roles

READERS = (roles.WRITER, roles.REVIEWER, roles.ANALYST, roles.ADMIN)
_WRITERS = {roles.WRITER, roles.REVIEWER, roles.ADMIN}
_MOST_KEYS = 60  # of a cluster, in an address


@require_safe
@roles.desk(*READERS)
def health(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    period, wrong = periods.read(request.GET, now=now)
    report = search_health.build(period, now=now)
    marks = markers.collect(period, reader=roles.roles_of(request.user))
    marks += search_acts.marks(report.acts, first=period.first, last=period.last, locale=period.segment.locale)
    context = {
        "report": report,
        "chart": search_charts.rates(report, marks=sorted(marks, key=lambda mark: mark.on)),
        **saved_views.context(request, "search-health", period),
        "settled": SettlingMark.objects.filter(pk=1).exclude(settled_at=None).exists(),
        **_about(request, period, wrong),
    }
    return render(request, "desk/search_health.html", context)


@require_safe
@roles.desk(*READERS)
def one_query(request: HttpRequest) -> HttpResponse:
    """One query, or like ones together (`key`, several times; `lang`); without any, the newest searches.

    `what`: only those to which that happened.
    """
    now = clock.now()
    period, wrong = periods.read(request.GET, now=now)
    keys = [key for key in request.GET.getlist("key")[:_MOST_KEYS] if key and "\0" not in key]
    locale, what = request.GET.get("lang", "").replace("\0", ""), request.GET.get("what", "")
    what = what if what in search_rows.WHATS else ""
    older = search_rows.Place.read(request.GET.get("older", ""))
    context: dict[str, Any] = {"keys": keys, "lang": locale, "what": what, **_about(request, period, wrong)}
    if keys:
        query = search_query.build(period, now=now, locale=locale, keys=keys)
        context["query"] = query
        if query:
            acts = query.acted.acts if query.acted else ()
            marks = markers.collect(period, reader=roles.roles_of(request.user))
            marks += search_acts.marks(acts, first=period.first, last=period.last)
            marks.sort(key=lambda mark: mark.on)
            context["chart"] = search_charts.of_query(query, period=period, marks=marks)
    if not keys or context["query"]:
        context["listed"] = search_rows.listed(period, now=now, locale=locale, keys=keys, what=what, older=older)
        context["older"] = older
    return render(request, "desk/search_query.html", context, status=404 if keys and not context["query"] else 200)


@require_safe
@roles.desk(*READERS)
def learning(request: HttpRequest) -> HttpResponse:
    """As a fragment: the test of the learnt ranking."""
    now = clock.now()
    period, _wrong = periods.read(request.GET, now=now)
    context = {"period": period, "report": search_learning.build(period, now=now)}
    return render(request, "desk/search_learning.html", context)


def _about(request: HttpRequest, period: Period, wrong: list[str]) -> dict[str, Any]:
    mine = roles.roles_of(request.user)
    return {
        "section": "search-health",
        "tab": "health",
        "period": period,
        "wrong": wrong,
        "windows": settling.windows(),
        "segments": {"locales": settings.LANGUAGES},
        "kept": [
            (name, value)
            for name in request.GET
            if name not in (*periods.NAMES, "page", "older")
            for value in request.GET.getlist(name)
        ],
        "least": LEAST,
        "home": period.address(reverse("desk:search-health")),
        "here": request.get_full_path(),
        "may_write": bool(mine & _WRITERS),
        "may_tune": roles.may_publish(request.user),
        "may_open_rows": bool(mine & set(ROW_READERS)),
    }
