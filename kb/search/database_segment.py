"""One language of the database's postings as a segment (segments.py): read as searches ask for it, and kept.

All of a generation's articles are read at once, postings stem by stem. Columns come as PostgreSQL's binary arrays,
which are numpy's but for four bytes of length before each value: no Python object is made of a row.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from kb.search import arrays, lexicon, posting_entries
from kb.search.arrays import Array
from kb.search.engine import PUBLIC
from kb.search.segments import FIELDS, Segment

Ask = Callable[..., list[tuple[Any, ...]]]  # (sql, values, *, is_binary) → rows

_MOST = 255  # as in segments.py: a stem as often as this weighs as much as one that is there more often
_ROOM = 2_000_000  # postings kept, 12 MB
_LAST = "\U0010ffff"

ARTICLES = """
SELECT (SELECT coalesce(sum(changes), 0)::bigint FROM kb_indexstep),
       array_agg(article_id), array_agg(version), array_agg(category_id), array_agg(title_length),
       array_agg(body_length), array_agg(article_id) FILTER (WHERE visibility <> 'public'),
       string_agg(visibility, ' ') FILTER (WHERE visibility <> 'public')
FROM (SELECT article_id, version, category_id, title_length, body_length, visibility
      FROM kb_indexedarticle WHERE lang = %(lang)s ORDER BY article_id) AS article
"""
_POSTINGS = """
SELECT asked.number, found.* FROM unnest(%(terms)s::text[], %(fields)s::smallint[]) WITH ORDINALITY
    AS asked (term, field, number),
LATERAL (SELECT array_agg(article_id), array_agg(count) FROM kb_posting posting
         WHERE posting.lang = %(lang)s AND posting.term = asked.term AND posting.field = asked.field) AS found
"""
# How many articles have the word as written; whether any has its stem.
_WORD_FREQUENCIES = """
SELECT asked.number, counted.documents,
       EXISTS (SELECT FROM kb_posting posting WHERE posting.lang = %(lang)s AND posting.term = asked.term)
FROM unnest(%(words)s::text[], %(terms)s::text[]) WITH ORDINALITY AS asked (word, term, number)
LEFT JOIN kb_lexiconword counted ON counted.lang = %(lang)s AND counted.word = asked.word
"""
_FREQUENCIES = """
SELECT asked.number, max(found.documents) FROM unnest(%(terms)s::text[]) WITH ORDINALITY AS asked (term, number),
    (VALUES (0::smallint), (1::smallint)) AS part (field),
    LATERAL (SELECT count(*) AS documents FROM kb_posting posting
             WHERE posting.lang = %(lang)s AND posting.term = asked.term AND posting.field = part.field) AS found
