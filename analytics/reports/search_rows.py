"""Searches as rows, by pages down to the first of a period: each visitor's asking the same thing on one day is one, as
the counts of days have it. Only what the log of searches still knows.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Q

from analytics import rollups, shop_days
from analytics.models import SearchDay
from analytics.periods import Period
from analytics.reports import search_counts
from kb.models import Article

LOOKED_AT = 500  # searches at once
ROWS = 50
_AT_MOST = 4  # times LOOKED_AT for one page
# What the rows can be narrowed to: what a rate counts, and of which searches; of is "" where it is of all.
OF = {"without_answer": "", "without_click": "answered", "reformulated": "", "contacted": "decided"}
WHATS = (*OF, "answered", "with_passage", "decided")
_DECIDED = ("contacted", "decided")  # as search_counts counts them

_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


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
class Place:
    """A search among those of the period: what comes after it in a list is older."""

    at: datetime
    id: UUID

    def __str__(self) -> str:
        return f"{(self.at - _EPOCH) // _MICROSECOND}.{self.id}"

    @classmethod
    def read(cls, text: str) -> Place | None:
        """None for what str() has not written."""
        moment, _dot, number = text.partition(".")
        try:
            return cls(_EPOCH + int(moment) * _MICROSECOND, UUID(number))
        except (ValueError, OverflowError):
            return None


@dataclass(frozen=True)
class Listed:
    """A page of searches, the newest first. `older` leads on; None at the end. A page can be short: `looked_until` is
    how far its searches were looked through."""

    rows: tuple[Row, ...]
    older: Place | None

    @property
    def looked_until(self) -> datetime | None:
        return self.older.at if self.older and len(self.rows) < ROWS else None


_FIRST = UUID(int=0)  # before every search of its moment: (at, _FIRST) comes after all newer ones
_END = Place(_EPOCH, _FIRST)


# One row for each visitor and day, as the counts have it: the last look at the answers stands for those before it.
_ASKED = """
WITH logged AS (
    SELECT search.id, search.at, search.locale, search.key, search.text, search.total, search.shown, search.featured,
           search.other_locale,
           CASE WHEN search.visitor ~ %(uuid)s THEN search.visitor::uuid END AS visitor
    FROM kb_searchlog AS search
    WHERE search.kind = 'page' AND search.error = '' {narrowed}
      AND search.at >= %(start)s AND search.at < %(end)s AND search.visitor ~ %(uuid)s {older}
    ORDER BY search.at DESC, search.id DESC LIMIT %(most)s
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
        ORDER BY journey.started_at DESC LIMIT 1), logged.id, asked.ids[1] = logged.id
