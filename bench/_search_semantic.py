"""The one place where the benches of search meet vectors: our hits and the texts' meaning, fused."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from kb.search.engine import Engine, SearchRequest


def semantic_ranker(engine: Engine, pairs: Sequence[Sequence[str]]) -> Callable[[str], list[int]] | None:
    """From a text to the ten best of `pairs` (title, body), which `engine` has indexed by their places.

    None, and why on stderr, where the extra `semantic` is not installed.
    """
    try:
        from kb.search import fusion, semantic
    except ImportError as error:
        print(f"search: no semantic figures: {error}", file=sys.stderr)
        return None
    if (encoder := semantic.encoder()) is None:
        print("search: no semantic figures: the extra `semantic` is not installed", file=sys.stderr)
        return None
    vectors = encoder.encode([f"{title}\n{body}" for title, body in pairs])

    def search(text: str) -> list[int]:
        results = engine.search(SearchRequest(text, "en", k=100))
        cosines = vectors @ encoder.encode([results.corrected or text])[0]
        return [hit.id for hit in fusion.fuse(results, cosines)][:10]

    return search
