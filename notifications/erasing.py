"""What orders and messages keep of people, and how it goes.

The order stays with what statistics and the law need: number, moments, products, parcels, the country. The customer's
row stays as nobody's, under a stand-in of its id, so that the same order is known again. Messages stay with their
dedupe key and arm, under an alias; suppression and what was asked of us stay by hash.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Q, QuerySet

from core import clock
from core.erasure import Counts, NotYet, Part, Subject, Traits
from core.people import ERASED, stand_in
from notifications import gates, states, suppression
from notifications.models import (
    Customer,
    DeliveryEvent,
    LinkRevocation,
    Message,
    MessageState,
    MessageStep,
    NextUpdate,
    Order,
    OrderLinkRequest,
    OrderNote,
    OutboxMail,
    PersonDay,
    SendAttempt,
    Shipment,
    TrackingEvent,
)
from notifications.tracking import Scan

# A short number would be found in payloads that have nothing to do with it.
SHORTEST_MARK = 6
# What a message of ours asserts; nothing else of it stays.
_ASSERTED = ("kind", "promised_by", "expected_by")
# The reasons of these are words of ours; those of others may quote what a mail provider said.
_OUR_WORDS = (
    MessageState.HELD_OUT, MessageState.SUPPRESSED, MessageState.STALE, MessageState.CAPPED, MessageState.CANCELLED,
)  # fmt: skip


def _customers(subject: Subject) -> QuerySet[Customer]:
    return Customer.objects.filter(Q(person=subject.person) | Q(email__iexact=subject.address))


def _orders(subject: Subject) -> QuerySet[Order]:
    return Order.objects.filter(customer__in=_customers(subject).values("pk"))


def _messages(subject: Subject) -> QuerySet[Message]:
    return Message.objects.filter(Q(person=subject.person) | Q(customer__in=_customers(subject).values("pk")))


def _outbox(subject: Subject) -> QuerySet[OutboxMail]:
    """Also what else was sent to them: links to orders, confirmations."""
    return OutboxMail.objects.filter(
        Q(to_address__iexact=subject.address) | Q(message_id__in=_messages(subject).values("pk"))
    )


def _asked_for(subject: Subject) -> QuerySet[OrderLinkRequest]:
    return OrderLinkRequest.objects.filter(Q(person=subject.person) | Q(order__in=_orders(subject).values("pk")))


def _traits(subject: Subject) -> Traits:
    orders = _orders(subject)
    numbers = set(orders.values_list("number", flat=True))
    parcels = Shipment.objects.filter(order__in=orders.values("pk")).exclude(tracking_no="")
    marks = {*numbers, *orders.values_list("external_id", flat=True)}
    marks |= set(parcels.values_list("tracking_no", flat=True))
    marks |= set(_customers(subject).values_list("external_id", flat=True))
    long_ones = {mark for mark in marks if len(mark) >= SHORTEST_MARK and not mark.startswith(ERASED)}
    return Traits(orders=numbers, marks=long_ones)


def _count(subject: Subject) -> Counts:
    orders = _orders(subject).values("pk")
    return {
        "customers": _customers(subject).count(),
        "orders": orders.count(),
        "carriers' reports": TrackingEvent.objects.filter(shipment__order__in=orders).count(),
        "notes of staff": OrderNote.objects.filter(order__in=orders).count(),
        "promised updates": NextUpdate.objects.filter(order__in=orders).count(),
        "messages": _messages(subject).count(),
        "mails in the outbox": _outbox(subject).count(),
        "requests for links": _asked_for(subject).count(),
        "counted days": PersonDay.objects.filter(person=subject.person).count(),
    }


def _stop(subject: Subject) -> None:
    """Nothing is handed over to them after this has committed; what is with the provider at that moment ends there."""
    suppression.lock_person(subject.person, is_shared=False)
    ids = list(_customers(subject).values_list("pk", flat=True))
    states.move(
        Message.objects.filter(Q(person=subject.person) | Q(customer__in=ids)),
        states.Event.CANCEL, state_reason=gates.ERASED, lease_until=None,
    )  # fmt: skip
    # A message that a lost answer makes ready again finds this at its intent.
    Customer.objects.filter(pk__in=ids).update(email="", person=subject.person, is_erased=True)


def _erase(subject: Subject) -> Counts:
    customers = list(_customers(subject).select_for_update().order_by("pk"))
    orders = list(Order.objects.filter(customer__in=customers).values_list("pk", flat=True))
    messages = list(_messages(subject).values_list("pk", "state"))
    if any(state == MessageState.SENDING for _, state in messages):
        raise NotYet("a message is with the mail provider at this moment")
    went = _count(subject)
    _outbox(subject).delete()
    _asked_for(subject).delete()
    PersonDay.objects.filter(person=subject.person).delete()
    _empty_messages([pk for pk, _ in messages], subject)
    _empty_orders(orders, subject)
    for customer in customers:
        Customer.objects.filter(pk=customer.pk).update(
            external_id=stand_in(customer.source, customer.external_id),
            email="", first_name="", last_name="", person="", time_zone="", is_erased=True,
        )  # fmt: skip
    return went


def _empty_messages(ids: list[uuid.UUID], subject: Subject) -> None:
    messages = Message.objects.filter(pk__in=ids)
    for message in messages.only("pk", "asserted"):
        kept = {name: message.asserted[name] for name in _ASSERTED if name in message.asserted}
        Message.objects.filter(pk=message.pk).update(asserted=kept)
    messages.exclude(state__in=_OUR_WORDS).update(state_reason="")
    messages.update(person=subject.alias, provider_msg_id="")
    MessageStep.objects.filter(message__in=ids).exclude(to_state__in=_OUR_WORDS).update(reason="")
    SendAttempt.objects.filter(message__in=ids).update(error="", provider_msg_id="")
    DeliveryEvent.objects.filter(message__in=ids).update(reason="")


def _empty_orders(ids: list[int], subject: Subject) -> None:
    OrderNote.objects.filter(order__in=ids).delete()
    NextUpdate.objects.filter(order__in=ids).update(note="")
    _empty_reports(ids)
    Order.objects.filter(pk__in=ids).update(ship_to_region="")
    # A link carries how many revocations there were of the order and of its customer, who is nobody from now on.
    of_person = LinkRevocation.objects.filter(order=None, person=subject.person).count()
    at = clock.now()
    LinkRevocation.objects.bulk_create(
        LinkRevocation(order_id=pk, at=at, is_by_customer=False) for pk in ids for _ in range(of_person + 1)
    )


def _empty_reports(orders: list[int]) -> None:
    """Each stays what it is when the same is told again without its words; those that only words told apart are one."""
    known: set[tuple[int, str]] = set()
    for event in TrackingEvent.objects.filter(shipment__order__in=orders).order_by("pk"):
        fingerprint = Scan(event.state, event.at, raw_status=event.raw_status).fingerprint
        if (event.shipment_id, fingerprint) in known:
            event.delete()
            continue
        known.add((event.shipment_id, fingerprint))
        TrackingEvent.objects.filter(pk=event.pk).update(fingerprint=fingerprint, text="", place="")


def _export(subject: Subject) -> dict[str, Any]:
    orders = [
        {
            "source": order.source,
            "number": order.number,
            "placed_at": order.placed_at,
            "promised_deliver_by": order.promised_deliver_by,
            "cancelled_at": order.cancelled_at,
            "ship_to": " ".join(filter(None, (order.ship_to_country, order.ship_to_region))),
            "products": list(order.lines.values("title", "quantity")),
            "parcels": [
                {
                    "carrier": parcel.carrier,
                    "tracking_no": parcel.tracking_no,
                    "state": parcel.state,
                    "delivered_at": parcel.delivered_at,
                    "reports": list(parcel.events.values("at", "state", "text", "place")),
                }
                for parcel in order.shipments.order_by("pk")
            ],
            "notes": list(order.notes.values("at", "text")),
            "promised_updates": list(order.next_updates.values("made_at", "due_at", "note")),
        }
        for order in _orders(subject).order_by("placed_at", "pk")
    ]
    fields = ("source", "external_id", "email", "first_name", "last_name", "locale", "time_zone")
    messages = _messages(subject).order_by("eligible_at")
    told = ("rule__name", "episode__shipment__order__number", "eligible_at", "state", "state_reason", "sent_at", "arm")
    return {
        "customers.json": list(_customers(subject).order_by("pk").values(*fields)),
        "orders.json": orders,
        "messages.json": list(messages.values(*told)),
        "mails.json": list(_outbox(subject).order_by("sent_at").values("sent_at", "to_address", "subject", "text")),
    }


PART = Part(
    name="orders",
    title="Orders and messages",
    count=_count,
    erase=_erase,
    traits=_traits,
    stop=_stop,
    export=_export,
)
