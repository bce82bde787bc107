"""The search engine on PostgreSQL: postings that every edit writes itself (postings.py), read by index-only scans.

Never stale and no process of its own: what is committed is found, what is unpublished is gone. Every search asks for
the index's generation; while that stays, a stem's postings are read once and scored by scoring.py as arrays, so that
the formula, filters and order are those of the embedded engine. Replicas of the database search as well as the primary.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import psycopg
from django.conf import settings
from django.db import Error, connections, transaction

from kb.search import postings
from kb.search.database_segment import DatabaseSegment, Words
from kb.search.engine import Document, Drift, EngineUnavailable, Hit, Results, SearchRequest, Stats
from kb.search.impacts import ImpactCache
from kb.search.language import Language
from kb.search.lexicon import WordTable
from kb.search.segments import NONE_GONE, Held
from kb.search.understanding import understand

logger = logging.getLogger("preempt.search")

_REFRESH_SECONDS = 30.0  # words for guesses older than this are read again, where the index has changed since
_REPLICA_REST_SECONDS = 10.0  # a replica that did not answer is left alone so long
_MANY = 16  # telling words: of a longer text only the rarest are looked for
_GENERATION = "SELECT coalesce(sum(changes), 0)::bigint FROM kb_indexstep"
_TABLES = ("posting", "titleword", "indexedarticle", "lexiconword", "lexiconchange", "indexstep")


class PostgresEngine:
    """See engine.Engine. Reads from the database in the settings, writes to the primary. Threads may share it.

    What goes through kb.publishing is indexed there; `index`, `delete` and `commit` are for what does not. There is
    always an index: of a shop without articles it is empty.
    """

    name = "postgres/1"

    def __init__(self) -> None:
        self._cache = ImpactCache()
        self._open: dict[str, _Open] = {}
        self._lock = threading.Lock()
        self._replica_rests_until = 0.0
        self._pending: dict[int, Document] = {}
        self._doomed: set[int] = set()

    # --- Reading ---

    def search(self, request: SearchRequest) -> Results:
        language = self._language(request.lang, request.text, is_long=request.max_terms is not None)
        return language.search(request) if language else Results((), 0)

    def suggest(self, prefix: str, lang: str, *, limit: int = 8) -> Sequence[Hit]:
        before, _space, _last = prefix.rpartition(" ")
        language = self._language(lang, before)
        return language.suggest(prefix, limit) if language else []

    def correct(self, text: str, lang: str) -> str:
        language = self._language(lang, text, is_long=True)
        return (understand(text, language.analysis, language.lexicon).corrected if language else "") or text

    def known(self, text: str, lang: str) -> float:
        language = self._language(lang, text, is_long=True)
        return understand(text, language.analysis, language.lexicon, is_verbatim=True).known if language else 0.0

    def similar(self, id: int, lang: str, *, limit: int = 3) -> Sequence[Hit]:
        language = self._language(lang, "")
        return language.similar(id, limit) if language else []

    def generation(self) -> int:
        return int(self._ask(_GENERATION, {})[0][0])

    def verify(self, versions: Mapping[int, int]) -> Drift:
        have = dict(self._ask("SELECT article_id, version FROM kb_indexedarticle", {}))
        return Drift(
            missing=tuple(sorted(versions.keys() - have.keys())),
            stale=tuple(sorted(id for id, version in versions.items() if id in have and have[id] != version)),
            ghost=tuple(sorted(have.keys() - versions.keys())),
        )

    def stats(self) -> Stats:
        generation, position, size = self._ask(
            "SELECT coalesce(sum(changes), 0)::bigint, coalesce(max(position), 0), "
            "(SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(%(tables)s::text[]) AS name) "
            "FROM kb_indexstep",
            {"tables": [f"kb_{table}" for table in _TABLES]},
        )[0]
        documents = self._ask("SELECT lang, count(*) FROM kb_indexedarticle GROUP BY lang ORDER BY lang", {})
        return Stats(generation=generation, documents=dict(documents), bytes=int(size), position=position)

    def close(self) -> None:
        """Forget what was read; the connections are Django's."""
        with self._lock:
            for opened in self._open.values():
                opened.language.collection.forget()
            self._open = {}

    def _language(self, lang: str, text: str, *, is_long: bool = False) -> Language | None:
        """The language as it is now, with what `text` needs read at once; None where no article is in it."""
        generation = self.generation()
        opened = self._open.get(lang)
        if opened is None or not opened.serves(generation):
            with self._lock:
                opened = self._open.get(lang)
                if opened is None or not opened.serves(generation):
                    opened = self._reopen(lang, opened)
        if not opened.language.collection.count:
            return None
        opened.prefetch(text, is_long=is_long)
        return opened.language

    def _reopen(self, lang: str, before: _Open | None) -> _Open:
        segment = DatabaseSegment(lang, self._ask)
        words = before.words if before is not None else None
        if words is None or words.is_old(segment.generation, _REFRESH_SECONDS):
            words = Words(lang, self._ask, segment.generation)
        opened = self._open[lang] = _Open(segment, words, self._cache)
        if before is not None:
            before.language.collection.forget()
        return opened

    def _ask(self, sql: str, values: Mapping[str, Any], *, is_binary: bool = False) -> list[tuple[Any, ...]]:
        """One query, of the replica where there is one that answers, else of the primary. Raises EngineUnavailable.

        `is_binary`: each value as the bytes that PostgreSQL sent.
        """
        fetch = _fetch_binary if is_binary else _fetch
        alias = settings.SEARCH_DATABASE_ALIAS
        if alias != "default" and time.monotonic() >= self._replica_rests_until:
            try:
                return fetch(alias, sql, values)
            except Error as error:
                self._replica_rests_until = time.monotonic() + _REPLICA_REST_SECONDS
                connections[alias].close()
                logger.warning("search replica did not answer; the primary does", extra={"reason": str(error)})
        try:
            return fetch("default", sql, values)
        except Error as error:
            raise EngineUnavailable(f"the database does not answer the search: {error}") from error

    # --- Writing ---

    def index(self, docs: Iterable[Document]) -> int:
        docs = list(docs)
        sql = "SELECT article_id, version FROM kb_indexedarticle WHERE article_id = ANY(%(ids)s::bigint[])"
        have = dict(_fetch("default", sql, {"ids": [doc.id for doc in docs]}))
        newer = {doc.id: doc for doc in docs if doc.version > have.get(doc.id, -1)}
        self._pending |= newer
        return len(newer)

    def delete(self, ids: Iterable[int]) -> None:
        self._doomed |= set(ids)

    def commit(self, *, position: int) -> int:
        with transaction.atomic():
            changed = [postings.remove(id, changes=0) for id in sorted(self._doomed - self._pending.keys())]
            changed += [postings.put(doc, changes=0) for _id, doc in sorted(self._pending.items())]
            postings.advance(position=position, changes=int(any(changed)))
        self._pending, self._doomed = {}, set()
        return int(_fetch("default", _GENERATION, {})[0][0])

    def rebuild(self, docs: Iterable[Document], *, position: int) -> int:
        self._pending, self._doomed = {}, set()
        postings.rebuild(docs, position=position)
        return int(_fetch("default", _GENERATION, {})[0][0])


