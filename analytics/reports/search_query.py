"""One query: its days, what it was answered with, what was opened from where, what people asked next, who contacted us.

Counts are of its days; what was opened and asked next is of its newest searches in the period. The searches themselves
are listed by pages, down to the period's first (search_rows.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from analytics import search_acts, shop_days
from analytics.models import SearchDay
from analytics.periods import Period
from analytics.reports import search_acted, search_answers, search_counts, search_health, search_rows
from analytics.reports.search_acted import Acted, Asking
from analytics.reports.search_answers import Answers
from analytics.reports.search_counts import Counts


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
class OneQuery:
    """`looked_at` searches are behind `opened` and `next`."""

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


def build(period: Period, *, now: datetime, locale: str, keys: Sequence[str]) -> OneQuery | None:
    """The first of `keys`, and those like it, as one. None where nobody asked the first in the period, nor before."""
    lead = SearchDay.objects.filter(locale=locale, key=keys[0]).exclude(key="").order_by("-day")
    text = lead.values_list("text", flat=True).first()
    if text is None:
        return None
    until = search_counts.decided_until(now)
    found = _days(period, until, locale, keys)
    asked = [one for one in search_rows.asked(period, locale, keys) if one[search_rows.IS_LAST]]
    titles = search_rows.titles(asked)
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
        looked_at=len(asked),
        opened=_opened(asked, titles),
        next=_next(asked),
    )


def _days(period: Period, until: date, locale: str, keys: Sequence[str]) -> dict[date, Counts]:
    rows = SearchDay.objects.filter(locale=locale, key__in=keys, day__gte=period.first, day__lte=period.last)
    counted = rows.values("day").annotate(**search_counts.summed(until))
    return {row["day"]: search_counts.of_row(row) for row in counted}


def _opened(asked: Sequence[tuple[Any, ...]], titles: dict[int, str]) -> tuple[Opened, ...]:
    times = Counter((position, pk) for row in asked for position, pk in search_rows.from_json(row[8]))
    found = [Opened(position, pk, titles.get(pk) or "?", number) for (position, pk), number in times.items()]
    return tuple(sorted(found, key=lambda one: (one.position, -one.times, one.title))[:20])


def _next(asked: Sequence[tuple[Any, ...]]) -> tuple[Next, ...]:
    texts: dict[tuple[str, str], str] = {}
    times: Counter[tuple[str, str]] = Counter()
    for row in asked:
        if (later := search_rows.from_json(row[9])) and not search_rows.from_json(row[8]):
            locale, key, text = later
            texts.setdefault((locale, key), text)
            times[locale, key] += 1
    return tuple(Next(*one, texts[one], number) for one, number in times.most_common(10))
