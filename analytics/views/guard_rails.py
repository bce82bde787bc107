"""The rows behind the guard-rails' numbers."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from analytics import periods
from analytics.day_pages import DayPages
from analytics.reports import guard_rail_rows
from analytics.reports.guard_rails import Rail
from analytics.views import desk
from analytics.views.paging import page_of
from core import clock, roles


@require_safe
@roles.desk(*desk.READERS)
def rows(request: HttpRequest, rail: str) -> HttpResponse:
    """`which`: the hits (as it is without), what they are of, or the pages that could have told; `edit` and `side`:
    only votes on the text before or after a change of an article."""
    now = clock.now()
    period, wrong = periods.read(request.GET, now=now)
    which = request.GET.get("which", guard_rail_rows.HITS)
    if rail not in Rail.__members__.values():
        raise Http404
    found = guard_rail_rows.build(Rail(rail), which, period, request.GET.dict(), now=now)
    if found is None:
        raise Http404
    listed = found.rows if found.counted is None else DayPages(found.rows, found.moment, found.counted)
    page = page_of(listed, request)
    context = {
        "title": found.title,
        "rows": found.tell(list(page)),
        "page": page,
        "rail": rail,
        "which": which,
        "choices": guard_rail_rows.choices(Rail(rail)),
        "without_window": True,
        "of_text": desk.of_text(request),
        **desk.about(request, period, wrong),
    }
    return render(request, "desk/guard_rail.html", context)
