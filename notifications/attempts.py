"""What became of each attempt to send: at most one accepted per message, and a second one is told, never hidden."""

from __future__ import annotations

import logging
import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F, Max
from django.db.models.functions import Coalesce, Now

from core.lookups import array
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
            [SendOutcome.OPEN, provider, array([one for one, _ in attempts]), array([n for _, n in attempts])],
        )


@dataclass(frozen=True)
class Taken:
    """The provider's word that it has the mail of an attempt; `event` says how far it came."""

    message_id: uuid.UUID
    attempt: int
    provider_msg_id: str = ""
    event: Event = Event.TAKEN
    reason: str = ""  # with a refusal


def accept_all(taken: Sequence[Taken], *, at: datetime) -> None:
    """accept() for many messages, each once: together, but for those that somebody else holds now.

    One that is held is waited for alone: who waits while holding others could be waited for in turn.
    """
    done = _accept_free(taken, at=at) if len(taken) > 1 else set()
    for one in taken:
        if one.message_id not in done:
            accept(one, at=at)


def _accept_free(taken: Sequence[Taken], *, at: datetime) -> set[uuid.UUID]:
    """Those of which nobody held the row."""
    with transaction.atomic():
        rows = Message.objects.select_for_update(of=("self",), skip_locked=True)
        free = set(rows.filter(pk__any_of={one.message_id for one in taken}).values_list("pk", flat=True))
        note([one for one in taken if one.message_id in free], at=at)
    return free


def accept(taken: Taken, *, at: datetime) -> bool:
    """The provider has this attempt's mail. True if the message's state moved.

    It needs no lease: the provider's word is true whoever holds the message. `at` is story time.
    """
    with transaction.atomic():
        if not Message.objects.select_for_update(of=("self",)).filter(pk=taken.message_id).exists():
            return False
        return bool(note([taken], at=at))


def note(taken: Sequence[Taken], *, at: datetime) -> int:
    """Write down the provider's word, in the order in which it came. Returns how many messages moved.

    The messages' rows are the caller's until its transaction ends: that makes "is another attempt accepted?" a safe
    question.
    """
    if not taken:
        return 0
    _close_taken(taken)
    return sum(_move(event, words, at=at) for event, words in _furthest(taken).items())


def _close_taken(taken: Sequence[Taken]) -> None:
    """Of each message the first attempt that the provider has is accepted; any other is a duplicate."""
    rows = SendAttempt.objects.filter(message__any_of={one.message_id for one in taken}).order_by()
    outcomes = {(message_id, n): outcome for message_id, n, outcome in rows.values_list("message_id", "n", "outcome")}
    accepted = {message_id: n for (message_id, n), outcome in outcomes.items() if outcome == SendOutcome.ACCEPTED}
    said: dict[tuple[SendOutcome, int], dict[uuid.UUID, str | None]] = defaultdict(dict)
    for one in taken:
        if outcomes.get((one.message_id, one.attempt), SendOutcome.ACCEPTED) in _SETTLED:
            continue  # or there is no such attempt
        is_first = accepted.setdefault(one.message_id, one.attempt) == one.attempt
        same = said[SendOutcome.ACCEPTED if is_first else SendOutcome.DUPLICATE, one.attempt]
        same.setdefault(one.message_id, one.provider_msg_id[:200] or None)
    for (outcome, n), ids in said.items():
        unsettled = SendAttempt.objects.filter(message__any_of=ids, n=n).exclude(outcome__in=_SETTLED)
        unsettled.update(
            outcome=outcome, error="", finished_at=Now(), provider_msg_id=_each_or_kept(ids, key="message")
        )
        if outcome == SendOutcome.DUPLICATE:
            for message_id in ids:
                logger.error("sent twice", extra={"message_id": str(message_id), "attempt": n})


def _furthest(taken: Sequence[Taken]) -> dict[Event, dict[uuid.UUID, Taken]]:
    """What was said of each message that is furthest by rank, by the event: it moves whatever the others would."""
    best: dict[uuid.UUID, Taken] = {}
    for one in taken:
        known = best.get(one.message_id)
        if known is None or states.RANK[one.event] > states.RANK[known.event]:
            best[one.message_id] = replace(
                one, provider_msg_id=one.provider_msg_id or (known.provider_msg_id if known else "")
            )
    by_event: dict[Event, dict[uuid.UUID, Taken]] = defaultdict(dict)
    for one in best.values():
        by_event[one.event][one.message_id] = one
    return by_event


def _move(event: Event, words: dict[uuid.UUID, Taken], *, at: datetime) -> int:
    reasons = {message_id: one.reason[:200] for message_id, one in words.items()}
    return states.move(
        Message.objects.filter(pk__any_of=words),
        event,
        state_reason=states.each(reasons) if any(reasons.values()) else "",
        lease_until=None,
        sent_at=Coalesce(F("sent_at"), at),
        provider_msg_id=_each_or_kept({pk: one.provider_msg_id[:200] or None for pk, one in words.items()}),
    )


def _each_or_kept(ids: dict[uuid.UUID, str | None], *, key: str = "pk") -> Coalesce:
    """Each row's own provider_msg_id; where none was said, that which it has."""
    return Coalesce(states.each(ids, key=key), F("provider_msg_id"))


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
