"""A segment of the Whoosh index as arrays: made once, when the writer has written it, and read by all.

Numbers count a segment's documents from 0, as Whoosh does. A posting is one uint32: the number in the low 24 bits, how
often the document has the stem, up to 255, in the high 8. Of each stem those of titles stand before those of bodies.
Deleted documents stay in a segment; who holds it knows which they are (Held).
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from kb.search import analysis, arrays, lexicon
from kb.search.arrays import Array, Arrays, SortedWords, Vocabulary
from kb.search.pool import Postings

FIELDS = ("title", "body")
_NUMBER_BITS = 24
_NUMBERS = (1 << _NUMBER_BITS) - 1
_HIGH = 3 if sys.byteorder == "little" else 0  # where a number's high byte stands
_MOST = 255  # a stem as often as this in one text weighs as much as one that is there more often
_FOUND = 20_000  # stems whose place is remembered

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


class Segment:
    """Thread-safe. Reading raises IndexDamaged where the file is not whole."""

    def __init__(self, source: Arrays) -> None:
        self._source = source
        self.ids = source.whole("ids")
        self.visibilities = source.whole("visibilities")
        names = SortedWords(source, "visibility_names")
        self.visibility_names = [names.word(number) for number in range(len(names))]
        self.lengths = {field: source.whole(f"{field}_lengths") for field in FIELDS}
        self.words = lexicon.WordTable(source)
        self._terms = Vocabulary(source, "terms")
        self._found: dict[str, tuple[int, int, int]] = {}

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def versions(self) -> Array:
        return self._source.whole("versions")

    @cached_property
    def categories(self) -> Array:
        return self._source.whole("categories")

    @cached_property
    def _title_words(self) -> SortedWords:
        return SortedWords(self._source, "title_words")

    @cached_property
    def _title_starts(self) -> Array:
        return self._source.whole("title_starts")

    @cached_property
    def _by_id(self) -> tuple[Array, Array]:
        order = self._source.whole("by_id")
        return order, self.ids[order]

    def number(self, id: int) -> int:
        """The document's number; -1 where it is not here."""
        order, sorted_ids = self._by_id
        at = int(np.searchsorted(sorted_ids, id))
        return int(order[at]) if at < len(order) and sorted_ids[at] == id else -1

    def frequency(self, stem: str) -> int:
        """In how many titles or bodies the stem is, deleted ones too; a little less where it is in both of one."""
        before, between, after = self._find(stem)
        return max(between - before, after - between)

    def postings(self, stem: str, *, titles_only: bool = False) -> tuple[Ints, Array, int] | None:
        """(numbers, counts, how many of them are of titles: they come first); None where no document has the stem."""
        before, between, after = self._find(stem)
        if before == after:
            return None
        packed = self._source.part("postings", before, between if titles_only else after)
        # In one pass each, for a common stem has tens of thousands.
        return np.bitwise_and(packed, _NUMBERS, dtype=np.int64), packed.view(np.uint8)[_HIGH::4], between - before

    def all_postings(self) -> Iterator[tuple[str, bytes, list[int], list[int]]]:
        """(field, term, numbers, counts) of every term, deleted documents too."""
        packed = self._source.whole("postings")
        numbers, counts = (packed & np.uint32(_NUMBERS)).tolist(), (packed >> np.uint32(_NUMBER_BITS)).tolist()
        starts = self._source.whole("posting_starts").tolist()
        for place, term in enumerate(self._terms):
            for shift, field in enumerate(FIELDS):
                start, stop = starts[2 * place + shift : 2 * place + shift + 2]
                if stop > start:
                    yield field, term, numbers[start:stop], counts[start:stop]

    def gist(self, number: int) -> list[tuple[str, int]]:
        """The most frequent telling stems of a document, and how often each is there."""
        start, stop = (int(n) for n in self._source.part("gist_starts", number, number + 2))
        terms, counts = self._source.part("gist_terms", start, stop), self._source.part("gist_counts", start, stop)
        return [(self._terms.word(term), count) for term, count in zip(terms.tolist(), counts.tolist(), strict=True)]

    def title_words_starting_with(self, prefix: str) -> tuple[Array, Array]:
        """(numbers, places): the documents with such a word in the title, and where in it, 0 for the first word."""
        words = self._title_words.starting_with(prefix)
        start, stop = int(self._title_starts[words.start]), int(self._title_starts[words.stop])
        return self._source.part("title_numbers", start, stop), self._source.part("title_places", start, stop)

    def _find(self, stem: str) -> tuple[int, int, int]:
        """Where the stem's postings of titles start, those of bodies, and where these end; all 0 where it has none."""
        found = self._found.get(stem)
        if found is None:
            if len(self._found) >= _FOUND:
                self._found = {}
            number = self._terms.find(stem)
            starts = (
                self._source.part("posting_starts", 2 * number, 2 * number + 3).tolist() if number >= 0 else (0, 0, 0)
            )
            found = self._found[stem] = tuple(starts)
        return found


