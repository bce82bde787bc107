"""The shop's own parcels as a History, and which rows of it are which shipments."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.utils import timezone

from notifications.prediction import history
from notifications.prediction.history import NEVER, History, Lane, Parcel

MOST = 400_000  # the newest; more would teach nothing new and need gigabytes

# Days are ordinals as Python counts them. What came back, or was delivered on a day that nobody knows, teaches nothing
# from then on.
_READ = """
    SELECT s.id, s.carrier, s.ship_from_country || '-' || s.ship_from_region,
        o.ship_to_country || '-' || o.ship_to_region,
        (o.placed_at AT TIME ZONE %(zone)s)::date - date '0001-01-01' + 1,
        (o.promised_deliver_by AT TIME ZONE %(zone)s)::date - date '0001-01-01' + 1,
        coalesce((o.promised_ship_by AT TIME ZONE %(zone)s)::date - date '0001-01-01' + 1, %(never)s),
        coalesce((s.handed_over_at AT TIME ZONE %(zone)s)::date - date '0001-01-01' + 1, %(never)s),
        coalesce((s.delivered_at AT TIME ZONE %(zone)s)::date - date '0001-01-01' + 1, %(never)s),
        coalesce(
            CASE WHEN o.cancelled_at IS NOT NULL THEN (o.cancelled_at AT TIME ZONE %(zone)s)::date
                WHEN s.state = 'returned' THEN (coalesce(s.last_event_at, o.placed_at) AT TIME ZONE %(zone)s)::date
                WHEN s.state = 'delivered' AND s.delivered_at IS NULL THEN (o.placed_at AT TIME ZONE %(zone)s)::date
            END - date '0001-01-01' + 1, %(never)s)
    FROM notifications_shipment s JOIN notifications_order o ON o.id = s.order_id
    WHERE o.promised_deliver_by IS NOT NULL AND o.placed_at >= %(since)s AND o.placed_at < %(now)s
    ORDER BY o.placed_at DESC, s.id LIMIT %(most)s
"""


def day_of(now: datetime) -> int:
    """Today where the shop is, as an ordinal."""
    return timezone.localtime(now, ZoneInfo(settings.SHOP_TIME_ZONE)).date().toordinal()


def read(*, now: datetime, days: int) -> tuple[History, list[int]]:
    """Parcels of the orders of the last `days` days, and the shipment's id of each row."""
    with connection.cursor() as cursor:
        cursor.execute(
            _READ,
            {
                "zone": settings.SHOP_TIME_ZONE,
                "never": NEVER,
                "since": now - timedelta(days=days),
                "now": now,
                "most": MOST,
            },
        )
        rows = cursor.fetchall()
    parcels = (Parcel(Lane(carrier, origin, to), *moments) for _, carrier, origin, to, *moments in rows)
    return history.of(parcels), [row[0] for row in rows]
