"""What a help page says when it is put away: how long an article was in use, how far down its reader got, and whether
a link to the contact form was in sight.

A page's word is taken only about a view that we recorded ourselves, of the same visitor, lately; what the article was
comes from that read and never from the page. Nobody stays longer than the time that has passed since they opened it, or
than MOST in all. Of the link each view is heard once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Max, Q, Sum

from analytics.models import Event, EventKind
from core import ratelimit

MOST = 30 * 60  # seconds on one read
LONGEST_BODY = 200  # bytes
PAGES = (EventKind.HELP, EventKind.SEARCH)  # besides articles
_OPEN_FOR = timedelta(days=1)  # a page that was left open for longer is not heard any more
_TIMES = 30  # that one read is heard of: each time the page is left or hidden
_OF_A_VISITOR, _WINDOW = 120, timedelta(minutes=10)
_LARGEST_ID = 2**31 - 1
_OF_A_STAY = {"article", "seconds", "scrolled"}


class BadStay(ValueError):
    """No page of ours says such a thing."""


@dataclass(frozen=True)
class Stay:
    """Seconds in use since the page last said so, the per cent of the text that has been in sight by now, and whether
    the link was; None where the page has said so before."""

    article_id: int
    seconds: int
    scrolled: int
    link: bool | None = None


@dataclass(frozen=True)
class Glance:
    """Whether the link was in sight on a page that is no article; `page` is one of PAGES."""

    page: EventKind
    link: bool


def parse(body: bytes) -> Stay | Glance:
    """Raises BadStay for everything but the two small shapes that static/js/reading.js sends."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise BadStay("no JSON") from None
    if not isinstance(said, dict):
        raise BadStay("another shape")
    if set(said) == {"page", "link"}:
        return Glance(_page(said["page"]), _yes_or_no(said["link"]))
    if set(said) - {"link"} != _OF_A_STAY:
        raise BadStay("another shape")
    return Stay(
        article_id=_whole(said["article"], 1, _LARGEST_ID),
        seconds=_whole(said["seconds"], 0, MOST),
        scrolled=_whole(said["scrolled"], 0, 100),
        link=_yes_or_no(said["link"]) if "link" in said else None,
    )


def _whole(value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise BadStay("a number that cannot be")
    return value


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadStay("neither yes nor no")
    return value


def _page(value: Any) -> EventKind:
    for page in PAGES:
        if value == page.value:
            return page
    raise BadStay("no page of ours")


def note(said: Stay | Glance, *, visitor: UUID, now: datetime) -> bool:
    """Take it down as far as it can be true; False where nothing of it can, or the visitor says too much."""
    with transaction.atomic():
        # The key stays locked until the end: of one visitor's words, one after the other is held against what is known.
        if not ratelimit.allow(f"stay:{visitor}", limit=_OF_A_VISITOR, per=_WINDOW):
            return False
        event = _of_stay(said, visitor, now) if isinstance(said, Stay) else _of_glance(said, visitor, now)
        if event is None:
            return False
        event.save(force_insert=True)
    return True


def _of_stay(stay: Stay, visitor: UUID, now: datetime) -> Event | None:
    theirs = Event.objects.filter(visitor=visitor, article_id=stay.article_id, at__gte=now - _OPEN_FOR, at__lte=now)
    read = theirs.filter(kind=EventKind.READ).order_by("-at").first()
    if read is None:
        return None
    here = Q(kind=EventKind.STAYED, at__gte=read.at)
    known = theirs.aggregate(
        seconds=Sum("seconds", filter=here, default=0),
        scrolled=Max("scrolled", filter=here, default=0),
        times=Count("at", filter=here),
        views=Count("at", filter=Q(kind=EventKind.READ)),
        told=Count("link_seen"),
    )
    passed = int((now - read.at).total_seconds())
    seconds = max(0, min(stay.seconds, min(MOST, passed) - known["seconds"]))
    link = stay.link if known["told"] < known["views"] else None
    is_new = seconds or stay.scrolled > known["scrolled"] or link is not None
    if known["times"] >= _TIMES or not is_new:
        return None
    return Event(
        kind=EventKind.STAYED,
        at=now,
        visitor=visitor,
        is_returning=True,
        article_id=read.article_id,
        revision_id=read.revision_id,
        variant_id=read.variant_id,
        seconds=seconds,
        scrolled=stay.scrolled,
        link_seen=link,
    )


def _of_glance(glance: Glance, visitor: UUID, now: datetime) -> Event | None:
    theirs = Event.objects.filter(visitor=visitor, article_id=None, at__gte=now - _OPEN_FOR, at__lte=now)
    known = theirs.aggregate(
        views=Count("at", filter=Q(kind=glance.page)),
        told=Count("link_seen", filter=Q(kind=EventKind.STAYED, data__on=glance.page.value)),
    )
    if known["told"] >= known["views"]:
        return None
    return Event(
        kind=EventKind.STAYED,
        at=now,
        visitor=visitor,
        is_returning=True,
        link_seen=glance.link,
        data={"on": glance.page.value},
    )
