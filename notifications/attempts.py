"""What became of each attempt to send: at most one accepted per message, and a second one is told, never hidden."""

from __future__ import annotations

import logging
import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F, Max
from django.db.models.functions import Coalesce, Now

from notifications import states
from notifications.models import Message, SendAttempt, SendOutcome
from notifications.states import Event

logger = logging.getLogger("preempt.sending")

_SETTLED = (SendOutcome.ACCEPTED, SendOutcome.DUPLICATE)


def last_of(messages: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """The number of each message's last attempt, 0 where there is none."""
    found = SendAttempt.objects.filter(message__any_of=messages).order_by().values("message").annotate(last=Max("n"))
    return {**dict.fromkeys(messages, 0), **{row["message"]: row["last"] for row in found}}


def begin(attempts: Sequence[tuple[uuid.UUID, int]], *, provider: str) -> None:
    """The intents to hand these messages over, each by its id and the attempt's number."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO notifications_sendattempt (message_id, n, outcome, provider, provider_msg_id, error)
            SELECT message_id, n, %s, %s, '', '' FROM unnest(%s::uuid[], %s::int[]) AS a (message_id, n)
            """,
            [SendOutcome.OPEN, provider, [one for one, _ in attempts], [n for _, n in attempts]],
        )


@dataclass(frozen=True)
class Taken:
    """The provider's word that it has the mail of an attempt."""

    message_id: uuid.UUID
    attempt: int
    provider_msg_id: str


def accept_all(taken: Sequence[Taken], *, at: datetime) -> None:
    """accept() for many messages, each once, by Event.TAKEN: together, but for those that somebody else holds now.

    One that is held is waited for alone: who waits while holding others could be waited for in turn.
    """
    done = _accept_free(taken, at=at) if len(taken) > 1 else set()
    for one in taken:
        if one.message_id not in done:
            accept(one.message_id, one.attempt, Event.TAKEN, at=at, provider_msg_id=one.provider_msg_id)


def _accept_free(taken: Sequence[Taken], *, at: datetime) -> set[uuid.UUID]:
    """Those of which nobody held the row, and of which the provider had said nothing before."""
    wanted = {one.message_id: one for one in taken}
    with transaction.atomic():
        rows = Message.objects.select_for_update(of=("self",), skip_locked=True).filter(pk__any_of=wanted)
        free = set(rows.values_list("pk", flat=True))
        settled = SendAttempt.objects.filter(message__any_of=free, outcome__in=_SETTLED)
        free -= set(settled.values_list("message_id", flat=True))
        said = {message_id: wanted[message_id].provider_msg_id[:200] for message_id in free}
        by_n: dict[int, list[uuid.UUID]] = defaultdict(list)
        for message_id in free:
            by_n[wanted[message_id].attempt].append(message_id)
        for n, messages in by_n.items():
            SendAttempt.objects.filter(message__any_of=messages, n=n).update(
                outcome=SendOutcome.ACCEPTED,
                error="",
                finished_at=Now(),
                provider_msg_id=states.Each(said, key="message"),
            )
        states.move(
            Message.objects.filter(pk__any_of=free),
            Event.TAKEN,
            state_reason="",
            lease_until=None,
            sent_at=Coalesce(F("sent_at"), at),
            provider_msg_id=states.Each(said),
        )
    return free


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
