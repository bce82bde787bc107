"""One message out: claim, intent, guard, request, outcome.

Nothing here trusts the worker to live on: what it holds runs out by the database's clock, and settling.py takes over.
"""

from __future__ import annotations

import logging
import random
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, Q, QuerySet
from django.db.models.functions import Now

from core import clock
from notifications import attempts, composing, pausing, states, suppression
from notifications.models import Message, MessageState, SendAttempt, SendOutcome
from notifications.providers.base import Accepted, DeliveryError, Fate, Mail, Provider
from notifications.states import Event

logger = logging.getLogger("preempt.sending")

CIRCUIT_SECONDS = 60.0  # between two looks at a provider that takes nothing of ours (a bad key, say)
_LONGEST_BACKOFF = 900.0


class Outcome(StrEnum):
    """What became of one claimed message."""

    ACCEPTED = "accepted"
    RETRY = "retry"  # not sent; ready again, later
    PAUSED = "paused"  # not sent; the provider takes nothing for now
    REJECTED = "rejected"
    LOST = "lost"  # unknown
    SUPPRESSED = "suppressed"
    STALE = "stale"
    CANCELLED = "cancelled"
    FAILED = "failed"  # could not be made into a mail
    TAKEN_BACK = "taken_back"  # it was no longer ours


@dataclass(frozen=True)
class Claim:
    """A message that is this worker's until the lease runs out or somebody claims it with a higher epoch."""

    message_id: uuid.UUID
    epoch: int
    person: str


@dataclass(frozen=True)
class Intent:
    """The committed decision to hand this mail over, once."""

    claim: Claim
    attempt: int
    tries: int  # attempts that count, this one included
    mail: Mail
    began: float  # time.monotonic() before the transaction


def claim(lane: str, *, limit: int, provider: Provider) -> list[Claim]:
    """Take up to `limit` ready messages of a lane, oldest first. None while the provider is paused."""
    if pausing.is_paused(provider.name):
        return []
    with transaction.atomic():
        due = Message.objects.filter(
            Q(retry_after=None) | Q(retry_after__lte=Now()),
            lane=lane,
            state=MessageState.READY,
            # Story time, by the database's clock: a worker whose own clock is wrong sends nothing early or late.
            not_before__lte=Now() + clock.shift(),
        )
        ids = list(
            due.order_by("not_before", "pk").select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit]
        )
        if not ids:
            return []
        states.move(
            Message.objects.filter(pk__in=ids),
            Event.CLAIM,
            lease_until=Now() + timedelta(seconds=settings.SEND_LEASE_SECONDS),
            lease_epoch=F("lease_epoch") + 1,
        )
        claimed = Message.objects.filter(pk__in=ids).order_by("not_before", "pk")
        return [Claim(*row) for row in claimed.values_list("pk", "lease_epoch", "person")]


def give_back(claims: list[Claim]) -> None:
    """Make claimed messages ready again at once: this worker will not send them."""
    for one in claims:
        states.move(_mine(one), Event.GIVE_BACK, lease_until=None)


def send(one: Claim, *, provider: Provider) -> Outcome:
    """Send one claimed message, at most once, and record what became of it."""
    intent = intend(one, provider=provider)
    if isinstance(intent, Outcome):
        return intent
    if time.monotonic() - intent.began > settings.SEND_LEASE_SECONDS:
        # This process slept (stopped, swapped out). Its lease has enough left for a request only if it starts now;
        # nothing was posted, and that is certain.
        return _not_sent(intent, error="the worker slept past its lease before the request", wait=0.0)
    try:
        accepted = provider.deliver(intent.mail)
    except DeliveryError as error:
        return _failed(intent, error, provider=provider)
    return _accepted(intent, accepted, provider=provider)


def intend(one: Claim, *, provider: Provider) -> Intent | Outcome:
    """Check once more that this may be sent and commit the decision, or say why not."""
    began = time.monotonic()
    now = clock.now()
    with transaction.atomic():
        # Before the message's row; see suppression.lock_person.
        suppression.lock_person(one.person, is_shared=True)
        message = (
            _mine(one)
            .filter(state=MessageState.CLAIMED)
            .select_for_update(of=("self",))
            .select_related("rule", "customer", "episode__shipment__order")
            .first()
        )
        if message is None:
            return Outcome.TAKEN_BACK
        if (refused := _refuse(message, now=now)) is not None:
            event, reason, outcome = refused
            states.move(_mine(one), event, state_reason=reason, lease_until=None)
            return outcome
        attempt = 1 + (message.send_attempts.aggregate(last=Max("n"))["last"] or 0)
        try:
            mail = composing.compose(message, attempt=attempt)
        except composing.CannotCompose as error:
            logger.error("cannot compose", extra={"message_id": str(one.message_id), "why": str(error)})
            states.move(_mine(one), Event.FAIL, state_reason=str(error)[:200], lease_until=None)
            return Outcome.FAILED
        SendAttempt.objects.create(message=message, n=attempt, provider=provider.name)
        # The lease covers the guard's patience and then the longest request.
        lease = timedelta(seconds=settings.SEND_LEASE_SECONDS + provider.capabilities.timeout_seconds)
        states.move(
            _mine(one),
            Event.INTEND,
            lease_until=Now() + lease,
            attempts=F("attempts") + 1,
            provider=provider.name,
            state_reason="",
        )
        return Intent(one, attempt, message.attempts + 1, mail, began)


