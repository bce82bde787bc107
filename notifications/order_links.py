"""The link to an order's page, mailed to somebody who knows its number and its address. At most once per request."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from core import clock
from core.people import person_key
from notifications import doorbell, links, pausing, suppression
from notifications.models import LinkState, Order, OrderLinkRequest
from notifications.providers import provider_for_settings
from notifications.providers.base import DeliveryError, Fate, Mail

logger = logging.getLogger("preempt.sending")

# Whoever asks again within this time gets the one mail that is on its way.
AGAIN_AFTER = timedelta(minutes=5)
# A link that could not be sent for so long is not waited for any more.
GOOD_FOR = timedelta(hours=1)


class _NotNow(Exception):
    """The provider takes nothing at the moment."""


def request(number: str, email: str, *, locale: str) -> None:
    """Mail the link if there is such an order at this address. Says nothing about whether there is."""
    person = person_key(email)
    order = Order.objects.filter(number__iexact=number.strip(), customer__person=person).first() if person else None
    if order is None:
        return
    now = clock.now()
    with transaction.atomic():
        Order.objects.select_for_update().get(pk=order.pk)  # a double click waits here, and then finds the first
        if order.link_requests.filter(requested_at__gt=now - AGAIN_AFTER).exists():
            return
        OrderLinkRequest.objects.create(order=order, locale=locale, requested_at=now)
    doorbell.ring_order_links()


def send_waiting() -> int:
    """Mail the links that wait, until the provider has had enough. Returns how many it took."""
    provider = provider_for_settings().name
    waiting = OrderLinkRequest.objects.filter(state=LinkState.NEW).order_by("pk")
    taken = 0
    for request in waiting.select_related("order__customer")[:200]:
        if pausing.is_paused(provider):
            break
        try:
            taken += _send(request)
        except _NotNow:
            break
    return taken


def _send(request: OrderLinkRequest) -> bool:
    row = OrderLinkRequest.objects.filter(pk=request.pk)
    if request.requested_at < clock.now() - GOOD_FOR:
        row.filter(state=LinkState.NEW).update(state=LinkState.REFUSED, state_reason="could not be sent in time")
        return False
    if reason := suppression.reason_not_to_write(request.order.customer.person, scope=suppression.ALL):
        row.filter(state=LinkState.NEW).update(state=LinkState.REFUSED, state_reason=reason)
        return False
    # From here on it is never sent again: who gets no mail asks again, and two mails would be worse than none.
    if not row.filter(state=LinkState.NEW).update(state=LinkState.SENDING):
        return False
    provider = provider_for_settings()
    try:
        provider.deliver(_mail(request))
    except DeliveryError as error:
        if error.fate in (Fate.NOT_SENT, Fate.BUSY, Fate.CIRCUIT):
            row.update(state=LinkState.NEW, state_reason=str(error)[:200])
            if error.fate is Fate.BUSY and error.retry_after:
                pausing.pause(provider.name, seconds=error.retry_after, reason=str(error))
            else:
                pausing.note_failure(provider.name, reason=str(error))
            raise _NotNow from error
        elif error.permanent:
            row.update(state=LinkState.REFUSED, state_reason=str(error)[:200])
        else:
            row.update(state_reason=str(error)[:200])
        logger.warning("order link not accepted", extra={"request": str(request.pk), "why": str(error)})
        return False
    row.update(state=LinkState.SENT, state_reason="")
    return True


def _mail(request: OrderLinkRequest) -> Mail:
    order, customer = request.order, request.order.customer
    context = {
        "shop_name": settings.SHOP_NAME,
        "order_number": order.number,
        "order_url": links.order_url(order, locale=request.locale, how="lookup"),
        "days": links.ORDER_LINK_AGE.days,
        "language": request.locale,
    }
    with translation.override(request.locale):
        return Mail(
            message_id=str(request.pk),
            attempt=1,
            to_address=customer.email,
            to_name=" ".join(filter(None, (customer.first_name, customer.last_name))),
            from_address=settings.MAIL_FROM,
            from_name=settings.SHOP_NAME,
            subject=_("Your link to order %(number)s") % {"number": order.number},
            text=render_to_string("notifications/mail/order_link.txt", context),
            html=render_to_string("notifications/mail/order_link.html", context),
            categories=("order_link",),
        )
