"""import_orders on good tables, broken ones, and the real one where it is at hand."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from notifications.models import Customer, Order, OrderLine, Shipment, TrackingEvent
from tests.notifications import shop

pytestmark = pytest.mark.django_db

REAL = Path(os.environ.get("PREEMPT_DATA", settings.BASE_DIR.parent / "shared" / "data")) / "olist_2016_2017"

CUSTOMERS = """customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state
c1,ada0001,1,x,SP
c2,bo00002,1,x,SP
c3,ada0001,1,x,SP
"""
ORDERS = """order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,\
order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date
o1,c1,delivered,2017-11-01 10:00:00,2017-11-01 11:00:00,2017-11-03 09:00:00,2017-11-09 16:00:00,2017-11-20 00:00:00
o2,c2,shipped,2017-11-02 10:00:00,2017-11-04 11:00:00,2017-11-03 09:00:00,,2017-11-21 00:00:00
o3,c3,canceled,2017-11-03 10:00:00,2017-11-05 10:00:00,,,2017-11-22 00:00:00
"""
ITEMS = """order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value
o1,1,lamp12345678,s,2017-11-06 10:00:00,1.00,1.00
o1,2,lamp12345678,s,2017-11-05 10:00:00,1.00,1.00
o2,1,chair,s,2017-11-07 10:00:00,1.00,1.00
o3,1,table,s,2017-11-08 10:00:00,1.00,1.00
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path)
    return tmp_path


def write(folder: Path, *, customers: str = CUSTOMERS, orders: str = ORDERS, items: str = ITEMS) -> None:
    for name, text in (("customers", customers), ("orders", orders), ("order_items", items)):
        (folder / f"{name}.csv").write_bytes(text.encode("utf-8", "surrogateescape"))


def load(folder: Path, *options: str) -> str:
    out = StringIO()
    call_command("import_orders", str(folder), *options, stdout=out, stderr=out)
    return out.getvalue()


def refuse(folder: Path, *options: str) -> str:
    """What an import that must refuse something said, its last sentence included."""
    out = StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("import_orders", str(folder), *options, stdout=out, stderr=out)
    assert refused.value.returncode == 1
    return f"{out.getvalue()}\n{refused.value}"


def numbers() -> set[str]:
    return set(Order.objects.values_list("external_id", flat=True))


def everything() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in (Customer, Order, OrderLine, Shipment, TrackingEvent)}


def test_a_parcel_knows_its_states_where_the_tables_name_them(folder: Path) -> None:
    (folder / "sellers.csv").write_text('seller_id,seller_state\ns,PR\nt,nowhere\n"u,RJ\n')
    write(folder, customers=CUSTOMERS.replace("c2,bo00002,1,x,SP", "c2,bo00002,1,x,??"))
    load(folder)
    told = Shipment.objects.order_by("tracking_no").values_list(
        "ship_from_country", "ship_from_region", "order__ship_to_country", "order__ship_to_region"
    )
    assert list(told) == [("BR", "PR", "BR", "SP"), ("BR", "PR", "", ""), ("BR", "PR", "BR", "SP")]
    (folder / "sellers.csv").unlink()
    assert load(folder)  # as before: the lane then begins anywhere


def test_orders_go_in_with_customers_lines_parcels_and_scans(folder: Path) -> None:
    load(folder)
    assert everything() == {"Customer": 2, "Order": 3, "OrderLine": 3, "Shipment": 3, "TrackingEvent": 3}
    order = Order.objects.get(external_id="o1")
    # 23:59:59 of the promised day in São Paulo, which had summer time then (UTC-2).
    assert order.promised_deliver_by == datetime(2017, 11, 21, 1, 59, 59, tzinfo=UTC)
    assert order.promised_ship_by == datetime(2017, 11, 6, 12, tzinfo=UTC), "the last of its lines' limits"
    assert [(line.title, line.quantity) for line in order.lines.all()] == [("Product lamp1234", 2)]
    parcel = order.shipments.get()
    assert (parcel.state, parcel.delivered_at) == ("delivered", datetime(2017, 11, 9, 18, tzinfo=UTC))


