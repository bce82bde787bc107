"""How many webhook calls a second we store, and how long a sender waits, while the workers take them in.

    python -m bench.intake --part _intake_webhooks

A part of bench/intake.py, which reports webhooks_per_s and webhook_p99_ms, and beside them webhooks_taken_per_s: what
the workers read meanwhile. The product as it is deployed (web server with two processes, worker, beat, embedded
database with its usual safety), signed calls of Shopify (orders) and AfterShip (parcels with six checkpoints), half and
half, all different, 16 connections that send the next when the last is answered, all on this one machine.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench._search_figures import quantile, say
from bench._search_process import ROOT
from bench._search_world import World

CONNECTIONS = 16
SECRET = "bench-secret"


def measure(quick: bool) -> dict[str, float]:
    """The figures; `quick`: four seconds instead of ten."""
    os.environ.update({"PREEMPT_SHOPIFY_SECRETS": SECRET, "PREEMPT_AFTERSHIP_SECRETS": SECRET})
    with World([]) as world:
        world.django()
        seconds = 4.0 if quick else 10.0
        file = world.folder / "calls"
        count = int(seconds * 2500)
        _place(count)
        _write(file, count=count)
        return _measure(world, file, seconds=seconds)


def _measure(world: World, file: Path, *, seconds: float) -> dict[str, float]:
    from config import supervisor
    from notifications.models import InboundDelivery, InboundState

    port = int(world.serve().rsplit(":", 1)[1])
    command = [sys.executable, "-m", "bench._intake_load", str(file)]
    with (
        supervisor.Supervisor(logs=world.folder / "logs", say=say) as parts,
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as load,
    ):
        parts.start(supervisor.worker())
        parts.start(supervisor.beat())
        assert load.stdin is not None
        assert load.stdout is not None
        load.stdout.readline()
        _ask(load, port, 1.5)  # both web processes have then opened what they need
        _until_read()
        before = InboundDelivery.objects.exclude(state=InboundState.NEW).count()
        told = _ask(load, port, seconds)
        taken = InboundDelivery.objects.exclude(state=InboundState.NEW).count() - before
        began = time.monotonic()
        left = InboundDelivery.objects.filter(state=InboundState.NEW).count()
        _until_read()
        say(f"intake: {left} calls were left to read, and took {time.monotonic() - began:.1f} s more")
        bad = InboundDelivery.objects.exclude(state__in=(InboundState.DONE, InboundState.NEW))
        if told["failed"] or bad.exists():
            raise SystemExit(f"intake: {told['failed']} calls refused; {bad.values_list('state', 'error')[:3]}")
        load.stdin.close()
    return {
        "webhooks_per_s": told["good"] / told["seconds"],
        "webhook_p99_ms": quantile(told["times"], 0.99),
        "webhook_p50_ms": quantile(told["times"], 0.5),
        "webhooks_taken_per_s": taken / told["seconds"],
    }


def _ask(load: subprocess.Popen[str], port: int, seconds: float) -> dict[str, Any]:
    assert load.stdin is not None
    assert load.stdout is not None
    load.stdin.write(json.dumps({"port": port, "seconds": seconds, "connections": CONNECTIONS}) + "\n")
    load.stdin.flush()
    told: dict[str, Any] = json.loads(load.stdout.readline())
    return told


def _until_read(longest: float = 300.0) -> None:
    from notifications.models import InboundDelivery, InboundState

    until = time.monotonic() + longest
    while InboundDelivery.objects.filter(state=InboundState.NEW).exists():
        if time.monotonic() > until:
            raise SystemExit("intake: the workers do not read what is stored")
        time.sleep(0.1)


def _place(count: int) -> None:
    """The orders whose parcels are tracked."""
    from core import clock
    from notifications.intake import storing
    from notifications.intake.facts import CustomerFact, LineFact, Placed

    now = clock.now()
    for start in range(1, count, 2000):
        placed = [
            Placed(
                at=now - timedelta(days=3),
                order_id=f"T{number}",
                number=f"T{number}",
                customer=CustomerFact(f"t{number}", f"tracked{number}@example.com", "Bo"),
                lines=(LineFact("Kettle", 1),),
                promised_ship_by=None,
                promised_deliver_by=now + timedelta(days=3),
                carrier="USPS",
                tracking_no=f"B{number:012d}",
            )
            for number in range(start, min(start + 2000, count), 2)
        ]
        storing.store(placed, source="bench", now=now)


def _write(path: Path, *, count: int) -> None:
    """Signed requests, every second one an order, the other a parcel's tracking."""
    with path.open("wb") as file:
        for number in range(count):
            request = _order(number) if number % 2 == 0 else _tracking(number)
            file.write(f"{len(request):08d}".encode() + request)


def _order(number: int) -> bytes:
    from tests.notifications.intake import samples_shopify

    order = copy.deepcopy(samples_shopify.ORDER)
    order |= {"id": 10_000_000 + number, "name": f"#B{number}", "email": f"person{number}@example.com"}
    order["customer"] = {"id": 50_000_000 + number, "email": order["email"], "first_name": "Ada"}
    for place, line in enumerate(order["line_items"]):
        line["id"] = number * 10 + place
    headers = {"X-Shopify-Topic": "orders/create", "X-Shopify-Event-Id": f"bench-{number}"}
    return _request("shopify", json.dumps(order).encode(), headers, "X-Shopify-Hmac-Sha256")


def _tracking(number: int) -> bytes:
    from tests.notifications.intake import samples_aftership

    msg = samples_aftership.tracking(2, "2026-03-03T04:05:00+00:00", expected="2026-03-07")
    moments = [
        samples_aftership.checkpoint(f"2026-03-0{day}T10:00:00+00:00", "InTransit", "InTransit_007", f"Left hub {day}")
        for day in range(1, 7)
    ]
    msg |= {"tracking_number": f"B{number:012d}", "checkpoints": moments}
    payload = {"ts": 1_772_400_000, "event": "tracking_update", "event_id": f"bench-{number}", "msg": msg}
    return _request("aftership", json.dumps(payload).encode(), {}, "aftership-hmac-sha256")


def _request(name: str, body: bytes, headers: dict[str, str], signature: str) -> bytes:
    mac = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
    lines = [f"POST /hooks/{name}/ HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"{header}: {value}" for header, value in {**headers, signature: mac}.items()]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body
