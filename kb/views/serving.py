"""Pages that are rendered once and shown to many: made for a reader of whom nothing is known, kept in kb.live.shelf."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, QueryDict
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import get_script_prefix
from django.utils.translation import get_language
from django_htmx.middleware import HtmxDetails

from core import brand, visitors
from kb import live
from kb.live import Kept, Page

_OF_A_PERSON = ("HTTP_COOKIE", "HTTP_REFERER", "HTTP_USER_AGENT", "REMOTE_ADDR", "HTTP_X_FORWARDED_FOR")

# Asked for again each time, since that is how a page is counted and how a change of it is seen at once. A shared cache
# keeps none: of an article under test the next visitor may be in another arm.
_OF_ONE = {"Cache-Control": "private, no-cache", "Vary": "Accept-Encoding, Cookie"}


def respond(
    request: HttpRequest,
    kept: Kept,
    template: str,
    context: Callable[[], Mapping[str, Any]],
    *,
    state: Hashable = None,
) -> HttpResponse:
    """The page made of `kept.facts`. `state` is all else that `context` depends on.

    Who has a session (staff) or a message waiting gets a page of their own, with all that base templates may show them.
    """
    if settings.SESSION_COOKIE_NAME in request.COOKIES or CookieStorage.cookie_name in request.COOKIES:
        own = render(request, template, dict(context()))
        for name, value in _OF_ONE.items():
            own.headers[name] = value
        return own
    key = (get_language(), get_script_prefix(), brand.version(), state)
    page = kept.pages.get(key)
    if page is None:
        page = live.shelf.add(kept, key, render_to_string(template, dict(context()), request=_nobody(request)))
    return _answer(request, page)


def refuse_prefetch() -> HttpResponse:
    """For a page that must be counted when it is read: browsers throw such an answer away, and ask again on the click.

    A prefetched page cannot be told from a read one later, and whoever fetches it carries no visitor.
    """
    return HttpResponse(status=409, headers={"Cache-Control": "no-store"})


def _answer(request: HttpRequest, page: Page) -> HttpResponse:
    headers = {**_OF_ONE, "ETag": page.etag}
    if request.headers.get("If-None-Match", "") == page.etag:
        return HttpResponseNotModified(headers=headers)
    # Nothing in these pages is secret to one visitor or repeats what a request said: compressing them tells nobody.
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        return HttpResponse(page.zipped, headers={**headers, "Content-Encoding": "gzip"})
    return HttpResponse(page.body, headers=headers)


def _nobody(request: HttpRequest) -> HttpRequest:
    """The same address asked for by a browser without cookies, query, referrer or session."""
    nobody = type(request).__new__(type(request))
    nobody.__dict__.update(request.__dict__)
    nobody.META = {name: value for name, value in request.META.items() if name not in _OF_A_PERSON}
    nobody.META["QUERY_STRING"] = ""
    nobody.GET = QueryDict()
    nobody.COOKIES = {}
    nobody.user = AnonymousUser()
    nobody.__dict__["visitor"] = visitors.Visitor(id="", why_not="nobody")
    nobody.__dict__["_messages"] = CookieStorage(nobody)
    nobody.__dict__["htmx"] = HtmxDetails(nobody)
    nobody.__dict__.pop("session", None)
    nobody.__dict__.pop("headers", None)  # made of META when first asked for
    return nobody