def test_one_unique_id_is_one_person_with_an_invented_address(folder: Path) -> None:
    load(folder)
    customers = {order.external_id: order.customer for order in Order.objects.select_related("customer")}
    assert customers["o1"] == customers["o3"]
    assert customers["o1"].email == "ada0001@example.com"
    assert customers["o1"].first_name.isalpha()
    assert customers["o1"].person != customers["o2"].person


def test_a_cancelled_order_is_cancelled_at_the_last_moment_its_row_knows(folder: Path) -> None:
    load(folder)
    assert Order.objects.get(external_id="o3").cancelled_at == datetime(2017, 11, 5, 12, tzinfo=UTC)
    assert Shipment.objects.get(tracking_no="o3").check_at is None, "nothing to watch any more"


def test_a_scan_before_the_approval_is_taken_in_and_flagged(folder: Path) -> None:
    load(folder)
    assert TrackingEvent.objects.get(shipment__tracking_no="o2").oddity == "before the payment was approved"


def test_a_delivery_without_a_date_is_taken_in_and_is_not_late(folder: Path) -> None:
    write(folder, orders=ORDERS.replace("o2,c2,shipped", "o2,c2,delivered"))
    load(folder)
    parcel = Shipment.objects.get(tracking_no="o2")
    assert (parcel.state, parcel.delivered_at, parcel.check_at) == ("delivered", None, None)
    assert parcel.events.get(state="delivered").oddity == "delivered, but the source gives no date"


def test_a_second_import_changes_nothing(folder: Path) -> None:
    load(folder)
    before = everything(), list(Shipment.objects.order_by("pk").values())
    assert "New: 0 orders, 0 customers, 0 scans, 0 cancellations." in load(folder)
    assert (everything(), list(Shipment.objects.order_by("pk").values())) == before


def test_until_takes_in_what_was_known_then_and_a_later_import_the_rest(folder: Path) -> None:
    load(folder, "--until", "2017-11-04T00:00")
    assert numbers() == {"o1", "o2", "o3"}
    assert Shipment.objects.get(tracking_no="o1").state == "handed_over", "delivered on the 9th: not known yet"
    assert Order.objects.get(external_id="o3").cancelled_at is None, "cancelled on the 5th"
    load(folder)
    assert Shipment.objects.get(tracking_no="o1").state == "delivered"
    assert Order.objects.get(external_id="o3").cancelled_at is not None


def test_a_dry_run_stores_nothing(folder: Path) -> None:
    assert "Dry run" in load(folder, "--dry-run")
    assert not any(everything().values())


def test_a_repeated_line_with_the_same_content_counts_once_and_is_no_fault(folder: Path) -> None:
    write(folder, items=ITEMS + "o2,1,chair,s,2017-11-07 10:00:00,1.0,1.0\n")
    assert "1 lines are given twice" in load(folder)
    assert OrderLine.objects.get(order__external_id="o2").quantity == 1


