"""Queries that ask the same thing → one cluster. Pure: weighed words first, then meaning where there are vectors.

Leader clustering: the most frequent query not yet taken leads a cluster, and takes every other one that is near enough
to it, so that a cluster is explained by its leader and never grows into a chain. Nearness by words is the share of the
two queries' word weight that both have (weighted Jaccard), a word weighing ln(1 + N/n): one that half of the queries
have tells little. By meaning it is the cosine of the two leaders' vectors. At most MOST queries are looked at, so the
work is bounded by MOST² / 2 comparisons.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

MOST = 400
NEAR_BY_WORDS = 0.5
NEAR_BY_MEANING = 0.72
Vector = Sequence[float]


@dataclass(frozen=True)
class Asked:
    """One query as queries are compared: its stems, and how much it weighs among the others (searches, say)."""

    key: str
    stems: frozenset[str]
    weight: float


def cluster(
    queries: Sequence[Asked], *, meaning: Callable[[Asked, Asked], float | None] | None = None
) -> list[list[Asked]]:
    """Each query in exactly one cluster, the leader first; clusters in the order of their weight, heaviest first.

    `meaning` gives the cosine of two queries, None where it is not known. What is beyond the heaviest MOST is left out.
    """
    heaviest = sorted(queries, key=lambda query: (-query.weight, query.key))[:MOST]
    weights = _word_weights(heaviest)
    groups = _led(heaviest, lambda leader, other: _words(leader, other, weights) >= NEAR_BY_WORDS)
    if meaning is not None:
        leaders = {group[0].key: group for group in groups}

        def is_near(leader: Asked, other: Asked) -> bool:
            cosine = meaning(leader, other)
            return cosine is not None and cosine >= NEAR_BY_MEANING

        merged = _led([group[0] for group in groups], is_near)
        groups = [[query for leader in led for query in leaders[leader.key]] for led in merged]
    return sorted(groups, key=lambda group: (-sum(query.weight for query in group), group[0].key))


def _led(queries: Sequence[Asked], is_near: Callable[[Asked, Asked], bool]) -> list[list[Asked]]:
    groups: list[list[Asked]] = []
    for query in queries:
        for group in groups:
            if is_near(group[0], query):
                group.append(query)
                break
        else:
            groups.append([query])
    return groups


def _words(one: Asked, other: Asked, weights: Mapping[str, float]) -> float:
    shared = one.stems & other.stems
    if not shared:
        return 0.0
    union = sum(weights[stem] for stem in one.stems | other.stems)
    return sum(weights[stem] for stem in shared) / union


def _word_weights(queries: Sequence[Asked]) -> dict[str, float]:
    counts = Counter(stem for query in queries for stem in query.stems)
    return {stem: math.log1p(len(queries) / count) for stem, count in counts.items()}
