"""Why we would not have known of a contact: the newest unlinkable journeys of a period, sorted by what was missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from analytics.periods import Period

SAMPLE = 500

# What counts as evidence is what came before the contact form was opened, or a contact (outcomes.py).
_SQL = """
    WITH sample AS (
        SELECT visitor, started_at, ended_at FROM analytics_journey
        WHERE NOT is_linkable AND started_at >= %(start)s AND started_at < %(end)s
        ORDER BY started_at DESC LIMIT %(sample)s
    ), told AS (
        SELECT known.events, cut.at AS cut_at, known.first_at, known.back_at
        FROM sample
        CROSS JOIN LATERAL (
            SELECT min(at) AS at FROM analytics_event
            WHERE visitor = sample.visitor AND kind IN ('form', 'suggested', 'answered', 'contact')
              AND at >= sample.started_at AND at < %(until)s AND at >= %(start)s
        ) AS cut
        CROSS JOIN LATERAL (
            SELECT count(*) AS events, min(at) AS first_at,
                   min(at) FILTER (WHERE is_returning AND kind NOT IN ('vote', 'stayed')) AS back_at
            FROM analytics_event
            WHERE visitor = sample.visitor AND at >= sample.started_at AND at <= sample.ended_at
              AND at >= %(start)s AND at < %(until)s
        ) AS known
    )
    SELECT count(*),
           count(*) FILTER (WHERE events > 0 AND cut_at <= first_at),
           count(*) FILTER (WHERE events > 0 AND (cut_at IS NULL OR cut_at > first_at)
                            AND (back_at IS NULL OR back_at >= cut_at)),
           count(*) FILTER (WHERE events > 0 AND (cut_at IS NULL OR cut_at > first_at) AND back_at IS NOT NULL
                            AND (cut_at IS NULL OR back_at < cut_at))
    FROM told
"""


@dataclass(frozen=True)
class Unlinkable:
    """Of `looked_at` journeys, the newest SAMPLE at most. Each is one of the three, or its events are gone."""

    looked_at: int
    began_at_form: int  # what comes by the form is no evidence
    first_visit: int  # the browser had not brought our id back
    nobody_known: int  # it had, but contacts come by other ways, too, and nobody was tied to the id

    @property
    def untold(self) -> int:
        """Their events are no longer kept."""
        return self.looked_at - self.began_at_form - self.first_visit - self.nobody_known


def why(period: Period) -> Unlinkable:
    """One query, which looks up the events of SAMPLE visitors."""
    given: dict[str, datetime | int] = {
        "start": period.start,
        "end": period.end,
        "until": period.end + timedelta(days=1),
        "sample": SAMPLE,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SQL, given)
        return Unlinkable(*cursor.fetchone())
