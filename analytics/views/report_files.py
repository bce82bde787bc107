"""A report's tables as files: what there is, and each as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from analytics import periods
from analytics.reports import printing
from analytics.reports.registry import REPORTS
from analytics.reports.tables import Report
from analytics.views.desk import READERS
from core import clock, roles


@require_safe
@roles.desk(*READERS)
def page(request: HttpRequest, name: str) -> HttpResponse:
    """Every table of a report with its size, to be taken along."""
    report, now = _report(name), clock.now()
    period, wrong = periods.read(request.GET, now=now)
    context: dict[str, Any] = {
        "section": "home",
        "report": report,
        "title": _(report.title),
        "tables": report.tables(period, now),
        "period": period,
        "query": urlencode(period.query),
        "wrong": wrong,
    }
    return render(request, "desk/report.html", context)


@require_safe
@roles.desk(*READERS)
def table(request: HttpRequest, name: str, table: str) -> HttpResponseBase:
    """One table as CSV. A period that makes no sense is refused: a file does not say what stood in for it."""
    report, now = _report(name), clock.now()
    period, wrong = periods.read(request.GET, now=now)
    if wrong:
        return HttpResponse("\n".join(wrong), status=400, content_type="text/plain; charset=utf-8")
    found = next((each for each in report.tables(period, now) if each.name == table), None)
    if found is None:
        raise Http404
    response = StreamingHttpResponse(_with_mark(printing.as_csv(found)), content_type="text/csv; charset=utf-8")
    file = f"{name}-{table}-{period.first}-{period.last}.csv"
    response["Content-Disposition"] = f'attachment; filename="{file}"'
    return response


def _with_mark(lines: Iterator[str]) -> Iterator[str]:
    yield "\ufeff"  # by which spreadsheets know UTF-8
    yield from lines


def _report(name: str) -> Report:
    if name not in REPORTS:
        raise Http404
    return REPORTS[name]