@pytest.mark.parametrize("name", ["customers.csv", "orders.csv", "order_items.csv"])
def test_a_missing_file_is_named_and_nothing_goes_in(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert f"{name}: there is no such file" in refuse(folder)
    assert not any(everything().values())


def test_missing_columns_are_named_and_nothing_goes_in(folder: Path) -> None:
    write(folder, orders=ORDERS.replace("order_status", "status").replace("customer_id", "customer"))
    said = refuse(folder)
    assert "orders.csv, row 1: missing columns customer_id, order_status" in said
    assert "(found: 'order_id', 'customer', 'status'" in said
    assert not any(everything().values())


def test_a_row_cut_off_is_refused_with_its_place_and_the_rest_goes_in(folder: Path) -> None:
    write(folder, orders=ORDERS + "o4,c2,shipped,2017-11-02 10\n")
    assert "orders.csv, row 5, order_approved_at: 4 fields where the header names 8" in refuse(folder)
    assert numbers() == {"o1", "o2", "o3"}


def test_an_order_with_a_broken_line_stays_out_whole(folder: Path) -> None:
    write(folder, items=ITEMS.replace("o2,1,chair,s,2017-11-07 10:00:00", "o2,1,chair,s,soon"))
    said = refuse(folder)
    assert "order_items.csv, row 4, shipping_limit_date: 'soon' is not a date that exists" in said
    assert "orders.csv, row 3, order_id: row 4 of order_items.csv belongs to it and is broken" in said
    assert numbers() == {"o1", "o3"}
    assert not Customer.objects.filter(external_id="bo00002").exists()


def test_an_unclosed_quotation_mark_costs_one_row(folder: Path) -> None:
    write(folder, customers=CUSTOMERS.replace("c2,bo00002,1,x,SP", 'c2,"bo00002,1,x,SP'))
    said = refuse(folder)
    assert "customers.csv, row 3: a quotation mark is not closed" in said
    assert "orders.csv, row 3, customer_id: 'c2' is not in customers.csv" in said
    assert numbers() == {"o1", "o3"}


def test_of_two_orders_with_one_id_the_first_goes_in(folder: Path) -> None:
    again = ORDERS.splitlines()[1].replace("2017-11-01", "2017-10-01")
    write(folder, orders=ORDERS + again + "\n")
    assert "orders.csv, row 5, order_id: 'o1' was there before, on row 2" in refuse(folder)
    assert Order.objects.get(external_id="o1").placed_at == datetime(2017, 11, 1, 12, tzinfo=UTC)


def test_of_two_customers_with_one_id_the_first_goes_in(folder: Path) -> None:
    write(folder, customers=CUSTOMERS + "c1,else0009,1,x,SP\n")
    assert "customers.csv, row 5, customer_id: 'c1' was there before, on row 2" in refuse(folder)
    assert Order.objects.get(external_id="o1").customer.external_id == "ada0001"


def test_of_two_lines_that_contradict_each_other_the_first_goes_in(folder: Path) -> None:
    write(folder, items=ITEMS + "o2,1,sofa,s,2017-11-07 10:00:00,1.0,1.0\n")
    assert "order_items.csv, row 6, order_item_id: '1' was there before, on row 4" in refuse(folder)
    assert OrderLine.objects.get(order__external_id="o2").title == "Product chair"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("02/11/2017", "'02/11/2017' is not a date that exists"),
        ("2017-02-30 10:00:00", "'2017-02-30 10:00:00' is not a date that exists"),
        ("0017-11-02 10:00:00", "the year 17 cannot be"),
        ("", "is empty"),
    ],
)
def test_a_bad_date_is_refused_with_its_place(folder: Path, wrong: str, told: str) -> None:
    write(folder, orders=ORDERS.replace("2017-11-02 10:00:00", wrong))
    assert f"orders.csv, row 3, order_purchase_timestamp: {told}" in refuse(folder)
    assert numbers() == {"o1", "o3"}


def test_bytes_that_are_no_utf8_cost_one_row(folder: Path) -> None:
    write(folder, customers=CUSTOMERS.replace("bo00002,1,x", "bo00002,1,S\udce3o"))
    said = refuse(folder)
    assert r"customers.csv, row 3, customer_city: 'S\\xe3o' is not UTF-8 text" in said
    assert numbers() == {"o1", "o3"}


def test_a_line_without_its_order_is_refused(folder: Path) -> None:
    write(folder, items=ITEMS + "o9,1,chair,s,2017-11-07 10:00:00,1.0,1.0\n")
    assert "order_items.csv, row 6, order_id: 'o9' is not in orders.csv" in refuse(folder)


def test_what_the_database_refuses_costs_one_order(folder: Path) -> None:
    parcel = shop.parcel("FH-1")
    Shipment.objects.filter(pk=parcel.pk).update(carrier="olist", tracking_no="o2")
    said = refuse(folder)
    assert "Order o2 was left out, the database refused it: duplicate key" in said
    assert numbers() == {"FH-1", "o1", "o3"}
    assert not Customer.objects.filter(external_id="bo00002").exists()


def test_an_unknown_time_zone_is_told(folder: Path) -> None:
    assert "no such time zone" in refuse(folder, "--time-zone", "Mars/Olympus")


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason=f"no real orders at {REAL}")
def test_the_real_orders_go_in() -> None:
    said = load(REAL)
    assert "New: 12,312 orders, 12,158 customers, 21,703 scans, 755 cancellations." in said
    assert Shipment.objects.filter(state="delivered").count() == 10_582
    assert TrackingEvent.objects.filter(oddity="before the payment was approved").count() == 17
    assert TrackingEvent.objects.filter(is_dated=False).count() == 2
    assert "New: 0 orders, 0 customers, 0 scans, 0 cancellations." in load(REAL)
