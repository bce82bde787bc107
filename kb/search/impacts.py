"""What each term adds to the documents that have it, kept while there is room."""

from __future__ import annotations

import threading
from collections import deque
from typing import NamedTuple

import numpy as np

from kb.search.segments import Floats, Ints
from kb.search.understanding import Term

_CACHE_BYTES = 32_000_000  # in one process
_OVERHEAD = 300  # bytes of an entry beside its arrays


class Impacts(NamedTuple):
    """`rows` None: `values` has one for every document; else one for each of these."""

    rows: Ints | None
    values: Floats

    @property
    def bytes(self) -> int:
        return _OVERHEAD + self.values.nbytes + (0 if self.rows is None else self.rows.nbytes)


NOTHING = Impacts(np.empty(0, np.int64), np.empty(0, np.float32))


class ImpactCache:
    """Impacts of all languages of a process; the oldest go first when it is full. Thread-safe.

    To keep the longest used instead would take the lock at every look, which is most of what a look costs.
    """

    def __init__(self, most_bytes: int = _CACHE_BYTES) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._kept: dict[int, dict[Term, Impacts]] = {}
        self._order: deque[tuple[int, Term]] = deque()
        self._lock = threading.Lock()

    def of(self, collection: int) -> dict[Term, Impacts]:
        """What is kept of a collection: to be looked into, not written to."""
        return self._kept.setdefault(collection, {})

    def put(self, collection: int, term: Term, impacts: Impacts) -> None:
        with self._lock:
            mine = self._kept.get(collection)
            if mine is None or term in mine:
                return  # forgotten meanwhile, or another thread was first
            mine[term] = impacts
            self._order.append((collection, term))
            self._bytes += impacts.bytes
            while self._bytes > self._most:
                oldest, its_term = self._order.popleft()
                self._bytes -= self._kept[oldest].pop(its_term).bytes

    def forget(self, collection: int) -> None:
        """Drop all of a collection that serves no more."""
        with self._lock:
            dropped = self._kept.pop(collection, {})
            self._bytes -= sum(impacts.bytes for impacts in dropped.values())
            self._order = deque(entry for entry in self._order if entry[0] != collection)
