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
    line_id: str = ""  # the source's own id of it, where it has one


@dataclass(frozen=True)
class Region:
    """Where a parcel starts or goes: an ISO 3166 country, and a state or the beginning of a postcode."""

    country: str = ""
    region: str = ""


@dataclass(frozen=True)
class Placed:
    """An order came in, with everything that was promised about it and the parcel that will carry it.

    Also told again when something about a known order changed: what is said with a later `as_of` counts. Without a
    tracking number the order waits for its first parcel, and Packed brings it.
    """

    at: datetime
    order_id: str
    number: str
    customer: CustomerFact
    lines: tuple[LineFact, ...]
    promised_ship_by: datetime | None
    promised_deliver_by: datetime | None
    carrier: str
    tracking_no: str
    ship_to: Region = Region()
    ship_from: Region = Region()
    as_of: datetime | None = None  # when the source last changed what it says here; None: it is said now


@dataclass(frozen=True)
class Packed:
    """What is in one parcel of an order: pieces by the line's place in the order (1 is the first).

    A parcel that was not known yet is one more that the order comes in; but where `numbers` are told and a known
    parcel's is none of them any more, that one's number was wrong, and this is it (notifications/intake/numbers.py).
    """

    at: datetime
    order_id: str
    carrier: str
    tracking_no: str
    pieces: tuple[tuple[int, int], ...]  # (line's place, quantity)
    lines: tuple[tuple[str, int], ...] = ()  # or (LineFact.line_id, quantity), where the source names lines by ids
    despatch_id: str = ""  # the source's own id of the despatch, which one or more parcels make
    numbers: tuple[str, ...] = ()  # all that the despatch has now, or without one the order; empty where nobody says
    are_all: bool = True  # False: `numbers` may be some of them only, as in a file of today's parcels
    as_of: datetime | None = None  # when the source said so; None: now


@dataclass(frozen=True)
class Withdrawn:
    """A despatch was called off. What no carrier has seen of it is no parcel, and the order waits for another."""

    at: datetime
    order_id: str
    despatch_id: str


@dataclass(frozen=True)
class Scanned:
    """A carrier said something about a parcel. `at` is when it could be known.

    `order_id` and `carrier` are empty where the source knows a parcel by its number only, and `tracking_no` where it
    names the despatch: then it is about each of its parcels.
    """

    at: datetime
    order_id: str
    carrier: str
    tracking_no: str
    scan: Scan
    despatch_id: str = ""


@dataclass(frozen=True)
class Cancelled:
    """An order will not be fulfilled."""

    at: datetime
    order_id: str


@dataclass(frozen=True)
class Promised:
    """What we promise about a known order has changed; None leaves that promise as it was."""

    at: datetime
    order_id: str
    promised_ship_by: datetime | None
    promised_deliver_by: datetime | None


@dataclass(frozen=True)
class Expected:
    """The carrier named a day for a parcel, which is known as in Scanned. `at` is when it said so."""

    at: datetime
    order_id: str
    carrier: str
    tracking_no: str
    by: datetime
    despatch_id: str = ""


Fact = Placed | Promised | Packed | Withdrawn | Scanned | Expected | Cancelled
_TURN = {Placed: 0, Promised: 1, Packed: 2, Withdrawn: 3, Scanned: 4, Expected: 5, Cancelled: 6}


def in_time_order(facts: Iterable[Fact]) -> list[Fact]:
    """Facts as they became known; an order before what befell it where the moments are the same."""
    return sorted(facts, key=lambda fact: (fact.at, _TURN[type(fact)], fact.order_id))
