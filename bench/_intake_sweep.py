"""How long a sweep takes when a million parcels are open and a few of them are due.

    python -m bench.intake --part _intake_sweep

The parcels are made by SQL: 1,000,000 open ones of as many orders, 800,000 of them on their way. 1 in 200 is due: the
sweep runs every ten minutes, and of a million parcels with a promise each within three weeks some 330 fall due in ten
minutes; 5,000 is a sweep after two and a half hours of rest. On stderr: how many were due, looked at and given an
episode, and that no other row was touched.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime

from bench._search_world import World

PARCELS = 1_000_000
DUE = 200  # one in so many
NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)

_FILL = """
INSERT INTO notifications_customer (source, external_id, email, first_name, last_name, person, locale, time_zone)
SELECT 'bench', n, 'p' || n || '@example.com', 'Robin', '', md5(n::text), 'en', 'Europe/London'
FROM generate_series(1, %(count)s) AS n;
INSERT INTO notifications_order (source, external_id, number, customer_id, placed_at, promised_ship_by,
                                 promised_deliver_by, ship_to_country, ship_to_region)
SELECT 'bench', c.external_id, c.external_id, c.id, %(now)s::timestamptz - interval '9 days',
    %(now)s::timestamptz - interval '5 days',
    CASE WHEN c.external_id::int %% %(due)s = 0 THEN %(now)s::timestamptz - interval '1 hour'
         ELSE %(now)s::timestamptz + (c.external_id::int %% 20 + 1) * interval '1 day' END, 'GB', 'LE'
FROM notifications_customer c;
INSERT INTO notifications_shipment (order_id, carrier, tracking_no, state, handed_over_at, last_event_at,
                                    ship_from_country, ship_from_region, check_at)
SELECT o.id, 'Larkpost', 'LA' || o.external_id,
    CASE WHEN o.external_id::int %% 5 = 0 AND o.external_id::int %% %(due)s > 0
         THEN 'handed_over' ELSE 'in_transit' END,
    %(now)s::timestamptz - interval '6 days', %(now)s::timestamptz - interval '1 day', 'GB', '', o.promised_deliver_by
FROM notifications_order o
"""


def measure(quick: bool) -> dict[str, float]:
    """sweep_1m_s."""
    count = PARCELS // 10 if quick else PARCELS
    with World([]) as world:
        world.django()
        from django.db import connection

        from core import clock
        from notifications import episodes
        from notifications.models import Episode

        began = time.perf_counter()
        with connection.cursor() as cursor:
            for statement in _FILL.split(";"):
                cursor.execute(statement, {"count": count, "due": DUE, "now": NOW})
            cursor.execute("ANALYZE")
            cursor.execute("SELECT pg_current_xact_id()::text::bigint")
            before = cursor.fetchone()[0]
        print(f"intake: {count:,} open parcels made in {time.perf_counter() - began:.0f} s", file=sys.stderr)
        with clock.frozen(NOW):
            began = time.perf_counter()
            swept = episodes.sweep(now=NOW)
            took = time.perf_counter() - began
        with connection.cursor() as cursor:
            # Rows of which a version was written since.
            cursor.execute(
                "SELECT count(*) FROM notifications_shipment WHERE xmin::text::bigint > %s", [before % (1 << 32)]
            )
            touched = cursor.fetchone()[0]
        opened = Episode.objects.count()
        print(
            f"intake: swept {swept.looked_at:,} of {count:,} in {took:.1f} s: {touched:,} rows of parcels touched, "
            f"{opened:,} episodes, {swept.planned + swept.held_out:,} messages planned or held out",
            file=sys.stderr,
        )
        if not swept.looked_at == touched == opened == count // DUE:
            raise SystemExit(f"intake: {count // DUE:,} were due: others were touched, or some were not")
    return {"sweep_1m_s": took * (PARCELS / count)}
