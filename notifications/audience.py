"""Whom an incident hits: a wish in words of orders and parcels, as rows, as a sample, and who of them is written to."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q, QuerySet

from core import bucketing, languages
from notifications import occasions, suppression
from notifications.models import (
    Customer,
    EpisodeKind,
    Incident,
    PersonDay,
    Shipment,
    ShipmentState,
    Suppression,
)

_ENDED = (ShipmentState.DELIVERED, ShipmentState.RETURNED)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Which orders; what is empty does not narrow. Days are the shop's, both included."""

    carrier: str = ""
    country: str = ""  # that it goes to
    region: str = ""  # its beginning
    promised_from: str = ""  # ISO days
    promised_to: str = ""
    state: str = ""  # a ShipmentState; empty: all that is still on its way
    trouble: str = ""  # an EpisodeKind that goes on now

    @classmethod
    def of(cls, incident: Incident) -> Wish:
        return cls(**incident.wish)

    def told(self) -> dict[str, Any]:
        """As Incident.wish keeps it."""
        return asdict(self)

    @property
    def is_narrow(self) -> bool:
        return any(self.told().values())


def parcels(wish: Wish) -> QuerySet[Shipment]:
    """One parcel of each order that the wish means, in the order of their ids. Cancelled orders are none."""
    found = Shipment.objects.filter(order__cancelled_at=None, order__customer__is_erased=False)
    found = found.filter(state=wish.state) if wish.state else found.exclude(state__in=_ENDED)
    if wish.carrier:
        found = found.filter(carrier__iexact=wish.carrier)
    if wish.country:
        found = found.filter(order__ship_to_country__iexact=wish.country)
    if wish.region:
        found = found.filter(order__ship_to_region__istartswith=wish.region)
    if wish.promised_from:
        found = found.filter(order__promised_deliver_by__gte=_begin(wish.promised_from))
    if wish.promised_to:
        found = found.filter(order__promised_deliver_by__lt=_begin(wish.promised_to) + timedelta(days=1))
    if wish.trouble:
        found = found.filter(episodes__kind=wish.trouble, episodes__closed_at=None)
    return found.order_by("order_id", "-pk").distinct("order_id")


def _begin(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time.min, ZoneInfo(settings.SHOP_TIME_ZONE))


@dataclass(frozen=True)
class Foreseen:
    """What would become of an audience if it were written to now: every order counts in one of the numbers."""

    orders: int
    no_address: int
    same_person: int  # further orders of somebody who is told already
    held_out: int
    opted_out: int
    capped: int
    to_send: int
    locales: tuple[tuple[str, int], ...]  # of those to whom it goes: the language of ours that they read


def foresee(incident: Incident, *, now: datetime) -> Foreseen:
    """Who gets it and who not, and why. Reads the audience, writes nothing."""
    rows = list(parcels(Wish.of(incident)).values_list("order__customer", flat=True))
    customers = Customer.objects.in_bulk(set(rows))
    people: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for pk in rows:
        customer = customers[pk]
        if not customer.person:
            counts["no_address"] += 1
        elif customer.person in people:
            counts["same_person"] += 1
        else:
            people[customer.person] = customer.locale
    stopped = set(
        Suppression.objects.filter(
            person__in=people, scope__in=(suppression.ALL, occasions.scope_of(EpisodeKind.INCIDENT))
        ).values_list("person", flat=True)
    )
    full = _full_today(list(people), now=now)
    locales: Counter[str] = Counter()
    for person, locale in people.items():
        if is_held_out(incident, person):
            counts["held_out"] += 1
        elif person in stopped:
            counts["opted_out"] += 1
        elif person in full:
            counts["capped"] += 1
        else:
            locales[languages.nearest(locale) or settings.LANGUAGE_CODE] += 1
    return Foreseen(
        orders=len(rows),
        no_address=counts["no_address"],
        same_person=counts["same_person"],
        held_out=counts["held_out"],
        opted_out=counts["opted_out"],
        capped=counts["capped"],
        to_send=locales.total(),
        locales=tuple(locales.most_common()),
    )


def is_held_out(incident: Incident, person: str) -> bool:
    """Whether this person is kept without the incident's message."""
    return bucketing.is_in_share(salt=f"holdout:incident-{incident.pk}", unit=person, share=incident.holdout_share)


def _full_today(people: list[str], *, now: datetime) -> set[str]:
    if not (most := settings.MESSAGES_PER_DAY):
        return set()
    today = now.astimezone(ZoneInfo(settings.SHOP_TIME_ZONE)).date()
    rows = PersonDay.objects.filter(Q(person__in=people), day=today, count__gte=most)
    return set(rows.values_list("person", flat=True))
