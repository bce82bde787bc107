"""Why we would not have known of a contact: the newest unlinkable journeys of a period, sorted by what was missing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from analytics.periods import Period

SAMPLE = 500

# What counts as evidence is what came before the contact form was opened, or a contact (outcomes.py).
_SQL = """
    WITH sample AS (
        SELECT id, visitor, started_at, ended_at FROM analytics_journey
        WHERE NOT is_linkable AND started_at >= %(start)s AND started_at < %(end)s
        ORDER BY started_at DESC, id DESC LIMIT %(sample)s
    ), told AS (
        SELECT sample.id, known.events, cut.at AS cut_at, known.first_at, known.back_at
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
    SELECT id, CASE WHEN events = 0 THEN 'untold'
                    WHEN cut_at <= first_at THEN 'began_at_form'
                    WHEN back_at IS NULL OR back_at >= cut_at THEN 'first_visit'
                    ELSE 'nobody_known' END
    FROM told
"""


# Each of the newest SAMPLE journeys is one of these.
WHYS = (
    "began_at_form",  # what comes by the form is no evidence
    "first_visit",  # the browser had not brought our id back
    "nobody_known",  # it had, but contacts come by other ways, too, and nobody was tied to the id
    "untold",  # their events are no longer kept
)
TOLD = "told"  # one of the others


@dataclass(frozen=True)
class Unlinkable:
    """How many were `looked_at`, and of each of WHYS there are."""

    looked_at: int
    began_at_form: int
    first_visit: int
    nobody_known: int
    untold: int


def why(period: Period) -> Unlinkable:
    found = Counter(_whys(period).values())
    return Unlinkable(found.total(), *(found[name] for name in WHYS))


def because(period: Period, why: str) -> list[int]:
    """The ids of the journeys that why() counts so, or of which it says TOLD."""
    return [pk for pk, found in _whys(period).items() if found == why or (why == TOLD and found != "untold")]


def _whys(period: Period) -> dict[int, str]:
    """One query, which looks up the events of SAMPLE visitors."""
    given: dict[str, datetime | int] = {
        "start": period.start,
        "end": period.end,
        "until": period.end + timedelta(days=1),
        "sample": SAMPLE,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SQL, given)
        return dict(cursor.fetchall())
