"""What the provider's answer, or its silence, means for one message: accepted, tried again, refused, or unknown."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from core import clock
from notifications import attempts, buckets, pausing, states
from notifications.attempts import Taken
from notifications.intents import Intent, Outcome, mine
from notifications.models import SendOutcome
from notifications.providers.base import Accepted, DeliveryError, Fate, Provider
from notifications.states import Event

logger = logging.getLogger("preempt.sending")

CIRCUIT_SECONDS = 60.0  # between two looks at a provider that takes nothing of ours (a bad key, say)
_LONGEST_BACKOFF = 900.0


def accepted(answered: Sequence[tuple[Intent, Accepted]], *, provider: Provider) -> list[Outcome]:
    """The provider has these."""
    if answered:
        taken = [Taken(intent.claim.message_id, intent.attempt, answer.provider_msg_id) for intent, answer in answered]
        attempts.accept_all(taken, at=clock.now())
        pausing.note_success(provider.name)
    return [Outcome.ACCEPTED] * len(answered)


def failed(intent: Intent, error: DeliveryError, *, provider: Provider) -> Outcome:
    """The provider has it not, or nobody can tell: by the Fate that the adapter found."""
    [outcome] = failed_together([intent], error, provider=provider)
    return outcome


def failed_together(intents: Sequence[Intent], error: DeliveryError, *, provider: Provider) -> list[Outcome]:
    """The same for all mails of one request. It counts as one failure of the provider."""
    _note(error, provider)
    return [_failed(intent, error) for intent in intents]


def slept(intent: Intent) -> Outcome:
    """The worker's lease may not last for a request any more; nothing was posted, and that is certain."""
    return _not_sent(intent, error="the worker slept past its lease before the request", wait=0.0)


def _note(error: DeliveryError, provider: Provider) -> None:
    """What the answer says of the provider, whichever mail it was about."""
    match error.fate:
        case Fate.NOT_SENT | Fate.UNKNOWN:
            pausing.note_failure(provider.name, reason=str(error))
        case Fate.BUSY:
            buckets.slow_down(provider.name)
            if error.retry_after is None:
                pausing.note_failure(provider.name, reason=str(error))
            else:
                pausing.pause(provider.name, seconds=error.retry_after, reason=str(error))
        case Fate.CIRCUIT:
            pausing.open_circuit(provider.name, seconds=CIRCUIT_SECONDS, reason=str(error))
        case Fate.REJECTED | Fate.TOO_LARGE | Fate.LATER:
            pausing.note_success(provider.name)  # it works; it is this mail that it does not want, or not now


def _failed(intent: Intent, error: DeliveryError) -> Outcome:
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
        case Fate.NOT_SENT | Fate.BUSY | Fate.LATER:
            wait = backoff(intent.tries) if error.retry_after is None else error.retry_after
            return _not_sent(intent, error=str(error), wait=wait)
        case Fate.CIRCUIT:
            _not_sent(intent, error=str(error), wait=0.0, counts=False)
            return Outcome.PAUSED
        case Fate.REJECTED | Fate.TOO_LARGE:
            _close(intent, Event.REJECT, SendOutcome.REJECTED, error=str(error))
            return Outcome.REJECTED
        case Fate.UNKNOWN:
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
        states.move(mine(intent.claim), event, lease_until=None, state_reason=error[:200], **changes)
        attempts.close(intent.claim.message_id, intent.attempt, outcome, error=error)


def backoff(tries: int) -> float:
    """Full jitter: anything up to twice as long as before, at most a quarter of an hour."""
    return random.uniform(0, min(_LONGEST_BACKOFF, 2.0 ** min(tries, 10) * 2))  # noqa: S311 - not a secret
