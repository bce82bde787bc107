"""What was done for like queries, and how they fared before and since. Before and after, which is no effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from analytics.reports.search_counts import Counts
from analytics.search_acts import Act

MOST_DAYS = 28


@dataclass(frozen=True)
class Acted:
    """`acts`, newest first. `before` and `after` are as many `days` each, around the day of the newest; 0 is too
    early."""

    acts: tuple[Act, ...]
    days: int
    before: Counts
    after: Counts

    @property
    def newest(self) -> Act:
        return self.acts[0]


@dataclass(frozen=True)
class Asking:
    """Like queries of one language, for which something was done."""

    locale: str
    keys: Sequence[str]
    acts: Sequence[Act]


# The day itself is in neither: part of it was before.
_AROUND = """
WITH given AS (
    SELECT * FROM unnest(%(numbers)s::integer[], %(locales)s::text[], %(keys)s::text[], %(days)s::date[],
                         %(spans)s::integer[]) AS given (number, locale, key, acted, span)
)
SELECT given.number, counts.day > given.acted,
       sum(searches), sum(without_answer), sum(with_passage), sum(without_click), sum(reformulated),
       sum(in_other_language), coalesce(sum(searches) FILTER (WHERE counts.day <= %(until)s), 0),
       coalesce(sum(contacted) FILTER (WHERE counts.day <= %(until)s), 0)
FROM given JOIN analytics_searchday AS counts ON counts.locale = given.locale AND counts.key = given.key
 AND counts.day BETWEEN given.acted - given.span AND given.acted + given.span AND counts.day <> given.acted
GROUP BY 1, 2
"""


def around(asking: Sequence[Asking], *, until: date, today: date) -> list[Acted]:
    """How each fared around the newest of its acts, which each has. One query."""
    spans = [max(0, min(MOST_DAYS, (today - one.acts[0].on).days - 1)) for one in asking]
    found = _counts(asking, spans, until)
    return [
        Acted(tuple(one.acts), span, found.get((number, False), Counts()), found.get((number, True), Counts()))
        for number, (one, span) in enumerate(zip(asking, spans, strict=True))
    ]


def _counts(asking: Sequence[Asking], spans: Sequence[int], until: date) -> Mapping[tuple[int, bool], Counts]:
    rows = [
        (number, one.locale, key, one.acts[0].on, spans[number])
        for number, one in enumerate(asking)
        if spans[number]
        for key in one.keys
    ]
    if not rows:
        return {}
    numbers, locales, keys, days, of_spans = map(list, zip(*rows, strict=True))
    given: dict[str, Any] = {
        "numbers": numbers,
        "locales": locales,
        "keys": keys,
        "days": days,
        "spans": of_spans,
        "until": until,
    }
    with connection.cursor() as cursor:
        cursor.execute(_AROUND, given)
        return {(number, is_after): Counts(*map(int, sums)) for number, is_after, *sums in cursor.fetchall()}
