"""One language of the index as it is searched: words understood, documents ranked."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from typing import Any

from kb.search import analysis, scoring
from kb.search.engine import Hit
from kb.search.lexicon import Lexicon
from kb.search.understanding import Term, understand

_GIST_USED = 10  # of a document's most frequent words serve to find similar ones


class Language:
    """One language of one generation, read-only."""

    def __init__(self, reader: Any, lang: str) -> None:
        self.analysis = analysis.for_language(lang)
        self._reader = reader
        self.collection = scoring.Collection(self._reader)
        self._number = {int(id): n for n, id in enumerate(self.collection.ids) if id >= 0}
        self._lexicon: Lexicon | None = None
        self._lock = threading.Lock()
        self._starts: list[tuple[str, int, int]] | None = None

    def versions(self) -> dict[int, int]:
        return {id: int(self.collection.versions[n]) for id, n in self._number.items()}

    def hit(self, score: float, number: int) -> Hit:
        return Hit(int(self.collection.ids[number]), int(self.collection.versions[number]), score)

    def rarest(self, terms: dict[Term, float], count: int) -> dict[Term, float]:
        """The `count` terms that tell documents apart best; words that no document has tell nothing."""
        frequencies = {term: self.collection.document_frequency(term.stem) for term in terms if not term.is_minor}
        known = sorted((term for term, df in frequencies.items() if df), key=lambda term: frequencies[term])
        return {term: terms[term] for term in known[:count]}

    def similar(self, id: int, limit: int) -> list[Hit]:
        if (number := self._number.get(id)) is None:
            return []
        with self._lock:
            gist = self._reader.stored_fields(number)["gist"]
        frequencies = {stem: self.collection.document_frequency(stem) for stem, _ in gist}
        weighed = {
            Term(stem): count * scoring.idf(self.collection.count, frequencies[stem])
            for stem, count in gist
            if frequencies[stem] > 1  # a word of this document alone leads nowhere
        }
        strongest = dict(sorted(weighed.items(), key=lambda item: -item[1])[:_GIST_USED])
        hits, _ = self.collection.top(strongest, limit + 1)
        return [self.hit(score, n) for score, n in hits if n != number][:limit]

    def suggest(self, prefix: str, limit: int) -> list[Hit]:
        wanted = analysis.words(prefix)
        if not wanted:
            return []
        starts = self._title_words()
        found: dict[int, float] = {}
        for text, place, number in starts[bisect_left(starts, (wanted[-1], -1, -1)) :]:
            if not text.startswith(wanted[-1]):
                break
            found[number] = max(found.get(number, 0.0), 1 / (1 + place))
        if wanted[:-1]:
            others = understand(" ".join(wanted[:-1]), self.analysis, self, is_verbatim=True).terms
            scores = {n: score for score, n in self.collection.top(others, 1000)[0]}
            found = {number: scores[number] + start for number, start in found.items() if number in scores}
        ranked = sorted(found.items(), key=lambda item: (-item[1], self.collection.ids[item[0]]))
        return [self.hit(score, number) for number, score in ranked[:limit]]

    def _title_words(self) -> list[tuple[str, int, int]]:
        """Every word of every title with its place in it, sorted."""
        with self._lock:
            if self._starts is None:
                self._starts = sorted(
                    (word, place, number)
                    for number, stored in self._reader.iter_docs()
                    for place, word in enumerate(analysis.words(stored["heading"]))
                )
            return self._starts

    def knows(self, stem: str) -> bool:
        return self.collection.has(stem)

    def compounds(self, word: str) -> list[str]:
        return []

    def parts(self, word: str) -> list[str]:
        return []

    def guess(self, word: str) -> list[tuple[str, float]]:
        with self._lock:
            if self._lexicon is None:  # only when the first unknown word comes
                frequencies = Counter(
                    word for _number, stored in self._reader.iter_docs() for word in stored["words"].split()
                )
                self._lexicon = Lexicon.of(frequencies, self.analysis.lang, knows=self.knows)
        return self._lexicon.guess(word)

    def close(self) -> None:
        self._reader.close()
