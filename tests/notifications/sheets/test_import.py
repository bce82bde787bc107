"""import_orders and import_tracking on files of any shop."""

# ruff: noqa: E501 - rows as they stand in files

from __future__ import annotations

import csv
import signal
import subprocess
import sys
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from core import clock
from notifications.intake.sheets import runs
from notifications.models import (
    Customer,
    ExpectedDate,
    Order,
    OrderLine,
    SheetRun,
    SheetState,
    Shipment,
    ShipmentLine,
    TrackingEvent,
)
from tests import workers
from tests.holding_up import held_up_at
from tests.notifications import shop
from tests.waiting import until

ORDERS = """Order No,E-mail,Name,Order date,Deliver by,Carrier,Tracking number,Product,Qty,Country,Postcode
FH-1,ada@example.com,Ada Byron,2026-02-24 10:00,2026-03-04,DHL,LA00000001,Desk lamp,1,United Kingdom,LE1 1AB
FH-1,ada@example.com,Ada Byron,2026-02-24 10:00,2026-03-04,DHL,LA00000001,Bulb,2,United Kingdom,LE1 1AB
FH-2,bo@example.com,Bo,2026-02-25 10:00,2026-03-05,DHL,LA00000002,Chair,1,Germany,10115
"""
SCANS = """Tracking number,Status,Event time,Location,Expected date
LA00000001,Picked up,2026-02-26 09:00,Leicester,2026-03-02
LA00000001,Delivered,2026-03-01 14:00,London,
LA00000002,ZX_CODE_9,2026-02-27 09:00,Hub 9,
"""


@pytest.fixture(autouse=True)
def march():
    with clock.frozen(shop.NOW):
        yield


def load(path: Path, *options: str, command: str = "import_orders") -> str:
    out = StringIO()
    call_command(command, str(path), *options, stdout=out, stderr=out)
    return out.getvalue()


def refuse(path: Path, *options: str, command: str = "import_orders") -> str:
    out = StringIO()
    with pytest.raises(CommandError) as refused:
        call_command(command, str(path), *options, stdout=out, stderr=out)
    return f"{out.getvalue()}{refused.value}"


