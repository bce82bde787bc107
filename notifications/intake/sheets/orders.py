"""The rows of one order in a shop's file as facts. Needs no database."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from core.people import normalise_email
from notifications.intake.carrier_names import known_as
from notifications.intake.facts import Cancelled, CustomerFact, Fact, LineFact, Packed, Placed, Region, Scanned
from notifications.intake.sheets import countries, status_words
from notifications.intake.sheets.files import Cells
from notifications.intake.sheets.reading import BadCell, Reader
from notifications.intake.tables import Refusal
from notifications.models import ShipmentState
from notifications.tracking import Scan

_EMAIL = re.compile(r"[^@\s,;<>()\"]+@[^@\s,;<>()\"]+\.[^@\s.,;<>()\"]+")
_COUNT = re.compile(r"(\d{1,6})(?:[.,]0+)?")
_POSTCODE = 3  # characters of it that say where somebody lives and not who it is


def read(rows: Sequence[Cells], reader: Reader, *, now: datetime) -> list[Fact] | list[Refusal]:
    """The facts of the order that all these rows are about, or why each of the rows is left out."""
    for row in rows:
        try:
            _check(row, rows[0], reader)
        except BadCell as bad:
            return _refused(rows, row, bad, reader)
    try:
        return _facts(rows, reader, now=now)
    except BadCell as bad:
        return _refused(rows, rows[0], bad, reader)


def _refused(rows: Sequence[Cells], broken: Cells, bad: BadCell, reader: Reader) -> list[Refusal]:
    """Every row of the order, so that the file of what was left out holds it whole."""
    of_order = BadCell("", f"row {broken.row} is of the same order and cannot be used", "Mend that row.")
    return [reader.refuse(row, bad if row is broken else of_order) for row in rows]


def _check(row: Cells, first: Cells, reader: Reader) -> None:
    """What can be wrong with one row by itself or beside the first."""
    email = reader.text(row, "email", most=254)
    if email and not _EMAIL.fullmatch(email):
        raise BadCell(reader.column("email"), f"{email[:60]!r} is no address", "Correct it, or leave it empty.")
    other = reader.text(first, "email", most=254)
    if email and other and normalise_email(email) != normalise_email(other):
        raise BadCell(
            reader.column("email"),
            f"another address than in row {first.row}, which has the same order number",
            "Is the number right?",
        )
    _quantity(row, reader)
    for name in (
        "placed_at", "promised_ship_by", "promised_deliver_by", "cancelled_at", "handed_over_at", "delivered_at",
    ):  # fmt: skip
        reader.moment(row, name)
    reader.text(row, "carrier", most=60)
    reader.text(row, "tracking_no")


def _facts(rows: Sequence[Cells], reader: Reader, *, now: datetime) -> list[Fact]:
    def said(name: str, most: int = 200) -> str:
        if not reader.has(name):
            return ""
        return next((value for row in rows if (value := reader.text(row, name, most=most))), "")

    def moment(name: str) -> datetime | None:
        if not reader.has(name):
            return None
        return next((found.at for row in rows if (found := reader.moment(row, name))), None)

    def end(name: str) -> datetime | None:
        if not reader.has(name):
            return None
        return next((found for row in rows if (found := reader.end(row, name))), None)

    number = said("number", 60)
    order_id = said("order_id") or number
    if not order_id:
        raise BadCell(reader.column("number"), "is empty", "Every row needs the order's number.")
    placed_at = moment("placed_at")
    if placed_at is None:
        raise BadCell(reader.column("placed_at"), "is empty", "Give the moment as 2017-11-24 18:30.")
    if placed_at > now + timedelta(days=1):
        raise BadCell(
            reader.column("placed_at"),
            f"{placed_at:%Y-%m-%d} is in the future",
            "Correct it, or say how dates are read.",
        )
    lines, parcels = _contents(rows, reader)
    carrier, tracking_no = next(iter(parcels), (known_as(said("carrier", 60)), ""))
    facts: list[Fact] = [
        Placed(
            at=placed_at,
            order_id=order_id,
            number=number or order_id[:60],
            customer=_customer(said, order_id),
            lines=lines,
            promised_ship_by=end("promised_ship_by"),
            promised_deliver_by=end("promised_deliver_by"),
            carrier=carrier,
            tracking_no=tracking_no,
            ship_to=Region(
                countries.code(said("ship_to_country")),
                said("ship_to_region")[:40] or said("ship_to_postcode")[:_POSTCODE].strip(),
            ),
        )
    ]
    if len(parcels) > 1:
        numbers = tuple(dict.fromkeys(number for _, number in parcels))
        facts += [
            Packed(placed_at, order_id, *parcel, pieces=tuple(pieces), numbers=numbers, are_all=False)
            for parcel, pieces in parcels.items()
        ]
    for state, name in (
        (ShipmentState.HANDED_OVER, "handed_over_at"),
        (ShipmentState.DELIVERED, "delivered_at"),
    ):
        if tracking_no and (at := moment(name)) is not None:
            facts.append(Scanned(max(at, placed_at), order_id, carrier, tracking_no, Scan(state=state.value, at=at)))
    cancelled_at = moment("cancelled_at")
    if cancelled_at is None and status_words.is_cancelled(said("status")):
        cancelled_at = placed_at  # the file says that, and not when
    if cancelled_at is not None:
        facts.append(Cancelled(max(cancelled_at, placed_at), order_id))
    return facts


def _contents(
    rows: Sequence[Cells], reader: Reader
) -> tuple[tuple[LineFact, ...], dict[tuple[str, str], list[tuple[int, int]]]]:
    """The order's lines, and what of them is in each parcel."""
    lines: list[LineFact] = []
    parcels: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for row in rows:
        title, quantity = reader.text(row, "item_title", most=10_000), _quantity(row, reader)
        if title:
            lines.append(LineFact(title if len(title) <= 200 else f"{title[:199]}…", quantity))
        if tracking_no := reader.text(row, "tracking_no"):
            inside = parcels.setdefault((known_as(reader.text(row, "carrier", most=60)), tracking_no), [])
            if title:
                inside.append((len(lines), quantity))
    return tuple(lines), parcels


def _quantity(row: Cells, reader: Reader) -> int:
    text = reader.text(row, "quantity")
    if not text:
        return 1
    match = _COUNT.fullmatch(text)
    if match is None or not int(match[1]):
        raise BadCell(reader.column("quantity"), f"{text[:40]!r} is no number of pieces", "Write 1 or more, as digits.")
    return int(match[1])


def _customer(said: Callable[..., str], order_id: str) -> CustomerFact:
    email = normalise_email(said("email", 254))
    whole = said("full_name").split()
    return CustomerFact(
        # Without a number of its own a person is the address, and without that only this order's.
        external_id=said("customer_id") or email[:200] or f"of order {order_id}"[:200],
        email=email,
        first_name=(said("first_name") or (whole[0] if whole else ""))[:80],
        locale=_locale(said("locale")),
    )


def _locale(text: str) -> str:
    return text.replace("_", "-").lower()[:10] if re.fullmatch(r"[A-Za-z]{2,3}([_-][A-Za-z]{2,4})?", text) else "en"