GROUP BY asked.number
"""
_STARTS = """
SELECT article_id, place FROM kb_titleword WHERE lang = %(lang)s AND word >= %(first)s AND word < %(last)s
"""
_WORDS = """
SELECT word, sum(documents) FROM (
    SELECT word, documents FROM kb_lexiconword WHERE lang = %(lang)s
    UNION ALL SELECT word, change FROM kb_lexiconchange WHERE lang = %(lang)s
) AS words (word, documents)
GROUP BY word HAVING sum(documents) > 0
"""


def column(binary: bytes | None, kind: str) -> Array:
    """An array of PostgreSQL without nulls, as it is on the wire: five numbers, then each value after its length."""
    if not binary:
        return np.empty(0, np.dtype(kind).newbyteorder("="))
    values = np.frombuffer(binary, np.dtype([("length", ">i4"), ("value", kind)]), offset=20)["value"]
    return values.astype(values.dtype.newbyteorder("="))


class Words(arrays.Arrays):
    """The lexicon of a language, read from the database when a word is first looked for in it.

    `read_at` is then, by time.monotonic(); `generation` the index's when this was made.
    """

    def __init__(self, lang: str, ask: Ask, generation: int) -> None:
        self.generation = generation
        self.read_at = math.inf
        self._lang, self._ask = lang, ask
        self._lock = threading.Lock()
        self._read: arrays.Arrays | None = None

    def is_old(self, generation: int, seconds: float) -> bool:
        """Whether this was read so long ago, of an older generation."""
        return generation != self.generation and time.monotonic() - self.read_at > seconds

    @property
    def _arrays(self) -> arrays.Arrays:
        with self._lock:
            if self._read is None:
                words = {word: int(documents) for word, documents in self._ask(_WORDS, {"lang": self._lang})}
                self._read = arrays.ArraysInMemory(lexicon.word_arrays(words, self._lang))
                self.read_at = time.monotonic()
            return self._read

    def length(self, name: str) -> int:
        return self._arrays.length(name)

    def whole(self, name: str) -> Array:
        return self._arrays.whole(name)

    def part(self, name: str, start: int, stop: int) -> Array:
        return self._arrays.part(name, start, stop)

    def text(self, name: str) -> bytes:
        return self._arrays.text(name)


class DatabaseSegment(Segment):
    """The articles of one language at one generation, numbered in the order of their ids. Thread-safe.

    `words` is set by who makes it: a lexicon outlives a generation.
    """

    def __init__(self, lang: str, ask: Ask) -> None:
        self.lang, self._ask = lang, ask
        row = ask(ARTICLES, {"lang": lang}, is_binary=True)[0]
        self.generation = int.from_bytes(row[0], "big", signed=True)
        self.ids, self.versions, self.categories = (column(row[n], ">i8") for n in (1, 2, 3))
        self.lengths = {name: column(row[n], ">i4") for n, name in enumerate(FIELDS, start=4)}
        others = bytes(row[7]).decode().split() if row[7] else []
        self.visibility_names = [PUBLIC, *sorted(set(others))]
        self.visibilities = np.zeros(len(self.ids), np.uint8)
        hidden = np.searchsorted(self.ids, column(row[6], ">i8"))
        self.visibilities[hidden] = [self.visibility_names.index(name) for name in others]
        self._postings: dict[tuple[str, bool], tuple[Array, Array, int] | None] = {}
        self._frequencies: dict[str, int] = {}
        self._kept = 0

    def number(self, id: int) -> int:
        at = int(np.searchsorted(self.ids, id))
        return at if at < len(self.ids) and self.ids[at] == id else -1

    def postings(self, stem: str, *, titles_only: bool = False) -> tuple[Array, Array, int] | None:
        key = (stem, titles_only)
        kept = self._postings
        return kept[key] if key in kept else self.prefetch({stem: titles_only})[key]

    def frequency(self, stem: str) -> int:
        if (documents := self._frequencies.get(stem)) is not None:
            return documents
        numbers, _counts, titles = self.postings(stem) or ((), (), 0)
        return max(titles, len(numbers) - titles)

    def prefetch(self, stems: Mapping[str, bool]) -> dict[tuple[str, bool], tuple[Array, Array, int] | None]:
        """Read the postings of {stem: whether those in titles will do} in one query, but for those that are here."""
        wanted = [item for item in stems.items() if item not in self._postings]
        asked = [
            (posting_entries.key(stem), field)
            for stem, titles_only in wanted
            for field in ((0,) if titles_only else (0, 1))
        ]
        if not asked:
            return {}
        terms, fields = zip(*asked, strict=True)
        values = {"lang": self.lang, "terms": list(terms), "fields": list(fields)}
        columns: list[tuple[Array, Array]] = [(self.ids, self.ids)] * len(asked)
        for number, ids, counts in self._ask(_POSTINGS, values, is_binary=True):
            columns[int.from_bytes(number, "big") - 1] = self._numbered(column(ids, ">i8"), column(counts, ">i2"))
        found: dict[tuple[str, bool], tuple[Array, Array, int] | None] = {}
        rest = iter(columns)
        for stem, titles_only in wanted:
            parts = [next(rest)] if titles_only else [next(rest), next(rest)]
            numbers, counts = (np.concatenate(part) for part in zip(*parts, strict=True))
            found[stem, titles_only] = (numbers, counts, len(parts[0][0])) if len(numbers) else None
        self._kept += sum(len(numbers) for numbers, _counts in columns)
        if self._kept > _ROOM:
            self._postings, self._kept = {}, 0  # never emptied in place: another thread may be reading
        self._postings |= found
        return found

    def prefetch_words(self, words: Mapping[str, str]) -> None:
        """Learn about how many articles have each of {stem: a word of the text that has it}, without their postings."""
        wanted = [(stem, word) for stem, word in words.items() if stem not in self._frequencies]
        values = {
            "lang": self.lang,
            "words": [word for _stem, word in wanted],
            "terms": [posting_entries.key(stem) for stem, _word in wanted],
        }
        written_otherwise = []
        for number, documents, is_known in self._ask(_WORD_FREQUENCIES, values) if wanted else ():
            stem, _word = wanted[number - 1]
            if is_known and not documents:
                written_otherwise.append(stem)
            else:
                self._frequencies[stem] = documents if is_known else 0
        self._count(written_otherwise)

    def _count(self, stems: Iterable[str]) -> None:
        """In how many titles, or bodies where these are more, each of the stems is."""
        wanted = [stem for stem in stems if stem not in self._frequencies]
        values = {"lang": self.lang, "terms": [posting_entries.key(stem) for stem in wanted]}
        for number, documents in self._ask(_FREQUENCIES, values) if wanted else ():
            self._frequencies[wanted[number - 1]] = documents

    def gist(self, number: int) -> list[tuple[str, int]]:
        rows = self._ask("SELECT gist FROM kb_indexedarticle WHERE article_id = %(id)s", {"id": int(self.ids[number])})
        found = [(stem, count) for stem, count in json.loads(rows[0][0])] if rows else []
        self._count(stem for stem, _times in found)
        return found

    def title_words_starting_with(self, prefix: str) -> tuple[Array, Array]:
        first = posting_entries.key(prefix)
        rows = self._ask(_STARTS, {"lang": self.lang, "first": first, "last": first + _LAST})
        return self._numbered(
            np.array([id for id, _place in rows], np.int64), np.array([place for _id, place in rows], np.int64)
        )

    def _numbered(self, ids: Array, values: Array) -> tuple[Array, Array]:
        """Numbers for ids; without those of articles that are newer than what is here."""
        at = np.searchsorted(self.ids, ids)
        if len(self.ids):
            at = np.minimum(at, len(self.ids) - 1)
            here = self.ids[at] == ids
        else:
            here = np.zeros(len(ids), bool)
        return at[here].astype(np.uint32), np.minimum(values[here], _MOST).astype(np.uint8)
