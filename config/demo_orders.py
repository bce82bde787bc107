"""The demo's orders that show each state of an order's page (demo/orders.yaml), counted back from now."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import yaml
from django.contrib.auth.models import User

from config.demo_shop import ZONE
from notifications import next_updates
from notifications.intake.facts import Cancelled, CustomerFact, Fact, LineFact, Packed, Placed, Scanned, in_time_order
from notifications.models import Order
from notifications.tracking import Scan

_MOMENT = re.compile(r"([+-]\d+)(h|d)(?: (\d\d):(\d\d))?")


@dataclass(frozen=True)
class Promise:
    """An update that the team has promised the customer of an order."""

    number: str
    made_at: datetime
    due_at: datetime
    note: str


def facts(folder: Path, *, now: datetime) -> list[Fact]:
    """What is known at `now`, in time order."""
    told = [fact for said in _read(folder) for fact in _of_order(said, now)]
    return in_time_order(fact for fact in told if fact.at <= now)


def promises(folder: Path, *, now: datetime) -> list[Promise]:
    """The updates that have been promised by `now`."""
    return [
        Promise(said["number"], moment(of["made"], now), moment(of["due"], now), of["note"])
        for said in _read(folder)
        if (of := said.get("next_update"))
    ]


def make_promises(folder: Path, *, by: User | None, now: datetime) -> None:
    """Promise them, each at its own time."""
    for one in promises(folder, now=now):
        order = Order.objects.get(source="demo", external_id=one.number)
        next_updates.promise(order, due_at=one.due_at, note=one.note, by=by, now=one.made_at)


def moment(said: str, now: datetime) -> datetime:
    """ "-2h", "-3d 14:20" (London) or "+1d" (the end of that day). Raises ValueError."""
    match = _MOMENT.fullmatch(str(said))
    if match is None:
        raise ValueError(f"demo/orders.yaml: {said!r} is no moment. Write it like -2h, -3d 14:20 or +1d.")
    number, unit, hour, minute = int(match[1]), match[2], match[3], match[4]
    if unit == "h":
        return now + timedelta(hours=number)
    day = now.astimezone(ZONE).date() + timedelta(days=number)
    return datetime.combine(day, time(int(hour), int(minute)) if hour else time(23, 59, 59), ZONE)


def _read(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((folder / "orders.yaml").read_text(encoding="utf-8"))
    return found


def _of_order(said: dict[str, Any], now: datetime) -> Iterator[Fact]:
    number, person, placed_at = said["number"], said["customer"], moment(said["placed"], now)
    parcels = said["parcels"] or [{"carrier": "Larkpost", "tracking": f"LA{number[3:]}"}]
    yield Placed(
        at=placed_at,
        order_id=number,
        number=number,
        customer=CustomerFact(
            external_id=f"shown-{number}",
            email=f"{person['first']}.{person['last']}@example.com".lower(),
            first_name=person["first"],
            locale=person.get("locale", "en"),
            time_zone=person["zone"],
        ),
        lines=tuple(LineFact(line["title"], line["quantity"]) for line in said["lines"]),
        promised_ship_by=moment(said["ship_by"], now),
        promised_deliver_by=moment(said["deliver_by"], now),
        carrier=parcels[0]["carrier"],
        tracking_no=parcels[0]["tracking"],
    )
    for parcel in parcels:
        scans = [_scanned(number, parcel, one, now) for one in parcel.get("scans", ())]
        if pieces := parcel.get("pieces"):
            packed_at = scans[0].at - timedelta(hours=1)
            inside = tuple((place, quantity) for place, quantity in pieces)
            yield Packed(packed_at, number, parcel["carrier"], parcel["tracking"], inside)
        yield from scans
    if "cancelled" in said:
        yield Cancelled(moment(said["cancelled"], now), number)


def _scanned(number: str, parcel: dict[str, Any], said: dict[str, Any], now: datetime) -> Scanned:
    at = moment(said["at"], now)
    scan = Scan(
        state=said.get("state", ""),
        at=at,
        raw_status=said.get("raw_status", ""),
        text=said["text"],
        place=said["place"],
    )
    return Scanned(at, number, parcel["carrier"], parcel["tracking"], scan)
