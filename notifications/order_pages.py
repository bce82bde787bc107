"""What a customer sees of an order: plain sentences, drawn from the facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _

from core import clock
from notifications import composing
from notifications.models import Episode, EpisodeKind, Order, Shipment, ShipmentState

# Nothing more is expected of such a parcel.
_ARRIVED = (ShipmentState.DELIVERED, ShipmentState.RETURNED, ShipmentState.AVAILABLE_FOR_PICKUP)


@dataclass(frozen=True)
class EventLine:
    """One report of the carrier. `at` is None where the carrier gave no time."""

    text: str
    at: datetime | None
    place: str


@dataclass(frozen=True)
class Parcel:
    """One parcel of the order."""

    state_text: str
    carrier: str
    tracking_no: str
    expected_text: str
    events: list[EventLine]


@dataclass(frozen=True)
class Trouble:
    """Something that is wrong now."""

    title: str
    text: str


@dataclass(frozen=True)
class OrderPage:
    """All of templates/notifications/order.html."""

    number: str
    state_text: str
    placed_at: datetime
    promised_by: date | None
    lines: list[str]
    shipments: list[Parcel]
    episodes: list[Trouble]
    next_steps: list[dict[str, str]]


def page_of(order: Order) -> OrderPage:
    """The page of one order, in the active language."""
    shipments = list(order.shipments.order_by("pk"))
    promised_by = composing.day_of(order.promised_deliver_by, order.customer) if order.promised_deliver_by else None
    return OrderPage(
        number=order.number,
        state_text=_state_text(order, shipments),
        placed_at=order.placed_at,
        promised_by=promised_by,
        lines=[f"{line.quantity} × {line.title}" for line in order.lines.all()],
        shipments=[_parcel(shipment, order, promised_by) for shipment in shipments],
        episodes=_troubles(order, promised_by),
        next_steps=[
            {"url": reverse("contacts:form"), "text": _("Ask us about this order")},
            {"url": reverse("orders:lookup"), "text": _("Find another order")},
        ],
    )


def _state_text(order: Order, shipments: list[Shipment]) -> str:
    if order.cancelled_at is not None:
        return _("This order was cancelled")
    states = {shipment.state for shipment in shipments}
    if not states or states == {ShipmentState.CREATED}:
        return _("We are preparing your order")
    if len(states) == 1:
        return str(shipments[0].get_state_display())
    if ShipmentState.DELIVERED in states:
        return _("Part of your order has been delivered")
    return _("Your order is on its way")


def _parcel(shipment: Shipment, order: Order, promised_by: date | None) -> Parcel:
    is_over = order.cancelled_at is not None or shipment.state in _ARRIVED
    expected = ""
    if promised_by and not is_over:
        is_past = composing.day_of(clock.now(), order.customer) > promised_by
        expected = _("not known yet") if is_past else _("by %(day)s") % {"day": formats.date_format(promised_by)}
    return Parcel(
        state_text=_("Cancelled") if order.cancelled_at else str(shipment.get_state_display()),
        carrier=shipment.carrier,
        tracking_no=shipment.tracking_no,
        expected_text=expected,
        events=[
            EventLine(composing.event_text(event), event.at if event.is_dated else None, event.place)
            for event in shipment.events.exclude(state="", text="")
        ],
    )


def _troubles(order: Order, promised_by: date | None) -> list[Trouble]:
    found = []
    kinds = set(Episode.objects.filter(shipment__order=order, closed_at=None).values_list("kind", flat=True))
    if EpisodeKind.PROMISE_PASSED in kinds and promised_by:
        found.append(
            Trouble(
                _("This order is late"),
                _("We promised it by %(day)s and have no report that it has been delivered. We are sorry.")
                % {"day": formats.date_format(promised_by)},
            )
        )
    if EpisodeKind.NOT_HANDED_OVER in kinds:
        found.append(
            Trouble(
                _("This order has not left on time"),
                _("It should have been with the carrier by now. We have no report that it is. We are sorry."),
            )
        )
    return found
