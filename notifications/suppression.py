"""To whom we must not write. Never lifted by anything that a mail provider says later."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from notifications import locks, occasions, states
from notifications.models import Message, Suppression, SuppressionReason

ALL = "all"


def suppress(person: str, *, scope: str, reason: SuppressionReason, at: datetime) -> int:
    """Stop writing to a person about `scope`: a Category, a kind of episode (then all of its category), or ALL. Takes
    back what is not yet with the provider.

    Once this has committed no hand-over to that person can begin. Returns how many messages were taken back.
    """
    if not person:
        return 0
    scope = occasions.scope_of(scope)
    with transaction.atomic():
        lock_person(person, is_shared=False)
        stop = Suppression(person=person, scope=scope, reason=reason, at=at)
        if reason == SuppressionReason.UNSUBSCRIBED:
            Suppression.objects.bulk_create([stop], ignore_conflicts=True)
        else:
            # What the person asked for, they may take back; what their mailbox said, not.
            Suppression.objects.bulk_create(
                [stop], update_conflicts=True, unique_fields=["person", "scope"], update_fields=["reason", "at"]
            )
        waiting = Message.objects.filter(person=person)
        if scope != ALL:
            waiting = waiting.filter(rule__kind__in=occasions.kinds_of(scope))
        return states.move(waiting, states.Event.SUPPRESS, state_reason=reason, lease_until=None)


def reason_not_to_write(person: str, *, scope: str) -> str:
    """The SuppressionReason that forbids a message about `scope` (as suppress() takes it), or an empty text."""
    return reason_in(stops_of([person]).get(person, {}), scope=scope)


def stops_of(people: Collection[str]) -> dict[str, dict[str, str]]:
    """The SuppressionReason of each scope that each of these people is suppressed for; missing where there is none."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for person, scope, reason in Suppression.objects.filter(person__any_of=people).values_list(
        "person", "scope", "reason"
    ):
        found[person][scope] = reason
    return found


def reason_in(stops: dict[str, str], *, scope: str) -> str:
    """What of a person's stops_of() forbids a message about `scope`: a stop of everything first."""
    return stops.get(ALL) or stops.get(occasions.scope_of(scope), "")


def lock_person(person: str, *, is_shared: bool) -> None:
    """Until the transaction ends: shared by those who are about to write, alone for those who forbid it.

    Take it before any message's row: suppress() takes the rows after it, and the other way round would be a deadlock.
    """
    locks.take(f"person:{person}", is_shared=is_shared)


def lock_people(people: Collection[str]) -> None:
    """lock_person() for several who are about to be written to."""
    locks.take_all({f"person:{person}" for person in people}, is_shared=True)
