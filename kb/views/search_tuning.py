"""The desk's hand on search: synonyms, and articles pinned to or hidden from a query's answers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import roles
from core.roles import ADMIN, REVIEWER, desk
from kb.models import Synonym
from kb.search import foresight, placements, query, tuning
from kb.search.foresight import Foreseen
from kb.views import asking, search_guard
from kb.views.search_desk import READERS

_EDITORS = (REVIEWER, ADMIN)  # what they say is live at once, as when they publish
_PER_PAGE = 50
_PREVIEWED = 5


class SynonymForm(forms.Form):
    locale = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    words = forms.CharField(label=_("Customers say"), max_length=80)
    means = forms.CharField(label=_("Our articles say"), max_length=80)
    is_two_way = forms.BooleanField(label=_("Also the other way round"), required=False, initial=True)


@require_safe
@desk(*READERS)
def tuning_page(request: HttpRequest) -> HttpResponse:
    """One query's answers with their pins and hides, and every query that has some."""
    text, locale = _query(request)
    find = request.GET.get("find", "").replace("\0", "").strip()[:100]
    context = {
        "section": "search",
        "tab": "tuning",
        "find": find,
        "articles": placements.candidates(find, locale=locale) if text and find else [],
        "query": text,
        "locale": locale,
        "locales": _locales(),
        "tuned": placements.of_query(text, locale=locale) if text else None,
        "queries": Paginator(placements.tuned_queries(), _PER_PAGE).get_page(request.GET.get("page")),
        "may_edit": roles.may_publish(request.user),
        "back": asking.back(request),
    }
    return render(request, "desk/search_tuning.html", context)


@require_POST
@desk(*_EDITORS)
def place(request: HttpRequest) -> HttpResponse:
    """Pin or hide an article for a query."""
    given = request.POST
    article = given.get("article", "")
    change = partial(
        tuning.place,
        kind=given.get("kind", ""),
        locale=given.get("locale", ""),
        query=given.get("query", ""),
        article_id=asking.number(article, digits=17),
        by=roles.user_of(request),
    )
    return _change_query(request, change)


@require_POST
@desk(*_EDITORS)
def move_pin(request: HttpRequest, pk: int) -> HttpResponse:
    places = -1 if request.POST.get("to") == "up" else 1
    return _change_query(request, partial(placements.move, pk, places=places, by=roles.user_of(request)))


@require_POST
@desk(*_EDITORS)
def remove_placement(request: HttpRequest, pk: int) -> HttpResponse:
    return _change_query(request, partial(tuning.remove_placement, pk, by=roles.user_of(request)))


@require_http_methods(["GET", "HEAD", "POST"])
@desk(*READERS)
def synonyms(request: HttpRequest) -> HttpResponse:
    """The list of synonyms, and the form that adds one (POST, editors only)."""
    form = SynonymForm(request.POST if request.method == "POST" else None, initial=_initial(request))
    if (
        request.method == "POST"
        and form.is_valid()
        and "preview" not in request.POST
        and roles.may_publish(request.user)
    ):
        change = partial(tuning.add_synonym, **form.cleaned_data, by=roles.user_of(request))
        try:
            asked = search_guard.ask_before_tuning(
                request, change, locale=form.cleaned_data["locale"], back=_synonyms_address(form.cleaned_data)
            )
            if asked is not None:
                return asked
            added = change()
        except tuning.Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, f"Added: {added}. Searches use it from now on.")
            back = asking.back(request)
            return redirect(back or f"{reverse('desk:search-synonyms')}?{urlencode({'locale': added.locale})}")
    wanted = request.GET.get("q", "").replace("\0", "").strip()[:80]
    locale = request.GET.get("locale", "")
    rows = Synonym.objects.select_related("created_by")
    if wanted:
        rows = rows.filter(Q(words__icontains=wanted) | Q(means__icontains=wanted))
    if locale:
        rows = rows.filter(locale=locale)
    context = {
        "section": "search",
        "tab": "synonyms",
        "form": form,
        "synonyms": Paginator(rows, _PER_PAGE).get_page(request.GET.get("page")),
        "wanted": wanted,
        "locale": locale,
        "locales": _locales(),
        "may_edit": roles.may_publish(request.user),
        "back": asking.back(request),
        "previews": _previews(form) if request.method == "POST" and form.is_valid() else [],
        "foreseen": _tests(form) if request.method == "POST" and form.is_valid() else None,
    }
    return render(request, "desk/search_synonyms.html", context, status=422 if form.errors else 200)


