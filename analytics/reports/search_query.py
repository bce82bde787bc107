"""One query: its days, what it was answered with, what was opened from where, what people asked next, who contacted us.

Counts are of its days; what only the log of searches knows is of its newest searches in the period.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from analytics import rollups, search_acts, shop_days
from analytics.models import SearchDay
from analytics.periods import Period
from analytics.reports import search_acted, search_answers, search_counts, search_health
from analytics.reports.search_acted import Acted, Asking
from analytics.reports.search_answers import Answers
from analytics.reports.search_counts import Counts
from kb.models import Article

LOOKED_AT = 500  # of the query's newest searches in the period
ROWS = 50
WHATS = ("without_answer", "without_click", "reformulated", "contacted")  # what the rows can be narrowed to


@dataclass(frozen=True)
class Opened:
    """An article that was opened `times` from one place of the answers; 0 is the passage above them."""

    position: int
    article_id: int
    title: str
    times: int


@dataclass(frozen=True)
class Next:
    """What was asked within a minute, nothing having been opened."""

    locale: str
    key: str
    text: str
    times: int


@dataclass(frozen=True)
class Row:
    """One visitor's asking on one day, as its last look at the answers had it."""

    at: datetime
    text: str
    locale: str
    looks: int
    total: int
    shown: tuple[str, ...]
    has_passage: bool
    other_locale: str
    opened: tuple[tuple[int, str], ...]  # (position, title)
    next: str
    contact_id: int | None
    journey_id: int | None


@dataclass(frozen=True)
class OneQuery:
    """`looked_at` searches are behind `opened`, `next` and `rows`; at most ROWS of them are listed."""

    locale: str
    keys: tuple[str, ...]
    text: str
    counts: Counts
    decided_until: date
    days: tuple[search_health.Day, ...]
    answers: Answers
    acted: Acted | None
    looked_at: int
    opened: tuple[Opened, ...]
    next: tuple[Next, ...]
    rows: tuple[Row, ...]
    matching: int


# One row for each visitor and day, as the counts have it.
_ASKED = """
WITH logged AS (
    SELECT search.id, search.at, search.locale, search.key, search.text, search.total, search.shown, search.featured,
           search.other_locale,
           CASE WHEN search.visitor ~ %(uuid)s THEN search.visitor::uuid END AS visitor
    FROM kb_searchlog AS search
    WHERE search.kind = 'page' AND search.error = '' {narrowed}
      AND search.at >= %(start)s AND search.at < %(end)s AND search.visitor ~ %(uuid)s
    ORDER BY search.at DESC LIMIT %(most)s
), asked AS (
    SELECT array_agg(id ORDER BY at DESC) AS ids, array_agg(at ORDER BY at DESC) AS ats, visitor, count(*) AS looks,
           max(total) AS total, bool_or(featured IS NOT NULL) AS has_passage
    FROM logged GROUP BY visitor, locale, key, (at AT TIME ZONE %(zone)s)::date, CASE WHEN key = '' THEN id END
)
SELECT logged.at, logged.text, logged.locale, asked.looks, asked.total, logged.shown[1:3],
       asked.has_passage, logged.other_locale,
       (SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_array(click.position, click.article_id)), '[]')
        FROM kb_searchclick AS click WHERE click.search_id = ANY (asked.ids)),
       (SELECT jsonb_build_array(later.locale, later.key, later.text) FROM kb_searchlog AS later
        WHERE later.reformulates_id = ANY (asked.ids) AND later.kind IN ('page', 'suggest')
        ORDER BY later.at LIMIT 1),
       (SELECT contact.id
        FROM (SELECT id, received_at FROM contacts_contact AS own WHERE own.visitor = asked.visitor
              UNION ALL
              SELECT theirs.id, received_at
              FROM analytics_identity AS known JOIN contacts_contact AS theirs USING (person)
              WHERE known.visitor = asked.visitor AND known.person <> '') AS contact
        JOIN unnest(asked.ats) AS moment
          ON contact.received_at >= moment AND contact.received_at < moment + interval '1 day'
        ORDER BY contact.received_at LIMIT 1),
       (SELECT journey.id FROM analytics_journey AS journey
        WHERE journey.visitor = asked.visitor AND journey.started_at <= logged.at
          AND journey.ended_at >= logged.at - interval '1 minute'
        ORDER BY journey.started_at DESC LIMIT 1)
FROM asked JOIN logged ON logged.id = asked.ids[1]
ORDER BY logged.at DESC
"""


_OF_QUERIES = "AND search.locale = %(locale)s AND search.key = ANY (%(keys)s)"
_OF_LANGUAGE = "AND search.locale = %(locale)s"