def _refuse(message: Message, *, now: datetime) -> tuple[Event, str, Outcome] | None:
    """Why a claimed message must not be sent after all, or None."""
    if reason := suppression.reason_not_to_write(message.person, scope=message.rule.kind):
        return Event.SUPPRESS, reason, Outcome.SUPPRESSED
    if not message.rule.is_active:
        return Event.CANCEL, "the rule was switched off", Outcome.CANCELLED
    if not composing.is_still_true(message, message.episode.shipment, now=now):
        return Event.OUTDATE, message.episode.close_reason or "no longer true", Outcome.STALE
    if message.expires_at <= now:
        return Event.OUTDATE, "too late to be of use", Outcome.STALE
    return None


def _accepted(intent: Intent, accepted: Accepted, *, provider: Provider) -> Outcome:
    attempts.accept(
        intent.claim.message_id, intent.attempt, Event.TAKEN, provider_msg_id=accepted.provider_msg_id, at=clock.now()
    )
    pausing.note_success(provider.name)
    return Outcome.ACCEPTED


def _failed(intent: Intent, error: DeliveryError, *, provider: Provider) -> Outcome:
    logger.warning(
        "not accepted",
        extra={
            "message_id": str(intent.claim.message_id),
            "attempt": intent.attempt,
            "fate": error.fate.value,
            "why": str(error),
        },
    )
    match error.fate:
        case Fate.NOT_SENT:
            pausing.note_failure(provider.name, reason=str(error))
            return _not_sent(intent, error=str(error), wait=_backoff(intent.tries))
        case Fate.BUSY if error.retry_after is not None:
            pausing.pause(provider.name, seconds=error.retry_after, reason=str(error))
            return _not_sent(intent, error=str(error), wait=error.retry_after)
        case Fate.BUSY:
            pausing.note_failure(provider.name, reason=str(error))
            return _not_sent(intent, error=str(error), wait=_backoff(intent.tries))
        case Fate.CIRCUIT:
            pausing.pause(provider.name, seconds=CIRCUIT_SECONDS, reason=str(error))
            _not_sent(intent, error=str(error), wait=0.0, counts=False)
            return Outcome.PAUSED
        case Fate.REJECTED | Fate.TOO_LARGE:
            _close(intent, Event.REJECT, SendOutcome.REJECTED, error=str(error))
            return Outcome.REJECTED
        case Fate.UNKNOWN:
            pausing.note_failure(provider.name, reason=str(error))
            _close(intent, Event.LOSE, SendOutcome.UNKNOWN, error=str(error))
            return Outcome.LOST


def _not_sent(intent: Intent, *, error: str, wait: float, counts: bool = True) -> Outcome:
    """Ready again, `wait` seconds from now. An attempt that does not count leaves the backoff as it was."""
    _close(
        intent,
        Event.NOT_SENT,
        SendOutcome.NOT_SENT,
        error=error,
        retry_after=Now() + timedelta(seconds=wait),
        attempts=F("attempts") - (0 if counts else 1),
    )
    return Outcome.RETRY


def _close(intent: Intent, event: Event, outcome: SendOutcome, *, error: str, **changes: object) -> None:
    with transaction.atomic():
        states.move(_mine(intent.claim), event, lease_until=None, state_reason=error[:200], **changes)
        attempts.close(intent.claim.message_id, intent.attempt, outcome, error=error)


def _backoff(tries: int) -> float:
    """Full jitter: anything up to twice as long as before, at most a quarter of an hour."""
    return random.uniform(0, min(_LONGEST_BACKOFF, 2.0 ** min(tries, 10) * 2))  # noqa: S311 - not a secret


def _mine(one: Claim) -> QuerySet[Message]:
    return Message.objects.filter(pk=one.message_id, lease_epoch=one.epoch)
