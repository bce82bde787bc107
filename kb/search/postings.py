"""Articles into the database's own search index (models.postings), in whatever transaction the caller is.

Edits never wait for each other: each writes rows of its own article only, and what it adds to the lexicon and to the
generation as new rows. Every so many edits one of them folds these together; who finds another at it leaves it. A
rebuild alone keeps edits waiting, while it swaps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections, transaction

from kb.search.engine import Document
from kb.search.posting_entries import Entry

_WRITERS = 7_530_001  # advisory lock: shared by edits, a rebuild alone
_FOLDING = 7_530_002  # advisory lock: who folds counts together
_FOLD_EVERY = 32  # edits


def put(doc: Document, *, using: str = "default", changes: int = 1) -> bool:
    """Index a published article in this version, all of it in the caller's transaction.

    False, and nothing done, where the index has this version or a newer one. `changes` is what it adds to the
    generation.
    """
    return bool(_put([doc], using=using, changes=changes))


def put_all(docs: Sequence[Document], *, using: str = "default") -> None:
    """put() for articles that change many at once, each of them once: the same few statements for any number."""
    _put(docs, using=using)


def _put(docs: Sequence[Document], *, using: str, changes: int | None = None) -> int:
    """How many of these the index had not in this version yet. Of an article's words only those are written that come,
    go or have another count.
    """
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_WRITERS])
        old = _old(cursor, [doc.id for doc in docs])
        entries = [Entry.of(doc) for doc in docs if doc.id not in old or old[doc.id].version < doc.version]
        if not entries:
            return 0
        ids = [entry.doc.id for entry in entries]
        _merge(
            cursor, "posting", ("lang", "term", "field", "article_id"), "count", ids,
            {
                (entry.doc.lang, term, number, entry.doc.id): count
                for entry in entries
                for term, number, count in entry.terms
            },
        )  # fmt: skip
        _merge(
            cursor, "titleword", ("lang", "word", "article_id"), "place", ids,
            {(entry.doc.lang, word, entry.doc.id): place for entry in entries for word, place in entry.starts},
        )  # fmt: skip
        cursor.executemany(_INDEXED, [entry.row for entry in entries])
        words: Counter[tuple[str, str]] = Counter()
        for entry in entries:
            words.update((entry.doc.lang, word) for word in entry.words)
            if (before := old.get(entry.doc.id)) is not None:
                words.subtract((before.lang, word) for word in before.words)
        _count_words(cursor, [(*pair, change) for pair, change in words.items() if change])
        _step(cursor, len(entries) if changes is None else changes, 0)
    return len(entries)


def put_new(docs: Sequence[Document], *, using: str = "default") -> None:
    """Index articles that the index has never seen, as put() does one by one: for imports."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_WRITERS])
        _copy([Entry.of(doc) for doc in docs], cursor, prefix="kb_", lexicon=True)
        _step(cursor, len(docs), 0)


