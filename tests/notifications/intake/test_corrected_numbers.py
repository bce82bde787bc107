"""A tracking number that was wrong: whoever tells, the parcel stays one."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from core import clock
from notifications import finding
from notifications.intake import objects, shopify, storing, woocommerce
from notifications.intake.facts import Expected, Fact, Packed, Scanned, in_time_order
from notifications.intake.reading import At
from notifications.models import ExpectedDate, FormerNumber, Order, ParkedFact, Shipment, TrackingEvent
from notifications.tracking import Scan
from tests.notifications.intake import samples_shopify, samples_woocommerce
from tests.notifications.intake.test_taking_in import DAY, NOW, placed, scanned, store

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
SHOP_NOW = datetime.fromisoformat("2026-03-05T12:00:00+00:00")


def packed(
    *numbers: str, at: datetime = NOW - 4 * DAY, said: datetime, despatch: str = "d1", **more: Any
) -> list[Fact]:
    """What a source says of a despatch, all of its parcels at once."""
    return [
        Packed(at, "1", "UPS", number, (), despatch_id=despatch, numbers=numbers, as_of=said, **more)
        for number in numbers
    ]


def numbers() -> list[str]:
    return list(Shipment.objects.order_by("pk").values_list("tracking_no", flat=True))


def former() -> list[str]:
    return list(FormerNumber.objects.order_by("until", "pk").values_list("tracking_no", flat=True))


def test_a_corrected_number_is_the_same_parcel_with_its_scans() -> None:
    store(placed(), *packed("1Z9", said=NOW - 4 * DAY))
    parcel = Shipment.objects.get()
    store(scanned("in_transit", at=NOW - 3 * DAY))
    assert store(*packed("1Z8", said=NOW - 2 * DAY)).changed == 1
    assert (numbers(), former(), Shipment.objects.get().pk) == (["1Z8"], ["1Z9"], parcel.pk)
    store(scanned("out_for_delivery", number="1Z8"))
    assert Shipment.objects.get().state == "out_for_delivery"
    assert store(*packed("1Z8", said=NOW - DAY)).changed == 0, "told again, it is the same"


def test_what_is_dated_before_the_correction_is_about_the_parcel_and_later_is_not() -> None:
    store(placed(), *packed("1Z9", said=NOW - 4 * DAY), *packed("1Z8", said=NOW - 2 * DAY))
    store(scanned("in_transit", at=NOW - 3 * DAY), source="tracker")
    store(Expected(NOW - 3 * DAY, "", "ups", "1Z9", NOW + DAY), source="tracker")
    assert Shipment.objects.get().state == "in_transit"
    assert ExpectedDate.objects.count() == 1
    store(scanned("delivered", at=NOW - DAY), source="tracker")
    assert Shipment.objects.get().state == "in_transit", "somebody else's"
    assert ParkedFact.objects.count() == 1


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (2, 0, 1)])
@pytest.mark.parametrize("is_one_batch", [False, True])
def test_in_whatever_order_it_is_told_the_latest_number_counts(order: tuple[int, ...], is_one_batch: bool) -> None:
    told = [packed(number, said=NOW - (3 - n) * DAY) for n, number in enumerate(("1Z7", "1Z8", "1Z9"))]
    store(placed())
    if is_one_batch:
        store(*(fact for n in order for fact in told[n]))
    else:
        for n in order:
            store(*told[n])
    assert numbers() == ["1Z9"]
    assert set(former()) == {"1Z7", "1Z8"}


def test_a_number_that_is_corrected_back_is_the_parcels_again() -> None:
    store(placed())
    for n, number in enumerate(("1Z8", "1Z9", "1Z8")):
        store(*packed(number, said=NOW - (3 - n) * DAY))
    assert (numbers(), former()) == (["1Z8"], ["1Z9"])
    store(scanned("delivered", number="1Z8", at=NOW))
    assert Shipment.objects.get().state == "delivered"


def test_of_several_parcels_the_one_whose_number_is_gone_is_corrected_and_one_more_is_one_more() -> None:
    store(placed(), *packed("A1", "B1", said=NOW - 4 * DAY))
    store(*packed("A1", "B2", "C1", said=NOW - 2 * DAY))
    assert (numbers(), former()) == (["A1", "B2", "C1"], ["B1"])
    store(*packed("A1", "B1", "B2", "C1", said=NOW - DAY))
    assert sorted(numbers()) == ["A1", "B1", "B2", "C1"], "the number is there beside the one that came in its place"


def test_parcels_of_which_others_told_are_left_alone() -> None:
    store(placed(), Packed(NOW - 4 * DAY, "1", "UPS", "1Z5", ()))
    store(*packed("1Z8", said=NOW - 2 * DAY))
    store(*packed("1Z9", said=NOW - DAY))
    assert numbers() == ["1Z5", "1Z9"]
    store(*packed("2Z1", said=NOW, despatch="d2"))
    assert numbers() == ["1Z5", "1Z9", "2Z1"], "another despatch is another parcel"


def test_one_that_has_come_already_stays_and_the_new_number_is_another() -> None:
    store(placed(), *packed("1Z9", said=NOW - 4 * DAY), scanned("returned", at=NOW - 3 * DAY))
    store(*packed("1Z8", said=NOW - 2 * DAY))
    assert dict(Shipment.objects.values_list("tracking_no", "state")) == {"1Z9": "returned", "1Z8": "created"}


def test_what_waited_for_the_right_number_is_taken_in_with_it() -> None:
    store(placed(), *packed("1Z9", said=NOW - 4 * DAY))
    store(scanned("in_transit", number="1Z8"), source="tracker")
    store(*packed("1Z8", said=NOW))
    assert Shipment.objects.get().state == "in_transit"
    assert not ParkedFact.objects.exists()


def test_a_corrected_number_that_is_another_orders_parcel_is_refused_with_its_reason() -> None:
    store(placed(carrier="UPS", tracking_no="1Z8"))
    store(placed(order_id="2", number="FH-2"))
    store(Packed(NOW, "2", "UPS", "1Z9", (), despatch_id="d2", numbers=("1Z9",), as_of=NOW - DAY))
    told = store(Packed(NOW, "2", "UPS", "1Z8", (), despatch_id="d2", numbers=("1Z8",), as_of=NOW))
    assert "Order 2" in told.refused[0]
    assert numbers() == ["1Z8", "1Z9"]


def test_the_desk_finds_the_order_by_the_number_that_it_had() -> None:
    store(placed(), *packed("1Z9", said=NOW - 4 * DAY), *packed("1Z8", said=NOW))
    for words in ("1Z9", "1z 8"):
        found = finding.orders(finding.Asked(words=words), now=NOW, with_people=False)
        assert [order.number for order in found] == ["FH-1"], words


# --- By source ---


def take(facts: list[Fact]) -> storing.Stored:
    return storing.store(in_time_order(facts), source="shop", now=SHOP_NOW, park=True)


def fulfilment(updated_at: str, **changes: Any) -> list[Fact]:
    payload = {**samples_shopify.FULFILMENT, "updated_at": updated_at, "tracking_numbers": [], **changes}
    return shopify.read(payload, {shopify.TOPIC: "fulfillments/update"})


@pytest.fixture
def shopify_order() -> Order:
    take(shopify.read(samples_shopify.ORDER, {shopify.TOPIC: "orders/create"}))
    return Order.objects.get()


def test_shopify_a_fulfilment_with_another_number_is_the_same_parcel(shopify_order: Order) -> None:
    take(fulfilment("2026-03-02T14:00:00Z", tracking_number=""))
    assert numbers() == ["#1042.1"], "sent without a number"
    take(fulfilment("2026-03-02T15:00:00Z", tracking_number="JD1"))
    take(fulfilment("2026-03-02T16:00:00Z", tracking_number="JD2"))
    take(fulfilment("2026-03-02T15:30:00Z", tracking_number="JD1"))
    assert numbers() == ["JD2"]
    assert Shipment.objects.get().state == "handed_over"


def test_shopify_a_cancelled_fulfilment_is_no_parcel_and_the_order_waits_for_the_next(shopify_order: Order) -> None:
    take(fulfilment("2026-03-02T14:00:00Z", tracking_number="JD1"))
    take(fulfilment("2026-03-02T15:00:00Z", tracking_number="JD1", status="cancelled"))
    assert numbers() == [""]
    take(fulfilment("2026-03-02T14:00:00Z", tracking_number="JD1"))
    assert numbers() == [""], "told late"
    take(fulfilment("2026-03-03T14:00:00Z", tracking_number="JD2", id=77))
    take(fulfilment("2026-03-02T15:00:00Z", tracking_number="JD1", status="cancelled"))
    assert list(Shipment.objects.values_list("tracking_no", "despatch_id")) == [("JD2", "77")]
    assert Shipment.objects.get().contents.count() == 2
    take(fulfilment("2026-03-03T15:00:00Z", tracking_number="JD2", id=77, shipment_status="in_transit"))
    take(fulfilment("2026-03-03T16:00:00Z", tracking_number="JD2", id=77, status="cancelled"))
    assert numbers() == ["JD2"], "the carrier has it"
    assert not ParkedFact.objects.exists()


def test_shopify_what_was_sent_without_a_number_is_not_sent_once_it_is_cancelled(shopify_order: Order) -> None:
    take(fulfilment("2026-03-02T14:00:00Z", tracking_number=""))
    assert Shipment.objects.get().state == "handed_over"
    take(fulfilment("2026-03-02T15:00:00Z", tracking_number="", status="cancelled"))
    parcel = Shipment.objects.get()
    assert (parcel.tracking_no, parcel.state, parcel.handed_over_at) == ("", "created", None)
    assert parcel.check_at is not None, "that it is not handed over in time is looked for again"
    take(fulfilment("2026-03-02T14:00:00Z", tracking_number=""))
    assert Shipment.objects.get().state == "created", "told late"
    take(fulfilment("2026-03-03T14:00:00Z", tracking_number="", id=77))
    assert Shipment.objects.get().state == "handed_over"


def test_shopify_the_status_of_a_fulfilment_is_read_once_for_each_that_it_has(shopify_order: Order) -> None:
    told = [
        ("2026-03-02T14:00:00Z", None),
        ("2026-03-02T15:00:00Z", "confirmed"),
        ("2026-03-03T08:00:00Z", "in_transit"),
        ("2026-03-03T09:00:00Z", "in_transit"),
        ("2026-03-04T09:00:00Z", "out_for_delivery"),
        ("2026-03-04T09:30:00Z", "out_for_delivery"),
        ("2026-03-04T15:00:00Z", "delivered"),
        ("2026-03-05T08:00:00Z", "delivered"),
    ]
    for at, status in told:
        take(fulfilment(at, tracking_number="JD1", shipment_status=status))
    parcel = Shipment.objects.get()
    assert (parcel.state, parcel.delivered_at) == ("delivered", datetime.fromisoformat("2026-03-04T15:00:00Z"))
    assert list(TrackingEvent.objects.order_by("at").values_list("state", flat=True)) == [
        "in_transit",
        "out_for_delivery",
        "delivered",
    ]


def test_shopify_an_unknown_status_is_kept_and_of_several_parcels_none_is_read(shopify_order: Order) -> None:
    take(fulfilment("2026-03-02T14:00:00Z", tracking_number="JD1", shipment_status="On A Donkey"))
    take(fulfilment("2026-03-02T15:00:00Z", tracking_number="JD1", shipment_status="On A Donkey"))
    assert TrackingEvent.objects.get().raw_status == "on a donkey"
    both = fulfilment("2026-03-02T14:00:00Z", tracking_numbers=["JD1", "JD2"], shipment_status="delivered")
    assert not any(isinstance(fact, Scanned) for fact in both)


def test_a_present_state_beside_a_scan_of_the_same_adds_nothing() -> None:
    store(placed(carrier="UPS", tracking_no="1Z9"))
    present = Scan("in_transit", NOW - HOUR, is_present=True)
    store(scanned("in_transit", at=NOW - 2 * HOUR), Scanned(NOW - HOUR, "", "UPS", "1Z9", present))
    assert TrackingEvent.objects.count() == 1


def test_woocommerce_a_list_with_another_number_corrects_and_a_longer_one_adds() -> None:
    def tell(modified: str, *tracking_numbers: str) -> None:
        items = [samples_woocommerce.parcel(number, "2026-03-02") for number in tracking_numbers]
        take(woocommerce.read(samples_woocommerce.order(modified, *items), {woocommerce.TOPIC: "order.updated"}))

    tell("2026-03-01T10:00:00")
    tell("2026-03-02T10:00:00", "AA1")
    tell("2026-03-02T11:00:00", "AA2")
    assert (numbers(), former()) == (["AA2"], ["AA1"])
    tell("2026-03-03T11:00:00", "AA2", "BB1")
    assert numbers() == ["AA2", "BB1"]
    tell("2026-03-02T10:00:00", "AA1")
    assert numbers() == ["AA2", "BB1"], "told late"


def test_our_api_a_shipment_with_an_id_is_corrected_and_one_without_is_one_more() -> None:
    take(objects.order(At({"id": "7", "placed_at": "2026-03-01T09:00:00Z"})))

    def tell(number: str, **more: Any) -> None:
        shipment = {"order_id": "7", "created_at": "2026-03-02T09:00:00Z", "tracking_no": number, "carrier": "UPS"}
        take(objects.shipment(At(shipment | more)))

    tell("1Z1", id="s1", updated_at="2026-03-02T10:00:00Z")
    tell("1Z2", id="s1", updated_at="2026-03-03T10:00:00Z")
    tell("1Z1", id="s1", updated_at="2026-03-02T11:00:00Z")
    assert (numbers(), former()) == (["1Z2"], ["1Z1"])
    tell("1Z3", id="s1")
    assert numbers() == ["1Z3"], "without a moment it is said now"
    tell("1Z4")
    assert numbers() == ["1Z3", "1Z4"]


def test_a_file_of_orders_corrects_what_no_carrier_has_seen(tmp_path: Path) -> None:
    def load(*rows: str) -> None:
        path = tmp_path / "orders.csv"
        path.write_text("order number,placed at,carrier,tracking number\n" + "\n".join(rows) + "\n")
        call_command("import_orders", str(path), verbosity=0)

    with clock.frozen(NOW):
        load("FH-1,2026-03-01 10:00,UPS,", "FH-2,2026-03-01 10:00,UPS,2Z1")
        load("FH-1,2026-03-01 10:00,UPS,1Z8", "FH-2,2026-03-01 10:00,UPS,2Z2")
        assert (numbers(), former()) == (["1Z8", "2Z2"], ["2Z1"])
        scans = tmp_path / "scans.csv"
        scans.write_text(
            "tracking number,status,event at\n2Z1,in transit,2026-03-02 10:00\n1Z8,in transit,2026-03-02 10:00\n"
        )
        call_command("import_tracking", str(scans), verbosity=0)
        assert set(Shipment.objects.values_list("state", flat=True)) == {"in_transit"}
        load("FH-1,2026-03-01 10:00,UPS,1Z9")
        assert numbers() == ["1Z8", "2Z2", "1Z9"], "a parcel of its own: the carrier has the other"