@require_safe
@desk(*READERS)
def preview(request: HttpRequest) -> HttpResponse:
    """What a synonym would change, as a fragment, before it is saved."""
    form = SynonymForm(request.GET)
    is_valid = form.is_valid()
    context = {"previews": _previews(form) if is_valid else [], "foreseen": _tests(form) if is_valid else None}
    return render(request, "desk/search_synonym_preview.html", context)


@require_POST
@desk(*_EDITORS)
def remove_synonym(request: HttpRequest, pk: int) -> HttpResponse:
    change = partial(tuning.remove_synonym, pk, by=roles.user_of(request))
    locale = Synonym.objects.filter(pk=pk).values_list("locale", flat=True).first() or ""
    back = reverse("desk:search-synonyms")
    if locale and (asked := search_guard.ask_before_tuning(request, change, locale=locale, back=back)) is not None:
        return asked
    change()
    messages.success(request, "Removed. Searches go without it from now on.")
    return redirect("desk:search-synonyms")


def _previews(form: SynonymForm) -> list[dict[str, Any]]:
    """For each way that the synonym works: the query, its first answers now, and as they would be."""
    given = form.cleaned_data
    texts = [given["words"], given["means"]] if given["is_two_way"] else [given["words"]]
    previews = []
    for text in texts:
        now = query.find(text, locale=given["locale"], k=_PREVIEWED)
        with tuning.supposing(**given):
            then = query.find(text, locale=given["locale"], k=_PREVIEWED)
        before = [result.article_id for result in now.results]
        rows = [{"result": result, "is_new": result.article_id not in before} for result in then.results]
        is_same = before == [result.article_id for result in then.results]
        previews.append({"text": text, "now": now, "then": then, "rows": rows, "is_same": is_same})
    return previews


def _tests(form: SynonymForm) -> Foreseen | None:
    """The search tests that the synonym would break or mend; None where they cannot be asked."""
    try:
        return foresight.by_tuning(
            partial(tuning.add_synonym, **form.cleaned_data, by=None), locale=form.cleaned_data["locale"]
        )
    except (tuning.Refused, foresight.CannotCheck):
        return None


def _change_query(request: HttpRequest, change: Callable[[], object]) -> HttpResponse:
    """Change what is placed for the query of the page, once the editor has seen which tests that would break."""
    _text, locale = _query(request)
    try:
        asked = search_guard.ask_before_tuning(request, change, locale=locale, back=_query_address(request))
        if asked is not None:
            return asked
        change()
    except tuning.Refused as refused:
        messages.error(request, str(refused))
    else:
        if back := asking.back(request):
            messages.success(request, "Done. Searchers get it within two seconds.")
            return redirect(back)
    return redirect(_query_address(request))


def _query(request: HttpRequest) -> tuple[str, str]:
    given = request.POST if request.method == "POST" else request.GET
    locale = given.get("locale", "")
    locales = dict(settings.LANGUAGES)
    text = given.get("query", "").replace("\0", "").strip()[: query.MAX_QUERY]
    return text, locale if locale in locales else settings.LANGUAGE_CODE


def _query_address(request: HttpRequest) -> str:
    text, locale = _query(request)
    return f"{reverse('desk:search-tuning')}?{urlencode({'query': text, 'locale': locale})}#answers"


def _synonyms_address(given: dict[str, Any]) -> str:
    return f"{reverse('desk:search-synonyms')}?{urlencode({'locale': given['locale'], 'words': given['words']})}#add"


def _initial(request: HttpRequest) -> dict[str, Any]:
    locale = request.GET.get("locale", "")
    return {
        "locale": locale if locale in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE,
        "words": request.GET.get("words", "")[:80],
        "means": request.GET.get("means", "")[:80],
        "is_two_way": True,
    }


def _locales() -> list[str]:
    return [code for code, _name in settings.LANGUAGES]
