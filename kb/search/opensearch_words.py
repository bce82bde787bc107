"""The words of one language as an OpenSearch server counts them, to correct and weigh a query by. Pure."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping

from kb.search.analysis import Analysis
from kb.search.spelling import Speller
from kb.search.understanding import Term


class _Lexicon:
    def __init__(self, counts: Mapping[str, int], stems: Mapping[str, int]) -> None:
        self._counts, self._stems = counts, stems
        self._speller: Speller | None = None

    def knows(self, stem: str) -> bool:
        return stem in self._stems

    def guess(self, word: str) -> list[tuple[str, float]]:
        if self._speller is None:  # only when the first unknown word comes
            speller = Speller()
            speller.learn(self._counts)
            self._speller = speller
        return self._speller.guess(word)

    def compounds(self, word: str) -> list[str]:
        return []

    def parts(self, word: str) -> list[str]:
        return []


class Words:
    """`generation` of the index that they were counted in; `cost` the seconds that took; `documents` how many."""

    def __init__(
        self, language: Analysis, counts: Mapping[str, int], documents: int, generation: int, *, cost: float
    ) -> None:
        self.analysis = language
        self.documents = documents
        self.generation = generation
        self.cost = cost
        self.read_at = time.monotonic()
        stems: Counter[str] = Counter()
        for word, count in counts.items():
            stems[language.stem(word)] += count
        self._stems = stems
        self.lexicon = _Lexicon(counts, stems)

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
