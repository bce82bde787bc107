"""The words of one language as an OpenSearch server counts them, to correct and weigh a query by. Pure."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping

from kb.search.analysis import Analysis
from kb.search.lexicon import Lexicon
from kb.search.understanding import Term


class Words:
    """`generation` is the index's that they were counted in, `documents` how many it has of the language.

    `cost` is how many seconds it took since `started` (by the monotonic clock).
    """

    def __init__(
        self, language: Analysis, counts: Mapping[str, int], documents: int, generation: int, *, started: float
    ) -> None:
        self.analysis = language
        self.documents = documents
        self.generation = generation
        stems: Counter[str] = Counter()
        for word, count in counts.items():
            stems[language.stem(word)] += count
        self._stems = stems
        self.lexicon = Lexicon.of(counts, language.lang, knows=stems.__contains__)
        self.read_at = time.monotonic()
        self.cost = self.read_at - started

    def frequency(self, stem: str) -> int:
        """About how many documents have the stem: those with any of its words, counted apart."""
        return min(self._stems.get(stem, 0), self.documents)

    def rarest(self, terms: Mapping[Term, float], count: int) -> dict[Term, float]:
        """All of the terms where they are no more than `count`; else those that tell documents apart best."""
        if len(terms) <= count:
            return dict(terms)
        frequencies = {term: self.frequency(term.stem) for term in terms if not term.is_minor}
        known = sorted((term for term, df in frequencies.items() if df), key=lambda term: frequencies[term])
        return {term: terms[term] for term in known[:count]}
