"""How long a reader stayed on an article, and how far down they got: what their page says of it, as far as it can be.

A page's word is taken only about a read that we recorded ourselves, of the same visitor, lately; what the article was
comes from that read and never from the page. Nobody stays longer than the time that has passed since they opened it, or
than MOST in all.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Max, Sum

from analytics.models import Event, EventKind
from core import ratelimit

MOST = 30 * 60  # seconds on one read
LONGEST_BODY = 200  # bytes
_OPEN_FOR = timedelta(days=1)  # a page that was left open for longer is not heard any more
_TIMES = 30  # that one read is heard of: each time the page is left or hidden
_OF_A_VISITOR, _WINDOW = 120, timedelta(minutes=10)
_LARGEST_ID = 2**31 - 1


class BadStay(ValueError):
    """No page of ours says such a thing."""


@dataclass(frozen=True)
class Stay:
    """Seconds in use since the page last said so, and the per cent of the text that has been in sight by now."""

    article_id: int
    seconds: int
    scrolled: int


def parse(body: bytes) -> Stay:
    """Raises BadStay for everything but the one small shape that static/js/reading.js sends."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise BadStay("no JSON") from None
    if not isinstance(said, dict) or set(said) != {"article", "seconds", "scrolled"}:
        raise BadStay("another shape")
    return Stay(
        article_id=_whole(said["article"], 1, _LARGEST_ID),
        seconds=_whole(said["seconds"], 0, MOST),
        scrolled=_whole(said["scrolled"], 0, 100),
    )


def _whole(value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise BadStay("a number that cannot be")
    return value


def note(stay: Stay, *, visitor: UUID, now: datetime) -> bool:
    """Take it down as far as it can be true; False where nothing of it can, or the visitor says too much."""
    with transaction.atomic():
        # The key stays locked until the end: of one visitor's words, one after the other is held against what is known.
        if not ratelimit.allow(f"stay:{visitor}", limit=_OF_A_VISITOR, per=_WINDOW):
            return False
        theirs = Event.objects.filter(visitor=visitor, article_id=stay.article_id, at__gte=now - _OPEN_FOR, at__lte=now)
        read = theirs.filter(kind=EventKind.READ).order_by("-at").first()
        if read is None:
            return False
        known = theirs.filter(kind=EventKind.STAYED, at__gte=read.at).aggregate(
            seconds=Sum("seconds", default=0), scrolled=Max("scrolled", default=0), times=Count("at")
        )
        passed = int((now - read.at).total_seconds())
        seconds = max(0, min(stay.seconds, min(MOST, passed) - known["seconds"]))
        if known["times"] >= _TIMES or (not seconds and stay.scrolled <= known["scrolled"]):
            return False
        Event.objects.create(
            kind=EventKind.STAYED,
            at=now,
            visitor=visitor,
            is_returning=True,
            article_id=read.article_id,
            revision_id=read.revision_id,
            variant_id=read.variant_id,
            seconds=seconds,
            scrolled=stay.scrolled,
        )
    return True
