"""How alike the journeys and searches of one person are, measured once a day, so that intervals are wide enough.

Who comes back unanswered comes back more than once, one contact is the outcome of all of that, and whoever is known to
us is known each time. Wilson's interval takes each journey for a stranger's: with the usual one and a half journeys a
person it held the truth in 85 of 100 shops, not 95 (docs/decisions/0018). So hits and total are both divided by the
design effect: what the shares of persons vary by, over what those of as many strangers would.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import connection

from analytics import rollups, shop_days, spread_sql
from analytics.models import Spread
from contacts import reasons

COVERAGE, CONTACT, OF_ARTICLE, SEARCH, COUNT = "coverage", "contact", "article", "search", "count"
SIGHT, FORM, VOTE, OPENED = "sight", "form", "vote", "opened"
SECONDS, IN_SIGHT = "seconds", "in_sight"
LOOK_BACK = timedelta(days=56)
EVERY = timedelta(hours=20)
LEAST_JOURNEYS = 100  # on fewer nothing is measured, nor on fewer contacts


@dataclass(frozen=True)
class Spreads:
    """The design effects of the shares of one window, and of the numbers of contacts and of openings of the form, and
    of the averages of time on an article; 1 is that of strangers."""

    coverage: float = 1.0
    contact: float = 1.0
    of_article: float = 1.0
    search: float = 1.0
    count: float = 1.0
    sight: float = 1.0
    form: float = 1.0
    vote: float = 1.0
    opened: float = 1.0
    seconds: float = 1.0
    in_sight: float = 1.0

    @property
    def within_article(self) -> Spreads:
        """Of the journeys that read one article last."""
        return replace(self, contact=self.of_article)


NONE = Spreads()


def known(window: int) -> Spreads:
    """As they were measured last. One query."""
    found = Spread.objects.filter(window__in=(0, window)).values_list("measure", "factor")
    factors = dict(found)
    names = (COVERAGE, CONTACT, OF_ARTICLE, SEARCH, COUNT, SIGHT, FORM, VOTE, OPENED, SECONDS, IN_SIGHT)
    return Spreads(*(factors.get(name, 1.0) for name in names))


def measure(*, now: datetime, windows: Sequence[int], anew: bool = False) -> bool:
    """Measure them, unless that was done within a day; `anew`: even then. Returns whether it was done."""
    if not anew and Spread.objects.filter(measured_at__gt=now - EVERY, measured_at__lte=now).exists():
        return False
    tree = reasons.stored()
    given: dict[str, datetime | str | list[int] | list[str]] = {
        "since": now - LOOK_BACK,
        "now": now,
        "windows": list(windows),
        "uuid": rollups.UUID_PATTERN,
        "zone": str(shop_days.zone()),
        "reasons": [reason.code for reason in tree],
        "topics": [reason.topic for reason in tree],
    }
    groups: dict[tuple[str, int], list[tuple[float, ...]]] = defaultdict(list)
    with connection.cursor() as cursor:
        for query in spread_sql.ALL:
            cursor.execute(query, given)
            for name, days, *sums in cursor.fetchall():
                groups[name, days].append(tuple(sums))
    factors = {key: (design_effect(of), sum(sums[0] for sums in of)) for key, of in groups.items()}
    for name, told in ((COUNT, COUNT), (OPENED, FORM)):
        for n, _h, _hh, _hn, nn, *_own in groups.get((told, 0), ()):
            factors[name, 0] = dispersion(n, nn), n
    measured = [
        Spread(measure=name, window=days, factor=round(factor, 6), journeys=round(of), measured_at=now)
        for (name, days), (factor, of) in factors.items()
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
    Of amounts (seconds) h is a person's sum of them, and the sum of the square of each is given last.

    The variance of a share, or average, of clusters (Cochran 1977, 3.12) over that of as many independent journeys.
    """
    journeys = varies = would_vary = 0.0
    for n, h, hh, hn, nn, *own in groups:
        share = h / n
        journeys += n
        varies += hh - 2 * share * hn + share * share * nn
        would_vary += (own[0] if own else h) - share * h  # the square of a hit is itself
    return max(1.0, varies / would_vary) if journeys >= LEAST_JOURNEYS and would_vary else 1.0


def dispersion(count: float, squares: float) -> float:
    """Of so many contacts, whose numbers for each person and topic have squares that sum up so, or of so many openings
    of the form by visitors; at least 1.

    The variance of a count of which people come by themselves and each brings some, over that of as many that come by
    themselves (a compound Poisson count: the second moment of what one brings, over the first).
    """
    return max(1.0, squares / count) if count >= LEAST_JOURNEYS else 1.0
