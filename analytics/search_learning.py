"""What searches led to → kb's SearchSignal: the journeys that began with an answer, and how they ended.

An opening counts where the journey that it belongs to is decided for the shop's window and linkable: only there would
we know of a contact as well as of a yes. The last article read earns the outcome (analytics.attribution).
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from analytics import outcomes
from core import clock
from kb.models import SearchSignal
from kb.search import learning, signals
from kb.search.learning import Impressions, Propensities, Reading

logger = logging.getLogger("preempt.search")

LOOK_BACK = timedelta(days=90)
_LEAST_FOR_QUERY = 10  # openings; a query with fewer is learnt from with all others only

# A read event is written a moment before its opening, so the journey may end a moment before it.
_READINGS = """
SELECT search.locale, search.key, click.article_id, click.position,
       journey.last_article_id = click.article_id, journey.outcomes ->> %(window)s
FROM kb_searchclick AS click
JOIN kb_searchlog AS search ON search.id = click.search_id
JOIN analytics_journey AS journey
  ON journey.visitor = CASE WHEN search.visitor ~ '^[0-9a-f-]{36}$' THEN search.visitor::uuid END
 AND journey.started_at <= click.at AND journey.ended_at >= click.at - interval '1 minute'
WHERE click.at >= %(since)s AND journey.is_linkable AND journey.outcomes ? %(window)s
"""

# How often each article stood at each rank for each query, and how often it was opened from there.
_IMPRESSIONS = """
SELECT search.locale || ' ' || search.key, shown.article_id, shown.rank,
       count(*), count(click.id)
FROM kb_searchlog AS search
CROSS JOIN LATERAL unnest(search.shown[1:%(ranks)s]) WITH ORDINALITY AS shown (article_id, rank)
LEFT JOIN kb_searchclick AS click ON click.search_id = search.id AND click.article_id = shown.article_id
WHERE search.at >= %(since)s AND search.visitor <> '' AND search.kind = 'page' AND search.featured IS NULL
GROUP BY 1, 2, 3
"""


@dataclass(frozen=True)
class Learnt:
    """What one run made: `signals` rows of `openings`, weighed by `propensities` (of rank 1, 2 …)."""

    signals: int
    openings: int
    propensities: Propensities


def learn() -> Learnt:
    """Make every signal anew. Nothing changes by running it twice."""
    now = clock.now()
    since = now - LOOK_BACK
    theta = learning.propensities(_impressions(since))
    readings: dict[tuple[str, str, int], list[Reading]] = defaultdict(list)
    openings = 0
    for locale, key, article_id, reading in _readings(since):
        openings += 1
        readings[locale, "", article_id].append(reading)
        if key:
            readings[locale, key, article_id].append(reading)
    rows = list(_rows(readings.items(), theta, now))
    with transaction.atomic():
        SearchSignal.objects.all().delete()
        SearchSignal.objects.bulk_create(rows, batch_size=1000)
    signals.forget()
    logger.info("learnt from searches", extra={"signals": len(rows), "openings": openings})
    return Learnt(len(rows), openings, theta)


def _rows(
    readings: Iterable[tuple[tuple[str, str, int], Sequence[Reading]]], theta: Propensities, now: datetime
) -> Iterator[SearchSignal]:
    for (locale, key, article_id), of_article in readings:
        if key and len(of_article) < _LEAST_FOR_QUERY:
            continue
        made = learning.signal(of_article, theta)
        yield SearchSignal(
            locale=locale,
            key=key,
            article_id=article_id,
            openings=len(of_article),
            reads=made.reads,
            confirmed=made.confirmed,
            contacted=made.contacted,
            made_at=now,
        )


def _readings(since: datetime) -> Iterator[tuple[str, str, int, Reading]]:
    with connection.cursor() as cursor:
        cursor.execute(_READINGS, {"window": str(settings.OUTCOME_WINDOW_DAYS), "since": since})
        for locale, key, article_id, rank, is_last, outcome in cursor.fetchall():
            reading = Reading(
                rank=rank,
                is_confirmed=bool(is_last) and outcome == outcomes.CONFIRMED,
                is_contacted=bool(is_last) and outcome == outcomes.CONTACTED,
            )
            yield locale, key, article_id, reading


def _impressions(since: datetime) -> list[Impressions]:
    """A featured passage stands above rank 1 and takes clicks from all ranks: such searches are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_IMPRESSIONS, {"since": since, "ranks": learning.RANKS})
        return [Impressions(*row) for row in cursor.fetchall()]
