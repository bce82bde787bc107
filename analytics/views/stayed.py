"""Where an article's page says how long it was in use (navigator.sendBeacon). It hears nothing back."""

from __future__ import annotations

import time
from datetime import timedelta
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from analytics import staying
from core import clock, ratelimit, requests, visitors

_OF_A_NETWORK, _WINDOW = 3_000, timedelta(minutes=10)  # a whole office may be behind one
_PAUSE = 10.0  # seconds for which a network that is over its limit is refused without asking the database
_MOST_NETWORKS = 1_000
_over: dict[str, float] = {}  # network -> until when, by time.monotonic


@csrf_exempt  # no page that everybody shares has a token; instead: is_from_another_site
@require_POST
def stayed(request: HttpRequest) -> HttpResponse:
    """204 whether or not it counted: who tries ids learns nothing. The visitor is the cookie's, never the body's."""
    if requests.is_from_another_site(request):
        return _answer(403)
    if not _is_short(request):
        return _answer(413)
    try:
        stay = staying.parse(request.body)
    except staying.BadStay:
        return _answer(400)
    visitor = visitors.of(request)
    if not visitor.id or visitor.is_new:
        return _answer(204)
    if not _may_speak(ratelimit.network_of(request)):
        return _answer(429)
    staying.note(stay, visitor=UUID(visitor.id), now=clock.now())
    return _answer(204)


def _is_short(request: HttpRequest) -> bool:
    """Asked before anything of the body is read."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    return length.isascii() and length.isdigit() and int(length) <= staying.LONGEST_BODY


def _may_speak(network: str) -> bool:
    if not network:
        return True
    if time.monotonic() < _over.get(network, 0.0):
        return False
    if ratelimit.allow(f"stays:{network}", limit=_OF_A_NETWORK, per=_WINDOW):
        return True
    if len(_over) >= _MOST_NETWORKS:
        _over.clear()
    _over[network] = time.monotonic() + _PAUSE
    return False


def _answer(status: int) -> HttpResponse:
    return HttpResponse(status=status, content_type="text/plain", headers={"Cache-Control": "no-store"})
