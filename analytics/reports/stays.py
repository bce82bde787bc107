"""How long an article's page was in use, and how much of its text was in sight, from the counts of days. Pure, but for
SUMS, by which they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from analytics.stats.means import Mean
from analytics.stats.proportions import Interval, Rate

LEAST_READERS = 30  # under so many an average is withheld, as rates are

# What Stay.of() takes of the days of an article, in this order. Of days of which only sums were kept each view is taken
# for a reader, and no stay for squared.
SUMS = {
    "told": Sum("stays"),
    "readers_at_most": Sum(Coalesce(F("readers"), F("views"))),
    "squared": Sum("stays", filter=Q(seconds_squared__isnull=False), default=0),
    "of_seconds": Sum("seconds"),
    "of_seconds_2": Sum("seconds_squared", default=0.0),
    "of_seconds_3": Sum("seconds_cubed", default=0.0),
    "of_text": Sum("scrolled"),
    "of_text_2": Sum("scrolled_squared", default=0.0),
    "of_text_3": Sum("scrolled_cubed", default=0.0),
}


@dataclass(frozen=True)
class Stay:
    """Of the readers that were heard, each once a day and text: `told` of all readers. `squared`: of so many of them
    more than sums were kept."""

    told: Rate
    seconds: Mean
    scrolled: Mean  # per cent
    squared: int

    @classmethod
    def of(cls, spread: tuple[float, float], told: int, readers: int, squared: int, *sums: float) -> Stay:
        """Of the sums of SUMS, and the design effects of both averages. A page that was opened before midnight may have
        told after it."""
        return cls(
            Rate(told, max(told, readers)),
            Mean(told, sums[0], sums[1], sums[2], spread[0]),
            Mean(told, sums[3], sums[4], sums[5], spread[1]),
            squared,
        )

    @property
    def unheard(self) -> int:
        """Readers of whom nothing is known."""
        return self.told.of - self.told.hits

    @property
    def why_withheld(self) -> str:
        """The reason, in a sentence, why no average may be shown; empty where it may."""
        if not self.told.hits:
            return _("No page told.")
        if self.told.hits < LEAST_READERS:
            return _("Withheld: only %(number)s of the 30 readers that are needed told.") % {"number": self.told.hits}
        if self.squared < self.told.hits:
            return _("Withheld: of days whose events are gone only sums were kept. Choose later days.")
        if self.seconds.interval is None or self.scrolled.interval is None:
            return _("Withheld: it was nearly always the same person.")
        return ""

    @property
    def mean_seconds(self) -> float | None:
        """None where it is withheld; so are all that follow."""
        return None if self.why_withheld else self.seconds.value

    @property
    def seconds_interval(self) -> Interval | None:
        return None if self.why_withheld else self.seconds.interval

    @property
    def mean_share(self) -> float | None:
        """Of the text in sight."""
        return None if self.why_withheld or self.scrolled.value is None else self.scrolled.value / 100

    @property
    def share_interval(self) -> Interval | None:
        found = None if self.why_withheld else self.scrolled.interval
        return Interval(min(1.0, found.low / 100), min(1.0, found.high / 100)) if found else None


_NOTHING = Mean(0, 0, 0.0, 0.0)
NO_STAY = Stay(Rate(0, 0), _NOTHING, _NOTHING, 0)


def together(stays: Sequence[Stay]) -> Stay:
    told = Rate(sum(stay.told.hits for stay in stays), sum(stay.told.of for stay in stays))
    return Stay(
        told,
        Mean.together([stay.seconds for stay in stays]),
        Mean.together([stay.scrolled for stay in stays]),
        sum(stay.squared for stay in stays),
    )
