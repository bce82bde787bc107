"""Read queries about messages, for the desk's pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from notifications import attempts
from notifications.delays import Close
from notifications.models import (
    Episode,
    InboundDelivery,
    InboundState,
    Message,
    MessageState,
    ProviderPause,
    SuppressionReason,
)
from notifications.providers import sendgrid

# Why a message is stale, in words, by what is stored.
STALE: dict[str, Any] = {
    Close.DELIVERED: _lazy("the parcel had been delivered"),
    Close.RETURNED: _lazy("the parcel had gone back"),
    Close.READY_TO_COLLECT: _lazy("the parcel was ready to collect"),
    Close.CANCELLED: _lazy("the order had been cancelled"),
    Close.HANDED_OVER: _lazy("the carrier had the parcel"),
    Close.SUPERSEDED: _lazy("a message about the missed delivery took its place"),
    Close.NEW_PROMISE: _lazy("we had made a new promise"),
    Close.SCANNED_AGAIN: "the carrier had scanned it again",
    Close.MOVING_AGAIN: "the parcel was on its way again",
    Close.EXPECTED_IN_TIME: "it was expected in time again",
    "no longer true": _lazy("it was no longer true"),
    "too late to be of use": _lazy("it was too late to be of use"),
}


@dataclass(frozen=True)
class Alarms:
    """What somebody should look into. Every number can be zero."""

    sent_twice: int  # attempts known to be duplicates
    unknown: int  # messages of which nobody can tell yet whether they were sent
    quarantined: int  # reports of the provider that could not be read
    pauses: list[ProviderPause]  # in force or past; `until` tells


def alarms() -> Alarms:
    """The state of sending, for the head of the desk's page."""
    return Alarms(
        sent_twice=attempts.duplicates(),
        unknown=Message.objects.filter(state=MessageState.UNKNOWN).count(),
        quarantined=InboundDelivery.objects.filter(state=InboundState.QUARANTINED, source=sendgrid.NAME).count(),
        pauses=list(ProviderPause.objects.filter(until__gt=Now())),
    )


def messages(*, arm: str = "", rule: str = "", find: str = "") -> QuerySet[Message]:
    """Messages, newest first, of an arm and a rule (by key). `find` is an order's number or a person's key."""
    found = Message.objects.select_related("rule", "customer", "episode__shipment__order").order_by(
        "-eligible_at", "-pk"
    )
    if arm:
        found = found.filter(arm=arm)
    if rule:
        found = found.filter(rule__key=rule)
    if find:
        by_number = found.filter(episode__shipment__order__number__iexact=find)
        found = by_number if by_number.exists() else found.filter(person__startswith=find.lower())
    return found


def totals(found: QuerySet[Message]) -> dict[str, int]:
    """How many of `found` are in each state that occurs. They add up to found.count()."""
    counts = dict(found.order_by().values_list("state").annotate(number=Count("pk")))
    return {state: counts[state] for state in MessageState.values if state in counts}


def end_of(episode: Episode) -> str:
    """Why an episode is over, in the reader's language; empty while it goes on."""
    return str(STALE.get(episode.close_reason, episode.close_reason))


def reason_of(message: Message) -> str:
    """Why a message is in its state, in the reader's language; empty where the state says it all."""
    if message.state == MessageState.HELD_OUT:
        return _("%(share)d %% of customers are kept without this message, to measure its effect") % {
            "share": round(message.rule.holdout_share * 100)
        }
    return in_words(message.state, message.state_reason)


def in_words(state: str, reason: str) -> str:
    """A stored reason of a state, in the reader's language."""
    if state == MessageState.SUPPRESSED and reason in SuppressionReason.values:
        return _("the customer's address: %(why)s") % {"why": SuppressionReason(reason).label}
    if state == MessageState.STALE:
        return str(STALE.get(reason, reason))
    return reason
