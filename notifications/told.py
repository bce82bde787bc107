"""What customers have really been told of trouble: what "delayed again", "back on track" and "we were wrong" follow."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date

from django.db.models import QuerySet

from notifications.models import Message, MessageState
from notifications.occasions import ALARMS, ALL_CLEAR

_TAKEN = (MessageState.ACCEPTED, MessageState.DELIVERED)
_IN_FLIGHT = (MessageState.CLAIMED, MessageState.SENDING, MessageState.UNKNOWN)


def sent(shipments: Collection[int]) -> QuerySet[Message]:
    """The alarms about these parcels that a provider took and no mailbox refused, and what took them back."""
    return Message.objects.filter(
        episode__shipment__any_of=shipments,
        episode__kind__in=[*ALARMS, *ALL_CLEAR],
        state__in=_TAKEN,
        sent_at__isnull=False,
    ).select_related("episode")


def standing(messages: Iterable[Message]) -> Message | None:
    """The last of these alarms, all about one parcel; None where a later mail has taken it back."""
    last = max(messages, key=lambda one: (one.sent_at, one.pk), default=None)
    return last if last is not None and last.episode.kind in ALARMS else None


def in_flight(shipments: Collection[int]) -> set[int]:
    """Of these parcels those with an alarm of which nobody knows yet whether it goes out."""
    return set(
        Message.objects.filter(
            episode__shipment__any_of=shipments, episode__kind__in=list(ALARMS), state__in=_IN_FLIGHT
        ).values_list("episode__shipment", flat=True)
    )


def day_named(message: Message) -> date | None:
    """The day that a mail said the parcel would come."""
    named = message.asserted.get("expected_by")
    return date.fromisoformat(named) if named else None
