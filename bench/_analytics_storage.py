"""Bytes an event, with all indexes, of a million that came in the order of time."""

from __future__ import annotations

from bench import _analytics_events
from bench._search_figures import say

_AT_ONCE = 1_000  # as the web server's thread writes them

# The row and its share of the page; the indexes are of all.
_BY_KIND = """
    SELECT kind, count(*), avg(pg_column_size(event.*) + 4) FROM analytics_event AS event GROUP BY kind ORDER BY 2 DESC
"""
_SIZES = """
    SELECT regexp_replace(relid::regclass::text, 'w[0-9]{8}|rest', 'week'), sum(pg_relation_size(relid)) FROM (
        SELECT relid FROM pg_partition_tree('analytics_event') WHERE isleaf
        UNION ALL
        SELECT indexrelid FROM pg_index
        WHERE indrelid IN (SELECT relid FROM pg_partition_tree('analytics_event') WHERE isleaf)
    ) AS parts GROUP BY 1 ORDER BY 2 DESC
"""


def measure(*, quick: bool) -> dict[str, float]:
    from django.db import connection

    from analytics import partitions, writing
    from core import clock

    number = 100_000 if quick else 1_000_000
    with clock.frozen(_analytics_events.BEGINNING):
        partitions.AHEAD, ahead = _analytics_events.WEEKS, partitions.AHEAD
        partitions.look_after()
        partitions.AHEAD = ahead
    rows: list[_analytics_events.Row] = []
    for row in _analytics_events.events(number):
        rows.append(row)
        if len(rows) == _AT_ONCE:
            writing.write(rows)
            rows = []
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE analytics_event")
        cursor.execute(_BY_KIND)
        for kind, count, size in cursor.fetchall():
            say(f"  {count / number:6.1%} {kind:10} {size:6.1f} bytes a row, before indexes")
        cursor.execute(_SIZES)
        for name, size in cursor.fetchall():
            say(f"  {size / number:6.1f} bytes an event: {name}")
        cursor.execute(
            "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('analytics_event') WHERE isleaf"
        )
        total = float(cursor.fetchone()[0])
    return {"bytes_per_event": total / number}
