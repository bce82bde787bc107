"""The desk's page of search tests: what must be found by which words, how it stands, and since when."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import roles
from core.roles import ADMIN, REVIEWER, desk
from kb import search_tests
from kb.models import IndexJobKind, RunReason, SearchTest, SearchTestOutcome, SearchTestRun
from kb.search import checking, jobs
from kb.views.search_desk import READERS

_EDITORS = (REVIEWER, ADMIN)  # as with synonyms and pins: a test holds others back
_PER_PAGE = 100
_LAST = 10


class SearchTestForm(forms.Form):
    query = forms.CharField(label=gettext_lazy("This query"), max_length=200)
    locale = forms.ChoiceField(label=gettext_lazy("Language"), choices=settings.LANGUAGES)
    article = forms.CharField(
        label=gettext_lazy("must have this article"),
        help_text=gettext_lazy("Its address or its title."),
        max_length=200,
    )
    top = forms.IntegerField(
        label=gettext_lazy("among the first"), min_value=1, max_value=search_tests.MOST_TOP,
        initial=search_tests.DEFAULT_TOP,
    )  # fmt: skip
    note = forms.CharField(label=gettext_lazy("Why it matters"), max_length=200, required=False)

    def save(self, *, by: User, test: SearchTest | None = None) -> SearchTest | None:
        """The test added, or `test` changed; None where it cannot be, and then the form says why."""
        given = self.cleaned_data
        try:
            article = search_tests.find_article(given["article"], locale=given["locale"])
        except search_tests.Refused as refused:
            self.add_error("article", str(refused))
            return None
        values = {
            "locale": given["locale"], "query": given["query"], "article": article, "top": given["top"],
            "note": given["note"],
        }  # fmt: skip
        try:
            return search_tests.change(test.pk, **values, by=by) if test else search_tests.add(**values, by=by)
        except search_tests.Refused as refused:
            self.add_error(None, str(refused))
            return None


@require_http_methods(["GET", "HEAD", "POST"])
@desk(*READERS)
def page(request: HttpRequest) -> HttpResponse:
    """Every test and how it stands; POST adds one (editors only), and runs it."""
    form = SearchTestForm(request.POST if request.method == "POST" else None, initial=_initial(request))
    is_sent = request.method == "POST" and roles.may_publish(request.user) and form.is_valid()
    if is_sent and (test := form.save(by=roles.user_of(request))) is not None:
        _run(request, test)
        return redirect("desk:search-tests")
    wanted = request.GET.get("find", "").replace("\0", "").strip()[:100]
    only = request.GET.get("only", "")
    locale = request.GET.get("in", "")
    tests = checking.current(locale=locale).select_related("created_by")
    if wanted:
        tests = tests.filter(Q(query__icontains=wanted) | Q(article__live_revision__title__icontains=wanted))
    failing = checking.failing()
    if only == "failing":
        tests = tests.filter(pk__in=[test.pk for test in failing])
    shown = Paginator(tests, _PER_PAGE).get_page(request.GET.get("page"))
    standings = checking.standings([test.pk for test in shown])
    context = {
        "section": "search",
        "tab": "tests",
        "form": form,
        "rows": [
            {"test": test, "title": checking.title_of(test.article), "standing": standings.get(test.pk)}
            for test in shown
        ],
        "page": shown,
        "wanted": wanted,
        "only": only,
        "locale": locale,
        "locales": [code for code, _name in settings.LANGUAGES],
        "all": checking.current().count(),
        "failing": len(failing),
        "runs": SearchTestRun.objects.select_related("by")[:_LAST],
        "job": jobs.latest(IndexJobKind.TESTS),
        "may_edit": roles.may_publish(request.user),
    }
    return render(request, "desk/search_tests.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@desk(*READERS)
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One test with its answers now and its history; POST changes it (editors only)."""
    test = get_object_or_404(checking.current(), pk=pk)
    initial = {
        "query": test.query, "locale": test.locale, "article": test.article.slug, "top": test.top, "note": test.note,
    }  # fmt: skip
    form = SearchTestForm(request.POST if request.method == "POST" else None, initial=initial)
    is_sent = request.method == "POST" and roles.may_publish(request.user) and form.is_valid()
    if is_sent and (changed := form.save(by=roles.user_of(request), test=test)) is not None:
        _run(request, changed)
        return redirect("desk:search-test", pk)
    checked, error = None, ""
    try:
        checked = checking.check(test)
    except checking.CannotCheck as cannot:
        error = str(cannot)
    context = {
        "section": "search",
        "tab": "tests",
        "test": test,
        "title": checking.title_of(test.article),
        "form": form,
        "checked": checked,
        "error": error,
        "standing": checking.standings([test.pk]).get(test.pk),
        "history": SearchTestOutcome.objects.filter(test=test).select_related("run").order_by("-pk")[:50],
        "may_edit": roles.may_publish(request.user),
    }
    return render(request, "desk/search_test.html", context, status=422 if form.errors else 200)


@require_POST
@desk(*_EDITORS)
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    search_tests.remove(pk, by=roles.user_of(request))
    messages.success(request, _("The test is removed. Its history stays in the audit log."))
    return redirect("desk:search-tests")


@require_POST
@desk(*_EDITORS)
def import_lines(request: HttpRequest) -> HttpResponse:
    done = search_tests.import_lines(request.POST.get("lines", ""), by=roles.user_of(request))
    if done.added or done.same:
        messages.success(
            request,
            _("%(added)s tests added, %(same)s were there already. They run within half a minute.")
            % {"added": done.added, "same": done.same},
        )
    elif not done.errors:
        messages.warning(request, _("There was no line to read."))
    for number, why in done.errors[:20]:
        messages.error(request, _("Line %(number)s: %(why)s") % {"number": number, "why": why})
    if len(done.errors) > 20:
        messages.error(request, _("and %(more)s more lines like these.") % {"more": len(done.errors) - 20})
    return redirect("desk:search-tests")


@require_safe
@desk(*READERS)
def export_lines(request: HttpRequest) -> StreamingHttpResponse:
    response = StreamingHttpResponse(
        search_tests.export_lines(checking.current()), content_type="text/csv; charset=utf-8"
    )
    response.headers["Content-Disposition"] = 'attachment; filename="search-tests.csv"'
    return response


def _run(request: HttpRequest, test: SearchTest) -> None:
    """Run a test that was just written, and say how it stands."""
    try:
        _made, (checked,) = checking.run(why=RunReason.ASKED, by=roles.user_of(request), only=[test])
    except checking.CannotCheck as error:
        messages.warning(request, _("The test is saved. It could not be run: %(why)s") % {"why": error})
        return
    if checked.is_passed:
        messages.success(request, _("The test is saved, and it passes: place %(place)s.") % {"place": checked.position})
    elif checked.position:
        messages.warning(
            request,
            _("The test is saved, and it fails now: place %(place)s. A synonym or a pin may mend it.")
            % {"place": checked.position},
        )
    else:
        messages.warning(
            request,
            _("The test is saved, and it fails now: the article is not among the first ten answers."),
        )


def _initial(request: HttpRequest) -> dict[str, Any]:
    locale = request.GET.get("locale", "")
    return {
        "query": request.GET.get("query", "").replace("\0", "")[:200],
        "locale": locale if locale in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE,
        "article": request.GET.get("article", "").replace("\0", "")[:200],
        "top": search_tests.DEFAULT_TOP,
    }
