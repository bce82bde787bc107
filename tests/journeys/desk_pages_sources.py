"""The desk's pages about sources, for whoever walks them: path, roles, what to set up (its result fills the path)."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from core import clock
from core.roles import ADMIN, OPS
from notifications import tracking
from notifications.intake import parking, sources
from notifications.intake.facts import Scanned
from notifications.models import InboundDelivery, InboundState, SourceHour, SourceSecret, SourceSilence, UnknownWord

ROLES = (OPS, ADMIN)
_BODY = b'{"id": 5910000000123, "email": "ada@example.com", "note": "<b>bold</b>", "created_at": "yesterday"}'
_WHY = "created_at: a moment is needed, like 2026-11-22T18:30:00Z, found 'yesterday'"


def nothing() -> None:
    """The pages as they are on the first day."""


def busy_days() -> int:
    """Four weeks of Shopify and AfterShip, one of them silent since yesterday; the id of a quarantined call."""
    now = timezone.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    SourceHour.objects.bulk_create(
        (
            SourceHour(
                source=name,
                hour=hour - timedelta(hours=back),
                received=(7 * back) % 50 + 3,
                first_at=hour - timedelta(hours=back, minutes=-5),
                last_at=hour - timedelta(hours=back, minutes=-50),
                forged=2 if back == 9 else 0,
            )
            for name, quiet in (("shopify", 1), ("aftership", 26))
            for back in range(quiet, 24 * 28)
            if back % 24 > 7
        ),
        ignore_conflicts=True,  # it is called for each of its pages
    )
    for secret in sources.secrets(sources.SOURCES["shopify"]):
        SourceSecret.objects.get_or_create(
            source="shopify", fingerprint=sources.fingerprint(secret), defaults={"last_at": now}
        )
    SourceSilence.objects.get_or_create(
        source="aftership", ended_at=None, defaults={"since": now - timedelta(hours=26), "noticed_at": now}
    )
    UnknownWord.objects.get_or_create(
        source="aftership",
        word="InTransit / InTransit_042",
        defaults={"times": 12, "first_at": now, "last_at": now},
    )
    calls = InboundDelivery.objects.bulk_create(
        InboundDelivery(
            source="shopify",
            headers={"x-shopify-topic": "orders/create", "x-shopify-event-id": f"e-{number}"},
            body=_BODY,
            sha256=f"{number:064x}",
            signed_by="1a2b3c4d",
            state=InboundState.QUARANTINED,
            tries=0,
            error=_WHY,
            received_at=now,
            is_counted=True,
        )
        for number in range(3)
    )
    at = clock.now() - timedelta(days=20)
    scan = tracking.Scan("in_transit", at, text="Left the depot")
    parking.park([Scanned(at, "", "UPS", "1Z999AA10123456784", scan)], source="aftership", now=at)
    return calls[0].pk


DESK_PAGES = [
    ("/desk/sources/", ROLES, nothing),
    ("/desk/sources/quarantine/", ROLES, nothing),
    ("/desk/sources/parked/", ROLES, nothing),
    ("/desk/sources/", ROLES, busy_days),
    ("/desk/sources/quarantine/?source=shopify", ROLES, busy_days),
    ("/desk/sources/parked/", ROLES, busy_days),
    ("/desk/sources/calls/{0}/", ROLES, busy_days),
]
