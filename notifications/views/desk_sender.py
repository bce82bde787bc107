"""What ops see of our From address: whether mailbox providers can check it, and what they bounce or call spam."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core import clock, roles
from core.roles import ANALYST, OPS, desk
from notifications import tasks
from notifications.models import CheckState, SenderCheck
from notifications.sender import rates, runs
from notifications.sender.checking import STEPS
from notifications.sender.findings import Level, report_of

_ORDER = (Level.PROBLEM, Level.UNASKED, Level.NOTE, Level.FINE)


@desk(OPS, ANALYST)
@require_safe
def sender(request: HttpRequest) -> HttpResponse:
    """The last report, the check that is under way, and the rates. By htmx: how far the check is."""
    newest = SenderCheck.objects.first()
    context: dict[str, Any] = {
        "section": "messages",
        "check": newest,
        "steps": STEPS,
        "is_stuck": newest is not None and newest.is_open and newest.asked_at < clock.now() - runs.GIVEN_UP_AFTER,
    }
    if request.htmx:  # type: ignore[attr-defined]  # django_htmx's middleware
        response = render(request, "desk/sender_progress.html", context)
        if newest is None or not newest.is_open:
            response.headers["HX-Refresh"] = "true"  # the result is there now
        return response
    last = SenderCheck.objects.filter(state=CheckState.DONE).select_related("asked_by").first()
    if last is not None and last.report is not None:
        report = report_of(last.report)
        context["report"] = report
        context["findings"] = sorted(report.findings, key=lambda one: _ORDER.index(one.level))
        context["is_of_another"] = report.address != settings.MAIL_FROM
    context |= {
        "last": last,
        "address": settings.MAIL_FROM,
        "is_console": settings.MAIL_PROVIDER == "console",
        "rows": [_shown(row) for row in rates.by_mailbox(now=clock.now())],
        "days": rates.DAYS,
        "may_ask": bool(roles.roles_of(request.user) & {OPS, roles.ADMIN}),
    }
    return render(request, "desk/sender.html", context)


@desk(OPS)
@require_POST
def check(request: HttpRequest) -> HttpResponse:
    """Have a worker ask again."""
    try:
        runs.ask(by=roles.user_of(request), now=clock.now(), enqueue=tasks.check_sender.delay)
    except runs.TooOften:
        messages.error(request, _("Asked often lately. DNS keeps its answers for minutes: try again in a while."))
    return redirect("desk:sender")


def _shown(row: rates.Row) -> dict[str, Any]:
    """A mailbox provider as a row of templates/desk/sender.html."""
    return {
        "key": row.key,
        "name": row.name,
        "bounces": _rate(row.bounces),
        "complaints": row.complaints and _rate(row.complaints),
    }


def _rate(rate: rates.Rate) -> dict[str, Any]:
    low, high = rate.interval
    return {
        "count": rate.count,
        "of": rate.of,
        "percent": 100 * rate.share,
        "low": 100 * low,
        "high": 100 * high,
        "standing": rate.standing.value,
    }
