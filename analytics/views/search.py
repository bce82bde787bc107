"""What the desk's page about search shows of outcomes, as a fragment: the test of the learnt ranking."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from analytics import periods
from analytics.reports import search_learning
from core import clock, roles


@require_safe
@roles.desk(roles.WRITER, roles.REVIEWER, roles.ANALYST, roles.ADMIN)
def learning(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    period, _wrong = periods.read(request.GET, now=now)
    context = {"period": period, "report": search_learning.build(period, now=now)}
    return render(request, "desk/search_learning.html", context)
