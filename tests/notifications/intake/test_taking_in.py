"""From stored calls to rows: orders that change, parcels that come later, facts that come too early."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core import clock
from notifications import episodes
from notifications.intake import parking, shopify, storing, taking_in
from notifications.intake.facts import (
    Cancelled,
    CustomerFact,
    Expected,
    Fact,
    LineFact,
    Packed,
    Placed,
    Promised,
    Region,
    Scanned,
    in_time_order,
)
from notifications.intake.sources import SOURCES
from notifications.models import (
    Customer,
    Episode,
    ExpectedDate,
    InboundDelivery,
    InboundState,
    Order,
    ParkedFact,
    Shipment,
    TrackingEvent,
    UnknownWord,
)
from notifications.tracking import Scan
from tests.notifications.intake import samples_aftership, samples_shopify

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def placed(*, as_of: datetime = NOW - 5 * DAY, **changes: Any) -> Placed:
    values: dict[str, Any] = {
        "at": NOW - 5 * DAY,
        "order_id": "1",
        "number": "FH-1",
        "customer": CustomerFact("ada", "ada@example.com", "Ada"),
        "lines": (LineFact("Lamp", 1, "l1"), LineFact("Bulb", 4, "l2")),
        "promised_ship_by": None,
        "promised_deliver_by": NOW + DAY,
        "carrier": "",
        "tracking_no": "",
        "ship_to": Region("DE", "10"),
        "as_of": as_of,
    }
    return Placed(**values | changes)


def store(*facts: Fact, source: str = "shop", now: datetime = NOW) -> storing.Stored:
    return storing.store(in_time_order(facts), source=source, now=now, park=True)


def scanned(state: str, *, number: str = "1Z9", carrier: str = "ups", at: datetime = NOW - DAY) -> Scanned:
    return Scanned(at, "", carrier, number, Scan(state, at))


def keep(source: str, payload: bytes, **headers: str) -> InboundDelivery:
    return InboundDelivery.objects.create(source=source, body=payload, sha256="x", headers=headers)


# --- Known orders ---


def test_a_changed_order_is_taken_over_and_an_older_word_is_not() -> None:
    store(placed())
    newer = placed(
        as_of=NOW - 2 * DAY,
        customer=CustomerFact("ada", "Ada.Berg@example.com", "Ada"),
        ship_to=Region("AT", "60"),
        promised_deliver_by=NOW + 3 * DAY,
        lines=(LineFact("Lamp, brass", 2, "l1"), LineFact("Plug", 1, "l3")),
    )
    assert store(newer).changed == 1
    store(placed(as_of=NOW - 3 * DAY))  # late, and of before
    order = Order.objects.get()
    assert order.customer.email == "ada.berg@example.com"
    assert (order.ship_to_country, order.promised_deliver_by) == ("AT", NOW + 3 * DAY)
    assert list(order.lines.values_list("title", "quantity")) == [("Lamp, brass", 2), ("Plug", 1)]
    assert store(newer).changed == 0, "told again, it is the same"


def test_a_line_that_is_in_a_parcel_stays() -> None:
    store(placed(), Packed(NOW, "1", "UPS", "1Z9", (), (("l2", 4),)))
    store(placed(as_of=NOW, lines=(LineFact("Lamp", 1, "l1"),)))
    assert list(Order.objects.get().lines.values_list("title", flat=True)) == ["Lamp", "Bulb"]


def test_an_order_without_an_address_does_not_take_away_the_one_we_know() -> None:
    store(placed())
    store(placed(as_of=NOW, customer=CustomerFact("ada", "", "")))
    assert Customer.objects.get().email == "ada@example.com"


def test_a_promise_moves_the_next_look_and_opens_or_closes_nothing_itself() -> None:
    store(placed(promised_deliver_by=NOW - DAY))
    episodes.sweep(now=NOW)
    assert Episode.objects.get().closed_at is None
    told = store(Promised(NOW, "1", None, NOW + 2 * DAY))
    assert told.changed == 1
    assert Episode.objects.get().closed_at is None
    assert Shipment.objects.get().check_at == NOW, "an open trouble is looked at"
    store(Promised(NOW - DAY, "1", None, NOW + 9 * DAY))
    assert Order.objects.get().promised_deliver_by == NOW + 2 * DAY, "the later word counts"
    episodes.sweep(now=NOW)
    assert Episode.objects.get().closed_at == NOW


# --- Parcels ---


def test_an_order_waits_for_its_first_parcel_and_further_ones_are_more() -> None:
    store(placed())
    awaited = Shipment.objects.get()
    assert awaited.tracking_no == ""
    assert awaited.check_at == NOW + DAY
    store(Packed(NOW, "1", "UPS", "1Z9", (), (("l1", 1),)), Packed(NOW, "1", "DHL", "JD1", ()))
    assert list(Shipment.objects.order_by("pk").values_list("carrier", "tracking_no")) == [
        ("UPS", "1Z9"),
        ("DHL", "JD1"),
    ]
    assert Shipment.objects.get(tracking_no="1Z9").pk == awaited.pk
    assert store(Packed(NOW, "1", "United Parcel Service", "1Z9", ())).parcels == 0, "the number says which it is"


def test_two_orders_can_wait_at_once() -> None:
    store(placed(), placed(order_id="2", number="FH-2"))
    assert Shipment.objects.filter(tracking_no="").count() == 2


def test_a_scan_finds_its_parcel_by_number_and_of_two_carriers_takes_the_right_one() -> None:
    store(placed(), placed(order_id="2", number="FH-2"))
    store(Packed(NOW, "1", "UPS", "777", ()), Packed(NOW, "2", "DHL Express", "777", ()))
    store(scanned("in_transit", number="777", carrier="dhl"), source="tracker")
    states = dict(Shipment.objects.values_list("carrier", "state"))
    assert states == {"UPS": "created", "DHL Express": "in_transit"}
    store(scanned("delivered", number="777", carrier="fedex"), source="tracker")
    assert TrackingEvent.objects.count() == 1, "nobody can tell whose it is"
    assert ParkedFact.objects.count() == 1


def test_a_day_that_a_carrier_names_is_kept_with_its_history() -> None:
    store(placed(carrier="UPS", tracking_no="1Z9"))
    said = [(NOW - 3 * DAY, NOW + DAY), (NOW - 2 * DAY, NOW + DAY), (NOW - DAY, NOW + 4 * DAY)]
    for at, by in (said[2], said[0], said[1]):
        store(Expected(at, "", "UPS", "1Z9", by), source="tracker")
    parcel = Shipment.objects.get()
    assert parcel.expected_by == NOW + 4 * DAY
    assert parcel.check_at == NOW
    assert set(ExpectedDate.objects.values_list("said_at", "expected_by")) == {said[0], said[2]}


# --- Too early ---


def test_what_comes_before_its_order_waits_and_is_taken_in_with_it() -> None:
    early: list[Fact] = [
        scanned("in_transit"),
        Expected(NOW - DAY, "", "UPS", "1Z9", NOW + DAY),
        Packed(NOW - 2 * DAY, "1", "UPS", "1Z9", (), (("l1", 1),)),
        Cancelled(NOW, "1"),
        Promised(NOW, "1", NOW + 2 * DAY, None),
    ]
    for fact in early:
        store(fact, source="shop")
    store(*early[:2], source="shop")
    assert ParkedFact.objects.count() == 5, "each once"
    store(placed())
    assert not ParkedFact.objects.exists()
    parcel = Shipment.objects.get()
    assert (parcel.tracking_no, parcel.state, parcel.expected_by) == ("1Z9", "in_transit", NOW + DAY)
    assert parcel.contents.get().line.title == "Lamp"
    order = Order.objects.get()
    assert (order.cancelled_at, order.promised_ship_by) == (NOW, NOW + 2 * DAY)


def test_without_parking_the_rest_is_told() -> None:
    told = storing.store([scanned("in_transit")], source="import", now=NOW)
    assert [fact.tracking_no for fact in told.left if isinstance(fact, Scanned)] == ["1Z9"]
    assert not ParkedFact.objects.exists()


def test_what_two_workers_stored_past_each_other_is_found_later() -> None:
    parking.park([scanned("delivered")], source="tracker", now=NOW)
    storing.store([placed()], source="shop", now=NOW)
    Shipment.objects.update(carrier="UPS", tracking_no="1Z9")  # as one who did not see the other
    assert taking_in.take_parked() == 1
    assert Shipment.objects.get().state == "delivered"
    assert not ParkedFact.objects.exists()


def test_after_two_weeks_a_person_sees_it_and_it_is_still_taken_in() -> None:
    store(scanned("in_transit"), source="tracker")
    assert not parking.overdue(now=NOW + 13 * DAY).exists()
    assert parking.overdue(now=NOW + 15 * DAY).count() == 1
    store(placed(carrier="UPS", tracking_no="1Z9"), now=NOW + 15 * DAY)
    assert TrackingEvent.objects.count() == 1


# --- Calls ---


def test_a_failure_that_may_pass_is_tried_three_times_and_harms_no_sibling(monkeypatch: pytest.MonkeyPatch) -> None:
    import json

    bad = json.dumps({**samples_shopify.ORDER, "id": 13}).encode()
    read = SOURCES["shopify"].read

    def breaks(payload: Any, headers: Any) -> list[Fact]:
        if payload["id"] == 13:
            raise RuntimeError("a fault of ours")
        return read(payload, headers)

    monkeypatch.setitem(SOURCES, "shopify", shopify.Source(
        "shopify", "Shopify", shopify.verify, shopify.dedupe_id, breaks
    ))  # fmt: skip
    first = keep("shopify", bad, **{"x-shopify-topic": "orders/create"})
    other = keep("shopify", samples_shopify.SAMPLES.story[0].body, **{"x-shopify-topic": "orders/create"})
    for tries in (1, 2):
        assert taking_in.take_in().again == 1
        first.refresh_from_db()
        assert (first.state, first.tries) == (InboundState.NEW, tries)
    taking_in.take_in()
    first.refresh_from_db()
    other.refresh_from_db()
    assert (first.state, first.error) == (InboundState.QUARANTINED, "RuntimeError: a fault of ours")
    assert other.state == InboundState.DONE


def test_what_the_database_refuses_stands_alone_with_its_reason() -> None:
    """The number of one order's parcel is another order's."""
    import json

    store(placed(carrier="DHL Express", tracking_no="JD014600003SE"), source="other")
    with clock.frozen(NOW):
        order = keep("shopify", samples_shopify.SAMPLES.story[0].body, **{"x-shopify-topic": "orders/create"})
        twin = keep("shopify", samples_shopify.SAMPLES.story[2].body, **{"x-shopify-topic": "fulfillments/create"})
        elsewhere = json.dumps({**samples_shopify.ORDER, "id": 14, "name": "#14"}).encode()
        sibling = keep("shopify", elsewhere, **{"x-shopify-topic": "orders/create"})
        taking_in.take_in()
    for one in (order, twin, sibling):
        one.refresh_from_db()
    assert (order.state, sibling.state) == (InboundState.DONE, InboundState.DONE)
    assert twin.state == InboundState.QUARANTINED
    assert "shipment_unique_at_carrier" in twin.error


def test_an_unknown_word_is_kept_and_counted() -> None:
    import json

    point = samples_aftership.checkpoint("2026-03-02T10:00:00+00:00", "Teleported", "Teleported_001", "Gone")
    msg = samples_aftership.tracking(1, "2026-03-02T10:05:00+00:00", expected=None) | {"checkpoints": [point]}
    store(placed(carrier="USPS", tracking_no=samples_aftership.NUMBER))
    keep("aftership", json.dumps({"event": "tracking_update", "msg": msg}).encode())
    taking_in.take_in()
    scan = TrackingEvent.objects.get()
    assert (scan.state, scan.raw_status) == ("", "Teleported / Teleported_001")
    word = UnknownWord.objects.get()
    assert (word.source, word.word, word.times) == ("aftership", "Teleported / Teleported_001", 1)


def test_a_cancelled_topic_on_an_order_that_is_not_cancelled_cancels_nothing() -> None:
    """Shopify does not sign the topic: whoever caught a call could send it again under another."""
    keep("shopify", samples_shopify.SAMPLES.story[0].body, **{"x-shopify-topic": "orders/cancelled"})
    taking_in.take_in()
    assert Order.objects.get().cancelled_at is None
