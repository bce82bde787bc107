"""The words of a language as its documents write them: guesses at mistyped ones, compounds and their parts.

Each segment of an index leaves its own sorted words and its own table of them (spelling.py), so that a commit costs
what it brings and nothing is built when an index is opened; a lexicon asks all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from kb.search import analysis, arrays, spelling
from kb.search.arrays import Array, Arrays
from kb.search.understanding import FIRST_GUESS

WEIGHTS = (1.0, 0.5, 0.3)  # of the first, second, third guess in a search
# Languages that write compounds as one word, and what may stand at the joint.
_GERMAN, _NORDIC = ("", "s", "es", "n", "en"), ("", "s", "e")
_LINKS = {
    "de": _GERMAN, "nl": _GERMAN, "sv": _NORDIC, "da": _NORDIC, "no": _NORDIC, "nb": _NORDIC, "nn": _NORDIC,
}  # fmt: skip
_SHORTEST_PART = 4
_LONGEST_WORD = 40
_MOST_COMPOUNDS = 8
_MOST_LOOKED_AT = 500  # words with the same beginning or end
_WHOLE = 1 << 16  # rows of a table that is held in memory; a larger one is read bucket by bucket
_CACHED = 4096  # guesses kept


def word_arrays(frequencies: Mapping[str, int], lang: str) -> dict[str, Array]:
    """The arrays that WordTable reads, of words and in how many documents each is. Only letters make a word here."""
    kept = sorted(w for w in frequencies if spelling.SHORTEST <= len(w) <= _LONGEST_WORD and w.isalpha())
    guessable = [number for number, word in enumerate(kept) if len(word) <= spelling.LONGEST]
    table = spelling.table([kept[number] for number in guessable])
    if len(table):
        table[:, 1] = np.array(guessable, np.uint32)[table[:, 1]]
    shift = _shift(len(table))
    edges = np.arange((1 << (32 - shift)) + 1, dtype=np.uint64) << np.uint64(shift)
    found = arrays.of_words("words", kept) | {
        "word_documents": np.array([frequencies[word] for word in kept], np.uint32),
        "deletes": table.ravel(),
        "delete_buckets": np.searchsorted(table[:, 0].astype(np.uint64), edges).astype(np.uint32),
    }
    if _base(lang) in _LINKS:
        found |= arrays.of_words("reversed", sorted(word[::-1] for word in kept))
    return found


def _shift(rows: int) -> int:
    """How many low bits of a hash do not matter for its bucket: buckets of about 16 rows."""
    return 32 - max(0, (rows // 16).bit_length())


def _base(lang: str) -> str:
    return lang.partition("-")[0].lower()


class WordTable:
    """The words of one segment. Thread-safe; what it needs is read when it is first asked."""

    def __init__(self, source: Arrays) -> None:
        self._source = source

    @cached_property
    def words(self) -> arrays.SortedWords:
        return arrays.SortedWords(self._source, "words")

    @cached_property
    def reversed(self) -> arrays.SortedWords:
        return arrays.SortedWords(self._source, "reversed")

    @cached_property
    def _documents(self) -> Array:
        return self._source.whole("word_documents")

    @cached_property
    def _buckets(self) -> Array:
        return self._source.whole("delete_buckets")

    @cached_property
    def _rows(self) -> Array:
        return self._source.whole("deletes").reshape(-1, 2)

    def documents(self, word: str) -> int:
        """How many of the segment's documents, deleted ones too, hold the word."""
        number = self.words.find(word)
        return int(self._documents[number]) if number >= 0 else 0

    def near(self, hashes: spelling.Hashes) -> Iterator[str]:
        """The words that one of these hashes leads to; far ones may be among them."""
        numbers: set[int] = set()
        size = self._source.length("deletes") // 2
        if size <= _WHOLE:
            rows = self._rows
            first, last = (np.searchsorted(rows[:, 0], hashes, side=side) for side in ("left", "right"))
            for start, stop in zip(first.tolist(), last.tolist(), strict=True):
                if stop > start:
                    numbers.update(rows[start:stop, 1].tolist())
        else:
            shift = _shift(size)
            for value in hashes.tolist():
                start, stop = self._buckets[value >> shift], self._buckets[(value >> shift) + 1]
                if stop > start:
                    rows = self._source.part("deletes", 2 * int(start), 2 * int(stop)).reshape(-1, 2)
                    numbers.update(rows[rows[:, 0] == value, 1].tolist())
        return (self.words.word(number) for number in numbers)


