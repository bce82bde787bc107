"""A Whoosh writer that keeps the postings of the segment that it writes as arrays.

Whoosh's own pool is a list of tuples, which a large collection sorts through files on disk, each posting pickled and
read again; and the lengths of fields it looks up posting by posting in what it has just written. Held as arrays a
posting is six bytes and in order as it comes, and the side files are made from the same arrays. The names with an
underscore, and the attributes replaced here, are those of the pinned 2.7.4.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any

import numpy as np

from kb.search.arrays import Array
from kb.search.whoosh_import import writing

_MOST = 65535  # of a stem in one field of a document

Posting = tuple[str, bytes, int, float, bytes]


class Postings:
    """What Whoosh calls a pool: takes postings in the order of their documents, gives them back by term."""

    def __init__(self) -> None:
        self._terms: dict[str, dict[bytes, tuple[array[int], array[int]]]] = {}
        self._values: dict[int, bytes] = {}

    def add(self, posting: Posting) -> None:
        field, text, number, weight, value = posting
        count = min(int(weight), _MOST)
        terms = self._terms.setdefault(field, {})
        found = terms.get(text)
        if found is None:
            found = terms[text] = (array("I"), array("H"))
        found[0].append(number)
        found[1].append(count)
        self._values[count] = value

    def iter_postings(self) -> Iterator[Posting]:
        for field in sorted(self._terms):
            terms = self._terms[field]
            for text in sorted(terms):
                for number, count in zip(*terms[text], strict=True):
                    yield field, text, number, float(count), self._values[count]

    def of_field(self, field: str) -> dict[bytes, tuple[Array, Array]]:
        """{term: (numbers of documents, how often each has it)}."""
        terms = self._terms.get(field, {})
        return {
            text: (np.frombuffer(numbers, np.uint32), np.frombuffer(counts, np.uint16))
            for text, (numbers, counts) in terms.items()
        }

    def lengths(self, field: str, size: int) -> Array:
        """How many words each of `size` documents has in the field."""
        found = np.zeros(size, np.int64)
        for numbers, counts in self.of_field(field).values():
            found[numbers] += counts
        return found

    def cleanup(self) -> None:
        """Whoosh calls it when all is written; the arrays are still to be read out."""


class _Lengths:
    """As a per-document reader of Whoosh's tells field lengths."""

    def __init__(self, postings: Postings, fields: list[str], size: int) -> None:
        self._lengths: dict[str, list[int]] = {field: postings.lengths(field, size).tolist() for field in fields}

    def doc_field_length(self, number: int, field: str, default: int = 0) -> int:
        return self._lengths[field][number]


class SegmentWriter(writing.SegmentWriter):  # type: ignore[misc]
    """Whoosh's, with `pool` as above."""

    def __init__(self, index: Any) -> None:
        super().__init__(index)
        self.pool: Postings = Postings()  # Whoosh's own has not made any file yet

    def _flush_segment(self) -> None:
        self.perdocwriter.close()
        fields = [name for name, kind in self.schema.items() if kind.indexed]
        lengths = _Lengths(self.pool, fields, self.doc_count())
        self.fieldwriter.add_postings(self.schema, lengths, self.pool.iter_postings())
        self.fieldwriter.close()
