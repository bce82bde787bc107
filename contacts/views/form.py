"""The contact form, as customers see it. Every page works without JavaScript; htmx only swaps the suggestions in."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from contacts import cleaning, visits
from contacts.form import ContactForm, typed
from core import clock, crypto, ratelimit, visitors
from kb import selectors as kb_selectors

SUGGESTIONS = 3
# Suggestions are found by the beginning of a long message; the rest would only slow the search down.
_READ_FOR_SUGGESTIONS = 1000


@dataclass(frozen=True)
class Offered:
    """A suggested article. Its link goes by way of us, so that opening it is taken down without JavaScript too."""

    article_id: int
    title: str
    snippet: str
    url: str


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def form(request: HttpRequest) -> HttpResponse:
    """The empty form (GET), or the press of Send (POST)."""
    if request.method == "POST":
        return _send(request)
    visit_id = uuid.uuid4()
    if not _is_robot(request):
        _open(request, visit_id, after_article_id=_article_id(request.GET.get("article", "")))
    return _page(request, ContactForm(initial={"subject": cleaning.line(request.GET.get("q", ""))[:200]}), visit_id)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def suggest(request: HttpRequest) -> HttpResponse:
    """Articles for what is typed so far: a part of the page for htmx, else the whole page with the text kept."""
    if request.method != "POST":
        return redirect("contacts:form")
    visit_id, _is_ours = _visit_of(request)
    suggestions = _offer(request, visit_id)
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "contacts/_partials/suggestions.html", {"suggestions": suggestions, "is_searched": True})
    return _page(request, ContactForm(initial=typed(request.POST)), visit_id, suggestions=suggestions, is_searched=True)


@require_GET
def suggested(request: HttpRequest, article_id: int) -> HttpResponse:
    """On to a suggested article, taking down that it was opened."""
    cards = kb_selectors.cards([article_id], _locale())
    if not cards:
        raise Http404
    if not _is_robot(request):
        # A link that was cut or altered still leads to the article; there is nothing to take down.
        with contextlib.suppress(crypto.BadLink):
            visits.record_opened(visits.id_of(request.GET.get("form", "")), article_id)
    return redirect(cards[0].url)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def answered(request: HttpRequest) -> HttpResponse:
    """ "This answered my question": thanks, and still the way to a person, with what was typed."""
    if request.method != "POST":
        return redirect("contacts:form")
    visit_id, is_ours = _visit_of(request)
    if is_ours:
        article_id = _digits(request.POST.get("article", ""))
        visits.answer(visit_id, article_id=article_id, text=_text(request), now=clock.now())
    return _page(request, ContactForm(initial=typed(request.POST)), visit_id, template="contacts/answered.html")


@never_cache
@require_GET
def sent(request: HttpRequest, token: str) -> HttpResponse:
    """The reference of what was sent, to keep."""
    try:
        reference = visits.reference_of(token)
    except crypto.BadLink:
        raise Http404 from None
    return render(request, "contacts/sent.html", {"reference": reference})


def _send(request: HttpRequest) -> HttpResponse:
    form = ContactForm(request.POST)
    visit_id, is_ours = _visit_of(request)
    if not form.is_valid():
        return _page(request, form, visit_id, status=422)
    if not is_ours:
        form.add_error(
            None, _("This page had been open too long. Everything you wrote is still here: please press Send again.")
        )
        return _page(request, form, visit_id, status=422)
    match visits.send(
        visit_id, form.cleaned_data, locale=_locale(), network=ratelimit.network_of(request), now=clock.now()
    ):
        case visits.Sent(contact):
            return redirect("contacts:sent", visits.sent_token(contact))
        case visits.SentAnother(contact):
            form.add_error(
                None,
                _(
                    "We already have your earlier message (%(reference)s). If this is a new question, press Send and "
                    "we take it in as well."
                )
                % {"reference": contact.reference},
            )
            visit_id = uuid.uuid4()
            _open(request, visit_id)
            return _page(request, form, visit_id, status=409)
        case visits.TooMany():
            form.add_error(
                None,
                _(
                    "We received several messages from you in the last few minutes. Everything you wrote is still "
                    "here: please press Send again in ten minutes."
                ),
            )
            return _page(request, form, visit_id, status=429)


def _page(
    request: HttpRequest,
    form: ContactForm,
    visit_id: uuid.UUID,
    *,
    suggestions: Sequence[Offered] = (),
    is_searched: bool = False,
    status: int = 200,
    template: str = "contacts/form.html",
) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "token": visits.token(visit_id),
        "suggestions": suggestions,
        "is_searched": is_searched,
    }
    return render(request, template, context, status=status)


def _offer(request: HttpRequest, visit_id: uuid.UUID) -> list[Offered]:
    if not (text := _text(request)):
        return []
    found = kb_selectors.suggest(text[:_READ_FOR_SUGGESTIONS], locale=_locale(), limit=SUGGESTIONS)
    if found and not _is_robot(request):
        visits.record_shown(visit_id, [article.article_id for article in found], now=clock.now())
    by_way_of_us = "?" + urlencode({"form": visits.token(visit_id)})
    return [
        Offered(
            article.article_id,
            article.title,
            article.snippet,
            reverse("contacts:suggested", args=[article.article_id]) + by_way_of_us,
        )
        for article in found
    ]


def _visit_of(request: HttpRequest) -> tuple[uuid.UUID, bool]:
    """The visit that the posted page names, its row there; a new one (and False) where the token is not ours."""
    try:
        visit_id, is_ours = visits.id_of(request.POST.get("visit", "")), True
    except crypto.BadLink:
        visit_id, is_ours = uuid.uuid4(), False
    _open(request, visit_id)
    return visit_id, is_ours


def _open(request: HttpRequest, visit_id: uuid.UUID, *, after_article_id: int | None = None) -> None:
    visits.open_form(
        visit_id,
        visitor=visitors.of(request),
        locale=_locale(),
        now=clock.now(),
        after_article_id=after_article_id,
    )


def _is_robot(request: HttpRequest) -> bool:
    return request.method == "HEAD" or visitors.of(request).why_not in ("bot", "prefetch")


def _article_id(given: str) -> int | None:
    """The id of a published article, where the address names one."""
    article_id = _digits(given)
    return article_id if article_id is not None and kb_selectors.cards([article_id], _locale()) else None


def _digits(given: str) -> int | None:
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None


def _text(request: HttpRequest) -> str:
    written = typed(request.POST)
    return f"{written['subject']}\n{written['message']}".strip()


def _locale() -> str:
    return get_language() or "en"
