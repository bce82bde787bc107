"""The figures of one run of bench/search.py: printed as they come, held against issue 3's bounds at the end."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence

from bench import _report

AT_LEAST, AT_MOST = "at least", "at most"
BOUNDS: Mapping[str, tuple[str, float]] = {
    "gumroad_lexical": (AT_LEAST, 0.76),
    "gumroad_semantic": (AT_LEAST, 0.80),
    "dnsimple_lexical": (AT_LEAST, 0.72),
    "dnsimple_semantic": (AT_LEAST, 0.75),
    "stackfaq_lexical": (AT_LEAST, 0.78),
    "stackfaq_semantic": (AT_LEAST, 0.89),
    "scifact_lexical": (AT_LEAST, 0.665),
    "gumroad_lexical_vs_tantivy": (AT_LEAST, 1.05),
    "dnsimple_lexical_vs_tantivy": (AT_LEAST, 1.05),
    "gumroad_semantic_vs_tantivy": (AT_LEAST, 1.10),
    "dnsimple_semantic_vs_tantivy": (AT_LEAST, 1.10),
    "stackfaq_semantic_vs_tantivy": (AT_LEAST, 1.10),
    "typo_ratio": (AT_LEAST, 0.985),
    "p95_vs_tantivy_10k": (AT_MOST, 0.5),
    "p95_vs_tantivy_50k": (AT_MOST, 0.35),
    "p95_vs_whoosh_10k": (AT_MOST, 1 / 500),
    "cold_ms_50k": (AT_MOST, 3.0),
    "semantic_p95_ms_10k": (AT_MOST, 15.0),
    "suggest_ms": (AT_MOST, 1.0),
    "postgres_p95_vs_ts_rank": (AT_MOST, 0.2),
    "postgres_ndcg_vs_ts_rank": (AT_LEAST, 1.3),
    "http_search_p95_ms_10k": (AT_MOST, 25.0),
    "memory_mb_50k": (AT_MOST, 200.0),
    "index_10k_seconds": (AT_MOST, 60.0),
    "bad_input_worst_ms": (AT_MOST, 100.0),
    "bad_input_refused": (AT_MOST, 0.0),
}


class Figures:
    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def report(
        self, name: str, value: float, unit: str, *, peer: str | None = None, ratio: float | None = None
    ) -> None:
        self.values[name] = value
        _report.report(name, value, unit, peer=peer, ratio=ratio)

    def report_ratio(self, name: str, ours: float, theirs: float, peer: str) -> None:
        """Ours divided by theirs, as value and as ratio."""
        if theirs > 0:
            self.report(name, ours / theirs, "times", peer=peer, ratio=ours / theirs)

    def misses(self, *, is_whole_run: bool) -> list[str]:
        """A sentence for each bound that is not reached, and, of a whole run, for each that was not measured."""
        sentences = []
        for name, (side, bound) in BOUNDS.items():
            if (value := self.values.get(name)) is None:
                if is_whole_run:
                    sentences.append(f"{name} was not measured ({side} {bound:g} is asked)")
            elif value < bound if side == AT_LEAST else value > bound:
                sentences.append(f"{name} is {value:.4g}, not {side} {bound:g}")
        return sentences


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` of them do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def say(sentence: str) -> None:
    """To a person; figures go to stdout."""
    print(f"search: {sentence}", file=sys.stderr, flush=True)
