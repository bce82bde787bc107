"""The link to an order's page, mailed to somebody who knows its number and its address. At most once per request."""

from __future__ import annotations

import logging
import unicodedata
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, Value
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from core import brand, clock, ratelimit
from core.people import person_key
from notifications import answers, doorbell, links, pausing, suppression
from notifications.models import LinkState, Order, OrderLinkRequest, SuppressionReason
from notifications.models.commerce import lookup_key
from notifications.providers import provider_for_settings
from notifications.providers.base import DeliveryError, Fate, Mail

logger = logging.getLogger("preempt.sending")

# Whoever asks again within this time gets the one mail that is on its way.
AGAIN_AFTER = timedelta(minutes=5)
# A link that could not be sent for so long is not waited for any more.
GOOD_FOR = timedelta(hours=1)
# What was typed and fits no order is kept for so long, to see attempts at guessing.
FORGOTTEN_AFTER = timedelta(days=1)

# In a quarter of an hour. Those of what was typed are not told: they would say that somebody else asked about it.
PER = timedelta(minutes=15)
OF_A_BROWSER = 10
OF_A_NETWORK = 60  # a whole office may share one address
OF_AN_ADDRESS = 10
OF_A_NUMBER = 10


class _NotNow(Exception):
    """The provider takes nothing at the moment."""


class _Refused(Exception):
    """This request is not to be mailed; the text says why, for the desk."""


def may_ask(*, visitor: str, network: str) -> bool:
    """Whether this browser and this network have not asked too often; each question counts. Either may be empty."""
    limits = {f"lookup-by:{visitor}": OF_A_BROWSER} if visitor else {}
    if network:
        limits[f"lookup-from:{network}"] = OF_A_NETWORK
    return ratelimit.allow_all(limits, per=PER)


def request(number: str, email: str, *, locale: str) -> None:
    """Mail the link if there is such an order at this address.

    Does the same whether or not there is, so that nobody can tell: the worker looks.
    """
    person = person_key(email)
    limits = {f"lookup-at:{person}": OF_AN_ADDRESS, f"lookup-of:{bare(number)[:100]}": OF_A_NUMBER}
    is_allowed = ratelimit.allow_all(limits, per=PER)
    OrderLinkRequest.objects.create(
        number=number,
        person=person,
        locale=locale,
        requested_at=clock.now(),
        state=LinkState.NEW if is_allowed else LinkState.REFUSED,
        state_reason="" if is_allowed else "asked for too often",
    )
    doorbell.ring_order_links()


def request_again(order: Order, *, locale: str) -> None:
    """Mail a new link to the address of an order, asked for by somebody who has an old one."""
    OrderLinkRequest.objects.create(
        order=order, number=order.number, person=order.customer.person, locale=locale, requested_at=clock.now()
    )
    doorbell.ring_order_links()


def send_waiting() -> int:
    """Mail the links that wait, until the provider has had enough. Returns how many it took."""
    provider = provider_for_settings().name
    is_due = Q(retry_after=None) | Q(retry_after__lte=Now())
    waiting = OrderLinkRequest.objects.filter(is_due, state=LinkState.NEW).order_by("pk")
    taken = 0
    OrderLinkRequest.objects.filter(order=None, requested_at__lt=clock.now() - FORGOTTEN_AFTER).delete()
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
    try:
        # From here on it is never sent again: who gets no mail asks again, and two mails would be worse than none.
        if (order := _claim(request)) is None:
            return False
    except _Refused as refused:
        row.filter(state=LinkState.NEW).update(state=LinkState.REFUSED, state_reason=str(refused), order=request.order)
        return False
    provider = provider_for_settings()
    try:
        provider.deliver(_mail(request, order))
    except DeliveryError as error:
        if error.fate in (Fate.NOT_SENT, Fate.BUSY, Fate.CIRCUIT):
            row.update(state=LinkState.NEW, state_reason=str(error)[:200])
            if error.fate is Fate.BUSY and error.retry_after:
                pausing.pause(provider.name, seconds=error.retry_after, reason=str(error))
            else:
                pausing.note_failure(provider.name, reason=str(error))
            raise _NotNow from error
        elif error.fate is Fate.LATER:
            tries = request.tries + 1
            wait = Now() + timedelta(seconds=answers.backoff(tries))
            row.update(state=LinkState.NEW, state_reason=str(error)[:200], tries=tries, retry_after=wait)
        elif error.permanent:
            row.update(state=LinkState.REFUSED, state_reason=str(error)[:200])
        else:
            row.update(state_reason=str(error)[:200])
        logger.warning("order link not accepted", extra={"request": str(request.pk), "why": str(error)})
        return False
    row.update(state=LinkState.SENT, state_reason="")
    return True


@transaction.atomic
def _claim(request: OrderLinkRequest) -> Order | None:
    """Find the order and take the request for this worker; None where another has it. Raises _Refused."""
    if request.requested_at < clock.now() - GOOD_FOR:
        raise _Refused("could not be sent in time")
    if request.order is None:
        request.order = _find(request.number, person=request.person)
        if request.order is None:
            raise _Refused("no such order at this address")
    order = request.order
    # Asked to be written to by the customer, now: only an address that takes nothing from us stands against it.
    reason = suppression.reason_not_to_write(order.customer.person, scope=suppression.ALL)
    if reason and reason != SuppressionReason.UNSUBSCRIBED:
        raise _Refused(reason)
    Order.objects.select_for_update().get(pk=order.pk)  # a double click waits here, and then finds the first
    others = order.link_requests.filter(
        state__in=[LinkState.SENDING, LinkState.SENT], requested_at__gt=request.requested_at - AGAIN_AFTER
    )
    if others.exclude(pk=request.pk).exists():
        raise _Refused("asked for again within five minutes; one mail is enough")
    mine = OrderLinkRequest.objects.filter(pk=request.pk, state=LinkState.NEW)
    return order if mine.update(state=LinkState.SENDING, order=order) else None


def _find(number: str, *, person: str) -> Order | None:
    """The order that a customer calls so; the newest where two of theirs differ by a dash only."""
    if not person or not bare(number):
        return None
    orders = Order.objects.select_related("customer").filter(customer__person=person)
    return orders.filter(lookup_key=lookup_key(Value(bare(number)))).order_by("-placed_at").first()


def bare(number: str) -> str:
    """A number without what people add or leave out: case, spaces, "#", dashes, invisible characters."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", number) if letter.isalnum()).lower()


def _mail(request: OrderLinkRequest, order: Order) -> Mail:
    customer, look = order.customer, brand.current()
    context = {
        "shop_name": look.name,
        "order_number": order.number,
        "order_url": links.order_url(order, locale=request.locale, how=links.LOOKUP),
        "minutes": int(links.ORDER_LOOKUP_AGE.total_seconds() // 60),
        "language": request.locale,
    }
    with translation.override(request.locale):
        return Mail(
            message_id=str(request.pk),
            attempt=1,
            to_address=customer.email,
            to_name=" ".join(filter(None, (customer.first_name, customer.last_name))),
            from_address=settings.MAIL_FROM,
            from_name=look.mail_sender,
            subject=_("Your link to order %(number)s") % {"number": order.number},
            text=render_to_string("notifications/mail/order_link.txt", context),
            html=render_to_string("notifications/mail/order_link.html", context),
            categories=("order_link",),
        )