class _Open:
    """A language as it was read at one generation."""

    def __init__(self, segment: DatabaseSegment, words: Words, cache: ImpactCache) -> None:
        self.words = words
        self._segment = segment
        segment.words = WordTable(words)
        self.language = Language([Held(segment, "", NONE_GONE)], segment.lang, cache)

    def serves(self, generation: int) -> bool:
        return self._segment.generation == generation and not self.words.is_old(generation, _REFRESH_SECONDS)

    def prefetch(self, text: str, *, is_long: bool) -> None:
        """Read what a search for the text looks up: of a stop word beside others its titles, of a long text counts."""
        language = self.language.analysis
        words = dict.fromkeys(language.words(text))
        telling = [word for word in words if not language.is_stop(word)]
        if is_long and len(telling) > _MANY:
            self._segment.prefetch_words({language.stem(word): word for word in telling})
        elif words:
            stems = {language.stem(word): bool(telling) for word in words}
            self._segment.prefetch(stems | {language.stem(word): False for word in telling})


def _fetch(alias: str, sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connections[alias].cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _fetch_binary(
    alias: str, sql: str, values: Mapping[str, Any], *, prepare: bool | None = None
) -> list[tuple[Any, ...]]:
    connection = connections[alias]
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(sql, values, binary=True, prepare=prepare)
        result = cast(psycopg.pq.abc.PGresult, cursor.pgresult)  # there is one after execute
        return [tuple(result.get_value(row, n) for n in range(result.nfields)) for row in range(result.ntuples)]
