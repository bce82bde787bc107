"""Articles into the database's own search index (models.postings), in whatever transaction the caller is.

Edits never wait for each other: each writes rows of its own article only, and what it adds to the lexicon and to the
generation as new rows. Every so many edits one of them folds these together; who finds another at it leaves it. A
rebuild alone keeps edits waiting, while it swaps.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connections, transaction

from kb.search import analysis
from kb.search.engine import Document
from kb.search.scoring import FIELD_WEIGHTS

FIELDS = {name: number for number, name in enumerate(FIELD_WEIGHTS)}
TITLE, BODY = FIELDS["title"], FIELDS["body"]
_WRITERS = 7_530_001  # advisory lock: shared by edits, a rebuild alone
_FOLDING = 7_530_002  # advisory lock: who folds counts together
_FOLD_EVERY = 32  # edits
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

    @classmethod
    def of(cls, doc: Document) -> Entry:
        language = analysis.for_language(doc.lang)
        title, body = language.words(doc.title), language.words(doc.body)
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
        return cls(doc, (len(title), len(body)), terms, list(places.items()), words, gist.most_common(_GIST_WORDS))


def put(doc: Document, *, using: str = "default", changes: int = 1) -> bool:
    """Index a published article in this version, all of it in the caller's transaction.

    False, and nothing done, where the index has this version or a newer one. `changes` is what it adds to the
    generation.
    """
    entry = Entry.of(doc)
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_WRITERS])
        old = _old(cursor, doc.id)
        if old is not None and old.version >= doc.version:
            return False
        if old is not None:
            _delete_terms(cursor, doc.id)
        _insert(cursor, entry)
        _count(cursor, old, entry, changes)
    return True


def remove(article_id: int, *, using: str = "default", changes: int = 1) -> bool:
    """Leave an article out of the index, in the caller's transaction. False where it is not in it."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_WRITERS])
        old = _old(cursor, article_id)
        if old is None:
            return False
        _delete_terms(cursor, article_id)
        cursor.execute("DELETE FROM kb_indexedarticle WHERE article_id = %s", [article_id])
        _count(cursor, old, None, changes)
    return True


def advance(*, position: int, changes: int, using: str = "default") -> None:
    """Note how far the index has read in the outbox, and that so many changes became visible together."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_WRITERS])
        _step(cursor, changes, position)


@dataclass(frozen=True)
class _Old:
    version: int
    lang: str
    words: frozenset[str]


def _old(cursor: Any, article_id: int) -> _Old | None:
    cursor.execute(
        "SELECT version, lang, words FROM kb_indexedarticle WHERE article_id = %s",
        [article_id],
    )
    row = cursor.fetchone()
    return _Old(row[0], row[1], frozenset(row[2])) if row else None


def _delete_terms(cursor: Any, article_id: int) -> None:
    cursor.execute("DELETE FROM kb_posting WHERE article_id = %s", [article_id])
    cursor.execute("DELETE FROM kb_titleword WHERE article_id = %s", [article_id])


def _insert(cursor: Any, entry: Entry) -> None:
    doc = entry.doc
    terms, fields, counts = zip(*entry.terms, strict=True) if entry.terms else ((), (), ())
    cursor.execute(
        "INSERT INTO kb_posting (lang, term, field, article_id, count) "
        "SELECT %s, term, field, %s, count "
        "FROM unnest(%s::text[], %s::smallint[], %s::smallint[]) AS new (term, field, count)",
        [doc.lang, doc.id, list(terms), list(fields), list(counts)],
    )
    words, places = zip(*entry.starts, strict=True) if entry.starts else ((), ())
    cursor.execute(
        "INSERT INTO kb_titleword (lang, word, article_id, place) "
        "SELECT %s, word, %s, place FROM unnest(%s::text[], %s::smallint[]) AS new (word, place)",
        [doc.lang, doc.id, list(words), list(places)],
    )
    cursor.execute(
        "INSERT INTO kb_indexedarticle "
        "(article_id, version, lang, category_id, visibility, title_length, body_length, words, gist) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (article_id) DO UPDATE SET "
        "(version, lang, category_id, visibility, title_length, body_length, words, gist) = (excluded.version, "
        "excluded.lang, excluded.category_id, excluded.visibility, excluded.title_length, excluded.body_length, "
        "excluded.words, excluded.gist)",
        [doc.id, doc.version, doc.lang, doc.category, doc.visibility, *entry.lengths, entry.words,
         json.dumps(entry.gist)],
    )  # fmt: skip


def _count(cursor: Any, old: _Old | None, new: Entry | None, changes: int) -> None:
    """What the lexicon gains and loses, and a step of the generation, as rows of their own."""
    gone = {(old.lang, word) for word in old.words} if old else set()
    come = {(new.doc.lang, word) for word in new.words} if new else set()
    words = [(*pair, 1) for pair in come - gone] + [(*pair, -1) for pair in gone - come]
    if words:
        cursor.execute(
            "INSERT INTO kb_lexiconchange (lang, word, change) SELECT * FROM unnest(%s::text[], %s::text[], %s::int[])",
            [list(column) for column in zip(*words, strict=True)],
        )
    _step(cursor, changes, 0)


def _step(cursor: Any, changes: int, position: int) -> None:
    sql = "INSERT INTO kb_indexstep (changes, position) VALUES (%s, %s) RETURNING id"
    cursor.execute(sql, [changes, position])
    if cursor.fetchone()[0] % _FOLD_EVERY == 0:
        _fold(cursor)


def _fold(cursor: Any) -> None:
    """Fold the rows of changes together; nothing where another transaction is at it."""
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_FOLDING])
    if not cursor.fetchone()[0]:
        return
    cursor.execute(
        "WITH gone AS (DELETE FROM kb_lexiconchange RETURNING lang, word, change) "
        "INSERT INTO kb_lexiconword (lang, word, documents) "
        "SELECT lang, word, sum(change) FROM gone GROUP BY lang, word HAVING sum(change) <> 0 "
        "ON CONFLICT (lang, word) DO UPDATE SET documents = kb_lexiconword.documents + excluded.documents"
    )
    cursor.execute("DELETE FROM kb_lexiconword WHERE documents <= 0")
    cursor.execute(
        "WITH gone AS (DELETE FROM kb_indexstep RETURNING changes, position) "
        "INSERT INTO kb_indexstep (changes, position) SELECT sum(changes), max(position) FROM gone"
    )


# Of the articles changed while the rebuild read: those whose own edit wrote newer rows, or none any more.
_KEPT = """
CREATE TEMP TABLE kb_kept ON COMMIT DROP AS
SELECT changed.article_id
FROM (SELECT DISTINCT article_id FROM kb_indexchange WHERE txid >= %s) AS changed
LEFT JOIN kb_indexedarticle AS live USING (article_id)
LEFT JOIN new_indexedarticle AS new USING (article_id)
WHERE live.version > new.version OR (live.version IS NOT NULL AND new.version IS NULL)
   OR (live.version IS NULL AND NOT EXISTS (
       SELECT FROM kb_article WHERE id = changed.article_id AND state = 'published' AND version = new.version))
