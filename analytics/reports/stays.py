"""How long an article's page was in use, and how much of its text was in sight, from the counts of days. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analytics.stats.proportions import Rate


@dataclass(frozen=True)
class Stay:
    """Of the readers that were heard, each once a day and text: `told` of as many views. Of a day only sums are kept,
    so that the averages have no interval."""

    told: Rate
    seconds: int
    scrolled: int  # per cent

    @classmethod
    def of(cls, views: int, told: int, seconds: int, scrolled: int) -> Stay:
        """A page that was opened before midnight may have told after it."""
        return cls(Rate(told, max(told, views)), seconds, scrolled)

    @property
    def mean_seconds(self) -> float | None:
        return self.seconds / self.told.hits if self.told.hits else None

    @property
    def mean_share(self) -> float | None:
        """Of the text in sight."""
        return self.scrolled / 100 / self.told.hits if self.told.hits else None


NO_STAY = Stay(Rate(0, 0), 0, 0)


def together(stays: Sequence[Stay]) -> Stay:
    told = Rate(sum(stay.told.hits for stay in stays), sum(stay.told.of for stay in stays))
    return Stay(told, sum(stay.seconds for stay in stays), sum(stay.scrolled for stay in stays))
