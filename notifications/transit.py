"""How long the shop's parcels have taken lately: learnt by a task into LegDay, read by the page in one query."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from notifications import expectations
from notifications.expectations import Expectation, Table, Tables
from notifications.models import Leg, LegDay, Shipment

# Long enough for a small shop to have some, short enough to follow a wave (bench/expectations.py).
LOOKED_BACK = timedelta(days=56)

# One row a parcel and leg: its first and its last age within the window, and whether it ended there. A parcel that is
# still on the leg has not outlasted today; one that was called off or came back says nothing about how long it takes.
_LEARN = """
    WITH legs AS (
        SELECT 'packing' AS leg, '' AS carrier, o.placed_at AS began, s.handed_over_at AS ended, o.cancelled_at
        FROM notifications_shipment s JOIN notifications_order o ON o.id = s.order_id
        WHERE o.placed_at < %(now)s
        UNION ALL
        SELECT 'transit', s.carrier, s.handed_over_at, s.delivered_at, o.cancelled_at
        FROM notifications_shipment s JOIN notifications_order o ON o.id = s.order_id
        WHERE s.handed_over_at < %(now)s AND s.state <> 'returned'
    ), dated AS (
        SELECT leg, carrier, (began AT TIME ZONE %(zone)s)::date AS first_day,
            CASE WHEN ended < %(now)s THEN (ended AT TIME ZONE %(zone)s)::date END AS last_day
        FROM legs
        WHERE cancelled_at IS NULL AND (ended IS NULL OR ended >= began)
            AND began > %(since)s - %(longest)s * interval '1 day'
    ), spans AS (
        SELECT leg, carrier, greatest(0, %(since_day)s - first_day) AS from_age,
            least(coalesce(last_day, %(today)s - 1) - first_day, %(longest)s) AS to_age,
            last_day IS NOT NULL AND last_day - first_day <= %(longest)s AS has_ended
        FROM dated WHERE last_day IS NULL OR last_day >= %(since_day)s
    ), days AS (
        SELECT leg, carrier, age AS days, age = to_age AND has_ended AS is_end
        FROM spans, generate_series(from_age, to_age) AS age
    )
    INSERT INTO notifications_legday (leg, carrier, days, waiting, ended)
    SELECT leg, coalesce(carrier, ''), days, count(*), count(*) FILTER (WHERE is_end)
    FROM days
    GROUP BY GROUPING SETS ((leg, days), (leg, carrier, days))
    HAVING GROUPING(carrier) = 1 OR carrier <> ''
"""

_LEARN_WEEKDAYS = """
    WITH days AS (
        SELECT extract(isodow FROM delivered_at AT TIME ZONE %(zone)s)::int AS days, count(*) AS arrived
        FROM notifications_shipment WHERE delivered_at >= %(since)s AND delivered_at < %(now)s GROUP BY 1
    )
    INSERT INTO notifications_legday (leg, carrier, days, waiting, ended)
    SELECT 'arrival', '', days, sum(arrived) OVER (), arrived FROM days
"""


def learn(*, now: datetime) -> int:
    """Count anew how long the parcels of the last weeks have taken. Returns how many rows that made."""
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    said: dict[str, str | int | date | datetime] = {
        "now": now,
        "since": now - LOOKED_BACK,
        "since_day": timezone.localtime(now - LOOKED_BACK, zone).date(),
        "today": timezone.localtime(now, zone).date(),
        "zone": zone.key,
        "longest": expectations.LONGEST,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        # Readers keep the old rows until the commit; a second learner waits for the first.
        cursor.execute("LOCK TABLE notifications_legday IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("DELETE FROM notifications_legday")
        cursor.execute(_LEARN, said)
        made: int = cursor.rowcount
        cursor.execute(_LEARN_WEEKDAYS, said)
        made += cursor.rowcount
        return made


def tables_for(carriers: set[str]) -> dict[str, Tables]:
    """What is known for each of these carriers. One query."""
    waiting: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    ended: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    rows = LegDay.objects.filter(carrier__in={"", *carriers}).values_list("leg", "carrier", "days", "waiting", "ended")
    for leg, carrier, days, reached, gone in rows:
        waiting[leg, carrier][days] = reached
        ended[leg, carrier][days] = gone

    def table(leg: str, carrier: str) -> Table:
        return Table(waiting[leg, carrier], ended[leg, carrier])

    idle = expectations.idle_weekdays(ended[Leg.ARRIVAL, ""])
    return {
        carrier: Tables(
            packing=table(Leg.PACKING, ""),
            transit=table(Leg.TRANSIT, carrier),
            transit_of_all=table(Leg.TRANSIT, ""),
            idle=idle,
        )
        for carrier in carriers
    }


def expect(shipment: Shipment, tables: Tables, *, placed_at: datetime, now: datetime) -> Expectation | None:
    """When a parcel comes that is not there yet, in days from today where the shop is; None where we cannot say."""
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    today = timezone.localtime(now, zone).date()

    def age(since: datetime) -> int:
        return max(0, (today - timezone.localtime(since, zone).date()).days)

    is_packed = shipment.handed_over_at is not None
    return expectations.expect(
        tables,
        packing_age=None if is_packed else age(placed_at),
        transit_age=age(shipment.handed_over_at) if shipment.handed_over_at else None,
        weekday=today.isoweekday(),
    )
