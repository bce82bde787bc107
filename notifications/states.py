"""The life of a message as one complete table, and the only way to move along it: a conditional update."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from django.db.models import F, Func, QuerySet, TextField, Value
from django.db.models.functions import Cast

from notifications.models import Message, MessageState

S = MessageState


class Event(StrEnum):
    """What happens to a message."""

    CLAIM = "claim"  # a worker takes it
    GIVE_BACK = "give_back"  # nothing was sent: the claim ran out, or the worker cannot go on
    POSTPONE = "postpone"  # it may be sent, but not at this hour, or not while ops hold it
    INTEND = "intend"  # everything was checked again; the request to the provider comes next
    SUPPRESS = "suppress"  # we must not write to this address any more
    OUTDATE = "outdate"  # what it says is no longer true, or it is too late to say it
    CAP = "cap"  # this person has had enough messages for a day
    CANCEL = "cancel"  # its rule was switched off, or a member of staff took it back
    FAIL = "fail"  # it cannot be made into a mail
    NOT_SENT = "not_sent"  # the provider provably does not have it, and may be asked again
    REJECT = "reject"  # the provider will never take it
    LOSE = "lose"  # the answer was lost
    RESEND = "resend"  # settled: the lost one was never taken, or the rule says that doubt means sending again
    GIVE_UP = "give_up"  # never settled, and the rule says that doubt means not sending again
    # The provider's word, by its answer or by an event:
    TAKEN = "taken"
    DELIVERED = "delivered"
    DROPPED = "dropped"
    BOUNCED = "bounced"


# The provider's word moves a message by rank only: accepted < delivered < dropped < bounced. A refusal after a
# delivery is news; a delivery after a refusal is not.
_UNTOLD = (S.READY, S.CLAIMED, S.SENDING, S.UNKNOWN, S.FAILED, S.SUPPRESSED, S.STALE, S.CAPPED, S.CANCELLED)

# Each event leads to one state, from these. From any other state it changes nothing. The states in which nothing
# should be with the provider are in _UNTOLD too: an attempt whose answer was lost may come to light at any time.
MOVES: dict[Event, tuple[MessageState, tuple[MessageState, ...]]] = {
    Event.CLAIM: (S.CLAIMED, (S.READY,)),
    Event.GIVE_BACK: (S.READY, (S.CLAIMED,)),
    Event.POSTPONE: (S.READY, (S.CLAIMED,)),
    Event.INTEND: (S.SENDING, (S.CLAIMED,)),
    Event.SUPPRESS: (S.SUPPRESSED, (S.READY, S.CLAIMED)),
    Event.OUTDATE: (S.STALE, (S.READY, S.CLAIMED)),
    Event.CAP: (S.CAPPED, (S.CLAIMED,)),
    Event.CANCEL: (S.CANCELLED, (S.READY, S.CLAIMED)),
    Event.FAIL: (S.FAILED, (S.CLAIMED,)),
    Event.NOT_SENT: (S.READY, (S.SENDING, S.UNKNOWN)),
    Event.REJECT: (S.FAILED, (S.SENDING, S.UNKNOWN)),
    Event.LOSE: (S.UNKNOWN, (S.SENDING,)),
    Event.RESEND: (S.READY, (S.UNKNOWN,)),
    Event.GIVE_UP: (S.FAILED, (S.UNKNOWN,)),
    Event.TAKEN: (S.ACCEPTED, _UNTOLD),
    Event.DELIVERED: (S.DELIVERED, (*_UNTOLD, S.ACCEPTED)),
    Event.DROPPED: (S.DROPPED, (*_UNTOLD, S.ACCEPTED, S.DELIVERED)),
    Event.BOUNCED: (S.BOUNCED, (*_UNTOLD, S.ACCEPTED, S.DELIVERED, S.DROPPED)),
}

# Of several words about one message the furthest moves it, as all of them would one after the other.
RANK = {event: rank for rank, event in enumerate((Event.TAKEN, Event.DELIVERED, Event.DROPPED, Event.BOUNCED))}

NEXT: dict[tuple[MessageState, Event], MessageState] = {
    (state, event): target if state in sources else state
    for event, (target, sources) in MOVES.items()
    for state in MessageState
}


def move(messages: QuerySet[Message], event: Event, **changes: Any) -> int:
    """Move those of `messages` that `event` moves, in one conditional update. Returns how many that were."""
    target, sources = MOVES[event]
    return messages.filter(state__in=sources).update(state=target, **changes)


def each(texts: Mapping[uuid.UUID, str | None], *, key: str = "pk") -> Func | Value:
    """In an update of just these messages: the text of each row, by its message's id (`key`)."""
    if len(same := set(texts.values())) == 1:
        return Value(same.pop(), output_field=TextField())  # as in most campaigns: nothing to look up
    return _Each(texts, key=key)


class _Each(Func):
    """Another text for each row. Null for one that has none here."""

    arg_joiner = " ->> "
    template = "(%(expressions)s)"

    def __init__(self, texts: Mapping[uuid.UUID, str | None], *, key: str = "pk") -> None:
        by_id = {str(message_id): text for message_id, text in texts.items()}
        # Cast in SQL, so that the server parses it once and not for each row.
        super().__init__(Cast(Value(json.dumps(by_id)), _Json()), Cast(F(key), TextField()), output_field=TextField())


class _Json(TextField):  # type: ignore[type-arg]
    """jsonb as a type to cast to; Django's own JSONField would wrap the value once more."""

    def db_type(self, connection: Any) -> str:
        return "jsonb"