@dataclass(frozen=True)
class Held:
    """A segment as a generation holds it: the numbers in `gone` (sorted) are deleted. Names are those of the files."""

    segment: Segment
    name: str
    gone: Array
    gone_name: str = ""

    @property
    def live(self) -> int:
        return len(self.segment) - len(self.gone)

    def number(self, id: int) -> int:
        """The live document's number; -1 where it is not here, or deleted."""
        number = self.segment.number(id)
        if number < 0:
            return -1
        at = int(np.searchsorted(self.gone, number))
        return -1 if at < len(self.gone) and self.gone[at] == number else number


NONE_GONE: Array = np.empty(0, np.uint32)


def read(reader: Any, postings: Postings, lang: str) -> dict[str, Array]:
    """The arrays of a Whoosh segment that has just been written, for `arrays.write`; `reader` and postings are its."""
    size = reader.doc_count_all()
    if size > _NUMBERS:
        raise ValueError(f"a segment holds at most {_NUMBERS} documents, and this one {size}")
    stored = [fields for _number, fields in reader.iter_docs()]
    if len(stored) != size:
        raise ValueError("a segment with deleted documents")  # they are deleted only later
    found, terms = _postings(postings, size)
    ids = np.array([fields["id"] for fields in stored], np.int64)
    names = sorted({fields["visibility"] for fields in stored})
    found |= {
        "ids": arrays.narrow(ids),
        "by_id": np.argsort(ids).astype(np.uint32),
        "versions": arrays.narrow(np.array([fields["version"] for fields in stored], np.int64)),
        "categories": arrays.narrow(np.array([fields["category"] for fields in stored], np.int64)),
        "visibilities": np.array([names.index(fields["visibility"]) for fields in stored], np.uint8),
    }
    found |= arrays.of_words("visibility_names", names)
    found |= _gists([fields["gist"] for fields in stored], terms)
    found |= _title_words([fields["heading"] for fields in stored], lang)
    frequencies = Counter(word for fields in stored for word in fields["words"].split())
    return found | lexicon.word_arrays(frequencies, lang)


def _postings(postings: Postings, size: int) -> tuple[dict[str, Array], list[str]]:
    by_field = [postings.terms(field) for field in FIELDS]
    terms = sorted({text for found in by_field for text in found})
    numbers: list[bytes] = []
    counts: list[bytes] = []
    lengths = [0]
    for text in terms:
        for found in by_field:
            if (pair := found.get(text)) is not None:
                numbers.append(pair[0].tobytes())
                counts.append(pair[1].tobytes())
            lengths.append(0 if pair is None else len(pair[0]))
    tf = np.minimum(np.frombuffer(b"".join(counts), np.uint16), _MOST).astype(np.uint32)
    made: dict[str, Array] = {
        "postings": np.frombuffer(b"".join(numbers), np.uint32) | tf << np.uint32(_NUMBER_BITS),
        "posting_starts": np.cumsum(lengths).astype(np.uint32),
    }
    for field in FIELDS:
        made[f"{field}_lengths"] = np.minimum(postings.lengths(field, size), 65535).astype(np.uint16)
    decoded = [text.decode() for text in terms]
    return made | arrays.of_vocabulary("terms", decoded), decoded


def _gists(gists: Sequence[Sequence[tuple[str, int]]], terms: Sequence[str]) -> dict[str, Array]:
    places = {term: place for place, term in enumerate(terms)}
    known = [[(places[stem], count) for stem, count in gist if stem in places] for gist in gists]
    return {
        "gist_starts": np.cumsum([0, *map(len, known)]).astype(np.uint32),
        "gist_terms": np.array([place for gist in known for place, _ in gist], np.uint32),
        "gist_counts": np.array([min(count, 65535) for gist in known for _, count in gist], np.uint16),
    }


def _title_words(titles: Iterable[str], lang: str) -> dict[str, Array]:
    language = analysis.for_language(lang)
    by_word: dict[str, list[tuple[int, int]]] = {}
    for number, title in enumerate(titles):
        for place, word in enumerate(language.words(title)):
            by_word.setdefault(word, []).append((number, place))
    words = sorted(by_word)
    found: dict[str, Array] = {
        "title_starts": np.cumsum([0, *(len(by_word[word]) for word in words)]).astype(np.uint32),
        "title_numbers": np.array([number for word in words for number, _ in by_word[word]], np.uint32),
        "title_places": np.array([place for word in words for _, place in by_word[word]], np.uint16),
    }
    return arrays.of_words("title_words", words) | found