def build(period: Period, *, now: datetime, locale: str, keys: Sequence[str], what: str = "") -> OneQuery | None:
    """The first of `keys`, and those like it, as one. None where nobody asked the first in the period, nor before."""
    lead = SearchDay.objects.filter(locale=locale, key=keys[0]).exclude(key="").order_by("-day")
    text = lead.values_list("text", flat=True).first()
    if text is None:
        return None
    until = search_counts.decided_until(now)
    found = _days(period, until, locale, keys)
    asked = _asked(period, locale, keys)
    titles = _titles(asked)
    rows = [_row(one, titles) for one in asked]
    matching = [row for row in rows if _is(row, what)]
    acts = search_acts.about(search_acts.since(now - search_health.ACTS_BACK), locale, keys)
    today = shop_days.day_of(now)
    return OneQuery(
        locale=locale,
        keys=tuple(keys),
        text=text,
        counts=search_counts.total(found.values()),
        decided_until=until,
        days=search_health.slots(period, found, step=1 if period.days <= 63 else 7),
        answers=search_answers.of([(locale, keys[0], text)], period)[0],
        acted=search_acted.around([Asking(locale, keys, acts)], until=until, today=today)[0] if acts else None,
        looked_at=len(rows),
        opened=_opened(asked, titles),
        next=_next(asked),
        rows=tuple(matching[:ROWS]),
        matching=len(matching),
    )


def newest(period: Period, *, what: str = "") -> tuple[list[Row], int]:
    """Of the period's newest searches, whatever was asked, those to which `what` happened; and how many were looked
    at."""
    asked = _asked(period, period.segment.locale, ())
    titles = _titles(asked)
    rows = [row for row in (_row(one, titles) for one in asked) if _is(row, what)]
    return rows[:ROWS], len(asked)


def _days(period: Period, until: date, locale: str, keys: Sequence[str]) -> dict[date, Counts]:
    rows = SearchDay.objects.filter(locale=locale, key__in=keys, day__gte=period.first, day__lte=period.last)
    counted = rows.values("day").annotate(**search_counts.summed(until))
    return {row["day"]: search_counts.of_row(row) for row in counted}


def _asked(period: Period, locale: str, keys: Sequence[str]) -> list[tuple[Any, ...]]:
    narrowed = _OF_QUERIES if keys else _OF_LANGUAGE if locale else ""
    with connection.cursor() as cursor:
        cursor.execute(
            _ASKED.format(narrowed=narrowed),
            {
                "locale": locale,
                "keys": list(keys),
                "start": period.start,
                "end": period.end,
                "most": LOOKED_AT,
                "uuid": rollups.UUID_PATTERN,
                "zone": shop_days.zone().key,
            },
        )
        return list(cursor.fetchall())


def _titles(asked: Sequence[tuple[Any, ...]]) -> dict[int, str]:
    ids = {pk for row in asked for pk in row[5]} | {pk for row in asked for _position, pk in _json(row[8])}
    return dict(Article.objects.filter(pk__in=ids).values_list("pk", "live_revision__title"))


def _row(one: tuple[Any, ...], titles: dict[int, str]) -> Row:
    at, text, locale, looks, total, shown, has_passage, other_locale, opened, later, contact_id, journey_id = one
    after = _json(later)
    return Row(
        at=at,
        text=text,
        locale=locale,
        looks=looks,
        total=total,
        shown=tuple(titles.get(pk) or "?" for pk in shown),
        has_passage=has_passage,
        other_locale=other_locale,
        opened=tuple((position, titles.get(pk) or "?") for position, pk in _json(opened)),
        next=after[2] if after else "",
        contact_id=contact_id,
        journey_id=journey_id,
    )


def _is(row: Row, what: str) -> bool:
    """As rollup_sql.SEARCHES counts it."""
    is_empty = not row.total and not row.has_passage
    match what:
        case "without_answer":
            return is_empty
        case "without_click":
            return not is_empty and not row.has_passage and not row.opened
        case "reformulated":
            return bool(row.next) and not row.opened
        case "contacted":
            return row.contact_id is not None
    return not what


def _opened(asked: Sequence[tuple[Any, ...]], titles: dict[int, str]) -> tuple[Opened, ...]:
    times = Counter((position, pk) for row in asked for position, pk in _json(row[8]))
    found = [Opened(position, pk, titles.get(pk) or "?", number) for (position, pk), number in times.items()]
    return tuple(sorted(found, key=lambda one: (one.position, -one.times, one.title))[:20])


def _next(asked: Sequence[tuple[Any, ...]]) -> tuple[Next, ...]:
    texts: dict[tuple[str, str], str] = {}
    times: Counter[tuple[str, str]] = Counter()
    for row in asked:
        if (later := _json(row[9])) and not _json(row[8]):
            locale, key, text = later
            texts.setdefault((locale, key), text)
            times[locale, key] += 1
    return tuple(Next(*one, texts[one], number) for one, number in times.most_common(10))


def _json(value: Any) -> Any:
    """A cursor of Django's gives jsonb as text."""
    return json.loads(value) if isinstance(value, str) else value or []
