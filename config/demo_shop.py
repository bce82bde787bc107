"""The demo shop's customers, orders and parcels: invented, dated facts up to now, parcels in every state."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from notifications.intake.facts import Cancelled, CustomerFact, Fact, LineFact, Placed, Scanned, in_time_order
from notifications.models import ShipmentState as State
from notifications.tracking import Scan

ZONE = ZoneInfo("Europe/London")
_ZONES = {"GB": "Europe/London", "IE": "Europe/Dublin", "ES": "Europe/Madrid", "DE": "Europe/Berlin"}


@dataclass(frozen=True)
class Service:
    """How a parcel travels: working days promised, and where it is scanned."""

    carrier: str
    promised_days: int
    usual_days: float
    depots: tuple[str, ...]


_SERVICES = {
    "GB": Service("Larkpost", 4, 2.6, ("Alderbrook depot", "Midland hub", "Local depot")),
    "IE": Service("Corvane", 6, 4.4, ("Alderbrook depot", "Holyhead", "Dublin hub")),
    "ES": Service("Corvane", 8, 6.0, ("Alderbrook depot", "Calais", "Zaragoza hub")),
    "DE": Service("Corvane", 7, 5.0, ("Alderbrook depot", "Venlo hub", "Cologne hub")),
}


def facts(folder: Path, *, now: datetime, days: int, per_day: int, seed: int) -> list[Fact]:
    """Everything that was known of the demo's orders at `now`, in time order. The same seed gives the same shop."""
    rng = random.Random(seed)  # noqa: S311  an invented shop, not a secret
    said: dict[str, Any] = yaml.safe_load((folder / "people.yaml").read_text(encoding="utf-8"))
    customers = list(_customers(said["people"], said["towns"], rng))
    found: list[Fact] = []
    number = 106_117
    first = now - timedelta(days=days)
    for day in range(days):
        for _order in range(rng.randint(int(per_day * 0.6), int(per_day * 1.4))):
            placed_at = datetime.combine((first + timedelta(days=day + 1)).date(), time(), ZONE) + timedelta(
                hours=rng.triangular(6, 23.5, 19), seconds=rng.randrange(3600)
            )
            if placed_at > now:
                continue
            found += _order_facts(f"FH-{number}", rng.choice(customers), said["products"], placed_at, rng)
            number += rng.randint(1, 9)
    return in_time_order(fact for fact in found if fact.at <= now)


def _customers(
    people: list[dict[str, str]], towns: list[dict[str, str]], rng: random.Random
) -> Iterator[tuple[CustomerFact, str]]:
    """180 customers with the town each lives in; the same first names recur, as they do."""
    for n in range(180):
        person = people[n % len(people)]
        family = person["last"] if n < len(people) else rng.choice(people)["last"]
        address = f"{_plain(person['first'])}.{_plain(family)}{n or ''}@example.com"
        country = person["country"]
        home = [town["town"] for town in towns if town["country"] == country] or [towns[0]["town"]]
        customer = CustomerFact(
            external_id=f"cust-{n:04d}",
            email=address,
            first_name=person["first"],
            locale="es" if country == "ES" else "en",
            time_zone=_ZONES[country],
        )
        yield customer, f"{rng.choice(home)}|{country}"


def _order_facts(
    number: str, who: tuple[CustomerFact, str], products: list[dict[str, str]], placed_at: datetime, rng: random.Random
) -> Iterator[Fact]:
    customer, home = who
    town, country = home.split("|")
    service = _SERVICES[country]
    picked = rng.sample(products, k=rng.choices([1, 2, 3], [6, 3, 1])[0])
    tracking_no = f"{service.carrier[:2].upper()}{rng.randrange(10**9, 10**10)}"
    yield Placed(
        at=placed_at,
        order_id=number,
        number=number,
        customer=customer,
        lines=tuple(LineFact(product["name"], rng.choices([1, 2], [9, 1])[0]) for product in picked),
        promised_ship_by=_end_of(_working_days(placed_at, 1)),
        promised_deliver_by=_end_of(_working_days(placed_at, service.promised_days)),
        carrier=service.carrier,
        tracking_no=tracking_no,
    )
    if rng.random() < 0.03:
        yield Cancelled(at=placed_at + timedelta(minutes=rng.randint(5, 55)), order_id=number)
        return

    def scan(at: datetime, state: str, text: str, place: str) -> Scanned:
        return Scanned(at, number, service.carrier, tracking_no, Scan(state=state, at=at, text=text, place=place))

    slow_to_pack = rng.random() < 0.06
    at = placed_at + timedelta(hours=rng.uniform(50, 130) if slow_to_pack else rng.uniform(5, 26))
    yield scan(at, State.HANDED_OVER, "Collected by the carrier", service.depots[0])
    fate = rng.random()
    travel = max(0.8, rng.gauss(service.usual_days, 0.7)) * (1.25 if at.weekday() >= 4 else 1.0)
    if fate < 0.09:  # stuck somewhere, and comes late
        travel += rng.uniform(2.5, 9)
    step = travel / (len(service.depots) + 0.5)
    for place in service.depots[1:]:
        at += timedelta(days=step * rng.uniform(0.7, 1.2))
        yield scan(at, State.IN_TRANSIT, "Sorted and on its way", place)
    if 0.09 <= fate < 0.105:
        at += timedelta(days=step)
        yield scan(at, State.EXCEPTION, "Label cannot be read; being checked by hand", service.depots[-1])
        at += timedelta(days=rng.uniform(1, 3))
    if 0.105 <= fate < 0.112:
        return  # nothing is heard of it again
    at = _on_the_van(at + timedelta(days=step), rng)
    yield scan(at, State.OUT_FOR_DELIVERY, "On the van", town)
    at += timedelta(hours=rng.uniform(1, 8))
    if 0.112 <= fate < 0.16:
        yield scan(at, State.ATTEMPT_FAILED, "Nobody was at home", town)
        if fate < 0.13:
            at += timedelta(hours=rng.uniform(3, 6))
            yield scan(at, State.AVAILABLE_FOR_PICKUP, "Waiting at the pick-up point", town)
            if fate < 0.118:
                yield scan(at + timedelta(days=8), State.RETURNED, "Not collected; on its way back", town)
                return
            at += timedelta(hours=rng.uniform(12, 60))
        else:
            at = _on_the_van(at + timedelta(days=1), rng) + timedelta(hours=rng.uniform(1, 7))
    yield scan(at, State.DELIVERED, rng.choice(["Handed to the customer", "Left in the safe place"]), town)


def _on_the_van(at: datetime, rng: random.Random) -> datetime:
    """The next morning's round, never on a Sunday."""
    day = at.astimezone(ZONE).date() + timedelta(days=1 if at.astimezone(ZONE).hour >= 10 else 0)
    if day.weekday() == 6:
        day += timedelta(days=1)
    return datetime.combine(day, time(7, 30), ZONE) + timedelta(minutes=rng.randint(0, 90))


def _working_days(start: datetime, days: int) -> datetime:
    at = start
    while days:
        at += timedelta(days=1)
        if at.weekday() < 5:
            days -= 1
    return at


def _end_of(day: datetime) -> datetime:
    """The last moment of that day where the shop is; delivery by Tuesday means until midnight."""
    return datetime.combine(day.astimezone(ZONE).date(), time(23, 59, 59), ZONE)


def _plain(name: str) -> str:
    """A name as it stands in an address: ASCII letters only."""
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "".join(letter for letter in folded if letter.isalpha())
