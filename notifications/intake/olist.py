"""Olist's public orders (customers.csv, orders.csv, order_items.csv, and sellers.csv where it is there) as facts.

The tables have no names, no addresses and no products' names: people get an invented address at example.com and a
neutral first name, the same for one customer_unique_id. Decided here, since the tables do not say:
- a cancellation (canceled, unavailable) has no date: it counts from the last moment that the row itself knows;
- "delivered" without a date counts from the end of the promised day, or the last scan if that is later, undated;
- a parcel starts in the state of the seller of the order's first line. States are optional, as is sellers.csv.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from notifications.intake.facts import Cancelled, CustomerFact, Fact, LineFact, Placed, Region, Scanned
from notifications.intake.tables import Refusal, Row, UnusableFile, read_table
from notifications.models import ShipmentState
from notifications.tracking import Scan

__all__ = ["Reading", "UnusableFile", "read"]

_CUSTOMERS = ("customer_id", "customer_unique_id")
_ORDERS = (
    "order_id",
    "customer_id",
    "order_status",
    "order_purchase_timestamp",
    "order_approved_at",
    "order_delivered_carrier_date",
    "order_delivered_customer_date",
    "order_estimated_delivery_date",
)
_ITEMS = ("order_id", "order_item_id", "product_id", "shipping_limit_date")
_SELLERS = ("seller_id", "seller_state")
_CALLED_OFF = ("canceled", "unavailable")
_EARLIEST, _LATEST = 1990, 2100  # a year outside is a slip of the pen
_STATE = re.compile(r"[A-Z]{2}")  # of Brazil; anything else is no state, and the lane is then a wider one
_ID = re.compile(r"[A-Za-z0-9_-]{1,60}")
_NAMES = (  # noqa: SIM905 - fifty quoted words in a column would be read by nobody
    "Alex Andy Ari Ash Bailey Blair Bobby Cameron Casey Charlie Chris Dana Drew Eddie Ellis Emery Finley "
    "Frankie Gray Harper Jamie Jesse Jordan Jules Kai Kelly Kim Lee Leslie Logan Max Morgan Nicky Noel "
    "Pat Quinn Reese Remy Riley Robin Rowan Sam Sasha Shay Sky Taylor Toni Val"
).split()


@dataclass
class Reading:
    """What a folder holds: the facts of every whole order, and every row that was left out."""

    facts: list[Fact] = field(default_factory=list)  # an order's facts together; see facts.in_time_order
    refusals: list[Refusal] = field(default_factory=list)
    orders: int = 0
    repeats: int = 0  # lines of orders given twice with the same content, as the real table has them; counted once


@dataclass
class _Items:
    """The rows of order_items.csv about one order."""

    lines: dict[str, tuple[str, datetime, int]]  # order_item_id -> product_id, shipping_limit_date, row
    first: Row
    seller: str  # of the first line; empty where the table names none


class _Bad(Exception):
    """This row cannot be used."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


def read(folder: Path, *, zone: ZoneInfo, carrier: str = "olist") -> Reading:
    """Read the three tables. Times in them are local to `zone`. Raises UnusableFile.

    The tables name no carrier: `carrier` stands for all of them, and an order's id for its parcel's number.
    An order with a broken row in any table is left out as a whole; the others go in.
    """
    reading = Reading()
    people = _read_customers(folder, reading)
    sellers = _read_sellers(folder)
    items, broken = _read_items(folder, reading, zone)
    seen: dict[str, int] = {}
    for row in _rows(folder / "orders.csv", _ORDERS, reading):
        try:
            order_id = _id(row, "order_id")
            if order_id in seen:
                raise _Bad(_repeated(row, "order_id", seen[order_id]))
            seen[order_id] = row.number
            if order_id in broken:
                raise _Bad(
                    row.refuse(
                        "order_id",
                        f"row {broken[order_id]} of order_items.csv belongs to it and is broken",
                        "Mend that row; the order goes in whole or not at all.",
                    )
                )
            if row["customer_id"] not in people:
                raise _Bad(
                    row.refuse(
                        "customer_id",
                        f"{row['customer_id']!r} is not in customers.csv",
                        "Add or mend the customer's row.",
                    )
                )
            of_order = items.pop(order_id, None)
            person, ship_to = people[row["customer_id"]]
            ship_from = sellers.get(of_order.seller, Region()) if of_order else Region()
            facts = _facts(row, person, of_order, zone, carrier, ship_to=ship_to, ship_from=ship_from)
        except _Bad as bad:
            reading.refusals.append(bad.refusal)
            items.pop(row["order_id"], None)
            continue
        reading.facts.extend(facts)
        reading.orders += 1
    for order_id, left in items.items():
        reading.refusals.append(
            left.first.refuse("order_id", f"{order_id!r} is not in orders.csv", "Add or mend the order's row.")
        )
    return reading


