"""How long 100,000 orders take to come in: a file of their items (150,000 rows) by import_orders, a file of their
parcels' scans (300,000 rows, as they happened, so that a parcel's scans are far apart) by import_tracking.

    python -m bench.intake --part _intake_import

import_100k_s is the orders' command, import_scans_300k_s that of the scans; start of the process and looking through
the file included. On stderr: each one's time, how much of it is Python's, and what it printed; and that both again
change nothing.
"""

from __future__ import annotations

import csv
import random
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench._search_process import ROOT
from bench._search_world import World

ORDERS = 100_000
START = datetime(2026, 1, 1, tzinfo=UTC)
WORDS = ("Picked up", "In transit", "Out for delivery", "Delivered")


def measure(quick: bool) -> dict[str, float]:
    """import_100k_s, import_scans_300k_s and import_100k_peak_mb (of either)."""
    count = ORDERS // 10 if quick else ORDERS
    with World([]) as world:
        world.django()
        folder = world.scratch("files")
        orders, scans = folder / "orders.csv", folder / "scans.csv"
        write(orders, scans, count)
        of_orders, of_scans = _command("import_orders", orders), _command("import_tracking", scans)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        _check(count)
        _command("import_orders", orders)
        _command("import_tracking", scans)
        _check(count)
    times = ORDERS / count
    return {"import_100k_s": of_orders * times, "import_scans_300k_s": of_scans * times, "import_100k_peak_mb": peak}


def _command(name: str, path: Path) -> float:
    began, cpu = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run(
        [sys.executable, "manage.py", name, str(path), "--source", "shop", "--time-zone", "Europe/London"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    took = time.perf_counter() - began
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - cpu  # without the database's
    print(
        f"intake: {name} {took:.1f} s ({cpu:.1f} s of them in Python); {done.stdout.strip().splitlines()[-1]}",
        file=sys.stderr,
    )
    return took


def _check(count: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM notifications_order), (SELECT count(*) FROM notifications_shipment),"
            "(SELECT count(*) FROM notifications_trackingevent), (SELECT count(*) FROM notifications_orderline)"
        )
        found = cursor.fetchone()
    if found != (count, count, count * 3, count * 3 // 2):
        raise SystemExit(f"intake: the wrong number of rows came in: {found}")


def write(orders: Path, scans: Path, count: int) -> None:
    """Half of the orders have two items; every parcel has three scans; a fifth of the customers order again."""
    rng = random.Random(6)
    said: list[tuple[datetime, list[str]]] = []
    with orders.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(
            ["Order No", "E-mail", "First name", "Order date", "Ship by", "Deliver by", "Carrier", "Tracking number",
             "Product", "Qty", "Country", "Postcode"]
        )  # fmt: skip
        for number in range(count):
            placed = START + timedelta(seconds=number * 60)
            tracking = f"LA{number:010d}GB"
            common = [
                f"FH-{number:07d}",
                f"person{rng.randrange(count * 4 // 5)}@example.com",
                "Robin",
                f"{placed:%Y-%m-%d %H:%M:%S}",
                f"{placed + timedelta(days=3):%Y-%m-%d}",
                f"{placed + timedelta(days=9):%Y-%m-%d}",
                "Larkpost",
                tracking,
            ]
            for item in range(1 + number % 2):
                out.writerow([*common, f"Desk lamp {item}, brass", 1 + item, "GB", f"LE{number % 20} 1AB"])
            at = placed
            for word in WORDS[:3] if number % 3 else WORDS[1:]:
                at += timedelta(hours=rng.uniform(3, 60))
                said.append((at, ["Larkpost", tracking, word, f"{at:%Y-%m-%d %H:%M:%S}", "Leicester hub"]))
    with scans.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["Carrier", "Tracking number", "Status", "Event time", "Location"])
        out.writerows(row for _, row in sorted(said))
