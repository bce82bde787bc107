"""The world of bench/soak.py: its settings, 200,000 messages that are due while it runs, and how to ask for them."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

Answer = TypeVar("Answer")

REFUSED_EVERY, BOUNCED_EVERY = 500, 400  # addresses that the provider does not want; that have no mailbox
# Of a hundred messages; the rest is the campaign, which goes out in batches.
URGENT, NORMAL = 5, 20


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    messages: int
    seconds: float  # that the faults go on; then it has peace to settle
    peace: float  # the most that settling may take
    # Waits that are minutes in production. They are settings, and nothing else about sending is changed: the longest
    # request (34 s) and the provider's time-outs are the product's own.
    lease: int  # SEND_LEASE_SECONDS
    unknown_after: int  # UNKNOWN_AFTER_SECONDS: longer than any report is late
    latest_report: float  # seconds


def set_environment(home: Path, size: Size, *, port: int, fake_port: int, broker_url: str) -> None:
    """What settings read: this run's own data and provider. Call it before Django is set up."""
    key = ec.generate_private_key(ec.SECP256R1())
    (home / "events.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    # Its processes start a hundred times. Images like to forbid what spares each of them the compiling.
    os.environ["PYTHONDONTWRITEBYTECODE"] = ""
    for name in ("DATABASE_URL", "PREEMPT_CLOCK_FILE", "MAIL_FAILOVER", "REPLICA_URL"):
        os.environ.pop(name, None)
    os.environ.update(
        {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PREEMPT_DATA_DIR": str(home),
            "SITE_URL": f"http://localhost:{port}",
            "MAIL_PROVIDER": "sendgrid",
            "SENDGRID_API_KEY": "SG.loopback-only",
            "SENDGRID_URL": f"http://127.0.0.1:{fake_port}",
            "SENDGRID_EVENT_PUBLIC_KEY": base64.b64encode(public).decode(),
            "SEND_LEASE_SECONDS": str(size.lease),
            "UNKNOWN_AFTER_SECONDS": str(size.unknown_after),
            "QUIET_HOURS": "",
            "BROKER_URL": broker_url,
            "LOG_LEVEL": "ERROR",
        }
    )


def plant(count: int, *, seconds: float) -> None:
    """`count` late parcels with a message each, due evenly over `seconds` from now.

    One of them is made as orders and sweeps make them; the others are copies of its rows, each with a person, an order
    and a parcel of its own: to make as many one by one would take longer than to send them.
    """
    from core import clock
    from notifications import episodes
    from notifications.models import AmbiguityPolicy, Customer, Episode, Message, Order, OrderLine, Rule, Shipment
    from tests.notifications import copies, shop

    now = clock.now()
    shop.hold_out_nobody()
    day = timedelta(days=1)
    shop.parcel(
        placed_at=now - 10 * day, ship_by=now - 7 * day, deliver_by=now - timedelta(hours=12), now=now - 10 * day
    )
    episodes.sweep(now=now)
    message = Message.objects.get()
    # Decides where nothing can be told of a mail, which hardly happens to thousands.
    Rule.objects.update(ambiguity_policy=AmbiguityPolicy.NEVER_LOST)
    # Nobody looks at the copies' parcels again: the sweep is bench/_intake_sweep.py's.
    Shipment.objects.update(check_at=None)

    def copy(model: type, changes: dict[str, str], *joins: str) -> None:
        copies.copy(model, template[model], changes, joins, count=count - 1)

    shipment = message.episode.shipment
    template = {
        Customer: message.customer_id,
        Order: shipment.order_id,
        OrderLine: shipment.order.lines.get().pk,
        Shipment: shipment.pk,
        Episode: message.episode_id,
        Message: message.pk,
    }
    number = "'S-' || n"
    copy(Customer, {"external_id": number, "email": _ADDRESS, "person": "md5('soak' || n)"})
    person = "JOIN notifications_customer c ON c.source = 'test' AND c.external_id = 'S-' || n"
    copy(Order, {"external_id": number, "number": number, "customer_id": "c.id"}, person)
    order = "JOIN notifications_order o ON o.source = 'test' AND o.external_id = 'S-' || n"
    copy(OrderLine, {"order_id": "o.id"}, order)
    copy(Shipment, {"order_id": "o.id", "tracking_no": number}, order)
    parcel = "JOIN notifications_shipment s ON s.order_id = o.id"
    copy(Episode, {"shipment_id": "s.id"}, order, parcel)
    copy(
        Message,
        {
            "id": "gen_random_uuid()",
            "dedupe_key": "md5('soak' || n)",
            "customer_id": "c.id",
            "person": "c.person",
            "episode_id": "e.id",
            "lane": f"CASE WHEN mod(n, 100) < {URGENT} THEN 'urgent' WHEN mod(n, 100) < {URGENT + NORMAL} THEN 'normal'"
            " ELSE 'campaign' END",
            # 7919 is a prime: all lanes are due all the time.
            "not_before": f"t.not_before + mod(n::bigint * 7919, {count}) * interval '{seconds / count:.9f} seconds'",
        },
        person,
        order,
        parcel,
        "JOIN notifications_episode e ON e.shipment_id = s.id",
    )


_ADDRESS = (
    f"CASE WHEN mod(n, {REFUSED_EVERY}) = 7 THEN 'refused' WHEN mod(n, {BOUNCED_EVERY}) = 11 THEN 'nobody'"
    " ELSE 'person' END || n || '@example.com'"
)


def addresses(count: int) -> tuple[list[str], dict[str, list[str]]]:
    """Whom the provider refuses, and what it reports of those without a mailbox."""
    refused = [n for n in range(1, count) if n % REFUSED_EVERY == 7]
    nobody = [n for n in range(1, count) if n % BOUNCED_EVERY == 11 and n % REFUSED_EVERY != 7]
    return [f"refused{n}@example.com" for n in refused], {
        f"nobody{n}@example.com": ["processed", "bounce"] for n in nobody
    }


def patiently(ask: Callable[[], Answer], *, seconds: float = 120.0) -> Answer:
    """What the database says, which is being restarted now and then."""
    from django.db import DatabaseError, InterfaceError, connection

    ends = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except (DatabaseError, InterfaceError):
            connection.close()
            if time.monotonic() > ends:
                raise
            time.sleep(0.2)
