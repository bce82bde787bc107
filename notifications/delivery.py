"""The mail provider's events back: stored raw first, then read into facts, message states and suppressions."""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Mapping
from dataclasses import replace

from django.db import transaction

from core import clock
from core.people import person_key
from notifications import attempts, doorbell, suppression
from notifications.models import (
    DeliveryEvent,
    InboundDelivery,
    InboundSeen,
    InboundState,
    Message,
    SuppressionReason,
)
from notifications.providers import sendgrid
from notifications.providers.base import BadEvent, DeliveryKind, ProviderEvent
from notifications.states import Event

logger = logging.getLogger("preempt.delivery")

MOST_TRIES = 3
# Whatever a provider reports about a mail, it says that it has it.
_EVENT_OF = {
    DeliveryKind.DELIVERED: Event.DELIVERED,
    DeliveryKind.OPENED: Event.DELIVERED,
    DeliveryKind.CLICKED: Event.DELIVERED,
    DeliveryKind.COMPLAINED: Event.DELIVERED,
    DeliveryKind.UNSUBSCRIBED: Event.DELIVERED,
    DeliveryKind.BOUNCED: Event.BOUNCED,
    DeliveryKind.DROPPED: Event.DROPPED,
}
_PARSE = {sendgrid.NAME: sendgrid.parse_events}


def store(source: str, body: bytes, *, headers: Mapping[str, str]) -> bool:
    """Keep a verified delivery as it came, before it is answered. False if these very bytes are here already."""
    sha256 = hashlib.sha256(body).hexdigest()
    with transaction.atomic():
        _, is_new = InboundSeen.objects.get_or_create(source=source, dedupe_id=sha256)
        if not is_new:
            return False
        InboundDelivery.objects.create(source=source, headers=dict(headers), body=body, sha256=sha256)
        doorbell.ring_inbound()
        return True


def read_inbound() -> int:
    """Read every stored delivery that is new, oldest first. Returns how many were read."""
    read = 0
    last = 0
    while (pk := _read_next(after=last)) is not None:
        read += 1
        last = pk
    return read


def _read_next(*, after: int) -> int | None:
    with transaction.atomic():
        inbound = (
            InboundDelivery.objects.select_for_update(skip_locked=True)
            .filter(state=InboundState.NEW, pk__gt=after, source__in=_PARSE)
            .order_by("pk")
            .first()
        )
        if inbound is None:
            return None
        try:
            with transaction.atomic():
                bad = _read(inbound)
        except Exception as error:
            logger.exception("an inbound delivery could not be read", extra={"inbound": inbound.pk})
            inbound.tries += 1
            inbound.error = f"{type(error).__name__}: {error}"[:2000]
            if inbound.tries >= MOST_TRIES:
                inbound.state = InboundState.QUARANTINED
        else:
            # A row that cannot be read today cannot be read tomorrow either; a person must look.
            inbound.state = InboundState.QUARANTINED if bad else InboundState.DONE
            inbound.error = "\n".join(f"row {row.index}: {row.reason}" for row in bad)[:2000]
        inbound.save(update_fields=["state", "tries", "error"])
        if inbound.state == InboundState.DONE:
            _empty(inbound)
        return inbound.pk


def _read(inbound: InboundDelivery) -> list[BadEvent]:
    """Take in every good row; the bad ones are returned."""
    bad: list[BadEvent] = []
    for event in _PARSE[inbound.source](bytes(inbound.body)):
        if isinstance(event, BadEvent):
            logger.error("bad event", extra={"inbound": inbound.pk, "row": event.index, "why": event.reason})
            bad.append(event)
        else:
            record(event)
    return bad


def _empty(inbound: InboundDelivery) -> None:
    """What was reported of people who asked to be forgotten is not kept as it came."""
    events = _PARSE[inbound.source](bytes(inbound.body))
    ids = {event.message_id for event in events if isinstance(event, ProviderEvent) and event.message_id}
    if Message.objects.filter(pk__in=ids, customer__is_erased=True).exists():
        InboundDelivery.objects.filter(pk=inbound.pk).update(body=b"", headers={})


def record(event: ProviderEvent) -> bool:
    """Take in one event: the fact, who must not be written to, the message's state by rank. False if known."""
    with transaction.atomic():
        about = Message.objects.select_related("customer")
        message = about.filter(pk=event.message_id).first() if event.message_id else None
        is_erased = message is not None and message.customer.is_erased
        if is_erased:
            event = replace(event, reason="", provider_msg_id="")
        _, is_new = DeliveryEvent.objects.get_or_create(
            provider=event.provider,
            event_id=event.event_id,
            defaults={
                "message": message,
                "attempt": event.attempt,
                "kind": event.kind.value,
                "at": event.at,
                "reason": event.reason[:300],
            },
        )
        if not is_new:
            return False
        # Before the message's row is locked; see suppression.lock_person.
        if (why := _why_suppress(event)) is not None:
            # An erased person's messages do not say whose they were; the address that we must not write to does.
            person = message.person if message and not is_erased else person_key(event.address)
            suppression.suppress(person, scope=suppression.ALL, reason=why, at=event.at)
        if message is not None:
            attempts.accept(
                message.pk,
                event.attempt or _last_attempt(message.pk),
                _EVENT_OF.get(event.kind, Event.TAKEN),
                at=clock.now(),
                provider_msg_id=event.provider_msg_id,
                reason=event.reason if event.kind in (DeliveryKind.BOUNCED, DeliveryKind.DROPPED) else "",
            )
        return True


def _last_attempt(message_id: uuid.UUID) -> int:
    last = Message.objects.get(pk=message_id).send_attempts.last()
    return last.n if last else 0


def _why_suppress(event: ProviderEvent) -> SuppressionReason | None:
    """Whether this event means that we must not write to the address again."""
    if event.kind is DeliveryKind.COMPLAINED:
        return SuppressionReason.COMPLAINED
    if event.kind is DeliveryKind.UNSUBSCRIBED:
        return SuppressionReason.UNSUBSCRIBED
    if event.kind in (DeliveryKind.BOUNCED, DeliveryKind.DROPPED) and event.permanent:
        return SuppressionReason.BOUNCED
    return None
