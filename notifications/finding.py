"""Finds orders on the desk: by number, tracking number, e-mail address or name, narrowed by trouble, state and days.

Made for a million orders: each way of looking has an index (bench/order_desk.py prints the plans and the times).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db.models import F, QuerySet, Value

from core.people import person_key
from notifications import order_links
from notifications.models import Customer, Episode, FormerNumber, NextUpdate, Order, Shipment
from notifications.models.commerce import lookup_key, name_words

_SHORTEST = 3  # letters and digits of a number's beginning; less than that is everybody
_FEW = 5000  # orders that are named one by one
_MOST_PEOPLE = 2000  # with one name: whoever has more of them needs a second word


class Owed(StrEnum):
    """Which promised updates an order may have open."""

    ANY = "any"
    OVERDUE = "overdue"


@dataclass(frozen=True)
class Asked:
    """What somebody wants to see; what is empty does not narrow. `until` is not included."""

    words: str = ""
    trouble: str = ""  # an EpisodeKind that goes on now, or ANY_TROUBLE
    state: str = ""  # a ShipmentState of one of its parcels
    source: str = ""
    promised_from: datetime | None = None
    promised_until: datetime | None = None
    owed: str = ""  # an Owed


ANY_TROUBLE = "any"


def orders(asked: Asked, *, now: datetime, with_people: bool) -> QuerySet[Order]:
    """The orders asked for, newest first; those of a span of promised days by that day.

    `with_people`: also by e-mail address and name, for who may see them.
    """
    found = Order.objects.select_related("customer")
    if asked.words:
        found = _named(found, asked.words, with_people=with_people)
    if asked.trouble:
        going_on = Episode.objects.filter(closed_at=None)
        if asked.trouble != ANY_TROUBLE:
            going_on = going_on.filter(kind=asked.trouble)
        found = _among(found, going_on.values_list("shipment__order", flat=True))
    if asked.state:
        found = _among(found, Shipment.objects.filter(state=asked.state).values_list("order", flat=True))
    if asked.source:
        found = found.filter(source=asked.source)
    if asked.promised_from:
        found = found.filter(promised_deliver_by__gte=asked.promised_from)
    if asked.promised_until:
        found = found.filter(promised_deliver_by__lt=asked.promised_until)
    if asked.owed:
        open_ones = NextUpdate.objects.filter(closed_at=None)
        if asked.owed == Owed.OVERDUE:
            open_ones = open_ones.filter(due_at__lte=now)
        found = _among(found, open_ones.values_list("order", flat=True))
    if asked.promised_from or asked.promised_until:
        return found.order_by("promised_deliver_by", "pk")
    return found.order_by("-placed_at", "-pk")


def _among(found: QuerySet[Order], ids: QuerySet[Any]) -> QuerySet[Order]:
    """Those of `found` that are in `ids`. Few are named one by one; where they are many, reading from the newest order
    on soon has a page of them. The planner cannot tell which it is when it has to walk a million orders for a handful.
    """
    few = list(ids.order_by()[: _FEW + 1])
    return found.filter(pk__in=few if len(few) <= _FEW else ids.order_by())


def sources() -> list[str]:
    """Every source that orders came from: one step in the index for each, however many orders there are."""
    found: list[str] = []
    after = Order.objects.order_by("source").values_list("source", flat=True)
    name = after.first()
    while name is not None:
        found.append(name)
        name = after.filter(source__gt=name).first()
    return found


def _named(found: QuerySet[Order], words: str, *, with_people: bool) -> QuerySet[Order]:
    """By the first way that finds any: the whole number, a tracking number, a number's beginning, a name."""
    if "@" in words:
        return found.filter(customer__person=person_key(words)) if with_people else found.none()
    bare = order_links.bare(words)
    if bare:
        key = lookup_key(Value(bare))
        ways = [found.filter(lookup_key=key), _by_tracking_no(found, bare)]
        letters = re.sub(r"\W|_", "", bare).lower()
        if len(letters) >= _SHORTEST and any(letter.isdigit() for letter in letters):
            ways.append(found.filter(lookup_key__startswith=letters))
        for way in ways:
            if way.exists():
                return way
    return _by_name(found, words) if with_people else found.none()


def _by_tracking_no(found: QuerySet[Order], bare: str) -> QuerySet[Order]:
    """Also one that was corrected since: it is what the customer may have been told."""
    key = lookup_key(Value(bare))
    parcels = Shipment.objects.alias(key=lookup_key(F("tracking_no"))).filter(key=key)
    once = FormerNumber.objects.alias(key=lookup_key(F("tracking_no"))).filter(key=key)
    return found.filter(pk__in=parcels.values("order").union(once.values("shipment__order")))


def _by_name(found: QuerySet[Order], words: str) -> QuerySet[Order]:
    """Each word must begin one of the customer's names."""
    beginnings = re.findall(r"\w+", words.replace("_", " "))[:5]
    if not beginnings:
        return found.none()
    query = SearchQuery(" & ".join(f"{word}:*" for word in beginnings), search_type="raw", config="simple")
    people = Customer.objects.alias(words=name_words()).filter(words=query)
    return found.filter(customer__in=people.order_by("-pk")[:_MOST_PEOPLE].values("pk"))
