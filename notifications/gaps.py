"""How long carriers usually say nothing between two scans: learnt by a task into LaneGap, asked by the sweep."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from notifications.models import LaneGap, Shipment

LOOKED_BACK = timedelta(days=56)
ENOUGH = 100  # gaps; with fewer a lane goes by its parent's, and the shop as a whole says nothing
_SHORTEST = timedelta(days=1)  # carriers do not work at night

# Each gap between two dated scans of a parcel from its hand-over on; one that is still open counts as long as it is
# now, so that parcels that went silent together do not make the usual gap look short.
_LEARN = """
    WITH scans AS (
        SELECT s.carrier, o.ship_to_country AS country, s.ship_from_region AS origin, o.ship_to_region AS destination,
            e.at, s.delivered_at, s.state,
            lead(e.at) OVER (PARTITION BY e.shipment_id ORDER BY e.at) AS next_at
        FROM notifications_trackingevent e
        JOIN notifications_shipment s ON s.id = e.shipment_id JOIN notifications_order o ON o.id = s.order_id
        WHERE e.is_dated AND e.state <> '' AND e.at >= %(since)s AND e.at < %(now)s
            AND s.handed_over_at IS NOT NULL AND e.at >= s.handed_over_at AND o.cancelled_at IS NULL
    ), gaps AS (
        SELECT carrier, country, origin, destination,
            extract(epoch FROM coalesce(next_at, %(now)s) - at) / 3600 AS hours
        FROM scans WHERE next_at IS NOT NULL OR (delivered_at IS NULL AND state <> 'returned')
    )
    INSERT INTO notifications_lanegap (carrier, country, origin, destination, hours, gaps)
    SELECT coalesce(carrier, ''), coalesce(country, ''), coalesce(origin, ''), coalesce(destination, ''),
        percentile_disc(.95) WITHIN GROUP (ORDER BY hours), count(*)
    FROM gaps
    GROUP BY GROUPING SETS ((), (carrier), (carrier, country), (carrier, country, origin, destination))
    HAVING count(*) >= %(enough)s
    ON CONFLICT DO NOTHING
"""


def learn(*, now: datetime) -> int:
    """Count anew. Returns how many lanes, parents among them, have enough gaps."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE notifications_lanegap IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("DELETE FROM notifications_lanegap")
        cursor.execute(_LEARN, {"since": now - LOOKED_BACK, "now": now, "enough": ENOUGH})
        made: int = cursor.rowcount
        return made


def usual(shipments: Sequence[Shipment]) -> dict[int, timedelta]:
    """By shipment's id, the gap that 95 % of its lane's are shorter than; missing where too little is known.

    The lane, else its carrier in the country, else the carrier, else all. One query. Needs orders at hand.
    """
    if not shipments:
        return {}
    known = {
        (gap.carrier, gap.country, gap.origin, gap.destination): timedelta(hours=gap.hours)
        for gap in LaneGap.objects.filter(carrier__in={"", *(one.carrier for one in shipments)})
    }
    found = {}
    for one in shipments:
        country, destination = one.order.ship_to_country, one.order.ship_to_region
        for lane in (
            (one.carrier, country, one.ship_from_region, destination),
            (one.carrier, country, "", ""),
            (one.carrier, "", "", ""),
            ("", "", "", ""),
        ):
            if (gap := known.get(lane)) is not None:
                found[one.pk] = max(gap, _SHORTEST)
                break
    return found
