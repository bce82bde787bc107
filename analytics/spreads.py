"""How alike the journeys and searches of one person are, measured once a day, so that intervals are wide enough.

Who comes back unanswered comes back more than once, one contact is the outcome of all of that, and whoever is known to
us is known each time. Wilson's interval takes each journey for a stranger's: with the usual one and a half journeys a
person it held the truth in 85 of 100 shops, not 95 (docs/decisions/0018). So hits and total are both divided by the
design effect: what the shares of persons vary by, over what those of as many strangers would.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from analytics import rollups, shop_days
from analytics.models import Spread
from contacts import reasons

COVERAGE, CONTACT, OF_ARTICLE, SEARCH, COUNT = "coverage", "contact", "article", "search", "count"
LOOK_BACK = timedelta(days=56)
EVERY = timedelta(hours=20)
LEAST_JOURNEYS = 100  # on fewer nothing is measured, nor on fewer contacts

# Of each person in each group: so many journeys, so many of them hits; then the sums over a group's persons.
_SUMS = """
    WITH known AS (
        SELECT visitor, min(person) AS person FROM analytics_identity GROUP BY visitor
    ), told AS (
        SELECT coalesce(known.person, journey.visitor::text) AS who, last_article_id AS article, is_linkable,
               outcomes
        FROM analytics_journey AS journey LEFT JOIN known ON known.visitor = journey.visitor
        WHERE started_at >= %(since)s AND started_at < %(now)s
    ), judged AS (
        SELECT days, who, article, (outcomes ->> days::text = 'contacted')::integer AS hit
        FROM told CROSS JOIN unnest(%(windows)s::integer[]) AS days
        WHERE article IS NOT NULL AND is_linkable AND outcomes ? days::text
    ), persons AS (
        SELECT 'coverage' AS measure, 0 AS days, 0 AS article, count(*) AS n, sum(is_linkable::integer) AS h
        FROM told GROUP BY who
        UNION ALL
        SELECT 'contact', days, 0, count(*), sum(hit) FROM judged GROUP BY days, who
        UNION ALL
        SELECT 'article', days, article, count(*), sum(hit) FROM judged GROUP BY days, article, who
    )
    SELECT measure, days, sum(n)::float, sum(h)::float, sum(h * h)::float, sum(h * n)::float, sum(n * n)::float
    FROM persons GROUP BY measure, days, article
"""

# The same of searches, as analytics/rollup_sql.py counts them (what one visitor asked on one day), and contacts within
# a day.
_SEARCH_SUMS = """
    WITH known AS (
        SELECT visitor, min(person) AS person FROM analytics_identity GROUP BY visitor
    ), heard AS MATERIALIZED (
        SELECT visitor, received_at AS at FROM contacts_contact WHERE visitor IS NOT NULL AND received_at >= %(since)s
        UNION ALL
        SELECT tie.visitor, contact.received_at
        FROM contacts_contact AS contact JOIN analytics_identity AS tie USING (person)
        WHERE contact.person <> '' AND contact.received_at >= %(since)s
    ), logged AS (
        SELECT id, at, locale, key, visitor::uuid AS visitor FROM kb_searchlog
        WHERE at >= %(since)s AND at < %(now)s - interval '1 day'
          AND kind = 'page' AND error = '' AND visitor ~ %(uuid)s
    ), led AS (
        SELECT DISTINCT logged.id FROM logged JOIN heard USING (visitor)
        WHERE heard.at >= logged.at AND heard.at < logged.at + interval '1 day'
    ), asked AS (
        SELECT visitor, (count(led.id) > 0)::integer AS hit FROM logged LEFT JOIN led USING (id)
        GROUP BY visitor, (at AT TIME ZONE %(zone)s)::date, locale, key, CASE WHEN key = '' THEN logged.id END
    ), persons AS (
        SELECT count(*) AS n, sum(hit) AS h FROM asked LEFT JOIN known USING (visitor)
        GROUP BY coalesce(known.person, asked.visitor::text)
    )
    SELECT 'search', 0, sum(n)::float, sum(h)::float, sum(h * h)::float, sum(h * n)::float, sum(n * n)::float
    FROM persons HAVING count(*) > 0