"""


def rebuild(docs: Iterable[Document], *, position: int | None, using: str = "default") -> None:
    """All of the index anew, in one transaction: readers see the old one, then the new one.

    The words are read and copied beside it first; edits wait only for the swap. An article that was changed since
    `position` (of the outbox) keeps the rows of its own edit where these are newer. None: no edit came between.
    """
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        _stage(cursor, docs)
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_WRITERS])
        cursor.execute(_KEPT, [position if position is not None else 2**62])
        cursor.execute("SET LOCAL work_mem = '64MB'")
        # In the order of their indexes, which makes these several times faster to fill.
        for table, order in (
            ("posting", "lang, term, field, article_id"),
            ("titleword", "lang, word, article_id"),
            ("indexedarticle", "article_id"),
        ):
            cursor.execute(f"DELETE FROM kb_{table} WHERE article_id NOT IN (SELECT article_id FROM kb_kept)")  # noqa: S608
            cursor.execute(
                f"INSERT INTO kb_{table} SELECT * FROM new_{table} "  # noqa: S608  our own names
                f"WHERE article_id NOT IN (SELECT article_id FROM kb_kept) ORDER BY {order}"
            )
        cursor.execute("DELETE FROM kb_lexiconchange")
        cursor.execute("DELETE FROM kb_lexiconword")
        cursor.execute(
            "INSERT INTO kb_lexiconword (lang, word, documents) "
            "SELECT lang, word, count(*) FROM kb_indexedarticle, unnest(words) AS word GROUP BY lang, word"
        )
        advance(position=position or 0, changes=1, using=using)
        for table in ("posting", "titleword", "indexedarticle", "lexiconword"):
            cursor.execute(f"ANALYZE kb_{table}")
        cursor.execute("DROP TABLE new_posting, new_titleword, new_indexedarticle, kb_kept")


def _stage(cursor: Any, docs: Iterable[Document]) -> None:
    """The documents as rows in tables of this session: one pass over them, each batch copied."""
    for table in ("posting", "titleword", "indexedarticle"):
        cursor.execute(f"CREATE TEMP TABLE new_{table} (LIKE kb_{table}) ON COMMIT DROP")
    for batch in _batches(docs, 200):
        entries = [Entry.of(doc) for doc in batch]
        with cursor.copy("COPY new_posting FROM STDIN") as copy:
            for entry in entries:
                for term, number, count in entry.terms:
                    copy.write_row((entry.doc.lang, term, number, entry.doc.id, count))
        with cursor.copy("COPY new_titleword FROM STDIN") as copy:
            for entry in entries:
                for word, place in entry.starts:
                    copy.write_row((entry.doc.lang, word, entry.doc.id, place))
        with cursor.copy("COPY new_indexedarticle FROM STDIN") as copy:
            for entry in entries:
                doc = entry.doc
                copy.write_row(
                    (doc.id, doc.version, doc.lang, doc.category, doc.visibility, *entry.lengths, entry.words,
                     json.dumps(entry.gist))
                )  # fmt: skip


def _batches(docs: Iterable[Document], size: int) -> Iterator[list[Document]]:
    batch: list[Document] = []
    for doc in docs:
        batch.append(doc)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
