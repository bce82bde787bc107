"""BM25 over arrays: the segments of one language as one collection, scored without Whoosh's matchers.

Per field and term, with N live documents, df of them holding the term, tf its count in this one:
    idf = ln(1 + N / (df + 1))
    x = tf / (1 - b + b · length / average)
    impact = weight · idf · x · (k1 + 1) / (k1 + x)
(Robertson and Zaragoza 2009; the fields' own idf summed, which on help texts beats BM25F). Impacts do not depend on
the query, so they are computed once a term and kept while there is room.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from kb.search.arrays import Array
from kb.search.segments import FIELDS, Floats, Held, Ints
from kb.search.understanding import STOP_IN_TITLE, Term

K1 = 2.0  # these three: the best on half of the queries of bench/search_weights.py
B = 0.5
FIELD_WEIGHTS = {"title": 0.8, "body": 1.0}  # a title is short, so its words weigh much by their length already
_DENSE = 1 / 16  # a term in more documents than this share is kept as a full row
_BLOCK = 64
_CACHE_BYTES = 32_000_000  # of impacts, in one process
_MASKS = 32  # filters kept
_KNOWN = 20_000  # stems of which it is remembered whether they are known

_counter = itertools.count()


@dataclass(frozen=True)
class _Impacts:
    rows: Ints | None  # None: `values` is dense, a value for every document
    values: Floats

    @property
    def bytes(self) -> int:
        return 200 + self.values.nbytes + (0 if self.rows is None else self.rows.nbytes)


_NOTHING = _Impacts(np.empty(0, np.int64), np.empty(0, np.float32))


class ImpactCache:
    """Impacts of all languages of a process; the oldest go first when it is full. Thread-safe.

    To keep the longest used instead would take the lock at every look, which is most of what a look costs.
    """

    def __init__(self, most_bytes: int = _CACHE_BYTES) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._kept: dict[tuple[int, Term], _Impacts] = {}
        self._lock = threading.Lock()

    def get(self, key: tuple[int, Term]) -> _Impacts | None:
        return self._kept.get(key)

    def put(self, key: tuple[int, Term], impacts: _Impacts) -> None:
        with self._lock:
            if key not in self._kept:
                self._kept[key] = impacts
                self._bytes += impacts.bytes
            while self._bytes > self._most:
                self._bytes -= self._kept.pop(next(iter(self._kept))).bytes

    def forget(self, collection: int) -> None:
        """Drop all of a collection that serves no more."""
        with self._lock:
            for key in [key for key in self._kept if key[0] == collection]:
                self._bytes -= self._kept.pop(key).bytes


@dataclass(frozen=True)
class Filters:
    """Which documents may be found. `categories` empty means all; `required` are stems that all must be there."""

    visibility: frozenset[str]
    categories: frozenset[int] = frozenset()
    excluded: frozenset[int] = frozenset()
    required: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Ranked:
    """Best first, as (score, number); and how many match in each category, whichever are asked for."""

    hits: list[tuple[float, int]]
    total: int
    counts: Mapping[int, int]


class Counts(Mapping[int, int]):
    """How many documents match in each category; counted when somebody looks, which few do."""

    def __init__(self, collection: Collection, matches: npt.NDArray[np.bool_]) -> None:
        self._collection = collection
        self._matches = matches

    @cached_property
    def _counted(self) -> dict[int, int]:
        shelves, places = self._collection.shelves
        counts = np.bincount(places[self._matches[: len(places)]], minlength=len(shelves))
        return {shelf: count for shelf, count in zip(shelves.tolist(), counts.tolist(), strict=True) if count}

    def __getitem__(self, category: int) -> int:
        return self._counted[category]

    def __iter__(self) -> Iterator[int]:
        return iter(self._counted)

    def __len__(self) -> int:
        return len(self._counted)


def idf(count: int, df: int) -> float:
    """How much it tells that a document has a word which `df` of `count` documents have."""
    return math.log(1 + count / (df + 1))


class Collection:
    """The documents of one language, numbered from 0 segment by segment. Safe to use from many threads."""

    def __init__(self, held: Sequence[Held], cache: ImpactCache) -> None:
        self.key = next(_counter)
        self._cache = cache
        self._segments = [one.segment for one in held]
        self._held = held
        sizes = [len(segment) for segment in self._segments]
        self.offsets = [0, *itertools.accumulate(sizes)]
        size = self.offsets[-1]
        self.ids = _joined([s.ids for s in self._segments], np.int64)
        self.versions = _joined([s.versions for s in self._segments], np.int64)
        self._categories = _joined([s.categories for s in self._segments], np.int64)
        self.is_live = np.ones(size, bool)
        for one, offset in zip(held, self.offsets, strict=False):
            self.is_live[one.gone.astype(np.int64) + offset] = False
        self._all_live = bool(self.is_live.all())
        self.count = int(np.count_nonzero(self.is_live))
        self._padded = -(-max(size, 1) // _BLOCK) * _BLOCK
        self._norms: dict[str, Floats] = {}
        for name in FIELDS:
            lengths = _joined([s.lengths[name] for s in self._segments], np.float32)
            average = float((lengths if self._all_live else lengths[self.is_live]).mean()) if self.count else 1.0
            self._norms[name] = (1 - B + B / max(average, 1e-9) * lengths).astype(np.float32)
        self._names = sorted({name for s in self._segments for name in s.visibility_names})
        self._visibility = (
            _joined(
                [
                    np.array([self._names.index(n) for n in s.visibility_names], np.uint8)[s.visibilities]
                    for s in self._segments
                ],
                np.uint8,
            )
            if len(self._names) > 1
            else np.zeros(size, np.uint8)
        )
        self._masks: dict[tuple[frozenset[str], frozenset[int]], Floats | None] = {}
        self._known: dict[str, bool] = {}

    def forget(self) -> None:
        """Give the room of its impacts to others."""
        self._cache.forget(self.key)

    def number(self, id: int) -> int:
        """The live document's number; -1 where there is none."""
        for one, offset in zip(self._held, self.offsets, strict=False):
            if (number := one.number(id)) >= 0:
                return number + offset
        return -1

    def has(self, stem: str) -> bool:
        """Whether any live document has this stem."""
        known = self._known.get(stem)
        if known is None:
            if len(self._known) >= _KNOWN:
                self._known = {}
            known = self._known[stem] = self._has(stem)
        return known

    def _has(self, stem: str) -> bool:
        for one, offset in zip(self._held, self.offsets, strict=False):
            if one.segment.frequency(stem):
                if not len(one.gone):
                    return True
                numbers, _counts, _titles = one.segment.postings(stem) or (np.empty(0, np.uint32), None, 0)
                if self.is_live[numbers.astype(np.int64) + offset].any():
                    return True
        return False

    def rough_frequency(self, stem: str) -> int:
        """About how many documents have the stem, deleted ones too: quick, and good enough to tell rare from common."""
        return sum(segment.frequency(stem) for segment in self._segments)

    def scores(self, terms: Mapping[Term, float]) -> Floats:
        """A score for every number, 0 where it has none of the terms, and then zeros up to a full block."""
        scores = np.zeros(self._padded, np.float32)
        for term, weight in terms.items():
            impacts = self._of(term)
            values = impacts.values if weight == 1.0 else impacts.values * np.float32(weight)
            if impacts.rows is None:
                scores += values
            else:
                scores[impacts.rows] += values
        return scores

    def top(self, terms: Mapping[Term, float], k: int, filters: Filters) -> Ranked:
        """The k best documents, ties by id; and how many have any of the terms and pass the filters."""
        scores = self.scores(terms)
        for stem in filters.required:
            self._require(scores, stem)
        for id in filters.excluded:
            if (number := self.number(id)) >= 0:
                scores[number] = 0.0
        if (mask := self._mask(filters.visibility, frozenset())) is not None:
            scores *= mask
        matches = scores > 0
        counts = Counts(self, matches)
        if filters.categories and (mask := self._mask(frozenset(self._names), filters.categories)) is not None:
            scores *= mask
            matches = scores > 0
        total = int(np.count_nonzero(matches))
        return Ranked(self._ranked(scores, min(k, total)), total, counts)

    def best(self, scores: Floats, k: int, filters: Filters) -> list[tuple[float, int]]:
        """The k best by scores made elsewhere (one for each number), live and of this visibility."""
        padded = np.zeros(self._padded, np.float32)
        np.multiply(scores, self.is_live, out=padded[: len(scores)])
        if (mask := self._mask(filters.visibility, frozenset())) is not None:
            padded *= mask
        return self._ranked(padded, k)

    def _ranked(self, scores: Floats, k: int) -> list[tuple[float, int]]:
        numbers = best(scores, self.ids, k)
        return list(zip(scores[numbers].tolist(), numbers.tolist(), strict=True))

    def why(self, terms: Mapping[Term, float], number: int) -> dict[str, float]:
        """What each stem adds to the document's score."""
        found: dict[str, float] = {}
        for term, weight in terms.items():
            impacts = self._of(term)
            if impacts.rows is None:
                value = float(impacts.values[number])
            else:
                at = int(np.searchsorted(impacts.rows, number))
                has = at < len(impacts.rows) and impacts.rows[at] == number
                value = float(impacts.values[at]) if has else 0.0
            if value:
                found[term.stem] = found.get(term.stem, 0.0) + value * weight
        return found

    def _require(self, scores: Floats, stem: str) -> None:
        impacts = self._of(Term(stem))
        if impacts.rows is None:
            scores[impacts.values <= 0] = 0.0
        else:
            kept = scores[impacts.rows]
            scores[:] = 0.0
            scores[impacts.rows] = kept

    def _mask(self, visibility: frozenset[str], categories: frozenset[int]) -> Floats | None:
        """1 for every document that passes, else 0; None where all do."""
        key = (visibility, categories)
        masks = self._masks
        if key in masks:
            return masks[key]
        if visibility.issuperset(self._names) and not categories:
            masks[key] = None
            return None
        passes = np.zeros(self._padded, bool)
        passes[: len(self.ids)] = np.array([name in visibility for name in self._names], bool)[self._visibility]
        if categories:
            passes[: len(self.ids)] &= np.isin(self._categories, list(categories))
        all_pass = bool(passes[: len(self.ids)][self.is_live].all())
        if len(masks) >= _MASKS:
            masks = self._masks = {}  # never emptied in place: another thread may be reading
        masks[key] = None if all_pass else passes.astype(np.float32)
        return masks[key]

    @cached_property
    def shelves(self) -> tuple[Ints, Ints]:
        """(the categories there are, the place among them of each document's)."""
        found, places = np.unique(self._categories, return_inverse=True)
        return found, places

    def _of(self, term: Term) -> _Impacts:
        key = (self.key, term)
        found = self._cache.get(key)
        if found is None:
            found = self._compute(term)
            self._cache.put(key, found)
        return found

    def _compute(self, term: Term) -> _Impacts:
        by_field: dict[str, list[tuple[npt.NDArray[np.int64], npt.NDArray[np.uint32]]]] = {name: [] for name in FIELDS}
        for segment, offset in zip(self._segments, self.offsets, strict=False):
            if (found := segment.postings(term.stem, titles_only=term.is_minor)) is not None:
                numbers, counts, titles = found
                rows = numbers.astype(np.int64)
                rows += offset
                by_field["title"].append((rows[:titles], counts[:titles]))
                by_field["body"].append((rows[titles:], counts[titles:]))
        row = np.zeros(self._padded, np.float32)
        for name, weight in FIELD_WEIGHTS.items():
            if term.is_minor:
                weight = weight * STOP_IN_TITLE if name == "title" else 0.0
            parts = by_field[name]
            if not weight or not parts:
                continue
            rows = _joined([rows for rows, _ in parts], np.int64)
            tf = _joined([counts for _, counts in parts], np.float32)
            if not self._all_live:
                live = self.is_live[rows]
                rows, tf = rows[live], tf[live]
            if len(rows):
                x = tf / self._norms[name][rows]
                row[rows] += np.float32(weight * idf(self.count, len(rows)) * (K1 + 1)) * x / (np.float32(K1) + x)
        has = row > 0  # numpy finds the true ones many times faster than the numbers that are not 0
        df = int(np.count_nonzero(has))
        if df > self._padded * _DENSE:
            return _Impacts(None, row)
        rows = np.flatnonzero(has)
        return _Impacts(rows, row[rows]) if df else _NOTHING


