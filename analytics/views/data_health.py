"""Data health: whether today's numbers can be trusted, and what to do where they cannot."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from analytics import data_health_charts, markers, periods, saved_views, settling, shop_days
from analytics.models import RollupKind
from analytics.reports import data_findings, data_health, data_health_compared, data_health_words
from analytics.views.desk import READERS
from core import clock, roles


@require_safe
@roles.desk(*READERS)
def page(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    period, wrong = periods.read(request.GET, now=now)
    health = data_health.build(period, now=now)
    findings = data_findings.of(health)
    marks = markers.collect(period, reader=roles.roles_of(request.user))
    unlinkable = data_health_words.unlinkable_reasons(health.unlinkable)
    context = {
        "section": "data-health",
        "back": period.address(reverse("desk:home")),
        "health": health,
        "findings": findings,
        "is_bad": any(one.level is data_findings.Level.BAD for one in findings),
        "settled_ago": data_findings.span(health.settling.lag) if health.settling.lag is not None else "",
        "feeds": [(feed, data_findings.span(feed.lag) if feed.lag is not None else "") for feed in health.feeds],
        "lately": {"since": data_health.lately_since(now), "until": shop_days.day_of(now)},
        "due": [(kind.label, health.settling.due[kind]) for kind in RollupKind if kind in health.settling.due],
        "most_waiting": data_health.MOST_WAITING,
        "unlinkable": unlinkable,
        "left_out": [
            (name, pages)
            for why, name in data_health_words.left_out_names().items()
            if (pages := health.left_out_by_reason.get(why))
        ],
        "charts": [data_health_charts.coverage(health, marks=marks), data_health_charts.incoming(health, marks=marks)],
        "left_out_chart": data_health_charts.left_out(health, marks=marks),
        **saved_views.context(request, "data-health", period),
        "period": period,
        "wrong": wrong,
        "before": health.before,
        "shares": data_health_compared.shares(health),
        "pages": data_health_compared.pages(health),
        "windows": settling.windows(),
        "kept": [],
        "may_open_rows": True,
    }
    return render(request, "desk/data_health.html", context)
