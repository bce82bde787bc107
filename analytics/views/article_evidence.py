"""What an article does, beside its text: a fragment of the editor's page, and a page of its own without JavaScript."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from analytics import article_charts, shop_days
from analytics.periods import Period
from analytics.reports import evidence
from analytics.views.desk import READERS
from core import clock, roles
from kb.models import Article

DAYS = (28, 90)


@require_safe
@roles.desk(roles.WRITER, roles.REVIEWER, roles.ANALYST, roles.ADMIN)
def panel(request: HttpRequest, pk: int) -> HttpResponse:
    """`days`: 28 or 90, up to today."""
    article = get_object_or_404(Article.objects.select_related("live_revision", "draft"), pk=pk)
    days = 90 if request.GET.get("days") == "90" else 28
    today = shop_days.day_of(clock.now())
    period = Period(today - timedelta(days=days - 1), today, int(settings.OUTCOME_WINDOW_DAYS))
    mine = roles.roles_of(request.user)
    found = evidence.build(article, period)
    context = {
        "section": "articles",
        "evidence": found,
        "views": article_charts.views(found, reader=mine),
        "period": period,
        "days": days,
        "choices": DAYS,
        "newest_searches": evidence.NEWEST_SEARCHES,
        "newest_clicks": evidence.NEWEST_CLICKS,
        "may_open_rows": bool(mine & set(READERS)),
        "may_open_contacts": bool(mine & {roles.OPS, roles.ANALYST, roles.ADMIN}),
    }
    is_fragment = request.htmx  # type: ignore[attr-defined]  # django_htmx's middleware
    return render(request, "desk/_partials/evidence.html" if is_fragment else "desk/article_evidence.html", context)