class Lexicon:
    """See understanding.Lexicon. `knows` tells whether a live document has a stem; dead words are never proposed."""

    def __init__(self, tables: Sequence[WordTable], lang: str, *, knows: Callable[[str], bool]) -> None:
        self._tables = tables
        self._links = _LINKS.get(_base(lang), ())
        self.joins = bool(self._links)
        self._language = analysis.for_language(lang)
        self._guesses: dict[str, list[tuple[str, float]]] = {}
        self.knows = knows

    @classmethod
    def of(cls, frequencies: Mapping[str, int], lang: str, *, knows: Callable[[str], bool] | None = None) -> Lexicon:
        """A lexicon in memory of {word as analysis.words gives it: how many live documents hold it}.

        For engines that keep their words elsewhere. Without `knows` a stem is known where a word here has it. About
        a second for 100,000 words: make it anew when the words have changed, not with every query.
        """
        if knows is None:
            language = analysis.for_language(lang)
            knows = frozenset(map(language.stem, frequencies)).__contains__
        return cls([WordTable(arrays.ArraysInMemory(word_arrays(frequencies, lang)))], lang, knows=knows)

    def guess(self, word: str) -> list[tuple[str, float]]:
        """Likely words for a mistyped one, best first, each with its weight for a search; empty where none is near."""
        if len(word) < spelling.SHORTEST_MISTYPED or len(word) > spelling.LONGEST + 2 or not word.isalpha():
            return []
        found = self._guesses.get(word)
        if found is None:
            if len(self._guesses) >= _CACHED:
                self._guesses = {}
            found = self._guesses[word] = self._guess(word)
        return found

    def compounds(self, word: str) -> list[str]:
        """Words that this one is the first part or the head of; the more frequent first."""
        if not self._links or len(word) < _SHORTEST_PART:
            return []
        found: Counter[str] = Counter()
        for table in self._tables:
            for number in table.words.starting_with(word)[:_MOST_LOOKED_AT]:
                compound = table.words.word(number)
                if any(self._is_part(rest) for rest in self._after_joint(compound[len(word) :])):
                    found[compound] += table.documents(compound)
            for number in table.reversed.starting_with(word[::-1])[:_MOST_LOOKED_AT]:
                compound = table.reversed.word(number)[::-1]
                if any(self._is_part(rest) for rest in self._before_joint(compound[: -len(word)])):
                    found[compound] += table.documents(compound)
        alive = [compound for compound in found if compound != word and self._is_alive(compound)]
        return sorted(alive, key=lambda compound: (-found[compound], compound))[:_MOST_COMPOUNDS]

    def parts(self, word: str) -> list[str]:
        """The known words that a compound is made of: two, else three; empty where it is none."""
        if not self._links or len(word) > _LONGEST_WORD:
            return []
        for depth in (1, 2):
            if found := self._split(word, depth):
                return found
        return []

    def _guess(self, word: str) -> list[tuple[str, float]]:
        # One slip first: words that are further away than the nearest are noise beside it, and there are many.
        for slips in range(1, spelling.slips(word) + 1):
            looked_up = spelling.hashes(word, slips)
            near = {
                candidate
                for table in self._tables
                for candidate in table.near(looked_up)
                if spelling.distance(word, candidate, limit=slips) <= slips and self._is_alive(candidate)
            }
            if near:
                ranked = sorted(near, key=lambda candidate: (self._cost(word, candidate), candidate))
                share = 1.0 if slips == 1 else FIRST_GUESS
                return [(guess, weight * share) for guess, weight in zip(ranked, WEIGHTS, strict=False)]
        return []

    def _cost(self, word: str, candidate: str) -> float:
        return spelling.cost(word, candidate, sum(table.documents(candidate) for table in self._tables))

    def _is_alive(self, word: str) -> bool:
        return self.knows(self._language.stem(word))

    def _is_part(self, word: str) -> bool:
        return len(word) >= _SHORTEST_PART and not self._language.is_stop(word) and self._is_alive(word)

    def _after_joint(self, rest: str) -> Iterator[str]:
        return (rest[len(link) :] for link in self._links if rest.startswith(link))

    def _before_joint(self, rest: str) -> Iterator[str]:
        return (rest[: len(rest) - len(link)] for link in self._links if rest.endswith(link))

    def _split(self, word: str, depth: int) -> list[str]:
        """The word as depth + 1 known parts, the first of them as long as can be."""
        for cut in range(len(word) - _SHORTEST_PART, _SHORTEST_PART - 1, -1):
            firsts = [part for part in self._before_joint(word[:cut]) if self._is_part(part)]
            if not firsts:
                continue
            # Of "rücksendungs" and "rücksendung", whose stem is one, the word that is written so.
            first = max(firsts, key=lambda part: any(table.words.find(part) >= 0 for table in self._tables))
            if depth == 1 and self._is_part(word[cut:]):
                return [first, word[cut:]]
            if depth > 1 and (others := self._split(word[cut:], depth - 1)):
                return [first, *others]
        return []
