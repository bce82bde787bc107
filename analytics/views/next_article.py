"""What to write next: the gaps of the help centre, each with what an editor can do about it at once."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from analytics import gaps, periods, shop_days
from analytics.models import GapKind
from analytics.periods import Period
from analytics.reports import gaps as report
from analytics.reports import search_health
from analytics.reports.gap_searches import Cluster
from analytics.reports.gaps import Failing, ReasonGap
from analytics.views.desk import READERS
from core import clock, roles
from kb import first_drafts
from kb.models import Article
from kb.search import query

DAYS = (28, 90)
_WRITERS = (roles.WRITER, roles.REVIEWER, roles.ADMIN)


@require_safe
@roles.desk(roles.WRITER, roles.REVIEWER, roles.ANALYST, roles.ADMIN)
def page(request: HttpRequest) -> HttpResponse:
    """`days`: 28 or 90, up to today; `all`: with what was dismissed."""
    days, period = _period(request.GET.get("days", ""))
    everything = "all" in request.GET
    mine = roles.roles_of(request.user)
    context = {
        "section": "articles",
        "tab": "next",
        "gaps": report.build(period, gaps.known(), with_dismissed=everything),
        "period": period,
        "days": days,
        "choices": DAYS,
        "everything": everything,
        "may_write": bool(mine & set(_WRITERS)),
        "may_tune": bool(mine & {roles.REVIEWER, roles.ADMIN}),
        "may_open_rows": bool(mine & set(READERS)),
    }
    return render(request, "desk/next_article.html", context)


@require_POST
@roles.desk(*_WRITERS)
def draft(request: HttpRequest) -> HttpResponse:
    """A draft that begins with the customers' words of a gap."""
    days, period = _period(request.POST.get("days", ""))
    gap = _of_search_health(request) if "from" in request.POST else _gap(request, period)
    if gap is None or isinstance(gap, Failing):
        messages.warning(request, _("This row is no longer there: its numbers have changed meanwhile."))
        return redirect(_address(days))
    try:
        article = _begin(gap, period, by=roles.user_of(request))
    except first_drafts.NoCategory as error:
        messages.error(request, str(error))
        return redirect(_address(days))
    messages.success(request, _("The draft is there, with the customers’ words as notes."))
    return redirect("desk:article-edit", article.pk)


@require_POST
@roles.desk(*_WRITERS)
def dismiss(request: HttpRequest) -> HttpResponse:
    """Show a gap no more until it has grown; the reason is kept."""
    days, period = _period(request.POST.get("days", ""))
    why = " ".join(request.POST.get("why", "").replace("\0", " ").split())
    gap = _gap(request, period)
    if gap is None:
        messages.warning(request, _("This row is no longer there: its numbers have changed meanwhile."))
    elif not why:
        messages.error(request, _("Say why: others will ask."))
    else:
        kind, keys, label, size = _about(gap, period)
        gaps.dismiss(kind, keys, label=label, why=why, size=size, by=roles.user_of(request))
        messages.success(request, _("Dismissed. It comes back when it has grown by half."))
    return redirect(_address(days))


def _begin(gap: Cluster | ReasonGap, period: Period, *, by: User) -> Article:
    kind, keys, label, size = _about(gap, period)
    if isinstance(gap, Cluster):
        lines = [
            _("“%(text)s”: %(failed)s of %(searches)s searches led nowhere")
            % {"text": each.text, "failed": each.failed, "searches": each.searches}
            for each in gap.queries[:30]
        ]
        near = [result.article_id for result in query.find(gap.text, locale=gap.locale, k=3).results]
        return gaps.draft(kind, keys, locale=gap.locale, title=label, lines=lines, near=near, size=size, by=by)
    lines = [_("%(name)s: %(number)s contacts") % {"name": name, "number": number} for name, number in gap.parts]
    locale = settings.LANGUAGE_CODE
    return gaps.draft(kind, keys, locale=locale, title=label, lines=lines, topic=gap.code, size=size, by=by)


def _gap(request: HttpRequest, period: Period) -> Cluster | ReasonGap | Failing | None:
    """The gap that the form names, as it is now; None where it has gone."""
    known, key = gaps.known(), request.POST.get("key", "")
    match request.POST.get("kind", ""):
        case GapKind.SEARCHES:
            return report.find_cluster(period, known, locale=request.POST.get("locale", ""), key=key)
        case GapKind.REASON:
            return report.find_reason(period, known, code=key)
        case GapKind.ARTICLE if key.isascii() and key.isdigit() and len(key) < 19:
            return report.find_failing(period, known, article_id=int(key))
    return None


def _of_search_health(request: HttpRequest) -> Cluster | None:
    """The cluster of search health that the form names, in the days that it names."""
    now, given = clock.now(), request.POST
    period, _wrong = periods.read(given, now=now)
    found = search_health.find(period, now=now, locale=given.get("locale", ""), key=given.get("key", ""))
    return search_health.as_gap(found) if found else None


def _about(gap: Cluster | ReasonGap | Failing, period: Period) -> tuple[GapKind, list[str], str, float]:
    """Its kind, its keys, what a person calls it, and what it counts in 28 days."""
    if isinstance(gap, Cluster):
        return GapKind.SEARCHES, gap.keys, gap.text, period.per_28(gap.contacted.of)
    if isinstance(gap, ReasonGap):
        return GapKind.REASON, [gap.code], gap.name, period.per_28(gap.contacts)
    hits = gap.contact_after_read.rate.hits
    return GapKind.ARTICLE, [str(gap.article_id)], gap.title, period.per_28(hits)


def _period(text: str) -> tuple[int, Period]:
    days = 90 if text == "90" else 28
    today = shop_days.day_of(clock.now())
    return days, Period(today - timedelta(days=days - 1), today, int(settings.OUTCOME_WINDOW_DAYS))


def _address(days: int) -> str:
    return f"{reverse('desk:next-article')}?days={days}"
