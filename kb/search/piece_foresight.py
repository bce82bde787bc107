"""Which search tests would fail that pass now, if a fact or a block said something else? Said before it goes live.

As in kb.search.foresight nothing is an estimate, but not everything is tried: a block may stand in ten thousand texts.
The texts are written into the database's index inside a transaction that is rolled back, for so many seconds, those
first for which a test asks; no row of an article is locked meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from kb import facts, piece_uses
from kb.facts import Book
from kb.models import Article, Piece, SearchTest
from kb.refusals import Text
from kb.search import analysis, checking, postings
from kb.search.engine import Document, body_of
from kb.search.foresight import Foreseen, by_change

_SECONDS = 2.0  # for writing the texts; the tests have their own
_CHUNK = 200
_AT_ONCE = 16  # texts written by one statement


def by_piece(piece: Piece, values: Mapping[str, Any]) -> Foreseen:
    """What it does to the tests if the piece says this in every text that holds it. Raises CannotCheck.

    Asked are the tests of these texts' articles, and those whose query has a word that the piece says or would say.
    """
    ids = set(piece_uses.seen().filter(piece=piece).values_list("revision__article_id", flat=True))
    if not ids:
        return Foreseen()
    said: dict[str, set[str]] = {}
    tests = [test for test in checking.current() if test.article_id in ids or _has_word(test, piece, values, said)]
    tests.sort(key=lambda test: test.article_id not in ids)
    wanted = {test.article_id for test in tests} & ids

    def change() -> None:
        until = time.monotonic() + _SECONDS
        documents = _documents([*sorted(wanted), *sorted(ids - wanted)], piece, values)
        while some := list(islice(documents, _AT_ONCE)):
            postings.put_all(some)
            if time.monotonic() > until:
                break

    return by_change(change, tests)


def _has_word(test: SearchTest, piece: Piece, values: Mapping[str, Any], said: dict[str, set[str]]) -> bool:
    """Whether the query shares a word with what the piece says now or then in its language; kept in `said`."""
    language = analysis.for_language(test.locale)
    if test.locale not in said:
        now, key = facts.book(test.locale), (piece.sort, piece.key)
        books = (now, now.with_values(piece, values))
        texts = [book.sayings[key].shows for book in books if key in book.sayings]
        said[test.locale] = {stem for text in texts for stem in language.stems(text)}
    words = [word for word in language.words(test.query) if not language.is_stop(word)]
    return any(language.stem(word) in said[test.locale] for word in words)


def _documents(ids: list[int], piece: Piece, values: Mapping[str, Any]) -> Iterator[Document]:
    """These published articles as search would know them then, in their order."""
    books: dict[str, Book] = {}
    for start in range(0, len(ids), _CHUNK):
        part = ids[start : start + _CHUNK]
        rows = Article.objects.published().select_related("live_revision").in_bulk(part)
        yield from _filled((rows[pk] for pk in part if pk in rows), piece, values, books)


def _filled(
    articles: Iterable[Article], piece: Piece, values: Mapping[str, Any], books: dict[str, Book]
) -> Iterator[Document]:
    for article in articles:
        if article.live_revision is None:
            continue
        if article.locale not in books:
            books[article.locale] = facts.book(article.locale, with_archived=True).with_values(piece, values)
        text = Text.of(article.live_revision)
        filled = books[article.locale].fill(text.title, text.summary, text.body)
        yield Document(
            id=article.pk,
            version=article.version + 1,
            lang=article.locale,
            title=filled.title,
            body=body_of(filled.summary, filled.rendered.text, [heading.text for heading in filled.rendered.headings]),
            category=article.category_id,
            visibility=article.visibility,
        )