def _read_customers(folder: Path, reading: Reading) -> dict[str, tuple[str, Region]]:
    """customer_id (one an order) -> customer_unique_id (one a person), and where the order goes."""
    people: dict[str, tuple[str, Region]] = {}
    seen: dict[str, int] = {}
    for row in _rows(folder / "customers.csv", _CUSTOMERS, reading):
        try:
            customer_id, unique_id = _id(row, "customer_id"), _id(row, "customer_unique_id")
            if customer_id in seen:
                raise _Bad(_repeated(row, "customer_id", seen[customer_id]))
        except _Bad as bad:
            reading.refusals.append(bad.refusal)
            continue
        seen[customer_id] = row.number
        people[customer_id] = unique_id, _state(row, "customer_state")
    return people


def _read_sellers(folder: Path) -> dict[str, Region]:
    """seller_id -> where their parcels start. A broken row costs a lane, not an order."""
    path = folder / "sellers.csv"
    if not path.exists():
        return {}
    found = (row for row in read_table(path, _SELLERS) if isinstance(row, Row))
    return {row["seller_id"]: _state(row, "seller_state") for row in found}


def _state(row: Row, name: str) -> Region:
    state = row.values.get(name, "")
    return Region("BR", state) if _STATE.fullmatch(state) else Region()


def _read_items(folder: Path, reading: Reading, zone: ZoneInfo) -> tuple[dict[str, _Items], dict[str, int]]:
    """Lines by order, and the orders that have a broken line, with its row."""
    items: dict[str, _Items] = {}
    broken: dict[str, int] = {}
    for row in _rows(folder / "order_items.csv", _ITEMS, reading, broken):
        try:
            order_id = _id(row, "order_id")
        except _Bad as bad:
            reading.refusals.append(bad.refusal)
            continue
        try:
            position, product = _id(row, "order_item_id"), _id(row, "product_id")
            limit = _moment(row, "shipping_limit_date", zone)
            if limit is None:
                raise _Bad(row.refuse("shipping_limit_date", "is empty", "Give the moment as 2017-11-24 18:30:00."))
        except _Bad as bad:
            reading.refusals.append(bad.refusal)
            broken.setdefault(order_id, row.number)
            continue
        lines = items.setdefault(order_id, _Items({}, row, row.values.get("seller_id", ""))).lines
        before = lines.setdefault(position, (product, limit, row.number))
        if before[:2] != (product, limit):
            reading.refusals.append(_repeated(row, "order_item_id", before[2]))
        elif before[2] != row.number:
            reading.repeats += 1
    return items, broken


def _rows(
    path: Path, columns: tuple[str, ...], reading: Reading, broken: dict[str, int] | None = None
) -> Iterator[Row]:
    """The readable rows; the others are noted, and in `broken` the order they would have belonged to."""
    for row in read_table(path, columns):
        if isinstance(row, Refusal):
            reading.refusals.append(row)
            if broken is not None and row.key:
                broken.setdefault(row.key, row.row)
        else:
            yield row


