"""BM25 over arrays: a Whoosh index read once into numpy, then scored without Whoosh's matchers.

Per field and term, with N live documents, df of them holding the term, tf its count in this one:
    idf = ln(1 + N / (df + 1))
    x = tf / (1 - b + b · length / average)
    impact = weight · idf · x · (k1 + 1) / (k1 + x)
(Robertson and Zaragoza 2009; the fields' own idf summed, which on help texts beats BM25F). Impacts do not depend on
the query, so they are computed once a term and kept.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kb.search.understanding import STOP_IN_TITLE, Term

K1 = 1.2
B = 0.75
FIELD_WEIGHTS = {"title": 0.8, "body": 1.0}  # a title is short, so its words weigh much by their length already
_DENSE = 1 / 16  # a term in more documents than this share is kept as a full row
_BLOCK = 64

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Impacts:
    rows: Ints | None  # None: `values` is dense, a value for every document
    values: Floats


_NOTHING = _Impacts(np.empty(0, np.int64), np.empty(0, np.float32))


def idf(count: int, df: int) -> float:
    """How much it tells that a document has a word which `df` of `count` documents have."""
    return math.log(1 + count / (df + 1))


class Collection:
    """The documents of one index, numbered from 0 as Whoosh numbers them. Safe to use from many threads."""

    def __init__(self, reader: Any) -> None:
        self._leaves = list(reader.leaf_readers()) if not reader.is_atomic() else [(reader, 0)]
        self._schema = reader.schema
        size = reader.doc_count_all()
        self.ids = np.full(size, -1, np.int64)
        self.versions = np.zeros(size, np.int64)
        for number, stored in reader.iter_docs():
            self.ids[number], self.versions[number] = stored["id"], stored["version"]
        self.is_live = self.ids >= 0
        self.count = int(self.is_live.sum())
        self._padded = -(-max(size, 1) // _BLOCK) * _BLOCK
        self._norms: dict[str, Floats] = {}
        for field in FIELD_WEIGHTS:
            # Whoosh says None for an empty field, whatever the default.
            lengths = np.fromiter((reader.doc_field_length(n, field, 0) or 0 for n in range(size)), np.float32, size)
            average = float(lengths[self.is_live].mean()) if self.count else 1.0
            self._norms[field] = (1 - B + B * lengths / max(average, 1e-9)).astype(np.float32)
        self._impacts: dict[Term, _Impacts] = {}
        # Whoosh's readers seek in a shared file; one thread at a time may decode.
        self._lock = threading.Lock()

    def has(self, stem: str) -> bool:
        """Whether any document has had this stem."""
        text = stem.encode()
        return any((field, text) in leaf for leaf, _ in self._leaves for field in FIELD_WEIGHTS)

    def document_frequency(self, stem: str) -> int:
        """How many live documents have the stem in their title or body."""
        values = self._of(Term(stem)).values
        return int(np.count_nonzero(values))

    def top(self, terms: Mapping[Term, float], k: int) -> tuple[list[tuple[float, int]], int]:
        """The k best documents as (score, number), ties by id; and how many have any of the terms at all."""
        scores = np.zeros(self._padded, np.float32)
        for term, weight in terms.items():
            impacts = self._of(term)
            if impacts.rows is None:
                scores += impacts.values * np.float32(weight)
            else:
                scores[impacts.rows] += impacts.values * np.float32(weight)
        total = int(np.count_nonzero(scores > 0))
        numbers = _best(scores, min(k, total))
        ranked = sorted(((float(scores[n]), int(n)) for n in numbers), key=lambda hit: (-hit[0], self.ids[hit[1]]))
        return [hit for hit in ranked if hit[0] > 0][:k], total

    def _of(self, term: Term) -> _Impacts:
        found = self._impacts.get(term)
        if found is None:
            with self._lock:
                found = self._impacts[term] = self._compute(term)
        return found

    def _compute(self, term: Term) -> _Impacts:
        row = np.zeros(self._padded, np.float32)
        touched: list[Ints] = []
        for field, weight in FIELD_WEIGHTS.items():
            if term.is_minor:
                weight = weight * STOP_IN_TITLE if field == "title" else 0.0
            if not weight:
                continue
            rows, counts = self._postings(field, term.stem)
            if len(rows):
                x = counts / self._norms[field][rows]
                row[rows] += (weight * idf(self.count, len(rows)) * (K1 + 1)) * x / (K1 + x)
                touched.append(rows)
        if not touched:
            return _NOTHING
        rows = np.unique(np.concatenate(touched))
        return _Impacts(None, row) if len(rows) > self._padded * _DENSE else _Impacts(rows, row[rows])

    def _postings(self, field: str, stem: str) -> tuple[Ints, Floats]:
        """The live documents with the stem in the field, and how often each has it."""
        text = stem.encode()
        rows: list[Any] = []
        counts: list[Any] = []
        for leaf, offset in self._leaves:
            if (field, text) in leaf:
                for block_rows, block_counts in _blocks(leaf.postings(field, text)):
                    rows.append(np.asarray(block_rows, np.int64) + offset)
                    counts.append(np.asarray(block_counts, np.float32))
        if not rows:
            return _NOTHING.rows, _NOTHING.values  # type: ignore[return-value]
        all_rows, all_counts = np.concatenate(rows), np.concatenate(counts)
        live = self.is_live[all_rows]
        return all_rows[live], all_counts[live]


def _blocks(matcher: Any) -> Iterable[tuple[Any, Any]]:
    """The matcher's postings block by block, deleted documents included.

    Whoosh's public way costs a call per posting; a block of its leaf matcher is two arrays already. The names with an
    underscore are those of the pinned 2.7.4.
    """
    matcher = getattr(matcher, "child", matcher)  # past the filter of deleted documents: ours is faster
    if not hasattr(matcher, "_read_weights"):
        while matcher.is_active():
            yield (matcher.id(),), (matcher.weight(),)
            matcher.next()
        return
    while matcher.is_active():
        matcher._read_ids()
        matcher._read_weights()
        yield matcher._ids, matcher._weights
        matcher._next_block()


def _best(scores: Floats, k: int) -> Ints:
    """The numbers of the k highest scores, in no order; exact. Looks closely only at the k best blocks of 64."""
    if k <= 0:
        return np.empty(0, np.int64)
    blocks = scores.reshape(-1, _BLOCK)
    chosen = np.argpartition(blocks.max(axis=1), -k)[-k:] if len(blocks) > k else np.arange(len(blocks))
    inner = blocks[chosen].ravel()
    best = np.argpartition(inner, -k)[-k:] if inner.size > k else np.arange(inner.size)
    return chosen[best // _BLOCK] * _BLOCK + best % _BLOCK
