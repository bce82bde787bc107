"""Which orders a browser may open without a new mail: those that it opened by a link in the last day.

A signed cookie, out of reach for scripts, sent to no other site. It holds ids and revocation counts, no person's data.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from core import crypto
from notifications import links
from notifications.models import Order

COOKIE = "orders"
GOOD_FOR = timedelta(hours=24)
MOST = 5  # orders; the oldest gives way
_PURPOSE = "browser"


@dataclass(frozen=True)
class Grant:
    """This browser opened that order by a link, at `at` (seconds since 1970)."""

    order_id: int
    generation: int
    at: int


def grants_of(request: HttpRequest, *, now: datetime) -> list[Grant]:
    """The grants of the request's cookie that have not run out, newest first. Revocations are not looked up."""
    try:
        said = crypto.unsign(_PURPOSE, request.COOKIES.get(COOKIE, ""), max_age=GOOD_FOR)
    except crypto.BadLink:
        return []
    grants = [Grant(*one) for one in said]
    since = (now - GOOD_FOR).timestamp()
    return [grant for grant in grants if since < grant.at <= now.timestamp() + 60]


def may_open(request: HttpRequest, order: Order, *, now: datetime) -> bool:
    """Whether this browser was let in to this order, and its links were not revoked since. Needs order.customer."""
    generations = {grant.generation for grant in grants_of(request, now=now) if grant.order_id == order.pk}
    return bool(generations) and links.generation_of(order) in generations


def orders_of(request: HttpRequest, *, now: datetime) -> list[Order]:
    """The orders that this browser may open, newest grant first. No query for a browser without the cookie."""
    if not (grants := grants_of(request, now=now)):
        return []
    rows = Order.objects.select_related("customer").in_bulk([grant.order_id for grant in grants])
    found = [rows[grant.order_id] for grant in grants if grant.order_id in rows]
    return [order for order in found if may_open(request, order, now=now)]


def grant(request: HttpRequest, response: HttpResponse, link: links.OrderLink, *, now: datetime) -> None:
    """Remember in this browser that it came by a link to this order. Whoever came by the cookie gets no new day."""
    if link.how == links.BROWSER:
        return
    others = [one for one in grants_of(request, now=now) if one.order_id != link.order_id]
    _write(response, [Grant(link.order_id, link.generation, int(now.timestamp())), *others][:MOST])


def forget(request: HttpRequest, response: HttpResponse, order_id: int, *, now: datetime) -> None:
    """This browser needs a link again for that order."""
    _write(response, [one for one in grants_of(request, now=now) if one.order_id != order_id])


def _write(response: HttpResponse, grants: list[Grant]) -> None:
    if not grants:
        response.delete_cookie(COOKIE, samesite="Lax")
        return
    response.set_cookie(
        COOKIE,
        crypto.sign(_PURPOSE, [[one.order_id, one.generation, one.at] for one in grants]),
        max_age=int(GOOD_FOR.total_seconds()),
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