def remove(article_id: int, *, using: str = "default", changes: int = 1) -> bool:
    """Leave an article out of the index, in the caller's transaction. False where it is not in it."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_WRITERS])
        if (old := _old(cursor, [article_id]).get(article_id)) is None:
            return False
        for table in ("posting", "titleword", "indexedarticle"):
            cursor.execute(f"DELETE FROM kb_{table} WHERE article_id = %s", [article_id])  # noqa: S608  our own names
        _count_words(cursor, [(old.lang, word, -1) for word in old.words])
        _step(cursor, changes, 0)
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


def _old(cursor: Any, ids: Sequence[int]) -> dict[int, _Old]:
    cursor.execute(
        "SELECT article_id, version, lang, words FROM kb_indexedarticle WHERE article_id = ANY(%s::bigint[])",
        [list(ids)],
    )
    return {pk: _Old(version, lang, frozenset(words)) for pk, version, lang, words in cursor.fetchall()}


_INDEXED = """
INSERT INTO kb_indexedarticle
(article_id, version, lang, category_id, visibility, title_length, body_length, words, gist, stems)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (article_id) DO UPDATE SET
(version, lang, category_id, visibility, title_length, body_length, words, gist, stems) = (excluded.version,
excluded.lang, excluded.category_id, excluded.visibility, excluded.title_length, excluded.body_length, excluded.words,
excluded.gist, excluded.stems)
"""


_TYPES = {"lang": "text", "term": "text", "word": "text", "field": "smallint", "article_id": "bigint",
          "count": "smallint", "place": "smallint"}  # fmt: skip


def _merge(
    cursor: Any,
    table: str,
    keys: tuple[str, ...],
    value: str,
    ids: Sequence[int],
    new: Mapping[tuple[Any, ...], int],
) -> None:
    """The rows of these articles as in `new`, by their keys; what is right already is not written."""
    named = ", ".join(keys)
    cursor.execute(
        f"SELECT {named}, {value} FROM kb_{table} WHERE article_id = ANY(%s::bigint[])",  # noqa: S608  our own names
        [list(ids)],
    )
    old = {tuple(row[:-1]): row[-1] for row in cursor.fetchall()}
    if gone := [pair for pair in old if pair not in new]:
        arrays = ", ".join(f"%s::{_TYPES[name]}[]" for name in keys)
        cursor.execute(
            f"DELETE FROM kb_{table} WHERE ({named}) IN (SELECT * FROM unnest({arrays}))",  # noqa: S608
            [list(column) for column in zip(*gone, strict=True)],
        )
    if come := [(*pair, number) for pair, number in new.items() if old.get(pair) != number]:
        arrays = ", ".join(f"%s::{_TYPES[name]}[]" for name in (*keys, value))
        cursor.execute(
            f"INSERT INTO kb_{table} ({named}, {value}) SELECT * FROM unnest({arrays}) "  # noqa: S608
            f"ON CONFLICT ({named}) DO UPDATE SET {value} = excluded.{value}",
            [list(column) for column in zip(*come, strict=True)],
        )


def _count_words(cursor: Any, words: Sequence[tuple[str, str, int]]) -> None:
    """(language, word, articles more or fewer) as rows of changes."""
    if words:
        cursor.execute(
            "INSERT INTO kb_lexiconchange (lang, word, change) SELECT * FROM unnest(%s::text[], %s::text[], %s::int[])",
            [list(column) for column in zip(*words, strict=True)],
        )


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
        _copy([Entry.of(doc) for doc in batch], cursor, prefix="new_", lexicon=False)


def _copy(entries: Sequence[Entry], cursor: Any, *, prefix: str, lexicon: bool) -> None:
    """The rows of these entries into tables that hold none of theirs yet; with `lexicon`, their words as changes."""
    with cursor.copy(f"COPY {prefix}posting (lang, term, field, article_id, count) FROM STDIN") as copy:
        for entry in entries:
            for term, number, count in entry.terms:
                copy.write_row((entry.doc.lang, term, number, entry.doc.id, count))
    with cursor.copy(f"COPY {prefix}titleword (lang, word, article_id, place) FROM STDIN") as copy:
        for entry in entries:
            for word, place in entry.starts:
                copy.write_row((entry.doc.lang, word, entry.doc.id, place))
    columns = "article_id, version, lang, category_id, visibility, title_length, body_length, words, gist, stems"
    with cursor.copy(f"COPY {prefix}indexedarticle ({columns}) FROM STDIN") as copy:
        for entry in entries:
            copy.write_row(entry.row)
    if lexicon:
        counts = Counter((entry.doc.lang, word) for entry in entries for word in entry.words)
        with cursor.copy("COPY kb_lexiconchange (lang, word, change) FROM STDIN") as copy:
            for (lang, word), count in counts.items():
                copy.write_row((lang, word, count))


def _batches(docs: Iterable[Document], size: int) -> Iterator[list[Document]]:
    batch: list[Document] = []
    for doc in docs:
        batch.append(doc)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
