"""A document as the rows of the database's own search index (models.postings). Pure."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from kb.search import analysis, phrases
from kb.search.engine import Document
from kb.search.scoring import FIELD_WEIGHTS

FIELDS = {name: number for number, name in enumerate(FIELD_WEIGHTS)}
TITLE, BODY = FIELDS["title"], FIELDS["body"]
_LONGEST = 60  # characters of a term; the index takes 2,700 bytes
_MOST = 32_767  # of a smallint
_GIST_WORDS = 40  # of an article's own words are kept to find similar ones


def key(word: str) -> str:
    """A word or stem as the index keeps it: an endless one as its beginning and a digest of the whole."""
    if len(word) <= _LONGEST:
        return word
    return word[: _LONGEST - 17] + "#" + hashlib.blake2b(word.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class Entry:
    """A document as rows. `terms` are (term, field, count); `starts` (title word, place)."""

    doc: Document
    lengths: tuple[int, int]  # of title and body, in words
    terms: list[tuple[str, int, int]] = field(repr=False)
    starts: list[tuple[str, int]] = field(repr=False)
    words: list[str] = field(repr=False)
    gist: list[tuple[str, int]] = field(repr=False)
    stems: str = field(repr=False)  # in order (phrases)

    @classmethod
    def of(cls, doc: Document) -> Entry:
        language = analysis.for_language(doc.lang)
        lines = [language.words(line) for line in (doc.title, *doc.body.splitlines())]
        title, body = lines[0], list(chain.from_iterable(lines[1:]))
        terms: list[tuple[str, int, int]] = []
        for number, words in ((TITLE, title), (BODY, body)):
            counts = Counter(key(language.stem(word)) for word in words)
            terms += [(term, number, min(count, _MOST)) for term, count in counts.items() if term]
        places: dict[str, int] = {}
        for place, word in enumerate(title):
            places.setdefault(key(word), min(place, _MOST))
        gist = Counter(
            language.stem(word)
            for word in [*title * 3, *body]
            if 2 < len(word) <= _LONGEST and not language.is_stop(word) and not word.isdigit()
        )
        words = sorted({word for word in (*title, *body) if len(word) <= _LONGEST})
        stems = phrases.in_order([language.stem(word) for word in line] for line in lines)
        return cls(
            doc, (len(title), len(body)), terms, list(places.items()), words, gist.most_common(_GIST_WORDS), stems
        )

    @property
    def row(self) -> tuple[Any, ...]:
        """The document's own row: article_id, version, lang, category_id, visibility, title_length, body_length,
        words, gist, stems.
        """
        doc = self.doc
        return (doc.id, doc.version, doc.lang, doc.category, doc.visibility, *self.lengths, self.words,
                json.dumps(self.gist), self.stems)  # fmt: skip
