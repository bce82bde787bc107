"""What a share picked because it was bad will be next time if nothing changes. Pure.

An article that is edited because its numbers were bad improves without the edit too: part of how bad it looked was
chance (regression to the mean; Galton 1886). How much is expected comes from how much like articles differ at all:
their true shares are taken to follow a beta distribution, fitted by moments (Kleinman 1973, JASA 68:46, with each
share weighted by its number), and a share is drawn towards their mean by as much as its own number leaves open
(empirical Bayes: Efron and Morris 1975, JASA 70:311; for shares Casella 1985, American Statistician 39:83). Given what
was seen, that expectation is right on average however the article was picked by what was seen. The article itself is
one of its like: a worst one left out would make the others look better, and more alike, than they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analytics.stats.proportions import Interval, Rate, newcombe

LEAST_ALIKE = 5  # articles; fewer say too little of how articles differ


@dataclass(frozen=True, slots=True)
class Prior:
    """How the true shares of like articles lie: their mean, and how many units of one's own weigh as much as it."""

    mean: float
    weight: float
    articles: int


@dataclass(frozen=True, slots=True)
class Expected:
    """A share to be expected next time, and what it is worth: as much as so many units that were seen."""

    share: float
    worth: float

    def beyond(self, after: Rate) -> Interval:
        """How far the share that came lies beyond what was expected anyway, with the doubt of both."""
        return newcombe(after.worth, (self.share * self.worth, self.worth))


def fit(counted: Sequence[Rate]) -> Prior | None:
    """The prior of like articles; None where fewer than LEAST_ALIKE have a unit.

    Where they differ no more than chance makes them differ, a share is drawn to their mean as if it were worth all
    their units together, and no more. Units are strangers' (Rate.worth).
    """
    known = [rate.worth for rate in counted if rate.of]
    if len(known) < LEAST_ALIKE:
        return None
    units = sum(of for _hits, of in known)
    mean = sum(hits for hits, _of in known) / units
    spread = sum(of * (hits / of - mean) ** 2 for hits, of in known)
    by_chance = mean * (1 - mean) * (len(known) - 1)
    room = mean * (1 - mean) * (units - sum(of**2 for _hits, of in known) / units) - by_chance
    alike = (spread - by_chance) / room if room > 0 else 0.0  # the correlation of two units of one article
    weight = units if alike <= 0 else min(1 / min(alike, 1.0) - 1, units)
    return Prior(mean, weight, len(known))


def expected(prior: Prior, seen: Rate) -> Expected:
    """What `seen` will be next time if nothing changes: its share drawn towards the mean of its like."""
    hits, of = seen.worth
    worth = prior.weight + of
    return Expected((prior.weight * prior.mean + hits) / worth, worth)
