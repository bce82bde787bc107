"""Chooses the weights of words and meaning on each half of the queries, for bench/search.py to tell of the other half.

    python -m bench.search_weights

A grid over K1, B, the title's weight (kb.search.scoring), WORDS and SHORT (kb.search.fusion), one set of weights for
all three; the objective is the mean of lexical and fused nDCG@10 over their queries, each counted once. What it prints
for `dev` is shipped; bench/_relevance.py keeps both, so that every query can be told of by weights that never saw it.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np

from bench import _relevance
from bench._relevance import DEV, TEST
from kb.search import analysis, fusion, scoring, semantic
from kb.search.engine import Document, Hit, SearchRequest
from kb.search.whoosh import WhooshEngine

K1, B, TITLE = (1.6, 2.0, 2.4), (0.5, 0.6, 0.7), (0.6, 0.8)
WORDS, SHORT = (0.4, 0.45, 0.5, 0.55, 0.6), (1.5, 2.0, 2.5, 3.0, 4.0)
SETS = ("gumroad", "dnsimple", "stackfaq")


class Centre:
    """One set with its index, its vectors and its queries' vectors."""

    def __init__(self, data: Path, name: str, folder: Path, encoder: semantic.Encoder) -> None:
        self.set = _relevance.load(data, [name])[0]
        self.folder = folder / name
        engine = WhooshEngine(self.folder)
        texts = self.set.texts
        engine.rebuild([Document(n, 1, "en", text.title, text.body) for n, text in enumerate(texts)], position=0)
        engine.close()
        vectors = np.array([encoder.article(text.title, text.body) for text in texts])
        self.cosines = np.array([encoder.query(query.text) for query in self.set.queries]) @ vectors.T
        words = analysis.for_language("en").words
        self.terms = [len(set(words(query.text))) for query in self.set.queries]

    def number(self, half: str) -> int:
        return sum(query.half == half for query in self.set.queries)

    def hits(self) -> list[tuple[Hit, ...]]:
        """Of every query, by the weights that scoring has now."""
        engine = WhooshEngine(self.folder)
        found = [engine.search(SearchRequest(query.text, "en", k=200)).hits for query in self.set.queries]
        engine.close()
        return found

    def lexical(self, hits: list[tuple[Hit, ...]]) -> dict[str, float]:
        return _relevance.mean_by_half(self.set.queries, [[hit.id for hit in some[:10]] for some in hits])

    def fused(self, hits: list[tuple[Hit, ...]]) -> dict[str, float]:
        ranked = []
        for some, row, terms in zip(hits, self.cosines, self.terms, strict=True):
            nearest = [int(n) for n in np.argsort(-row)[:100]]
            wanted = {id: float(row[id]) for id in (*nearest, *(hit.id for hit in some))}
            fused = fusion.fuse(some, wanted, near=dict.fromkeys(nearest, 1), terms=terms)
            ranked.append([hit.id for hit in fused[:10]])
        return _relevance.mean_by_half(self.set.queries, ranked)


def main() -> None:
    data = Path(os.environ.get("PREEMPT_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    encoder = semantic.encoder()
    if encoder is None or not data.is_dir():
        print("search_weights: needs the data (PREEMPT_DATA) and the extra (make semantic)", file=sys.stderr)
        raise SystemExit(2)
    best: dict[str, tuple[float, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        centres = [Centre(data, name, Path(folder), encoder) for name in SETS]
        for scoring.K1, scoring.B, title in itertools.product(K1, B, TITLE):
            scoring.FIELD_WEIGHTS["title"] = title
            hits = [centre.hits() for centre in centres]
            lexical = [centre.lexical(some) for centre, some in zip(centres, hits, strict=True)]
            for fusion.WORDS, fusion.SHORT in itertools.product(WORDS, SHORT):
                fused = [centre.fused(some) for centre, some in zip(centres, hits, strict=True)]
                for half in (DEV, TEST):
                    means = [(one[half] + two[half]) / 2 for one, two in zip(lexical, fused, strict=True)]
                    value = statistics.fmean(means, weights=[centre.number(half) for centre in centres])
                    if half not in best or value > best[half][0]:
                        weights = {"k1": scoring.K1, "b": scoring.B, "title": title}
                        best[half] = (value, weights | {"words": fusion.WORDS, "short": fusion.SHORT})
            print(f"search_weights: {scoring.K1} {scoring.B} {title}: {best}", file=sys.stderr, flush=True)
    for half, (value, weights) in best.items():
        print(json.dumps({"chosen_on": half, "ndcg": round(value, 4), **weights}))


if __name__ == "__main__":
    main()
