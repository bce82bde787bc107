"""Who is reading: an anonymous first-party id, consent, and the bot filter.

The id is a random UUID in a cookie of ours. It is not set for bots, for prefetches, or where the browser says
"do not sell or share" (Sec-GPC); such requests get the control variant and are in no number.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

COOKIE = "pv"
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
    why_not: str = ""  # bot | prefetch | no_consent | staff


def of(request: HttpRequest) -> Visitor:
    """The visitor of this request (set by the middleware)."""
    visitor: Visitor = request.visitor  # type: ignore[attr-defined]
    if visitor.id and request.user.is_authenticated and request.user.is_staff:
        return Visitor(id="", why_not="staff")
    return visitor


class VisitorMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        visitor = _read(request)
        request.visitor = visitor  # type: ignore[attr-defined]
        response = self.get_response(request)
        if visitor.is_new and response.get("Content-Type", "").startswith("text/html"):
            response.set_cookie(
                COOKIE,
                visitor.id,
                max_age=_YEAR,
                httponly=True,
                samesite="Lax",
                secure=settings.SESSION_COOKIE_SECURE,
            )
        return response


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
