"""The desk's view of search: the health of its index, and why an answer stands where it does."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from core import clock, roles
from core.roles import ADMIN, ANALYST, REVIEWER, WRITER, desk
from kb import selectors, tasks
from kb.models import IndexJobKind
from kb.search import checking, jobs, query
from kb.search import health as health_of_search

READERS = (WRITER, REVIEWER, ANALYST, ADMIN)
_TRIED = 20
_JOB_TEMPLATES = {IndexJobKind.TESTS: "desk/search_tests_job.html"}


@require_safe
@desk(*READERS)
def health(request: HttpRequest) -> HttpResponse:
    context = {
        "section": "search",
        "tab": "index",
        "index": health_of_search.index(),
        "day": health_of_search.day(now=clock.now()),
        "jobs": [_job(request, kind) for kind in (IndexJobKind.REBUILD, IndexJobKind.VERIFY)],
        "failing_tests": [(test, checking.title_of(test.article)) for test in checking.failing()],
        "tests_run": checking.last_run(),
    }
    return render(request, "desk/search_index.html", context)


@require_safe
@desk(*READERS)
def job(request: HttpRequest, kind: str) -> HttpResponse:
    """How the last rebuild or check goes, as a fragment that asks for itself again while it is under way."""
    wanted = _kind(kind)
    return render(request, _JOB_TEMPLATES.get(wanted, "desk/search_job.html"), _job(request, wanted))


@require_POST
@desk(*READERS)
def ask_for_job(request: HttpRequest, kind: str) -> HttpResponse:
    wanted = _kind(kind)
    if not _may_ask(request, wanted):
        raise PermissionDenied("Only managers rebuild the index.")
    jobs.ask(wanted, by=roles.user_of(request), enqueue=tasks.work_on_index.delay)
    if request.htmx:  # type: ignore[attr-defined]  # django_htmx's middleware
        return render(request, _JOB_TEMPLATES.get(wanted, "desk/search_job.html"), _job(request, wanted))
    return redirect("desk:search-tests" if wanted == IndexJobKind.TESTS else "desk:search")


@require_safe
@desk(*READERS)
def try_it(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "").replace("\0", "").strip()[: query.MAX_QUERY]
    locales = selectors.locales()
    locale = request.GET.get("locale", "")
    locale = locale if locale in locales else next(iter(locales), "en")
    is_verbatim = request.GET.get("verbatim") == "1"
    found = query.find(text, locale=locale, k=_TRIED, is_staff=True, is_verbatim=is_verbatim, explain=True)
    context = {
        "section": "search",
        "tab": "try",
        "query": text,
        "locale": locale,
        "locales": locales,
        "is_verbatim": is_verbatim,
        "found": found,
        "rows": [
            {"result": result, "why": sorted(result.why.items(), key=lambda part: -part[1])} for result in found.results
        ],
        "may_test": roles.may_publish(request.user),
        "best": max((result.score for result in found.results), default=1.0),
    }
    return render(request, "desk/search_try.html", context)


def _kind(text: str) -> IndexJobKind:
    try:
        return IndexJobKind(text)
    except ValueError:
        raise Http404 from None


def _may_ask(request: HttpRequest, kind: IndexJobKind) -> bool:
    return kind != IndexJobKind.REBUILD or ADMIN in roles.roles_of(request.user)


def _job(request: HttpRequest, kind: IndexJobKind) -> dict[str, Any]:
    return {"kind": kind, "job": jobs.latest(kind), "may_ask": _may_ask(request, kind)}
