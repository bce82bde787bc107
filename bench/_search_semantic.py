"""The one place where the benches of search meet vectors: our hits and the texts' meaning, fused."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import numpy as np

from kb.search import analysis, fusion, semantic
from kb.search.engine import Results, SearchRequest

_POOL = 200  # hits by words that meaning is laid over, as in kb.search.query
_NEAREST = 100
_MOST_ENCODED = 2_000


def semantic_ranker(
    ask: Callable[[SearchRequest], Results], pairs: Sequence[Sequence[str]]
) -> Callable[[str], list[int]] | None:
    """From a text to the ten best of `pairs` (title, body), which the engine that we `ask` has indexed by their places.

    Of more than 2,000 texts the rest get random vectors: enough for time, which does not depend on what is in them, and
    no figure of relevance is taken from so many. None, and why on stderr, where the extra `semantic` is not installed.
    """
    if (encoder := semantic.encoder()) is None:
        print("search: no semantic figures: the extra `semantic` is not installed", file=sys.stderr)
        return None
    rows = [encoder.article(title, body) for title, body, *_rest in pairs[:_MOST_ENCODED]]
    noise = np.random.default_rng(1).standard_normal((max(0, len(pairs) - len(rows)), semantic.SIZE))
    noise /= np.linalg.norm(noise, axis=1, keepdims=True) + 1e-9
    vectors = np.concatenate([np.array(rows, np.float32), noise.astype(np.float32)])
    words = analysis.for_language("en").words

    def search(text: str) -> list[int]:
        results = ask(SearchRequest(text, "en", k=_POOL))
        asked = results.corrected or text
        cosines = vectors @ encoder.query(asked)
        count = min(_NEAREST, len(cosines))
        best = np.argpartition(cosines, -count)[-count:]
        wanted = {hit.id for hit in results.hits} | {int(place) for place in best}
        fused = fusion.fuse(
            results.hits,
            {id: float(cosines[id]) for id in wanted},
            near={int(place): 1 for place in best},
            terms=len(set(words(asked))),
        )
        return [hit.id for hit in fused[:10]]

    return search
