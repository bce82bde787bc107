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
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kb.search.arrays import Array
from kb.search.impacts import NOTHING, ImpactCache, Impacts
from kb.search.segments import FIELDS, Floats, Held, Ints
from kb.search.understanding import STOP_IN_TITLE, Term

K1 = 2.0  # these three: the best on half of the queries of bench/search_weights.py
B = 0.6
FIELD_WEIGHTS = {"title": 0.8, "body": 1.0}  # a title is short, so its words weigh much by their length already
_DENSE = 1 / 32  # a term in more documents than this share is kept as a full row
_BLOCK = 64
_MASKS = 32  # filters kept
_KNOWN = 20_000  # stems of which it is remembered whether they are known

_EMPTY: Ints = np.empty(0, np.int64)

_counter = itertools.count()


class Filters(NamedTuple):
    """Which documents may be found. `categories` empty means all; `required` are stems that all must be there."""

    visibility: frozenset[str]
    categories: frozenset[int] = frozenset()
    excluded: frozenset[int] = frozenset()
    required: frozenset[str] = frozenset()


class Ranked(NamedTuple):
    """Best first; and how many match in each category, whichever are asked for."""

    numbers: Ints
    scores: Floats
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
        self._kept = cache.of(self.key)
        self._segments = [one.segment for one in held]
        self._held = held
        sizes = [len(segment) for segment in self._segments]
        self.offsets = [0, *itertools.accumulate(sizes)]
        size = self.offsets[-1]
        self.ids = _joined([s.ids for s in self._segments])
        self.is_live = np.ones(size, bool)
        for one, offset in zip(held, self.offsets, strict=False):
            self.is_live[one.gone.astype(np.int64) + offset] = False
        self._all_live = bool(self.is_live.all())
        self.count = int(np.count_nonzero(self.is_live))
        self._padded = -(-max(size, 1) // _BLOCK) * _BLOCK
        self._names = sorted({name for s in self._segments for name in s.visibility_names})
        self._visibility = (
            _joined(
                [
                    np.array([self._names.index(n) for n in s.visibility_names], np.uint8)[s.visibilities]
                    for s in self._segments
                ]
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
        kept = self._kept.get
        all_rows: list[Ints] = []
        all_values: list[Floats] = []
        for term, weight in terms.items():
            rows, values = kept(term) or self._fresh(term)
            if weight != 1.0:
                values = values * np.float32(weight)
            if rows is None:
                scores += values
            else:
                all_rows.append(rows)
                all_values.append(values)
        if all_rows:  # one call for all: a call costs more than the few documents of a rare term
            np.add.at(scores, np.concatenate(all_rows), np.concatenate(all_values))
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
        numbers = best(scores, self.ids, min(k, total))
        return Ranked(numbers, scores[numbers], total, counts)

    def best(self, scores: Floats, k: int, filters: Filters) -> Ranked:
        """The k best by scores made elsewhere (one for each number), live and of this visibility; nothing counted."""
        padded = np.zeros(self._padded, np.float32)
        np.multiply(scores, self.is_live, out=padded[: len(scores)])
        if (mask := self._mask(filters.visibility, frozenset())) is not None:
            padded *= mask
        numbers = best(padded, self.ids, k)
        return Ranked(numbers, padded[numbers], 0, {})

    def why(self, terms: Mapping[Term, float], number: int) -> dict[str, float]:
        """What each stem adds to the document's score."""
        found: dict[str, float] = {}
        for term, weight in terms.items():
            impacts = self._of(term)
            if impacts.rows is None:
                value = float(impacts.values[number])
            else:
                value = float(impacts.values[impacts.rows == number].sum())
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
    def versions(self) -> Array:
        return _joined([s.versions for s in self._segments])

    @cached_property
    def _categories(self) -> Array:
        return _joined([s.categories for s in self._segments])

    @cached_property
    def _lengths(self) -> Mapping[str, tuple[Array, float]]:
        """For each field, how many words every document has there, and the average of those alive."""
        found = {}
        for name in FIELDS:
            lengths = _joined([s.lengths[name] for s in self._segments])
            alive = lengths if self._all_live else lengths[self.is_live]
            found[name] = lengths, max(float(alive.mean(dtype=np.float64)), 1e-9) if self.count else 1.0
        return found

    @cached_property
    def shelves(self) -> tuple[Ints, Ints]:
        """(the categories there are, the place among them of each document's)."""
        found, places = np.unique(self._categories, return_inverse=True)
        return found, places

    def _of(self, term: Term) -> Impacts:
        return self._kept.get(term) or self._fresh(term)

    def _fresh(self, term: Term) -> Impacts:
        found = self._compute(term)
        self._cache.put(self.key, term, found)
        return found

    def _compute(self, term: Term) -> Impacts:
        by_field: dict[str, list[tuple[Ints, Array]]] = {name: [] for name in FIELDS}
        for segment, offset in zip(self._segments, self.offsets, strict=False):
            if (found := segment.postings(term.stem, titles_only=term.is_minor)) is not None:
                numbers, counts, titles = found
                rows = numbers.astype(np.int64, copy=False)
                if offset:
                    rows = rows + offset
                by_field["title"].append((rows[:titles], counts[:titles]))
                by_field["body"].append((rows[titles:], counts[titles:]))
        rows, values = self._of_field("title", by_field["title"], STOP_IN_TITLE if term.is_minor else 1.0)
        if not term.is_minor:
            more, their_values = self._of_field("body", by_field["body"], 1.0)
            if len(more) > self._padded * _DENSE:
                dense = np.zeros(self._padded, np.float32)
                dense[more] = their_values
                dense[rows] += values
                return Impacts(None, dense)
            rows, values = _added((more, their_values), (rows, values))
        return Impacts(rows, values) if len(rows) else NOTHING

    def _of_field(self, name: str, parts: Sequence[tuple[Ints, Array]], share: float) -> tuple[Ints, Floats]:
        """(the live documents that have the term in the field, what it adds to each)."""
        rows, tf = _joined([rows for rows, _ in parts]), _joined([counts for _, counts in parts]).astype(np.float32)
        if not self._all_live and len(rows):
            live = self.is_live[rows]
            rows, tf = rows[live], tf[live]
        if not len(rows):
            return _EMPTY, NOTHING.values
        lengths, average = self._lengths[name]
        # weight · idf · x (k1 + 1) / (k1 + x), with x = tf / norm, is weight · idf (k1 + 1) · tf / (tf + k1 · norm)
        below = lengths[rows].astype(np.float32)
        below *= np.float32(K1 * B / average)
        below += np.float32(K1 * (1 - B))
        below += tf
        tf *= np.float32(FIELD_WEIGHTS[name] * share * idf(self.count, len(rows)) * (K1 + 1))
        tf /= below
        return rows, tf


def _added(some: tuple[Ints, Floats], others: tuple[Ints, Floats]) -> tuple[Ints, Floats]:
    """The sums of two sparse rows, each in the order of its numbers; what only `others` has follows."""
    (rows, values), (more, their_values) = some, others
    if not len(rows) or not len(more):
        return some if len(rows) else others
    at = np.searchsorted(rows, more)
    at[at == len(rows)] = 0
    is_in_both = rows[at] == more
    values[at[is_in_both]] += their_values[is_in_both]
    if is_in_both.all():
        return some
    return np.concatenate([rows, more[~is_in_both]]), np.concatenate([values, their_values[~is_in_both]])


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


def _joined(parts: Sequence[Array]) -> Array:
    return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else _EMPTY
