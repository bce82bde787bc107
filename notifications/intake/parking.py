"""Facts about orders and parcels that are not known yet: kept until these come, and after two weeks shown to a person.

A tracker may be quicker than the shop, and webhooks come in any order.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from notifications import tracking
from notifications.intake.facts import Cancelled, Expected, Fact, Packed, Promised, Scanned
from notifications.models import ParkedFact

OVERDUE = timedelta(days=14)  # after which somebody should look why it did not come
_AT_ONCE = 500
_KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in (Promised, Packed, Scanned, Expected, Cancelled)}
_MOMENTS = ("at", "by", "promised_ship_by", "promised_deliver_by", "as_of")


@dataclass(frozen=True)
class Parked:
    """A fact that waits."""

    pk: int
    source: str
    fact: Fact


def park(facts: Iterable[Fact], *, source: str, now: datetime) -> None:
    """Keep facts until their order or parcel comes. Each once."""
    rows = []
    for fact in facts:
        written = _write(fact)
        said = json.dumps([source, written], sort_keys=True)
        waits_for_parcel = isinstance(fact, Scanned | Expected)
        number = getattr(fact, "tracking_no", "") if waits_for_parcel else ""
        rows.append(
            ParkedFact(
                source=source,
                order_id="" if waits_for_parcel else fact.order_id,
                tracking_no=number,
                despatch_id="" if number else getattr(fact, "despatch_id", "") if waits_for_parcel else "",
                fact=written,
                fingerprint=hashlib.sha256(said.encode()).hexdigest(),
                parked_at=now,
            )
        )
    ParkedFact.objects.bulk_create(rows, ignore_conflicts=True)


def waiting(
    *, source: str, orders: Collection[str], numbers: Collection[str], despatches: Collection[str]
) -> list[Parked]:
    """What waits for these orders, parcels and despatches, locked."""
    wanted = Q()
    if orders:
        wanted |= Q(source=source, order_id__in=orders) & ~Q(order_id="")
    if numbers:
        wanted |= Q(tracking_no__in=numbers) & ~Q(tracking_no="")
    if despatches:
        wanted |= Q(source=source, despatch_id__in=despatches) & ~Q(despatch_id="")
    return _read(ParkedFact.objects.filter(wanted)) if wanted else []


def come() -> list[Parked]:
    """Some of what waits for orders and parcels that are here by now, locked.

    It was stored by one worker while another stored what it waits for, so that neither saw the other's.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COME, [_AT_ONCE])
        ids = [row[0] for row in cursor.fetchall()]
    return _read(ParkedFact.objects.filter(pk__in=ids)) if ids else []


def let_go(ids: Sequence[int]) -> None:
    """Forget facts that were taken in."""
    if ids:
        ParkedFact.objects.filter(pk__in=ids).delete()


def overdue(*, now: datetime) -> QuerySet[ParkedFact]:
    """What has waited so long that a person should look, the oldest first."""
    return ParkedFact.objects.filter(parked_at__lt=now - OVERDUE).order_by("parked_at", "pk")


def _read(rows: QuerySet[ParkedFact]) -> list[Parked]:
    found = rows.select_for_update(skip_locked=True).order_by("pk")
    return [Parked(row.pk, row.source, _fact(row.fact)) for row in found]


def _write(fact: Fact) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(fact), default=datetime.isoformat))
    return {"kind": type(fact).__name__, **written}


def _fact(written: dict[str, Any]) -> Fact:
    values = dict(written)
    kind = _KINDS[values.pop("kind")]
    for name in _MOMENTS:
        if values.get(name):
            values[name] = datetime.fromisoformat(values[name])
    if "scan" in values:
        values["scan"] = tracking.Scan(**values["scan"] | {"at": datetime.fromisoformat(values["scan"]["at"])})
    for name in ("pieces", "lines"):
        if name in values:
            values[name] = tuple((one, quantity) for one, quantity in values[name])
    if "numbers" in values:
        values["numbers"] = tuple(values["numbers"])
    found: Fact = kind(**values)
    return found


_COME = """
    SELECT id FROM notifications_parkedfact AS parked
    WHERE EXISTS (SELECT FROM notifications_order AS o
                  WHERE parked.order_id <> '' AND o.source = parked.source AND o.external_id = parked.order_id)
       OR EXISTS (SELECT FROM notifications_shipment AS s
                  WHERE parked.tracking_no <> '' AND s.tracking_no = parked.tracking_no)
       OR EXISTS (SELECT FROM notifications_shipment AS s JOIN notifications_order AS o ON o.id = s.order_id
                  WHERE parked.despatch_id <> '' AND s.despatch_id <> '' AND s.despatch_id = parked.despatch_id
                    AND o.source = parked.source)
    ORDER BY id DESC LIMIT %s
"""
