"""What a mail provider reports, taken in: the facts, the messages' states by rank, who must not be written to.

Many events are taken in by a handful of statements. Nobody waits for anybody in a ring: locks are taken in one order,
people (sorted), then messages, then the events themselves; and of messages those that somebody holds are left out.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.db import connection, transaction

from core import clock
from core.people import person_key
from notifications import attempts, suppression
from notifications.attempts import Taken
from notifications.models import DeliveryEvent, Message, MessageState, SuppressionReason
from notifications.providers.base import DeliveryKind, ProviderEvent
from notifications.states import Event
from notifications.suppression import Stop

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
_REFUSALS = (DeliveryKind.BOUNCED, DeliveryKind.DROPPED)

Key = tuple[str, str]  # provider, its id of the event


@dataclass(frozen=True)
class _Fact:
    """An event with what we know of its message; `stop`: who must not be written to, now that it has come."""

    event: ProviderEvent
    message_id: uuid.UUID | None
    stop: Stop | None

    @property
    def key(self) -> Key:
        return self.event.provider, self.event.event_id


def record(event: ProviderEvent) -> bool:
    """Take in one event, and wait for whoever holds its message. False if it is known."""
    with transaction.atomic():
        facts = _about([event])
        _lock(facts, is_patient=True)
        return bool(_take_in(facts))


def record_all(events: Iterable[ProviderEvent]) -> list[ProviderEvent]:
    """Take in many, as one after the other. Returns those that are left, because somebody holds what they move.

    The messages are the caller's until its transaction ends: nothing that others may hold must be waited for after it.
    """
    with transaction.atomic():
        facts = _about(events)
        free = _lock(facts, is_patient=False)
        _take_in([fact for fact in facts if fact.key in free])
        return [fact.event for fact in facts if fact.key not in free]


def unknown_of(events: Sequence[ProviderEvent]) -> list[ProviderEvent]:
    """Those that have not been taken in."""
    kept = DeliveryEvent.objects.filter(event_id__in=[event.event_id for event in events])
    known = set(kept.values_list("provider", "event_id"))
    return [event for event in events if (event.provider, event.event_id) not in known]


def _about(events: Iterable[ProviderEvent]) -> list[_Fact]:
    """Each event once, the first of those that are the same, with its message."""
    once: dict[Key, ProviderEvent] = {}
    for event in events:
        once.setdefault((event.provider, event.event_id), event)
    ids = {event.message_id for event in once.values() if event.message_id}
    rows = Message.objects.filter(pk__in=ids).values_list("pk", "person", "customer__is_erased") if ids else ()
    known = {str(pk): (pk, person, is_erased) for pk, person, is_erased in rows}
    return [_fact(event, *known.get(event.message_id or "", (None, "", False))) for event in once.values()]


def _fact(event: ProviderEvent, message_id: uuid.UUID | None, person: str, is_erased: bool) -> _Fact:
    stop = None
    if (why := _why_suppress(event)) is not None:
        # An erased person's messages do not say whose they were; the address that we must not write to does.
        is_named = message_id is not None and not is_erased
        stop = Stop(person if is_named else person_key(event.address), why, event.at)
    if is_erased:
        event = replace(event, reason="", provider_msg_id="")
    return _Fact(event, message_id, stop)


def _lock(facts: Sequence[_Fact], *, is_patient: bool) -> set[Key]:
    """Hold all that these facts move; of those that are free their keys. A patient one waits, and gets all."""
    people = {fact.stop.person for fact in facts if fact.stop}
    waiting: dict[uuid.UUID, str] = {}
    if people:
        # Before any message's row; see suppression.lock_person.
        suppression.lock_people(people, is_shared=False)
        unsent = Message.objects.filter(person__in=people, state__in=[MessageState.READY, MessageState.CLAIMED])
        waiting = dict(unsent.values_list("pk", "person"))
    wanted = {fact.message_id for fact in facts if fact.message_id} | waiting.keys()
    rows = Message.objects.select_for_update(of=("self",), skip_locked=not is_patient).order_by("pk")
    held = wanted - set(rows.filter(pk__any_of=wanted).values_list("pk", flat=True)) if wanted else set()
    of_held = {person for pk, person in waiting.items() if pk in held}
    return {
        fact.key for fact in facts if fact.message_id not in held and not (fact.stop and fact.stop.person in of_held)
    }


def _take_in(facts: Sequence[_Fact]) -> set[Key]:
    """Everything that these facts change; they are locked. Returns the keys of those that were not known."""
    new = _insert(facts)
    fresh = [fact for fact in facts if fact.key in new]
    suppression.suppress_all([fact.stop for fact in fresh if fact.stop], scope=suppression.ALL)
    attempts.note(_taken(fresh), at=clock.now())
    return new


def _insert(facts: Sequence[_Fact]) -> set[Key]:
    if not facts:
        return set()
    rows = [
        (
            one.event.provider,
            one.event.event_id,
            one.message_id,
            one.event.attempt,
            one.event.kind.value,
            one.event.at,
            one.event.reason[:300],
        )
        for one in facts
    ]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [list(column) for column in zip(*rows, strict=True)])
        return set(cursor.fetchall())


def _taken(facts: Sequence[_Fact]) -> list[Taken]:
    """What the provider says with these of the messages' attempts; where it names none, the last."""
    unnamed = {fact.message_id for fact in facts if fact.message_id and not fact.event.attempt}
    last = attempts.last_of(unnamed) if unnamed else {}
    return [
        Taken(
            fact.message_id,
            fact.event.attempt or last[fact.message_id],
            fact.event.provider_msg_id,
            _EVENT_OF.get(fact.event.kind, Event.TAKEN),
            reason=fact.event.reason if fact.event.kind in _REFUSALS else "",
        )
        for fact in facts
        if fact.message_id
    ]


def _why_suppress(event: ProviderEvent) -> SuppressionReason | None:
    """Whether this event means that we must not write to the address again."""
    if event.kind is DeliveryKind.COMPLAINED:
        return SuppressionReason.COMPLAINED
    if event.kind is DeliveryKind.UNSUBSCRIBED:
        return SuppressionReason.UNSUBSCRIBED
    if event.kind in _REFUSALS and event.permanent:
        return SuppressionReason.BOUNCED
    return None


# In the order in which they came. But of those without a message, whose row would keep two readers apart, in an order
# that is the same for everybody.
_INSERT = """
    INSERT INTO notifications_deliveryevent (provider, event_id, message_id, attempt, kind, at, reason)
    SELECT provider, event_id, message_id, attempt, kind, at, reason
    FROM unnest(%s::text[], %s::text[], %s::uuid[], %s::int[], %s::text[], %s::timestamptz[], %s::text[])
        WITH ORDINALITY AS e (provider, event_id, message_id, attempt, kind, at, reason, place)
    ORDER BY message_id IS NOT NULL, CASE WHEN message_id IS NULL THEN event_id END, place
    ON CONFLICT DO NOTHING
    RETURNING provider, event_id
"""
