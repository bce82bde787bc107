"""The demo's orders of every state: each shows what it says it shows, at whatever hour the demo is filled."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.conf import settings

from config import demo_orders
from core import clock
from notifications import order_pages
from notifications.intake import storing
from notifications.models import Order
from notifications.order_states import OrderState

FOLDER = settings.BASE_DIR / "demo"
SHOWN = {
    "FH-118204": OrderState.PREPARING,
    "FH-118037": OrderState.ON_ITS_WAY,
    "FH-117655": OrderState.OUT_FOR_DELIVERY,
    "FH-116980": OrderState.LATE,
    "FH-114417": OrderState.LATE,
    "FH-115902": OrderState.LATE,
    "FH-117012": OrderState.NOT_LEFT,
    "FH-116733": OrderState.PARTLY_DELIVERED,
    "FH-115640": OrderState.DELIVERED,
    "FH-117340": OrderState.READY_TO_COLLECT,
    "FH-117488": OrderState.ATTEMPT_FAILED,
    "FH-116518": OrderState.PROBLEM,
    "FH-113875": OrderState.RETURNED,
    "FH-117901": OrderState.CANCELLED,
    "FH-117210": OrderState.ON_ITS_WAY,
}


@pytest.mark.django_db
@pytest.mark.parametrize("hour", [1, 9, 23])
def test_each_order_shows_its_state(hour):
    now = datetime(2026, 3, 29, hour, 30, tzinfo=UTC)  # the day on which the clocks change
    with clock.frozen(now):
        stored = storing.store(demo_orders.facts(FOLDER, now=now), source="demo", now=now)
        demo_orders.make_promises(FOLDER, by=None, now=now)
        orders = Order.objects.select_related("customer")
        pages = {order.number: order_pages.page_of(order, now=now) for order in orders}
    assert stored.refused == []
    assert {number: page.state for number, page in pages.items()} == SHOWN
    assert [parcel.contents for parcel in pages["FH-116733"].parcels] == [
        ["4 × Cushion cover Meadow", "2 × Beeswax candle"],
        ["1 × Rattan floor lamp"],
    ]
    assert not pages["FH-114417"].said.is_missed
    assert pages["FH-115902"].said.is_missed
    assert {order.customer.email.rpartition("@")[2] for order in orders} == {"example.com"}


@pytest.mark.parametrize("said", ["", "3d", "-3d 14:2", "-3w", "tomorrow"])
def test_a_moment_that_is_none_is_refused_with_what_to_write(said):
    with pytest.raises(ValueError, match="Write it like"):
        demo_orders.moment(said, datetime(2026, 3, 1, tzinfo=UTC))