def best(scores: Floats, ids: Ints, k: int) -> Ints:
    """The numbers of the k highest scores above 0, highest first, ties by id; exact. `scores` fills whole blocks.

    The k-th highest of the maxima of 64 interleaved blocks is reached by at least k scores, and few more.
    """
    if k <= 0:
        return np.empty(0, np.int64)
    maxima = scores.reshape(_BLOCK, -1).max(axis=0)
    if len(maxima) > k:
        least = np.partition(maxima, len(maxima) - k)[len(maxima) - k]
        numbers = np.flatnonzero(scores >= least) if least > 0 else np.flatnonzero(scores > 0)
    else:
        numbers = np.flatnonzero(scores > 0)
    if len(numbers) > 4 * k:
        found = scores[numbers]
        least = np.partition(found, len(found) - k)[len(found) - k]
        above, level = numbers[found > least], numbers[found == least]
        missing = k - len(above)
        if len(level) > missing > 0:
            level = level[np.argpartition(ids[level], missing - 1)[:missing]]
        numbers = np.concatenate([above, level])
    return numbers[np.lexsort((ids[numbers], -scores[numbers]))][:k]


def _joined(parts: Sequence[Array], kind: type[np.generic]) -> Array:
    if len(parts) == 1:
        return parts[0].astype(kind, copy=False)
    return np.concatenate(parts).astype(kind, copy=False) if parts else np.empty(0, kind)
