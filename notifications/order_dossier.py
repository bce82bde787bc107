"""All that the order desk shows of one order, read for its page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import attrgetter

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from notifications import forecasts, order_pages, selectors, transit
from notifications.expectations import Tables
from notifications.models import Episode, LinkRevocation, Message, NextUpdate, Order, Shipment, Skip

MOST = 50


@dataclass(frozen=True)
class Told:
    """What came of one rule for one trouble: a message in some state, or none, and `state` is empty then."""

    at: datetime
    name: str
    kind: str
    state: str
    state_text: str
    why: str
    url: str


@dataclass(frozen=True)
class Arrival:
    """When a parcel is expected. `ranges` are (parcels in 100, first day, last day)."""

    day: date
    ranges: list[tuple[int, date, date]]
    late_chance: float | None  # by the model; None where the carrier's usual times are all there is
    made_on: date | None


def arrivals(shipments: Iterable[Shipment], *, now: datetime) -> list[tuple[Shipment, Arrival | None]]:
    """Each parcel, as parcels() gives them, with its day as the customer's page has it."""
    found = list(shipments)
    tables = transit.tables_for({shipment.carrier for shipment in found}) if found else {}
    return [(one, _arrival(one, tables[one.carrier], now=now)) for one in found]


def _arrival(shipment: Shipment, tables: Tables, *, now: datetime) -> Arrival | None:
    days = order_pages.days_of(shipment, tables, now=now)
    if days is None:
        return None
    today = timezone.localtime(now).date()

    def span(share: int, first: int, last: int) -> tuple[int, date, date]:
        return share, today + timedelta(days=first), today + timedelta(days=last)

    by_lane = forecasts.expected(shipment, today) is not None
    forecast = shipment.forecast if by_lane else None
    return Arrival(
        day=today + timedelta(days=days.middle),
        ranges=[span(50, *days.half), span(80, days.low, days.high), span(95, *days.most)],
        late_chance=forecast.late_chance if forecast else None,
        made_on=forecast.made_on if forecast else None,
    )


def parcels(order: Order) -> QuerySet[Shipment]:
    """With their reports, contents, former numbers, forecasts and the days that the carrier named."""
    return (
        order.shipments.select_related("forecast")
        .order_by("pk")
        .prefetch_related("events", "contents__line", "expected_dates", "former_numbers")
    )


def troubles(order: Order) -> list[tuple[Episode, str]]:
    """Newest first, each with why it ended (empty while it goes on)."""
    found = Episode.objects.filter(shipment__order=order).select_related("shipment").order_by("-opened_at", "-pk")
    return [(one, selectors.end_of(one)) for one in found[:MOST]]


def told(order: Order) -> list[Told]:
    """Every message, sent or not, and every message that was not made, newest first, each with the reason."""
    messages = selectors.messages().filter(episode__shipment__order=order)[:MOST]
    skips = Skip.objects.filter(episode__shipment__order=order).select_related("rule", "episode")[:MOST]
    rows = [*(_of_message(one) for one in messages), *(_of_skip(one) for one in skips)]
    return sorted(rows, key=attrgetter("at"), reverse=True)


def others(order: Order) -> QuerySet[Order]:
    """Other orders of the same person, newest first; none where the person is not known."""
    person = order.customer.person
    if not person:
        return Order.objects.none()
    return Order.objects.filter(customer__person=person).exclude(pk=order.pk).order_by("-placed_at", "-pk")[:MOST]


def revocations(order: Order) -> QuerySet[LinkRevocation]:
    """What stopped links to this order, newest first."""
    person = order.customer.person
    about = Q(order=order) | Q(order=None, person=person) if person else Q(order=order)
    return LinkRevocation.objects.filter(about).select_related("by").order_by("-at", "-pk")[:10]


def promises(order: Order) -> list[NextUpdate]:
    """Every update that was promised, newest first."""
    return list(order.next_updates.select_related("made_by", "closed_by")[:MOST])


def _of_message(message: Message) -> Told:
    return Told(
        at=message.eligible_at,
        name=message.rule.name,
        kind=message.episode.get_kind_display(),
        state=message.state,
        state_text=message.get_state_display(),
        why=selectors.reason_of(message),
        url=reverse("desk:message", args=[message.pk]),
    )


def _of_skip(skip: Skip) -> Told:
    return Told(
        at=skip.at,
        name=skip.rule.name if skip.rule else "",
        kind=skip.episode.get_kind_display(),
        state="",
        state_text="",
        why=skip.get_reason_display(),
        url=reverse("desk:ledger-skip", args=[skip.pk]),
    )
