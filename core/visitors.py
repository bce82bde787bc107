"""Who is reading: an anonymous first-party id, consent, and the bot filter.

The id is a random UUID in a cookie of ours. It is not set for bots, for prefetches, or where the browser says
"do not sell or share" (Sec-GPC); such requests get the control variant and are in no number.

Inside a shop's page (core/embedding.py) the cookie is partitioned: another one for each shop's site, of no use to
follow anybody around. Many browsers refuse it all the same, and then every page would look like a new visitor's. So an
embedded visitor counts only when the browser brings the cookie back; the way into the panel sets it and redirects, so
that with a browser that keeps it no page is lost.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Container
from dataclasses import dataclass
from http import HTTPStatus
from http.cookies import Morsel

from django.conf import settings
from django.dispatch import Signal
from django.http import HttpRequest, HttpResponseBase

COOKIE = "pv"
left_out = Signal()  # a help page was opened by who is in no number; `why` says in one word why not
_YEAR = 365 * 24 * 3600
_BOT = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|headlesschrome|lighthouse|preview|monitor|curl/|wget/|python-|httpx|scrapy|facebookexternalhit",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Visitor:
    """`id` is empty where the request must not be counted; `why` then says so in one word."""

    id: str
    is_new: bool = False
    why_not: str = ""  # bot | prefetch | no_consent | staff | no_cookie


def of(request: HttpRequest) -> Visitor:
    """The visitor of this request (set by the middleware)."""
    visitor: Visitor = request.visitor  # type: ignore[attr-defined]
    # Who has no session is nobody we know: asking for it would take longer than a page that is kept.
    if not visitor.id or settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return visitor
    if request.user.is_authenticated and request.user.is_staff:
        return Visitor(id="", why_not="staff")
    return visitor


class VisitorMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        visitor = _read(request)
        new_id = visitor.id if visitor.is_new else ""
        is_embedded = getattr(request, "is_embedded", False)
        if new_id and is_embedded:
            visitor = Visitor(id="", why_not="no_cookie")
        request.visitor = visitor  # type: ignore[attr-defined]
        response = self.get_response(request)
        is_page = response.get("Content-Type", "").startswith("text/html")
        if new_id and is_page:
            remember(response, COOKIE, new_id, request=request)
        is_counted = is_page and response.status_code == HTTPStatus.OK and _is_help_page(request)
        if is_counted and (why := of(request).why_not):
            left_out.send_robust(None, why=why)
        return response


class _Partitioned(Morsel[str]):
    """A cookie with the attribute Partitioned, which http.cookies knows from Python 3.14 on."""

    def OutputString(self, attrs: Container[str] | None = None) -> str:
        return f"{super().OutputString(attrs)}; Partitioned"


def remember(response: HttpResponseBase, name: str, value: str, *, request: HttpRequest) -> None:
    """Set a cookie for a year; inside a shop's page a partitioned one. Without https a partitioned one is refused; on
    one machine's ports the usual one does.
    """
    is_partitioned = getattr(request, "is_embedded", False) and request.is_secure()
    response.set_cookie(
        name,
        value,
        max_age=_YEAR,
        httponly=True,
        samesite="None" if is_partitioned else "Lax",
        secure=is_partitioned or settings.SESSION_COOKIE_SECURE,
    )
    if is_partitioned:
        plain, partitioned = response.cookies[name], _Partitioned()
        partitioned.set(plain.key, plain.value, plain.coded_value)
        partitioned.update(plain)
        response.cookies[name] = partitioned


def _is_help_page(request: HttpRequest) -> bool:
    match = request.resolver_match
    return request.method == "GET" and match is not None and match.namespace == "help"


def _read(request: HttpRequest) -> Visitor:
    agent = request.headers.get("User-Agent", "")
    if not agent or _BOT.search(agent):
        return Visitor(id="", why_not="bot")
    if "prefetch" in request.headers.get("Sec-Purpose", "") or request.headers.get("Purpose") == "prefetch":
        return Visitor(id="", why_not="prefetch")
    if request.headers.get("Sec-GPC") == "1":
        return Visitor(id="", why_not="no_consent")
    try:
        return Visitor(id=str(uuid.UUID(request.COOKIES.get(COOKIE, ""))))
    except ValueError:
        return Visitor(id=str(uuid.uuid4()), is_new=True)