def _facts(
    row: Row, unique_id: str, items: _Items | None, zone: ZoneInfo, carrier: str, *, ship_to: Region, ship_from: Region
) -> list[Fact]:
    """One order's facts. Raises _Bad."""
    order_id = row["order_id"]
    placed_at = _moment(row, "order_purchase_timestamp", zone)
    if placed_at is None:
        raise _Bad(row.refuse("order_purchase_timestamp", "is empty", "Give the moment as 2017-11-24 18:30:00."))
    approved_at = _moment(row, "order_approved_at", zone)
    handed_over_at = _moment(row, "order_delivered_carrier_date", zone)
    delivered_at = _moment(row, "order_delivered_customer_date", zone)
    estimated = _moment(row, "order_estimated_delivery_date", zone)
    deliver_by = estimated and datetime.combine(estimated, time(23, 59, 59), tzinfo=zone)
    facts: list[Fact] = [
        Placed(
            at=placed_at,
            order_id=order_id,
            number=order_id[:10].upper(),
            customer=_customer(unique_id, zone),
            lines=_lines(items),
            promised_ship_by=max((limit for _, limit, _ in items.lines.values()), default=None) if items else None,
            promised_deliver_by=deliver_by,
            carrier=carrier,
            tracking_no=order_id,
            ship_to=ship_to,
            ship_from=ship_from,
        )
    ]

    def scan(state: str, at: datetime, *, oddity: str = "", is_dated: bool = True) -> None:
        said = Scan(state=state, at=at, is_dated=is_dated, oddity=oddity)
        facts.append(Scanned(max(at, placed_at), order_id, carrier, order_id, said))

    if handed_over_at is not None:
        early = approved_at is not None and handed_over_at < approved_at
        scan(ShipmentState.HANDED_OVER, handed_over_at, oddity="before the payment was approved" if early else "")
    if delivered_at is not None:
        early = handed_over_at is not None and delivered_at < handed_over_at
        scan(ShipmentState.DELIVERED, delivered_at, oddity="before it was handed to the carrier" if early else "")
    elif row["order_status"] == "delivered":
        known = [moment for moment in (placed_at, handed_over_at, deliver_by) if moment is not None]
        scan(ShipmentState.DELIVERED, max(known), is_dated=False)
    if row["order_status"] in _CALLED_OFF:
        dated = [moment for moment in (placed_at, approved_at, handed_over_at, delivered_at) if moment is not None]
        facts.append(Cancelled(max(dated), order_id))
    return facts


def _customer(unique_id: str, zone: ZoneInfo) -> CustomerFact:
    pick = int.from_bytes(hashlib.sha256(unique_id.encode()).digest()[:4], "big")
    return CustomerFact(
        external_id=unique_id,
        email=f"{unique_id[:8].lower()}@example.com",
        first_name=_NAMES[pick % len(_NAMES)],
        time_zone=zone.key,
    )


def _lines(items: _Items | None) -> tuple[LineFact, ...]:
    if items is None:
        return ()
    pieces: dict[str, int] = {}
    for product, _, _ in items.lines.values():
        pieces[product] = pieces.get(product, 0) + 1
    return tuple(LineFact(f"Product {product[:8]}", quantity) for product, quantity in pieces.items())


def _id(row: Row, name: str) -> str:
    value = row[name]
    if not value:
        raise _Bad(row.refuse(name, "is empty", "Every row needs it."))
    if not _ID.fullmatch(value):
        raise _Bad(row.refuse(name, f"{value[:70]!r} is not an id", "Use at most 60 letters, digits, - and _."))
    return value


def _moment(row: Row, name: str, zone: ZoneInfo) -> datetime | None:
    """A local time of the table as an aware moment; None where the field is empty."""
    text = row[name]
    if not text:
        return None
    try:
        if len(text) != 19 or text[10] != " ":  # fromisoformat() alone takes many other ways of writing
            raise ValueError(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _Bad(
            row.refuse(name, f"{text[:40]!r} is not a date that exists", "Write it like 2017-11-24 18:30:00.")
        ) from None
    if not _EARLIEST <= moment.year <= _LATEST:
        raise _Bad(row.refuse(name, f"the year {moment.year} cannot be", f"It must be from {_EARLIEST} to {_LATEST}."))
    return moment.replace(tzinfo=zone)


def _repeated(row: Row, name: str, first: int) -> Refusal:
    return row.refuse(
        name, f"{row[name]!r} was there before, on row {first}", "Keep one of the two; the first went in."
    )
