"""A report's tables as files: what there is, each as CSV, and the rows behind numbers. Each carries what its screen is
narrowed to, and is for who may open that screen."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from analytics.reports import asking, printing, readers
from analytics.reports.registry import REPORTS
from analytics.reports.row_lists import LISTS
from analytics.reports.tables import Report
from core import audit, clock, roles


@require_safe
@roles.desk()
def index(request: HttpRequest) -> HttpResponse:
    """Every report whose screen the reader may open."""
    mine = [report for report in REPORTS.values() if readers.may_open(request.user, report.screen)]
    context = {
        "section": "home",
        "reports": [
            {
                "name": report.name,
                "title": _(report.title),
                "holds": _(report.holds) if report.holds else "",
                "takes": ", ".join((*report.words.period, *report.words.own)),
                "needs": bool(report.words.needs),
                "screen": reverse(f"desk:{report.screen}"),
                "api": reverse("api:report", args=[report.name]),
            }
            for report in mine
        ],
        "lists": [
            {
                "title": _(each.title),
                "screen": "" if "article" in each.words.needs else reverse(f"desk:{each.screen}", args=each.given),
                "api": reverse("api:rows", args=[each.name]),
                "takes": ", ".join((*each.words.period, *each.words.own)),
            }
            for each in LISTS.values()
            if readers.may_open(request.user, each.screen, *each.given)
        ],
    }
    return render(request, "desk/reports.html", context)


@require_safe
@roles.desk()
def page(request: HttpRequest, name: str) -> HttpResponse:
    """Every table of a report with its size, to be taken along. What cannot be asked of it is said and left out."""
    report, now = _report(request, name), clock.now()
    asked, wrong = asking.read(report.words, request.GET, name=name, now=now)
    is_whole = all(word in asked.narrowed for word in report.words.needs)
    context: dict[str, Any] = {
        "section": "home",
        "report": report,
        "title": _(report.title),
        "tables": report.of(asked, now=now) if is_whole else [],
        "is_whole": is_whole,
        "period": asked.period,
        "narrowings": asked.narrowings,
        "query": asked.query,
        "api": f"{reverse('api:report', args=[name])}?{urlencode(asked.pairs)}",
        "options": _options(asked),
        "wrong": asking.sentences(wrong),
    }
    return render(request, "desk/report.html", context, status=200 if is_whole else 400)


@require_safe
@roles.desk()
def table(request: HttpRequest, name: str, table: str) -> HttpResponseBase:
    """One table as CSV. What makes no sense, or cannot be asked of it, is refused: a file does not say what stood in
    for it."""
    report, now = _report(request, name), clock.now()
    asked, wrong = asking.read(report.words, request.GET, name=name, now=now)
    if wrong:
        return _refused(asking.sentences(wrong))
    found = next((each for each in report.of(asked, now=now) if each.name == table), None)
    if found is None:
        raise Http404
    return _file(asked.file(name, table), printing.as_csv(found))


@require_safe
@roles.desk()
def rows(request: HttpRequest, name: str) -> HttpResponseBase:
    """All rows of a list as it is narrowed, streamed: any number of them. Noted in the audit log."""
    if name not in LISTS:
        raise Http404
    listed, now = LISTS[name], clock.now()
    readers.check(request.user, listed.screen, *listed.given)
    asked, wrong = asking.read(listed.words, request.GET, name=name, now=now)
    if wrong:
        return _refused(asking.sentences(wrong))
    found = listed.rows(asked, now)
    if found is None:
        raise Http404
    audit.record(roles.user_of(request), "rows.exported", label=name, filters=asked.noted)
    return _file(asked.file(name), printing.rows_as_csv(listed.columns, found))


def _options(asked: asking.Asked) -> str:
    """For `manage.py report`."""
    given = [f"--{key} {value}" for key, value in asked.of_period.items()]
    return " ".join([*given, *(f"--set {shlex.quote(f'{key}={value}')}" for key, value in asked.narrowings)])


def _refused(sentences: list[str]) -> HttpResponse:
    return HttpResponse("\n".join(sentences), status=400, content_type="text/plain; charset=utf-8")


def _file(name: str, lines: Iterator[str]) -> HttpResponseBase:
    response = StreamingHttpResponse(_with_mark(lines), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _with_mark(lines: Iterator[str]) -> Iterator[str]:
    yield "\ufeff"  # by which spreadsheets know UTF-8
    yield from lines


def _report(request: HttpRequest, name: str) -> Report:
    """Only for who may open its screen."""
    if name not in REPORTS:
        raise Http404
    readers.check(request.user, REPORTS[name].screen)
    return REPORTS[name]
