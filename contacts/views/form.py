"""The contact form, as customers see it. Every page works without JavaScript; htmx only swaps parts of it."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from contacts import attachments, cleaning, confirmations, visits
from contacts.attachments import Refused
from contacts.form import ContactForm, trouble_with, typed
from contacts.models import Arm, FormVisit
from contacts.views import posting
from core import clock, crypto, ratelimit
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


@posting.takes_uploads
def form(request: HttpRequest) -> HttpResponse:
    """The empty form (GET), or the press of Send (POST)."""
    if request.method == "POST":
        return _send(request)
    visit_id = uuid.uuid4()
    # Without a row, for a browser that fetches ahead, the visit is drawn when the form is first used.
    visit = FormVisit(pk=visit_id, arm=Arm.NOT_COUNTED)
    if not posting.is_robot(request):
        visit = posting.open_visit(request, visit_id, after_article_id=_article_id(request.GET.get("article", "")))
    given = {"subject": cleaning.line(request.GET.get("q", ""))[:200]}
    given["order_number"] = cleaning.line(request.GET.get("order", ""))[:60]  # a shop's page that knows it
    return _page(request, ContactForm(initial=given), visit)


@posting.takes_uploads
def suggest(request: HttpRequest) -> HttpResponse:
    """Articles for what is typed so far: a part of the page for htmx, else the whole page with the text kept."""
    if request.method != "POST":
        return redirect("contacts:form")
    posted = posting.read(request)
    suggestions = _offer(request, posted.visit)
    if request.htmx:  # type: ignore[attr-defined]
        context = {"suggestions": suggestions, "is_searched": True, "shows": visits.shows_suggestions(posted.visit)}
        return render(request, "contacts/_partials/suggestions.html", context)
    form = ContactForm(initial=typed(request.POST))
    return _page(
        request, form, posted.visit, refused=posted.refused, suggestions=suggestions, is_searched=bool(_text(request))
    )


@posting.takes_uploads
def files(request: HttpRequest) -> HttpResponse:
    """Files that were chosen or are to be removed: a part of the page for htmx, else all with the text kept."""
    if request.method != "POST":
        return redirect("contacts:form")
    posted = posting.read(request)
    with contextlib.suppress(ValueError):
        attachments.remove(posted.visit.pk, uuid.UUID(request.POST.get("remove", "")))
    if request.htmx:  # type: ignore[attr-defined]
        context = _files(posted.visit, refused=posted.refused)
        # A page without our token got a visit of its own, which its next request must name.
        context["token"] = "" if posted.is_ours else visits.token(posted.visit.pk)
        return render(request, "contacts/_partials/files.html", context)
    return _page(request, ContactForm(initial=typed(request.POST)), posted.visit, refused=posted.refused)


@require_GET
def suggested(request: HttpRequest, article_id: int) -> HttpResponse:
    """On to a suggested article, taking down that it was opened."""
    cards = kb_selectors.cards([article_id], _locale())
    if not cards:
        raise Http404
    if not posting.is_robot(request):
        # A link that was cut or altered still leads to the article; there is nothing to take down.
        with contextlib.suppress(crypto.BadLink):
            visits.record_opened(visits.id_of(request.GET.get("form", "")), article_id)
    return redirect(cards[0].url)


@posting.takes_uploads
def answered(request: HttpRequest) -> HttpResponse:
    """ "This answered my question": thanks, and still the way to a person, with what was typed."""
    if request.method != "POST":
        return redirect("contacts:form")
    posted = posting.read(request)
    if posted.is_ours:
        article_id = _digits(request.POST.get("article", ""))
        visits.answer(posted.visit.pk, article_id=article_id, text=_text(request), now=clock.now())
    return _page(request, ContactForm(initial=typed(request.POST)), posted.visit, template="contacts/answered.html")


@never_cache
@require_GET
def sent(request: HttpRequest, token: str) -> HttpResponse:
    """The reference of what was sent, to keep."""
    try:
        reference = visits.reference_of(token)
    except crypto.BadLink:
        raise Http404 from None
    context = {"reference": reference, "is_confirmed": confirmations.is_coming(reference)}
    return render(request, "contacts/sent.html", context)


def _send(request: HttpRequest) -> HttpResponse:
    form = ContactForm(request.POST)
    posted = posting.read(request)
    visit = posted.visit
    if form.is_valid() and posted.refused:
        form.add_error(
            None,
            _(
                "Nothing is sent yet, since a file could not be taken. Everything else is still here: press Send to "
                "send your message without it."
            ),
        )
    if not form.is_valid():
        return _page(request, form, visit, refused=posted.refused, status=422)
    if not posted.is_ours:
        form.add_error(
            None, _("This page had been open too long. Everything you wrote is still here: please press Send again.")
        )
        return _page(request, form, visit, status=422)
    if attachments.missing(visit.pk, request.POST.getlist("kept")):
        form.add_error(
            None,
            _(
                "A file is no longer with your message, since this page had been open for more than a day. Please add "
                "it again, or press Send to send your message without it."
            ),
        )
        return _page(request, form, visit, status=422)
    match visits.send(
        visit.pk, form.cleaned_data, locale=_locale(), network=ratelimit.network_of(request), now=clock.now()
    ):
        case visits.Sent(contact, ()):
            return redirect("contacts:sent", visits.sent_token(contact))
        case visits.Sent(contact, refused):
            form.add_error(
                None,
                _("We have your message (%(reference)s), but not these files.") % {"reference": contact.reference},
            )
            return _page(request, form, visit, refused=refused, status=409)
        case visits.SentAnother(contact):
            form.add_error(
                None,
                _(
                    "We already have your earlier message (%(reference)s). If this is a new question, press Send and "
                    "we take it in as well."
                )
                % {"reference": contact.reference},
            )
            anew = posting.open_visit(request, uuid.uuid4())
            attachments.move(from_visit=visit.pk, to_visit=anew.pk)
            return _page(request, form, anew, status=409)
        case visits.TooMany():
            form.add_error(
                None,
                _(
                    "We received several messages from you in the last few minutes. Everything you wrote is still "
                    "here: please press Send again in ten minutes."
                ),
            )
            return _page(request, form, visit, status=429)


def _page(
    request: HttpRequest,
    form: ContactForm,
    visit: FormVisit,
    *,
    refused: Sequence[Refused] = (),
    suggestions: Sequence[Offered] = (),
    is_searched: bool = False,
    status: int = 200,
    template: str = "contacts/form.html",
) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "token": visits.token(visit.pk),
        "suggestions": suggestions,
        "is_searched": is_searched,
        "shows": visits.shows_suggestions(visit),
        **_files(visit, refused=refused),
    }
    return render(request, template, context, status=status)


def _files(visit: FormVisit, *, refused: Sequence[Refused] = ()) -> dict[str, Any]:
    """What contacts/_partials/files.html shows."""
    return {
        # A new form has none: no query.
        "kept_files": [] if visit._state.adding else attachments.waiting(visit.pk),
        "refused": [trouble_with(one) for one in refused],
        "most_files": settings.ATTACHMENTS_MAX,
        "most_mb": settings.ATTACHMENT_MAX_MB,
        "most_mb_together": settings.ATTACHMENTS_TOTAL_MB,
    }


def _offer(request: HttpRequest, visit: FormVisit) -> list[Offered]:
    if not visits.shows_suggestions(visit) or not (text := _text(request)):
        return []
    found = kb_selectors.suggest(text[:_READ_FOR_SUGGESTIONS], locale=_locale(), limit=SUGGESTIONS)
    if found and not posting.is_robot(request):
        visits.record_shown(visit.pk, [article.article_id for article in found], now=clock.now())
    by_way_of_us = "?" + urlencode({"form": visits.token(visit.pk)})
    return [
        Offered(
            article.article_id,
            article.title,
            article.snippet,
            reverse("contacts:suggested", args=[article.article_id]) + by_way_of_us,
        )
        for article in found
    ]


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
