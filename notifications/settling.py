"""Takes over from workers that died, and finds out what became of mails whose answer was lost."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from core import clock
from notifications import attempts, providers, states
from notifications.attempts import Taken
from notifications.models import (
    AmbiguityPolicy,
    DeliveryEvent,
    InboundDelivery,
    InboundState,
    Message,
    MessageState,
    SendAttempt,
    SendOutcome,
)
from notifications.states import Event

# A silence means something only if the provider reported on others who were handed over at the same time.
WITNESSES = 5
NEARBY = timedelta(seconds=60)
# SendGrid repeats its reports for 24 hours. After that nothing more will be heard.
DEADLINE = timedelta(hours=24)
GIVEN_UP = "never settled; this rule then never sends again"


@dataclass
class Settled:
    """What one reaping did."""

    given_back: int = 0  # claims that ran out
    lost: int = 0  # requests that nobody came back from
    found: int = 0  # lost ones that the provider turned out to have
    resent: int = 0
    given_up: int = 0


def reap() -> Settled:
    """Everything whose lease has run out, then everything unknown for long enough. By the database's clock."""
    settled = Settled()
    expired = Message.objects.filter(lease_until__lt=Now())
    # Claimed and nothing more: provably unsent.
    settled.given_back = states.move(expired, Event.GIVE_BACK, lease_until=None)
    # The request may have gone out: never ready again by itself.
    for message_id in expired.filter(state=MessageState.SENDING).values_list("pk", flat=True):
        settled.lost += _lose(message_id)
    for attempt in _unknown():
        _settle(attempt, settled)
    return settled


def _lose(message_id: uuid.UUID) -> int:
    with transaction.atomic():
        message = Message.objects.filter(pk=message_id, lease_until__lt=Now())
        moved = states.move(message, Event.LOSE, lease_until=None, state_reason="the worker died while handing it over")
        if moved:
            SendAttempt.objects.filter(message=message_id, outcome=SendOutcome.OPEN).update(
                outcome=SendOutcome.UNKNOWN, error="the worker's lease ran out", finished_at=Now()
            )
        return moved


def _unknown() -> list[SendAttempt]:
    """The last attempt of each unknown message, `is_due` where it has been unknown for UNKNOWN_AFTER_SECONDS."""
    later = SendAttempt.objects.filter(message=OuterRef("message"), n__gt=OuterRef("n"))
    patience = timedelta(seconds=settings.UNKNOWN_AFTER_SECONDS)
    return list(
        SendAttempt.objects.filter(~Exists(later), message__state=MessageState.UNKNOWN)
        .annotate(
            is_due=Q(started_at__lte=Now() - patience),
            is_past_deadline=Q(started_at__lte=Now() - DEADLINE),
        )
        .select_related("message__rule")
    )


def _settle(attempt: Any, settled: Settled) -> None:
    """`attempt` is one of _unknown()."""
    message = Message.objects.filter(pk=attempt.message_id)
    provider = providers.by_name(attempt.provider)
    it_has = provider.has(str(attempt.message_id), attempt.n) if provider else None
    if it_has or DeliveryEvent.objects.filter(message=attempt.message_id, attempt=attempt.n).exists():
        settled.found += attempts.accept(Taken(attempt.message_id, attempt.n), at=clock.now())
    elif it_has is False:
        settled.resent += _resend(message, "the provider does not have it")
    elif attempt.is_due and _has_witnesses(attempt):
        settled.resent += _resend(message, "the provider reported on others and not on this one")
    elif attempt.is_past_deadline:
        if attempt.message.rule.ambiguity_policy == AmbiguityPolicy.NEVER_LOST:
            settled.resent += _resend(message, "never settled; this rule then sends again")
        else:
            settled.given_up += states.move(message, Event.GIVE_UP, state_reason=GIVEN_UP)


def _resend(message: QuerySet[Message], why: str) -> int:
    return states.move(message, Event.RESEND, retry_after=None, state_reason=why)


def _has_witnesses(attempt: SendAttempt) -> bool:
    """Whether the provider reported on enough other messages that were handed over at about the same moment.

    Not while a report that came since is unread: it may be about this very message.
    """
    unread = InboundDelivery.objects.filter(state__in=[InboundState.NEW, InboundState.QUARANTINED])
    if unread.filter(source=attempt.provider, received_at__gte=attempt.started_at).exists():
        return False
    reported = DeliveryEvent.objects.filter(message=OuterRef("message"), attempt=OuterRef("n"))
    nearby = (
        SendAttempt.objects.filter(
            Exists(reported),
            provider=attempt.provider,
            started_at__range=(attempt.started_at - NEARBY, attempt.started_at + NEARBY),
        )
        .exclude(message=attempt.message_id)
        .values("message")
        .distinct()
    )
    return len(nearby[:WITNESSES]) >= WITNESSES
