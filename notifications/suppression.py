"""To whom we must not write. Never lifted by anything that a mail provider says later."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from notifications import locks, occasions, states
from notifications.models import Message, Suppression, SuppressionReason

ALL = "all"


@dataclass(frozen=True)
class Stop:
    """Why, and since when, we must not write to a person."""

    person: str
    reason: SuppressionReason
    at: datetime


def suppress(person: str, *, scope: str, reason: SuppressionReason, at: datetime) -> int:
    """Stop writing to a person about `scope`: a Category, a kind of episode (then all of its category), or ALL. Takes
    back what is not yet with the provider.

    Once this has committed no hand-over to that person can begin. Returns how many messages were taken back.
    """
    return suppress_all([Stop(person, reason, at)], scope=scope)


def suppress_all(stops: Iterable[Stop], *, scope: str) -> int:
    """suppress() for several, one after the other as they come; nobody's is left out."""
    scope = occasions.scope_of(scope)
    asked: dict[str, Stop] = {}
    said: dict[str, Stop] = {}
    for stop in stops:
        if stop.person and stop.reason == SuppressionReason.UNSUBSCRIBED:
            asked.setdefault(stop.person, stop)
        elif stop.person:
            said[stop.person] = stop
    final = {**asked, **said}
    if not final:
        return 0
    with transaction.atomic():
        lock_people(final, is_shared=False)
        # What the person asked for, they may take back; what their mailbox said, not.
        Suppression.objects.bulk_create(_rows(asked, scope), ignore_conflicts=True)
        Suppression.objects.bulk_create(
            _rows(said, scope), update_conflicts=True, unique_fields=["person", "scope"], update_fields=["reason", "at"]
        )
        people: dict[SuppressionReason, list[str]] = defaultdict(list)
        for stop in final.values():
            people[stop.reason].append(stop.person)
        return sum(_take_back(them, scope, reason) for reason, them in people.items())


def _rows(stops: dict[str, Stop], scope: str) -> list[Suppression]:
    return [Suppression(person=one.person, scope=scope, reason=one.reason, at=one.at) for one in stops.values()]


def _take_back(people: list[str], scope: str, reason: SuppressionReason) -> int:
    waiting = Message.objects.filter(person__in=people)
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


def lock_people(people: Collection[str], *, is_shared: bool = True) -> None:
    """lock_person() for several, in an order that is the same for everybody."""
    locks.take_all({f"person:{person}" for person in people}, is_shared=is_shared)
