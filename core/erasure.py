"""Forgetting a person at their wish, over all rooms: each room registers what it keeps of people and how that goes.

One transaction marks the person as erased and stops what is under way to them; then each part goes in a transaction of
its own, and its receipt with it. Killed at any moment and run again it ends alike: a part that is done is passed over,
and one that is done twice finds nothing more. In the end every part is asked once more what it keeps.

What comes in later about that time (an import, a webhook played again) is taken in without the person: whoever stores
such facts takes lock_shared() and asks erased().
"""

from __future__ import annotations

import secrets
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.utils.functional import Promise

from core import audit, clock
from core.commits import after_commit
from core.models import Erasure
from core.people import normalise_email, person_key

_LOCK = "erasure"
_ROUNDS = 3  # what was stored while a part was at work is found by the next round
Counts = dict[str, int]  # kind, in a word of the desk → rows


class NotYet(Exception):
    """Something under way must end first. The text says what; the erasure is gone on with later."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Whom to forget, and all that leads to them."""

    address: str  # normalised
    alias: str = ""  # stands for them in what is only counted; made at random and kept nowhere
    visitors: tuple[str, ...] = ()  # ids of their browsers
    orders: tuple[str, ...] = ()  # numbers, as customers write them
    marks: tuple[str, ...] = ()  # by which raw texts name their orders and parcels

    @property
    def person(self) -> str:
        return person_key(self.address)

    def nobody(self, visitor: str) -> str:
        """What takes the place of a browser's id: the same in every room, and nothing leads back."""
        return str(uuid.uuid5(uuid.UUID(hex=self.alias), visitor))


@dataclass(frozen=True)
class Traits:
    """What one room knows that leads to a person."""

    visitors: Collection[str] = ()
    orders: Collection[str] = ()
    marks: Collection[str] = ()


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one room keeps of people, and how that goes. All of it may run twice."""

    name: str
    title: str | Promise
    count: Callable[[Subject], Counts]
    erase: Callable[[Subject], Counts]  # within a transaction of its own; returns what went. May raise NotYet
    traits: Callable[[Subject], Traits] = lambda _subject: Traits()
    stop: Callable[[Subject], None] = lambda _subject: None  # with the mark: nothing begins after its commit
    prepare: Callable[[], None] = lambda: None  # before erase, outside its transaction
    export: Callable[[Subject], Mapping[str, Any]] = lambda _subject: {}  # for the person: file's name → JSON or bytes


_parts: dict[str, Part] = {}


def register(part: Part) -> None:
    """Called once by each room, when the apps are ready."""
    _parts[part.name] = part


def parts() -> list[Part]:
    """Every part, in the order in which they are erased."""
    return list(_parts.values())


def look_up(address: str) -> Subject:
    """All that leads to the person of this address. Without an alias: nothing is to be erased yet."""
    subject = Subject(address=normalise_email(address))
    visitors, orders, marks = set[str](), set[str](), set[str]()
    # Twice: an order's number leads to a phone call, whose browser leads further.
    for _ in range(2):
        for part in parts():
            told = part.traits(subject)
            visitors |= set(told.visitors)
            orders |= set(told.orders)
            marks |= set(told.marks)
        subject = Subject(
            address=subject.address,
            visitors=tuple(sorted(visitors)),
            orders=tuple(sorted(orders)),
            marks=tuple(sorted(marks)),
        )
    return subject


def count(subject: Subject) -> dict[str, Counts]:
    """What is kept of a person: part → kind → rows. Kinds of which there is nothing are left out."""
    found = {}
    for part in parts():
        if kept := {kind: rows for kind, rows in part.count(subject).items() if rows}:
            found[part.name] = kept
    return found


def export(subject: Subject) -> dict[str, Any]:
    """All that is kept of a person, for themselves: file's name → JSON or bytes."""
    return {name: content for part in parts() for name, content in part.export(subject).items()}