FROM logged CROSS JOIN LATERAL (
    SELECT array_agg(same.id ORDER BY same.at DESC, same.id DESC) AS ids, array_agg(same.at) AS ats, logged.visitor,
           count(*) AS looks, max(same.total) AS total, bool_or(same.featured IS NOT NULL) AS has_passage
    FROM kb_searchlog AS same
    WHERE same.visitor = logged.visitor::text AND same.locale = logged.locale AND same.key = logged.key
      AND same.kind = 'page' AND same.error = '' AND (logged.key <> '' OR same.id = logged.id)
      AND same.at >= greatest(%(start)s, date_trunc('day', logged.at, %(zone)s))
      AND same.at < least(%(end)s, date_trunc('day', logged.at, %(zone)s) + interval '25 hours')
      AND (same.at AT TIME ZONE %(zone)s)::date = (logged.at AT TIME ZONE %(zone)s)::date
) AS asked
ORDER BY logged.at DESC, logged.id DESC
"""


_OF_QUERIES = "AND search.locale = %(locale)s AND search.key = ANY (%(keys)s)"
_OF_LANGUAGE = "AND search.locale = %(locale)s"
_OLDER = "AND (search.at, search.id) < (%(older_at)s, %(older_id)s)"
_ID, IS_LAST = 12, 13  # columns of _ASKED
# Days on which it happened to somebody, where it is no column of theirs.
_OF_DAYS = {
    "answered": Q(searches__gt=F("without_answer") + F("with_passage")),
    "decided": Q(searches__gt=0),
}


def listed(
    period: Period, *, now: datetime, locale: str = "", keys: Sequence[str] = (), what: str = "",
    older: Place | None = None, most: int = ROWS,
) -> Listed:  # fmt: skip
    """A page of the searches to which `what` happened, from `older` on, at `most` so many: of some queries, or whatever
    was asked."""
    if what in _DECIDED:
        until = search_counts.decided_until(now)
        if until < period.first:
            return Listed((), None)
        period = replace(period, last=min(period.last, until))
    locale = locale if keys else period.segment.locale
    found: list[tuple[Any, ...]] = []
    for _time in range(_AT_MOST):
        older = _skip(period, now, locale, keys, what, older) if what else older
        looked_at = asked(period, locale, keys, older) if older != _END else []
        for place, one in enumerate(looked_at):
            older = Place(one[0], one[_ID])
            if one[IS_LAST] and _is(_row(one, {}), what):
                found.append(one)
                if len(found) == most:
                    is_end = place + 1 == len(looked_at) < LOOKED_AT
                    return _page(found, None if is_end else older)
        if len(looked_at) < LOOKED_AT:
            return _page(found, None)
    return _page(found, older)


def _page(found: Sequence[tuple[Any, ...]], older: Place | None) -> Listed:
    known = titles(found)
    return Listed(tuple(_row(one, known) for one in found), older)


def _skip(
    period: Period, now: datetime, locale: str, keys: Sequence[str], what: str, older: Place | None
) -> Place | None:
    """Past the days in which, by their counts, it happened to nobody; _END where none is left. Of today the counts do
    not know all."""
    last = min(period.last, shop_days.day_of(older.at)) if older else period.last
    if last >= shop_days.day_of(now):
        return older
    days = SearchDay.objects.filter(_OF_DAYS.get(what) or Q(**{f"{what}__gt": 0}), day__range=(period.first, last))
    days = days.filter(locale=locale) if locale else days
    day = (days.filter(key__in=keys) if keys else days).order_by("-day").values_list("day", flat=True).first()
    if day is None:
        return _END
    return older if day == last else Place(shop_days.begin(day + timedelta(days=1)), _FIRST)


def asked(period: Period, locale: str, keys: Sequence[str], older: Place | None = None) -> list[tuple[Any, ...]]:
    narrowed = _OF_QUERIES if keys else _OF_LANGUAGE if locale else ""
    with connection.cursor() as cursor:
        cursor.execute(
            _ASKED.format(narrowed=narrowed, older=_OLDER if older else ""),
            {
                **({"older_at": older.at, "older_id": older.id} if older else {}),
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


def titles(asked: Sequence[tuple[Any, ...]]) -> dict[int, str]:
    ids = {pk for row in asked for pk in row[5]} | {pk for row in asked for _position, pk in from_json(row[8])}
    return dict(Article.objects.filter(pk__in=ids).values_list("pk", "live_revision__title"))


def _row(one: tuple[Any, ...], titles: dict[int, str]) -> Row:
    at, text, locale, looks, total, shown, has_passage, other_locale, opened, later, contact_id, journey_id, *_ = one
    after = from_json(later)
    return Row(
        at=at,
        text=text,
        locale=locale,
        looks=looks,
        total=total,
        shown=tuple(titles.get(pk) or "?" for pk in shown),
        has_passage=has_passage,
        other_locale=other_locale,
        opened=tuple((position, titles.get(pk) or "?") for position, pk in from_json(opened)),
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
        case "answered":
            return not is_empty and not row.has_passage
        case "with_passage":
            return row.has_passage
    return what in ("", "decided")


def from_json(value: Any) -> Any:
    """A cursor of Django's gives jsonb as text."""
    return json.loads(value) if isinstance(value, str) else value or []
