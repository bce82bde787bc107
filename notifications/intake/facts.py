"""What a source of orders tells us, in our words, one dated fact each. Readers make them, storing.py takes them in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from notifications.tracking import Scan


@dataclass(frozen=True)
class CustomerFact:
    """A person who ordered, as the source knows them."""

    external_id: str
    email: str
    first_name: str
    locale: str = "en"
    time_zone: str = ""


@dataclass(frozen=True)
class LineFact:
    """One product of an order."""

    title: str
    quantity: int


@dataclass(frozen=True)
class Placed:
    """An order came in, with everything that was promised about it and the parcel that will carry it."""

    at: datetime
    order_id: str
    number: str
    customer: CustomerFact
    lines: tuple[LineFact, ...]
    promised_ship_by: datetime | None
    promised_deliver_by: datetime | None
    carrier: str
    tracking_no: str


@dataclass(frozen=True)
class Scanned:
    """A carrier said something about a parcel. `at` is when it could be known."""

    at: datetime
    order_id: str
    carrier: str
    tracking_no: str
    scan: Scan


@dataclass(frozen=True)
class Cancelled:
    """An order will not be fulfilled."""

    at: datetime
    order_id: str


Fact = Placed | Scanned | Cancelled
_TURN = {Placed: 0, Scanned: 1, Cancelled: 2}


def in_time_order(facts: Iterable[Fact]) -> list[Fact]:
    """Facts as they became known; an order before what befell it where the moments are the same."""
    return sorted(facts, key=lambda fact: (fact.at, _TURN[type(fact)], fact.order_id))
