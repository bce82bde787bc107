"""Likely words for words that the collection does not know: symmetric deletes (Garbe 2012), own code. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping

WEIGHTS = (1.0, 0.5, 0.3)  # of the first, second, third guess in a search
FIRST_GUESS = 0.8  # the least weight of a first guess: one that is two slips away
_PREFIX = 7  # deletes are taken from so many first letters: later ones only make the table large
_MIN_LENGTH = 4
_LONG = 6  # from this length on a word may hold two slips


class Speller:
    """Guesses words of a lexicon {word: documents that hold it}. Grows by `learn`; one speller serves a language."""

    def __init__(self) -> None:
        self._lexicon: Mapping[str, int] = {}
        self._by_delete: dict[str, list[str]] = defaultdict(list)
        self._learnt: set[str] = set()

    def learn(self, lexicon: Mapping[str, int]) -> None:
        """Guess from this lexicon from now on. Words learnt before cost nothing again."""
        for word in lexicon:
            if word not in self._learnt:
                self._learnt.add(word)
                if 3 <= len(word) <= 24 and word.isalpha():
                    for part in _deletes(word[:_PREFIX], _slips(word)):
                        self._by_delete[part].append(word)
        self._lexicon = lexicon

    def guess(self, word: str, *, limit: int = len(WEIGHTS)) -> list[tuple[str, float]]:
        """The likeliest words meant, best first, each with its weight for a search; empty where none is near."""
        if len(word) < _MIN_LENGTH or not word.isalpha():
            return []
        allowed = _slips(word)
        distances: dict[str, int] = {}
        for part in _deletes(word[:_PREFIX], allowed):
            for candidate in self._by_delete.get(part, ()):
                if candidate in self._lexicon and candidate not in distances:
                    distances[candidate] = distance(word, candidate, limit=allowed)
        # Words that are further away than the nearest are noise beside it.
        least = min(distances.values(), default=allowed + 1)
        near = [candidate for candidate, slips in distances.items() if slips == least <= allowed]
        near.sort(key=lambda candidate: (self._cost(word, candidate, distances[candidate]), candidate))
        return [
            (candidate, weight * (1.0 if distances[candidate] == 1 else FIRST_GUESS))
            for candidate, weight in zip(near[:limit], WEIGHTS, strict=False)
        ]

    def _cost(self, word: str, candidate: str, slips: int) -> float:
        # People seldom miss the first letter; and a word in many documents is likelier than one in few.
        return slips * 3.0 + (0.0 if candidate[0] == word[0] else 1.2) - 0.55 * math.log(self._lexicon[candidate] + 1)


def distance(a: str, b: str, *, limit: int) -> int:
    """Slips between two words: letters added, dropped, changed or swapped (optimal string alignment).

    Anything above `limit` is given as limit + 1.
    """
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    before: list[int] = []
    above = list(range(len(b) + 1))
    for i, char in enumerate(a, start=1):
        row = [i]
        for j, other in enumerate(b, start=1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (char != other))
            if i > 1 and j > 1 and char == b[j - 2] and a[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
        before, above = above, row
    return min(above[-1], limit + 1)


def _slips(word: str) -> int:
    return 2 if len(word) >= _LONG else 1


def _deletes(word: str, count: int) -> set[str]:
    found = last = {word}
    for _ in range(count):
        last = {part[:i] + part[i + 1 :] for part in last for i in range(len(part))}
        found = found | last
    return found
