"""Words and meaning put together: a convex sum of both scores (Bruch, Gai and Ingber 2023, An Analysis of Fusion
Functions for Hybrid Retrieval), which keeps a query by error code exact where reciprocal ranks would not. Pure.

    score = w · lexical / highest lexical + (1 - w) · cosine        w = WORDS · min(1, SHORT / number of terms)

The more words a query has, the less each exact one matters and the more the whole says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kb.search.engine import Hit

WORDS = 0.4  # the share of the words in a short query's score
SHORT = 2.5  # terms; chosen with WORDS on half of the queries of bench/search_weights.py
NEAR = 0.35  # the least cosine by which an article that has none of the words is an answer where nothing has
BESIDE = 0.2  # and where others have them: it then stands below
MEANING = "(meaning)"  # beside stems, in Hit.why


def fuse(
    hits: Sequence[Hit], cosines: Mapping[int, float], *, near: Mapping[int, int], terms: int, explain: bool = False
) -> list[Hit]:
    """The hits in their new order, best first, with those that are near in meaning alone.

    `cosines` {id: -1 to 1} of any document; `near` {id: version} of those to add where the words did not find them.
    A hit without a vector (just written) is taken to mean as much as its words say.
    """
    highest = max((hit.score for hit in hits), default=0.0) or 1.0
    nearest = max(cosines.values(), default=0.0)
    share = WORDS * min(1.0, SHORT / max(terms, 1)) if hits else 0.0
    fused: list[Hit] = []
    for hit in hits:
        part = hit.score / highest
        cosine = cosines.get(hit.id, part * nearest)
        why = {stem: share * value / highest for stem, value in hit.why.items()}
        if explain:
            why[MEANING] = (1 - share) * cosine
        fused.append(hit._replace(score=share * part + (1 - share) * cosine, why=why))
    found = {hit.id for hit in hits}
    least = BESIDE if hits else NEAR
    for id, version in near.items():
        if id not in found and cosines[id] >= least:
            score = (1 - share) * cosines[id]
            fused.append(Hit(id, version, score, {MEANING: score} if explain else {}))
    return sorted(fused, key=lambda hit: (-hit.score, hit.id))
