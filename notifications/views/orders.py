"""The order's page behind a signed link, and what can be done there: choices, stop the link, forget it here."""

from __future__ import annotations

import functools
from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import clock, crypto, events, ratelimit, visitors
from notifications import browsers, links, order_links, order_pages, preferences
from notifications.events import OrderPageViewed, VisitorIdentified, order_page_viewed, visitor_identified
from notifications.models import Order
from notifications.views.private import private

OpenView = Callable[[HttpRequest, Order, links.OrderLink, str], HttpResponse]


def _with_order(view: OpenView) -> Callable[[HttpRequest, str], HttpResponse]:
    """Gives the view the order that the address is a key to, or answers why the link does not open.

    A link whose time is over still opens in a browser that it opened in within the last day.
    """

    @functools.wraps(view)
    def opened(request: HttpRequest, token: str) -> HttpResponse:
        is_expired = False
        try:
            link = links.read_order_link(token)
        except crypto.ExpiredLink as expired:
            link, is_expired = expired.value, True
        except crypto.BadLink:
            return _closed(request, "broken", status=404)
        order = Order.objects.select_related("customer").filter(pk=link.order_id).first()
        if order is None:
            return _closed(request, "broken", status=404)
        try:
            links.check_order_link(link, order)
        except links.RevokedLink:
            return _closed(request, "stopped", order=order, status=410)
        if is_expired and not browsers.may_open(request, order, now=clock.now()):
            return _closed(request, "expired", order=order, token=token, status=410)
        with timezone.override(ZoneInfo(order.customer.time_zone or settings.SHOP_TIME_ZONE)):
            response = view(request, order, link, token)
        if not is_expired and browsers.COOKIE not in response.cookies:
            browsers.grant(request, response, link, now=clock.now())
        return response

    return opened


@private
@require_safe
@_with_order
def page(request: HttpRequest, order: Order, link: links.OrderLink, token: str) -> HttpResponse:
    """One order, for whoever has its link."""
    _tell(request, order, how=link.how)
    context = {
        "order": order_pages.page_of(order, now=clock.now()),
        "token": token,
        "choices_url": reverse("orders:choose", args=[token]),
        "choices": preferences.choices_of(order.customer.person) if order.customer.person else None,
        "is_saved": "saved" in request.GET,
    }
    return render(request, "notifications/order.html", context)


# From here on: the signed link in the address is the permission, and no other site knows it. No cookie is asked for,
# so that a browser which keeps none can do the same.


@csrf_exempt
@private
@require_POST
@_with_order
def choose(request: HttpRequest, order: Order, link: links.OrderLink, token: str) -> HttpResponse:
    """What this customer wants to hear from us about, from the order's page."""
    if order.customer.person:
        wanted = [] if "none" in request.POST else request.POST.getlist("kind")
        preferences.choose(order.customer.person, wanted, at=clock.now())
    return redirect(f"{reverse('orders:order', args=[token])}?saved=1#preferences")


@csrf_exempt
@private
@require_http_methods(["GET", "HEAD", "POST"])
@_with_order
def stop(request: HttpRequest, order: Order, link: links.OrderLink, token: str) -> HttpResponse:
    """ "This was not me": GET asks, POST makes void every link to this order, or to all of this customer's."""
    if request.method != "POST":
        return render(request, "notifications/link_stop.html", {"order": order, "token": token})
    is_all = request.POST.get("which") == "all" and bool(order.customer.person)
    if is_all:
        links.revoke_person(order.customer.person, at=clock.now(), by=None)
    else:
        links.revoke_order(order, at=clock.now(), by=None)
    response = _closed(request, "stopped", order=order, status=200, is_done=True, is_all=is_all)
    browsers.forget(request, response, order.pk, now=clock.now())
    return response


@csrf_exempt
@private
@require_POST
@_with_order
def forget(request: HttpRequest, order: Order, link: links.OrderLink, token: str) -> HttpResponse:
    """Close the order in this browser; the link in the mail still opens it."""
    response = redirect(f"{reverse('orders:lookup')}?closed=1")
    browsers.forget(request, response, order.pk, now=clock.now())
    return response


@csrf_exempt
@private
@require_http_methods(["GET", "HEAD", "POST"])
def again(request: HttpRequest, token: str) -> HttpResponse:
    """A new link in place of one whose time is over, to the address that the order was placed with."""
    if request.method != "POST":  # the page with the button, which says what is the matter
        return redirect("orders:order", token)
    try:
        link = links.read_order_link(token)
    except crypto.ExpiredLink as expired:
        link = expired.value
    except crypto.BadLink:
        return _closed(request, "broken", status=404)
    order = Order.objects.select_related("customer").filter(pk=link.order_id).first()
    if order is None:
        return _closed(request, "broken", status=404)
    try:
        links.check_order_link(link, order)
    except links.RevokedLink:
        return _closed(request, "stopped", order=order, status=410)
    if not order_links.may_ask(visitor=visitors.of(request).id, network=ratelimit.network_of(request)):
        return _closed(request, "expired", order=order, token=token, status=429, is_too_often=True)
    order_links.request_again(order, locale=get_language() or "en")
    return render(request, "notifications/lookup_sent.html", {"number": order.number})


def _closed(request: HttpRequest, why: str, *, status: int, order: Order | None = None, **more: object) -> HttpResponse:
    """Why a link does not open (broken, expired, stopped), and what to do now."""
    context = {"why": why, "number": order.number if order else "", **more}
    return render(request, "notifications/link_closed.html", context, status=status)


def _tell(request: HttpRequest, order: Order, *, how: str) -> None:
    """Tell the rooms above who this visitor is and what they looked at. Bots and staff are nobody."""
    visitor = visitors.of(request)
    person = order.customer.person
    if not visitor.id:
        return
    now = clock.now()
    if person and how != links.BROWSER:  # told when the browser was let in
        events.fire(visitor_identified, VisitorIdentified(at=now, visitor=visitor.id, person=person, how=how))
    events.fire(
        order_page_viewed,
        OrderPageViewed(
            at=now,
            visitor=visitor.id,
            is_returning=not visitor.is_new,
            person=person,
            order_id=order.pk,
            locale=get_language() or "en",
        ),
    )
