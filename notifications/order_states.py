"""Parcels' states into one state of the order, and what a parcel's event is called. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from notifications.delays import DelayKind


class OrderState(StrEnum):
    """What a customer should hear first about an order. Its words are in order_texts.py."""

    PREPARING = "preparing"  # nothing is with a carrier yet
    NOT_LEFT = "not_left"  # and should be by now
    ON_ITS_WAY = "on_its_way"
    OUT_FOR_DELIVERY = "out_for_delivery"
    ATTEMPT_FAILED = "attempt_failed"
    READY_TO_COLLECT = "ready_to_collect"
    PROBLEM = "problem"  # the carrier reports one
    LATE = "late"  # past the promised day, and none of the above that says more
    PARTLY_DELIVERED = "partly_delivered"
    PARTLY_LATE = "partly_late"  # part has come, the rest is past the promised day
    DELIVERED = "delivered"
    PARTLY_RETURNED = "partly_returned"  # everything has ended its way, some of it back with us
    RETURNED = "returned"
    CANCELLED = "cancelled"


# The most pressing first: where parcels differ, this is what the customer must act on or wait for.
_PRESSING: tuple[tuple[str, OrderState], ...] = (
    ("available_for_pickup", OrderState.READY_TO_COLLECT),
    ("attempt_failed", OrderState.ATTEMPT_FAILED),
    ("exception", OrderState.PROBLEM),
    ("out_for_delivery", OrderState.OUT_FOR_DELIVERY),
)


def state_of(parcels: Sequence[str], *, delays: set[DelayKind], is_cancelled: bool) -> OrderState:
    """The order's state, from its parcels' (values of ShipmentState) and what is late now among all of them."""
    if is_cancelled:
        return OrderState.CANCELLED
    states = set(parcels)
    is_late = DelayKind.PROMISE_PASSED in delays
    if states == {"delivered"}:
        return OrderState.DELIVERED
    if states == {"returned"}:
        return OrderState.RETURNED
    if states == {"delivered", "returned"}:
        return OrderState.PARTLY_RETURNED
    for parcel, state in _PRESSING:
        if parcel in states:
            return state
    if "delivered" in states:
        return OrderState.PARTLY_LATE if is_late else OrderState.PARTLY_DELIVERED
    if is_late:
        return OrderState.LATE
    if states <= {"created"}:
        return OrderState.NOT_LEFT if DelayKind.NOT_HANDED_OVER in delays else OrderState.PREPARING
    return OrderState.ON_ITS_WAY


# Where a parcel stands on the line "ordered, handed over, out for delivery, with you", for the drawing.
_STEPS: dict[str, int] = {
    "created": 0,
    "handed_over": 1,
    "in_transit": 1,
    "exception": 1,
    "out_for_delivery": 2,
    "attempt_failed": 2,
    "available_for_pickup": 2,
    "delivered": 3,
}


def step_of(parcel: str) -> int | None:
    """How many of the four steps of the way are done but the first; None where the way leads back."""
    return _STEPS.get(parcel)
