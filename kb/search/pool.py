"""A Whoosh writer that keeps the postings of the segment that it writes as arrays.

Whoosh's own pool is a list of tuples, which a large collection sorts through files on disk, each posting pickled and
read again; and the lengths of fields it looks up posting by posting in what it has just written. Held as arrays a
posting is six bytes and in order as it comes, and the side files are made from the same arrays. The names with an
underscore, and the attributes replaced here, are those of the pinned 2.7.4.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from kb.search.whoosh_import import W3Codec, pack_uint, writing

_MOST = 65535  # of a stem in one field of a document

Posting = tuple[str, bytes, int, float, bytes]


class Postings:
    """What Whoosh calls a pool: takes postings in the order of their documents, gives them back by term."""

    def __init__(self) -> None:
        self._terms: dict[str, dict[bytes, tuple[array[int], array[int]]]] = {}
        self._lengths: dict[str, dict[int, int]] = {}

    def add(self, posting: Posting) -> None:
        field, text, number, weight, _value = posting
        self._extend(field, text, (number,), (min(int(weight), _MOST),))

    def extend(self, field: str, text: bytes, numbers: Iterable[int], counts: Iterable[int]) -> None:
        """Take a term's postings in more documents, whose numbers are above all before."""
        self._extend(field, text, numbers, counts)

    def iter_postings(self) -> Iterator[Posting]:
        values = [pack_uint(count) for count in range(256)]
        for field in sorted(self._terms):
            terms = self._terms[field]
            for text in sorted(terms):
                for number, count in zip(*terms[text], strict=True):
                    yield field, text, number, float(count), values[count] if count < 256 else pack_uint(count)

    def terms(self, field: str) -> dict[bytes, tuple[array[int], array[int]]]:
        """{term: (numbers of documents, how often each has it)}."""
        return self._terms.get(field, {})

    def lengths(self, field: str, size: int) -> list[int]:
        """How many words each of `size` documents has in the field."""
        found = self._lengths.get(field, {})
        return [found.get(number, 0) for number in range(size)]

    def cleanup(self) -> None:
        """Whoosh calls it when all is written; the arrays are still to be read out."""

    def _extend(self, field: str, text: bytes, numbers: Iterable[int], counts: Iterable[int]) -> None:
        terms = self._terms.get(field)
        if terms is None:
            terms = self._terms[field] = {}
            self._lengths[field] = {}
        found = terms.get(text)
        if found is None:
            found = terms[text] = (array("I"), array("H"))
        lengths = self._lengths[field]
        for number, count in zip(numbers, counts, strict=True):
            found[0].append(number)
            found[1].append(count)
            lengths[number] = lengths.get(number, 0) + count


class _Lengths:
    """As a per-document reader of Whoosh's tells field lengths."""

    def __init__(self, postings: Postings, fields: list[str], size: int) -> None:
        self._lengths = {field: postings.lengths(field, size) for field in fields}

    def doc_field_length(self, number: int, field: str, default: int = 0) -> int:
        return self._lengths[field][number]


class SegmentWriter(writing.SegmentWriter):  # type: ignore[misc]
    """Whoosh's, with `pool` as above."""

    def __init__(self, index: Any) -> None:
        # Compressing block by block costs more time at each commit than the room is worth.
        super().__init__(index, codec=W3Codec(compression=0))
        self.pool: Postings = Postings()  # Whoosh's own has not made any file yet

    def take_over(self, reader: Any, postings: Iterable[tuple[str, bytes, Sequence[int], Sequence[int]]]) -> None:
        """Merge a segment in: what add_reader does, with the postings given: (field, term, numbers, counts)."""
        first = self.docnum
        fields = set(self.schema.names())
        moved = self.write_per_doc(fields, reader)  # None where no document of it is deleted
        for field, text, numbers, counts in postings:
            if moved is None:
                self.pool.extend(field, text, [first + number for number in numbers], counts)
            else:
                kept = [(moved[n], count) for n, count in zip(numbers, counts, strict=True) if n in moved]
                if kept:
                    self.pool.extend(field, text, *zip(*kept, strict=True))
        self._added = True

    def _flush_segment(self) -> None:
        self.perdocwriter.close()
        fields = [name for name, kind in self.schema.items() if kind.indexed]
        lengths = _Lengths(self.pool, fields, self.doc_count())
        self.fieldwriter.add_postings(self.schema, lengths, self.pool.iter_postings())
        self.fieldwriter.close()
