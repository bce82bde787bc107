"""How near two words are, and the table by which near words are found: symmetric deletes (Garbe 2012). Pure.

Two words that are few slips apart have a text in common once so many letters are left out of each. The table holds the
hashes of all such texts of every word, sorted.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

PREFIX = 7  # letters are left out of so many first ones: later ones only make the table large
SHORTEST, LONGEST = 3, 24  # words that are guessed
SHORTEST_MISTYPED = 4
_LONG = 6  # from this length on a word may hold two slips
_CHUNK = 4096  # words hashed at once, to bound the memory

Hashes = npt.NDArray[np.uint32]


def slips(word: str) -> int:
    """How many slips a word may hold."""
    return 2 if len(word) >= _LONG else 1


def cost(word: str, candidate: str, documents: int) -> float:
    """How unlikely it is that `candidate`, which so many documents hold, was meant rather than others as near."""
    # People seldom miss the first letter; and a word in many documents is likelier than one in few.
    return (0.0 if candidate[0] == word[0] else 1.2) - 0.55 * math.log(documents + 1)


def distance(a: str, b: str, *, limit: int) -> int:
    """Slips between two words: letters added, dropped, changed or swapped (optimal string alignment).

    Anything above `limit` is given as limit + 1.
    """
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    start, end_a, end_b = 0, len(a), len(b)
    while start < end_a and start < end_b and a[start] == b[start]:
        start += 1
    while end_a > start and end_b > start and a[end_a - 1] == b[end_b - 1]:
        end_a, end_b = end_a - 1, end_b - 1
    a, b = a[start:end_a], b[start:end_b]  # what both begin and end with changes nothing
    before: list[int] = []
    above = list(range(len(b) + 1))
    for i, char in enumerate(a, start=1):
        row = [i]
        for j, other in enumerate(b, start=1):
            least = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (char != other))
            if i > 1 and j > 1 and char == b[j - 2] and a[i - 2] == other:
                least = min(least, before[j - 2] + 1)
            row.append(least)
        if min(row) > limit:
            return limit + 1
        before, above = above, row
    return min(above[-1], limit + 1)


def table(words: Sequence[str]) -> npt.NDArray[np.uint32]:
    """The hashes of what is left of each word with letters left out: rows (hash, number of the word), sorted."""
    by_shape: dict[tuple[int, int], list[int]] = {}
    for number, word in enumerate(words):
        by_shape.setdefault((min(len(word), PREFIX), slips(word)), []).append(number)
    rows: list[npt.NDArray[np.uint64]] = []
    for (length, count), numbers in by_shape.items():
        for start in range(0, len(numbers), _CHUNK):
            chunk = np.array(numbers[start : start + _CHUNK], np.uint64)
            hashes = _hashes([words[int(n)][:length] for n in chunk], length, count).astype(np.uint64)
            rows.append(np.unique((hashes << np.uint64(32) | chunk[:, None]).ravel()))
    if not rows:
        return np.empty((0, 2), np.uint32)
    pairs = np.sort(np.concatenate(rows))
    return np.stack([(pairs >> np.uint64(32)).astype(np.uint32), pairs.astype(np.uint32)], axis=1)


def hashes(word: str, count: int) -> Hashes:
    """The hashes to look a word with so many slips up by, sorted, each once."""
    length = min(len(word), PREFIX)
    return np.unique(_hashes([word[:length]], length, count))


def _hashes(prefixes: Sequence[str], length: int, count: int) -> Hashes:
    """A row of hashes for each prefix of this length: FNV-1a over the letters that are left, then mixed."""
    letters = np.array(prefixes, dtype=f"<U{length}").view(np.uint32).reshape(len(prefixes), length)
    kept, is_kept = _patterns(length, count)
    found = np.full((len(prefixes), len(kept)), 2166136261, np.uint32)
    for place in range(length):
        mixed = (found ^ letters[:, kept[:, place]]) * np.uint32(16777619)
        found = np.where(is_kept[:, place], mixed, found)
    found ^= found >> np.uint32(15)
    found *= np.uint32(2246822519)
    return found ^ found >> np.uint32(13)


@lru_cache(maxsize=64)
def _patterns(length: int, count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Each way to leave up to `count` of `length` letters out: the places kept, filled up; which are no filling."""
    ways = [
        [place for place in range(length) if place not in gone]
        for number in range(count + 1)
        for gone in itertools.combinations(range(length), number)
    ]
    kept = np.array([way + [0] * (length - len(way)) for way in ways], np.int64).reshape(len(ways), length)
    is_kept = np.array([[True] * len(way) + [False] * (length - len(way)) for way in ways]).reshape(len(ways), length)
    return kept, is_kept