def begin(address: str, *, by: User | None, enqueue: Callable[[int], object] | None = None) -> Erasure:
    """Mark the person as erased and stop what is under way to them; the rest is work()'s. One that is open is gone on
    with. `enqueue` is called with its id after commit. Raises ValueError for what is no address.
    """
    if "@" not in normalise_email(address):
        raise ValueError("an e-mail address is needed")
    with transaction.atomic():
        # Waits for those who are storing facts of people now; those who come see the mark.
        _lock("pg_advisory_xact_lock")
        subject = look_up(address)
        known = Erasure.objects.filter(person=subject.person, finished_at=None).first()
        if known is None:
            subject = replace(subject, alias=secrets.token_hex(16))
            known = Erasure.objects.create(
                person=subject.person,
                at=clock.now(),
                by=by,
                by_name=by.get_username() if by else "",
                subject=asdict(subject),
            )
            for part in parts():
                part.stop(subject)
            audit.record(by, "person.erasure_begun", known)
        if enqueue is not None:
            after_commit(partial(enqueue, known.pk))
    return known


def work(pk: int) -> Erasure:
    """Do what is left of an erasure. Two at once wait for each other part by part. Where something must end first,
    `waits_for` of the answer says what."""
    for _ in range(_ROUNDS):
        for part in parts():
            if Erasure.objects.filter(pk=pk, finished_at=None).exclude(done__has_key=part.name).exists():
                part.prepare()
                if why := _do(pk, part):
                    Erasure.objects.filter(pk=pk, finished_at=None).update(waits_for=why, beat_at=Now())
                    return Erasure.objects.get(pk=pk)
        if _finish(pk):
            break
    return Erasure.objects.get(pk=pk)


def _do(pk: int, part: Part) -> str:
    """One part, once; why it cannot be done yet, or nothing."""
    try:
        with transaction.atomic():
            row = Erasure.objects.select_for_update().get(pk=pk)
            if row.finished_at is not None or part.name in row.done:
                return ""
            went = {kind: rows for kind, rows in part.erase(_subject(row)).items() if rows}
            row.done[part.name] = dict(Counter(row.subject.get("before", {}).get(part.name, {})) + Counter(went))
            row.waits_for = ""
            row.beat_at = Now()
            row.save(update_fields=["done", "waits_for", "beat_at"])
    except NotYet as why:
        return str(why)[:200]
    return ""


def _finish(pk: int) -> bool:
    """Close it where nothing is left, and forget whom it was about. Else the parts with something left begin anew."""
    with transaction.atomic():
        row = Erasure.objects.select_for_update().get(pk=pk)
        if row.finished_at is not None:
            return True
        if left := count(_subject(row)):
            before = row.subject.setdefault("before", {})
            for name in left:
                before[name] = row.done.pop(name, {})
            row.save(update_fields=["subject", "done"])
            return False
        row.subject, row.finished_at = {}, clock.now()
        row.save(update_fields=["subject", "finished_at"])
        removed = sum((Counter(kinds) for kinds in row.done.values()), Counter[str]())
        audit.record(row.by, "person.erased", row, removed=dict(removed))
    return True


def _subject(row: Erasure) -> Subject:
    """Whom it is about, with what has come to light since it was begun."""
    told = row.subject
    new = look_up(told["address"])
    return Subject(
        address=told["address"],
        alias=told["alias"],
        visitors=tuple(sorted({*told["visitors"], *new.visitors})),
        orders=tuple(sorted({*told["orders"], *new.orders})),
        marks=tuple(sorted({*told["marks"], *new.marks})),
    )


def open_ones() -> list[int]:
    """Erasures that nobody may be at: what they waited for may be over, or a worker died."""
    return list(Erasure.objects.filter(finished_at=None).order_by("pk").values_list("pk", flat=True))


def lock_shared() -> None:
    """Until the transaction ends no erasure begins: whoever stores facts of people asks erased() after it."""
    _lock("pg_advisory_xact_lock_shared")


def erased(persons: Collection[str]) -> dict[str, datetime]:
    """Which of these people were erased: what they ordered or wrote up to that moment stays forgotten."""
    wanted = [person for person in persons if person]
    if not wanted:
        return {}
    rows = Erasure.objects.filter(person__in=wanted).values("person").annotate(until=Max("at")).order_by()
    return {row["person"]: row["until"] for row in rows}


def is_any() -> bool:
    """Whether anybody was ever erased."""
    return Erasure.objects.exists()


def _lock(function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [_LOCK])