def write(folder: Path, text: str, name: str = "orders.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def everything() -> dict[str, int]:
    models = (Customer, Order, OrderLine, Shipment, ShipmentLine, TrackingEvent, ExpectedDate)
    return {model.__name__: model.objects.count() for model in models}


@pytest.mark.django_db
def test_orders_and_scans_come_in_and_again_change_nothing(tmp_path):
    orders, scans = write(tmp_path, ORDERS), write(tmp_path, SCANS, "scans.csv")
    said = load(orders)
    assert "Order number (its name, “order no”)" in said
    assert "New: 2 orders, 2 customers" in said
    said = load(scans, command="import_tracking")
    assert "'ZX_CODE_9' (1)" in said
    before = everything()
    assert before == {
        "Customer": 2, "Order": 2, "OrderLine": 3, "Shipment": 2, "ShipmentLine": 0, "TrackingEvent": 3, "ExpectedDate": 1,
    }  # fmt: skip
    ada = Shipment.objects.select_related("order__customer").get(tracking_no="LA00000001")
    assert (ada.state, ada.carrier, ada.order.customer.first_name) == ("delivered", "DHL", "Ada")
    assert ada.order.promised_deliver_by == datetime(2026, 3, 4, 23, 59, 59, tzinfo=UTC)
    assert (ada.order.ship_to_country, ada.order.ship_to_region) == ("GB", "LE1")
    assert TrackingEvent.objects.get(shipment__tracking_no="LA00000002").raw_status == "ZX_CODE_9"
    assert "New: nothing; 2 known already" in load(orders)
    assert "New: nothing; 3 known already" in load(scans, command="import_tracking")
    assert everything() == before


@pytest.mark.django_db
def test_an_orders_rows_need_not_stand_together(tmp_path):
    lines = ORDERS.splitlines()
    load(write(tmp_path, "\n".join([lines[0], lines[1], lines[3], lines[2]])))
    assert list(OrderLine.objects.filter(order__number="FH-1").values_list("title", flat=True)) == ["Desk lamp", "Bulb"]


@pytest.mark.django_db
def test_two_parcels_of_an_order_hold_what_their_rows_say(tmp_path):
    load(write(tmp_path, ORDERS.replace("LA00000001,Bulb", "LA00000003,Bulb")))
    inside = ShipmentLine.objects.order_by("pk").values_list("shipment__tracking_no", "line__title", "quantity")
    assert list(inside) == [("LA00000001", "Desk lamp", 1), ("LA00000003", "Bulb", 2)]


@pytest.mark.django_db
def test_a_bad_row_costs_its_order_only_and_stands_in_the_file_of_rejects(tmp_path):
    path = write(tmp_path, ORDERS.replace("Bulb,2", "Bulb,two").replace("2026-02-25 10:00", "31/02/2026"))
    path.write_text(path.read_text() + ORDERS.splitlines()[3].replace("FH-2", "FH-3").replace("0002", "0003") + "\n")
    said = refuse(path)
    assert "orders.csv, row 3, Qty: 'two' is no number of pieces. Write 1 or more, as digits." in said
    assert "orders.csv, row 2: row 3 is of the same order and cannot be used" in said
    assert "row 4, Order date: '31/02/2026' is not a date that exists" in said
    assert list(Order.objects.values_list("number", flat=True)) == ["FH-3"]
    with (tmp_path / "orders.rejects.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["Order No"] for row in rows] == ["FH-1", "FH-1", "FH-2"]
    assert rows[1]["Why it was left out"].startswith("Row 3, Qty:")
    # Mended there, the file goes in.
    mended = (tmp_path / "orders.rejects.csv").read_text().replace("two", "2").replace("31/02/2026", "2026-02-25")
    load(write(tmp_path, mended, "mended.csv"))
    assert Order.objects.count() == 3


@pytest.mark.django_db
def test_dates_that_can_be_read_two_ways_are_asked_for_and_remembered(tmp_path):
    path = write(tmp_path, "Order No,Date\n1,03/02/2026\n2,04/02/2026\n")
    said = refuse(path)
    assert "day first or the month first" in said
    assert "--dates" in said
    load(path, "--dates", "dmy")
    assert Order.objects.get(number="1").placed_at == datetime(2026, 2, 3, tzinfo=UTC)
    load(write(tmp_path, "Order No,Date\n3,05/02/2026\n", "next.csv"))
    assert Order.objects.get(number="3").placed_at == datetime(2026, 2, 5, tzinfo=UTC)


@pytest.mark.django_db
def test_a_mapping_that_was_said_once_is_remembered_for_its_source(tmp_path):
    path = write(tmp_path, "Ref,Bought\nA-1,2026-02-03 10:00\n")
    said = refuse(path, "--source", "till", "--map", "Bought=-")
    assert "No column is known to be “Order number” or “The shop's own id”" in said
    load(path, "--source", "till", "--map", "Ref=number", "--map", "Bought=placed_at", "--time-zone", "Asia/Tokyo")
    said = load(write(tmp_path, "Bought,Ref\n2026-02-04 10:00,A-2\n", "next.csv"), "--source", "till")
    assert "as in this source's last file" in said
    assert Order.objects.get(number="A-2").placed_at == datetime(2026, 2, 4, 1, tzinfo=UTC)


@pytest.mark.django_db
def test_a_dry_run_tells_what_would_happen_and_stores_nothing(tmp_path):
    said = load(write(tmp_path, ORDERS), "--dry-run")
    assert "Dry run, nothing was stored. New would be: 2 orders" in said
    assert everything()["Order"] == 0


@pytest.mark.django_db
def test_scans_of_unknown_parcels_are_told_and_a_known_order_takes_its_parcel(tmp_path):
    load(write(tmp_path, "Order No,Order date\nFH-9,2026-02-24\n"))
    awaited = Shipment.objects.get()
    scans = "Order No,Carrier,Tracking number,Status,Time\nFH-9,UPS,1Z999,Shipped,2026-02-25\n,UPS,1Z000,Shipped,2026-02-25\n"
    said = refuse(write(tmp_path, scans, "scans.csv"), command="import_tracking")
    assert "scans.csv, row 3, Tracking number: no order has a parcel of this number. Import the orders first" in said
    parcel = Shipment.objects.get()
    assert (parcel.pk, parcel.tracking_no, parcel.state) == (awaited.pk, "1Z999", "handed_over")


@pytest.mark.django_db
def test_a_parcels_number_that_is_another_orders_leaves_that_order_out(tmp_path):
    said = refuse(write(tmp_path, ORDERS.replace("LA00000002", "LA00000001")))
    assert "row 4: Order FH-2 was left out, the database refused it" in said
    assert list(Order.objects.values_list("number", flat=True)) == ["FH-1"]


@pytest.mark.django_db
def test_a_cancelled_order_is_cancelled(tmp_path):
    load(write(tmp_path, "Order No,Order date,Status\n1,2026-02-24 10:00,Storniert\n2,2026-02-24 10:00,Shipped\n"))
    assert list(Order.objects.filter(cancelled_at=None).values_list("number", flat=True)) == ["2"]


@pytest.mark.django_db
def test_two_at_once_are_refused_by_name(tmp_path):
    path = write(tmp_path, ORDERS)
    made = runs.plan(path, *runs.wish(kind=runs.Kind.ORDERS, source="csv", zone=None, columns={}, dates=None))
    run, _ = runs.run_here(made)
    SheetRun.objects.filter(pk=run.pk).update(state=SheetState.RUNNING)
    with connection.copy().cursor() as other:  # somebody else's connection
        other.execute("SELECT pg_advisory_lock(%s, %s)", [runs._LOCK, run.pk])
        with pytest.raises(runs.Busy):
            runs.run_here(made)
        other.connection.close()


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_killed_amid_it_goes_on_and_nothing_is_doubled(tmp_path):
    count = runs.ROWS + 1000
    rows = (f"FH-{n},p{n}@example.com,2026-02-24 10:00,LA{n:08d},Lamp\n" for n in range(count))
    path = write(tmp_path, "Order No,E-mail,Order date,Tracking number,Product\n" + "".join(rows))
    with held_up_at("notifications_order", f"NEW.number = 'FH-{count - 500}'") as waits:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "import_orders", str(path)],
            cwd=settings.BASE_DIR,
            env=workers.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: waits() or process.poll() is not None, "it is amid the second portion", seconds=120)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert Order.objects.count() == runs.ROWS, "the first portion is in, and nothing of the second"
    # The server notices that the killed one's connection is gone, and lets go of its hold.
    until(lambda: _is_free(SheetRun.objects.get().pk), "its hold is free", seconds=30)
    said = load(path)
    assert "it went on where it had stopped" in said
    assert (Order.objects.count(), Shipment.objects.count(), OrderLine.objects.count()) == (count, count, count)
    run = SheetRun.objects.get()
    assert (run.state, run.orders, run.known) == (SheetState.DONE, count, 0)


def _is_free(pk: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [runs._LOCK, pk])
        is_free = bool(cursor.fetchone()[0])
        if is_free:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [runs._LOCK, pk])
    return is_free
