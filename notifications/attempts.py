"""What became of each attempt to send: at most one accepted per message, and a second one is told, never hidden."""

from __future__ import annotations

import logging
import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now

from notifications import states
from notifications.models import Message, SendAttempt, SendOutcome
from notifications.states import Event

logger = logging.getLogger("preempt.sending")

_SETTLED = (SendOutcome.ACCEPTED, SendOutcome.DUPLICATE)


def accept(
    message_id: uuid.UUID, attempt: int, event: Event, *, at: datetime, provider_msg_id: str = "", reason: str = ""
) -> bool:
    """The provider has this attempt's mail: `event` says how far it came. True if the message's state moved.

    It needs no lease: the provider's word is true whoever holds the message. `at` is story time.
    """
    with transaction.atomic():
        # The row's lock makes "is another attempt accepted?" below a safe question.
        if not Message.objects.select_for_update(of=("self",)).filter(pk=message_id).exists():
            return False
        others = SendAttempt.objects.filter(message=message_id, outcome=SendOutcome.ACCEPTED).exclude(n=attempt)
        if others.exists():
            if close(message_id, attempt, SendOutcome.DUPLICATE, provider_msg_id=provider_msg_id):
                logger.error("sent twice", extra={"message_id": str(message_id), "attempt": attempt})
        else:
            close(message_id, attempt, SendOutcome.ACCEPTED, provider_msg_id=provider_msg_id)
        message = Message.objects.filter(pk=message_id)
        changes = {"provider_msg_id": provider_msg_id} if provider_msg_id else {}
        return bool(
            states.move(
                message,
                event,
                state_reason=reason[:200],
                lease_until=None,
                sent_at=Coalesce(F("sent_at"), at),
                **changes,
            )
        )


def close(
    message_id: uuid.UUID, attempt: int, outcome: SendOutcome, *, error: str = "", provider_msg_id: str = ""
) -> bool:
    """Store an attempt's outcome. What was accepted stays accepted. False where nothing changed."""
    changes = {"provider_msg_id": provider_msg_id[:200]} if provider_msg_id else {}
    return bool(
        SendAttempt.objects.filter(message=message_id, n=attempt)
        .exclude(outcome__in=_SETTLED)
        .update(outcome=outcome, error=error[:300], finished_at=Now(), **changes)
    )


def duplicates() -> int:
    """How many mails are known to have gone out twice."""
    return SendAttempt.objects.filter(outcome=SendOutcome.DUPLICATE).count()
