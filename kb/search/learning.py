"""What readers did after an answer → a small change of the ranking. Pure.

The rank at which an article stands decides much of how often it is opened, so each opening from rank p is weighed by
1 / θ(p), θ(p) being how likely rank p is looked at beside rank 1. θ is taken from our own log where the same article
stood at different ranks for the same query, which happens whenever articles, words or rankings change (intervention
harvesting: Agarwal, Zaitsev, Wang, Li, Najork, Joachims: "Estimating Position Bias without Intrusive Interventions",
WSDM 2019). For each pair of ranks (a, b), over the query-article pairs that stood at both,

    ĉ(a) = Σ clicks at a / impressions at a,    θ(a) / θ(b) ≈ ĉ(a) / ĉ(b)

and log θ is fitted to all pairs at once by least squares weighed by the clicks behind each. Where clicks are too few,
θ(p) = 1 / p.

An article's confirmed and contact-after-read shares, so weighed, are shrunk towards what is usual:

    share = (Σ w·hit + M·usual) / (n + M) with n = (Σ w)² / Σ w²    (Kish's effective sample size; weights scaled to n)
    factor = 1 + clip((confirmed − usual confirmed) − (contacted − usual contacted), −CAP, CAP)
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

CAP = 0.15  # the most that a score is raised or lowered by
MIN_READS = 30.0  # effective reads; below, nothing is learnt
PRIOR_READS = 30.0  # M: the usual shares weigh as much as so many reads
MAX_WEIGHT = 5.0  # of one opening: a click on rank 20 must not count for twenty
RANKS = 10  # are estimated; later ones follow from the last one
MIN_CLICKS = 200  # behind a pair of neighbouring ranks; below, their θ is not estimated

Propensities = Sequence[float]  # of rank 1, 2 …; the first is 1


@dataclass(frozen=True)
class Impressions:
    """One article shown for one query at one rank (1 first): how often, and how often it was opened from there."""

    query: str
    article_id: int
    rank: int
    shown: int
    clicks: int


@dataclass(frozen=True)
class Reading:
    """One opening from a search whose journey has ended; what became of it is known."""

    rank: int
    is_confirmed: bool = False
    is_contacted: bool = False


@dataclass(frozen=True)
class Signal:
    """Openings as they count: `reads` is the effective number, the others are shares of it."""

    reads: float
    confirmed: float
    contacted: float

    @property
    def is_enough(self) -> bool:
        return self.reads >= MIN_READS


def propensities(impressions: Iterable[Impressions]) -> list[float]:
    """θ of the ranks 1 to RANKS. Those that the clicks do not reach follow the last that they do by 1 / rank."""
    at: dict[tuple[str, int], dict[int, Impressions]] = defaultdict(dict)
    for one in impressions:
        if 1 <= one.rank <= RANKS and one.shown:
            at[one.query, one.article_id][one.rank] = one
    rate: dict[tuple[int, int], float] = defaultdict(float)  # ĉ of the first rank of a pair, over pairs at both
    clicks: dict[tuple[int, int], int] = defaultdict(int)
    for ranks in at.values():
        for a, here in ranks.items():
            for b in ranks:
                if a != b:
                    rate[a, b] += here.clicks / here.shown
                    clicks[a, b] += here.clicks
    reached = 1
    while reached < RANKS and min(clicks[reached, reached + 1], clicks[reached + 1, reached]) >= MIN_CLICKS:
        reached += 1
    theta = [1.0, *_fitted(rate, clicks, reached)]
    return theta + [theta[-1] * reached / rank for rank in range(reached + 1, RANKS + 1)]


def _fitted(rate: Mapping[tuple[int, int], float], clicks: Mapping[tuple[int, int], int], reached: int) -> list[float]:
    """θ of the ranks 2 to `reached`, at most 1 and never rising."""
    rows, ratios = [], []
    for (a, b), count in clicks.items():
        if a < b <= reached and rate[a, b] and rate.get((b, a)):
            weight = math.sqrt(1 / (1 / count + 1 / clicks[b, a]))  # the variance of a log ratio is about 1/n + 1/m
            row = np.zeros(reached)
            row[a - 1], row[b - 1] = weight, -weight
            rows.append(row)
            ratios.append(weight * math.log(rate[a, b] / rate[b, a]))
    if reached == 1:
        return []
    logs, *_rest = np.linalg.lstsq(np.array(rows)[:, 1:], np.array(ratios), rcond=None)
    found: list[float] = []
    for log in logs:
        found.append(min(found[-1] if found else 1.0, math.exp(float(log))))
    return found


def weight(rank: int, theta: Propensities) -> float:
    """How much an opening from this rank counts: 1 / θ, MAX_WEIGHT at most. The featured passage (0) is as rank 1."""
    rank = max(1, rank)
    looked_at = theta[rank - 1] if rank <= len(theta) else theta[-1] * len(theta) / rank
    return min(1 / looked_at, MAX_WEIGHT)


def signal(readings: Iterable[Reading], theta: Propensities) -> Signal:
    """What the openings of one article (for one query, or for all) amount to."""
    total = squares = confirmed = contacted = 0.0
    for reading in readings:
        w = weight(reading.rank, theta)
        total, squares = total + w, squares + w * w
        confirmed += w * reading.is_confirmed
        contacted += w * reading.is_contacted
    if not total:
        return Signal(0.0, 0.0, 0.0)
    return Signal(total * total / squares, confirmed / total, contacted / total)


def usual(signals: Iterable[Signal]) -> Signal:
    """The shares over all articles of a language, by their reads."""
    signals = list(signals)
    reads = sum(one.reads for one in signals)
    if not reads:
        return Signal(0.0, 0.0, 0.0)
    return Signal(
        reads,
        sum(one.reads * one.confirmed for one in signals) / reads,
        sum(one.reads * one.contacted for one in signals) / reads,
    )


def shrunk(one: Signal, towards: Signal) -> Signal:
    """The shares as far as the reads bear them out."""
    known = one.reads / (one.reads + PRIOR_READS)
    return Signal(
        one.reads,
        known * one.confirmed + (1 - known) * towards.confirmed,
        known * one.contacted + (1 - known) * towards.contacted,
    )


def factor(one: Signal, of_article: Signal, of_all: Signal) -> float:
    """What to multiply the article's score by for this query; 1 where too little is known.

    `one` is the signal for the query, `of_article` for all queries (also where the query has none of its own: then
    `one` is empty), `of_all` the usual one. What holds for all queries stands in where the query tells too little.
    """
    if not of_article.is_enough:
        return 1.0
    best = shrunk(of_article, of_all)
    if one.is_enough:
        best = shrunk(one, best)
    gained = (best.confirmed - of_all.confirmed) - (best.contacted - of_all.contacted)
    return 1.0 + max(-CAP, min(CAP, gained))