"""

# Of the contacts of each person about each topic: so many, and the sum of their squares over persons and topics.
_COUNT_SUMS = """
    WITH written AS (
        SELECT coalesce(nullif(contact.person, ''), contact.id::text) AS who, coalesce(newest.topic, '') AS topic
        FROM contacts_contact AS contact LEFT JOIN LATERAL (
            SELECT given.topic FROM contacts_coding AS coding
            JOIN contacts_reasoncode AS reason ON reason.id = coding.reason_id
            JOIN unnest(%(reasons)s::text[], %(topics)s::text[]) AS given (code, topic) ON given.code = reason.code
            WHERE coding.contact_id = contact.id ORDER BY coding.id DESC LIMIT 1
        ) AS newest ON true
        WHERE contact.received_at >= %(since)s AND contact.received_at < %(now)s
    ), persons AS (
        SELECT count(*) AS n FROM written GROUP BY who, topic
    )
    SELECT sum(n)::float, sum(n * n)::float FROM persons HAVING count(*) > 0
"""


@dataclass(frozen=True)
class Spreads:
    """The design effects of the shares of one window, and of the number of contacts; 1 is that of strangers."""

    coverage: float = 1.0
    contact: float = 1.0
    of_article: float = 1.0
    search: float = 1.0
    count: float = 1.0


NONE = Spreads()


def known(window: int) -> Spreads:
    """As they were measured last. One query."""
    found = Spread.objects.filter(window__in=(0, window)).values_list("measure", "factor")
    factors = dict(found)
    return Spreads(*(factors.get(name, 1.0) for name in (COVERAGE, CONTACT, OF_ARTICLE, SEARCH, COUNT)))


def measure(*, now: datetime, windows: Sequence[int], anew: bool = False) -> bool:
    """Measure them, unless that was done within a day; `anew`: even then. Returns whether it was done."""
    if not anew and Spread.objects.filter(measured_at__gt=now - EVERY, measured_at__lte=now).exists():
        return False
    with connection.cursor() as cursor:
        since = now - LOOK_BACK
        cursor.execute(_SUMS, {"since": since, "now": now, "windows": list(windows)})
        rows = cursor.fetchall()
        given: dict[str, datetime | str] = {
            "since": since,
            "now": now,
            "uuid": rollups.UUID_PATTERN,
            "zone": str(shop_days.zone()),
        }
        cursor.execute(_SEARCH_SUMS, given)
        rows += cursor.fetchall()
        tree = reasons.stored()
        given |= {"reasons": [reason.code for reason in tree], "topics": [reason.topic for reason in tree]}
        cursor.execute(_COUNT_SUMS, given)
        counted = cursor.fetchall()
    groups: dict[tuple[str, int], list[tuple[float, ...]]] = defaultdict(list)
    for name, days, *sums in rows:
        groups[name, days].append(tuple(sums))
    measured = [
        Spread(
            measure=name,
            window=days,
            factor=design_effect(of),
            journeys=round(sum(sums[0] for sums in of)),
            measured_at=now,
        )
        for (name, days), of in groups.items()
    ]
    measured += [
        Spread(measure=COUNT, window=0, factor=dispersion(n, nn), journeys=round(n), measured_at=now)
        for n, nn in counted
    ]
    Spread.objects.bulk_create(
        measured,
        update_conflicts=True,
        unique_fields=["measure", "window"],
        update_fields=["factor", "journeys", "measured_at"],
    )
    return True


def design_effect(groups: Sequence[tuple[float, ...]]) -> float:
    """Of groups of persons, each given as the sums over its persons of journeys n, hits h, h², hn and n²; at least 1.

    The variance of a share of clusters (Cochran 1977, 3.12) over that of as many independent journeys.
    """
    journeys = varies = would_vary = 0.0
    for n, h, hh, hn, nn in groups:
        share = h / n
        journeys += n
        varies += hh - 2 * share * hn + share * share * nn
        would_vary += n * share * (1 - share)
    return max(1.0, varies / would_vary) if journeys >= LEAST_JOURNEYS and would_vary else 1.0


def dispersion(contacts: float, squares: float) -> float:
    """Of so many contacts, whose numbers for each person and topic have squares that sum up so; at least 1.

    The variance of a count of which people come by themselves and each brings some, over that of as many that come by
    themselves (a compound Poisson count: the second moment of what one brings, over the first).
    """
    return max(1.0, squares / contacts) if contacts >= LEAST_JOURNEYS else 1.0
