"""The search engine on PostgreSQL: BM25 in SQL over the postings that every edit writes itself (postings.py).

Never stale and no process of its own: what is committed is found, what is unpublished is gone. Replicas of the
database search as well as the primary does. The formula is that of scoring.py, with today's counts and lengths.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import Error, connections, transaction

from kb.search import analysis, postings, scoring
from kb.search.engine import PUBLIC, Document, Drift, EngineUnavailable, Hit, Results, SearchRequest, Stats
from kb.search.lexicon import Lexicon
from kb.search.scoring import B, FIELD_WEIGHTS, K1
from kb.search.understanding import STOP_IN_TITLE, Term, Understood, understand

logger = logging.getLogger("preempt.search")

_REFRESH_SECONDS = 30.0  # a lexicon older than this is read again, where the index has changed since
_REPLICA_REST_SECONDS = 10.0  # a replica that did not answer is left alone so long
_GIST_USED = 10  # of an article's most frequent words serve to find similar ones
_ENOUGH = 200  # of a word's documents are counted to tell rare words from common ones
_LAST = "\U0010ffff"

_COUNTS = """
SELECT coalesce(sum(documents) FILTER (WHERE lang = %(lang)s), 0),
       coalesce(sum(title_length) FILTER (WHERE lang = %(lang)s), 0),
       coalesce(sum(body_length) FILTER (WHERE lang = %(lang)s), 0),
       coalesce(sum(changes), 0),
       ARRAY(SELECT term FROM unnest(%(terms)s::text[]) AS term
             WHERE EXISTS (SELECT FROM kb_posting p WHERE p.lang = %(lang)s AND p.term = term.term))
FROM kb_indexcount
"""

# Each (term, field) of the query with its weight by idf; then the documents, each with the sum of its parts:
# count / (count + k1·(1 - b) + k1·b·length/average) is x / (k1 + x).
_SCORED = """
WITH asked AS MATERIALIZED (
    SELECT term, field, slope, weight * %(k1)s::float8 * ln(1 + %(documents)s::float8 / (
        1 + (SELECT count(*) FROM kb_posting p
             WHERE p.lang = %(lang)s AND p.term = q.term AND p.field = q.field))::float8) AS weight
    FROM unnest(%(terms)s::text[], %(fields)s::smallint[], %(weights)s::float8[], %(slopes)s::float8[])
        AS q (term, field, weight, slope)
), scored AS MATERIALIZED (
    SELECT p.article_id, p.category_id, sum(asked.weight * p.count / (p.count + %(base)s::float8 + asked.slope * p.length))
        AS score
    FROM asked JOIN kb_posting p ON p.lang = %(lang)s AND p.term = asked.term AND p.field = asked.field
    WHERE p.visibility = ANY(%(visibility)s::text[]) {where}
    GROUP BY p.article_id, p.category_id
)"""
_TOP = (
    _SCORED
    + """, top AS MATERIALIZED (
    SELECT page.article_id, live.version, page.score
    FROM (SELECT article_id, score FROM scored {page} ORDER BY score DESC, article_id
          LIMIT %(k)s OFFSET %(offset)s) AS page
    JOIN kb_indexedarticle live USING (article_id)
), counted AS MATERIALIZED (SELECT category_id, count(*) AS documents FROM scored GROUP BY category_id)
SELECT (SELECT array_agg(article_id ORDER BY score DESC, article_id) FROM top),
       (SELECT array_agg(version ORDER BY score DESC, article_id) FROM top),
       (SELECT array_agg(score ORDER BY score DESC, article_id) FROM top),
       (SELECT array_agg(category_id ORDER BY category_id) FROM counted),
       (SELECT array_agg(documents ORDER BY category_id) FROM counted)
"""
)
_EXCLUDED = "AND p.article_id <> ALL(%(excluded)s::bigint[])"
_HAS_ALL = """AND p.article_id IN (
    SELECT article_id FROM kb_posting h WHERE h.lang = %(lang)s AND h.term = ANY(%(quoted)s::text[])
    GROUP BY article_id HAVING count(DISTINCT h.term) = cardinality(%(quoted)s::text[]))"""

# What each term adds to the score of each of a few documents.
_PARTS = (
    _SCORED.partition(", scored AS")[0]
    + """
SELECT p.article_id, p.term, sum(asked.weight * p.count / (p.count + %(base)s::float8 + asked.slope * p.length))
FROM asked JOIN kb_posting p ON p.lang = %(lang)s AND p.term = asked.term AND p.field = asked.field
WHERE p.article_id = ANY(%(ids)s::bigint[])
GROUP BY p.article_id, p.term
"""
)

_FREQUENCIES = """
SELECT term, (SELECT max(documents) FROM (VALUES (0), (1)) AS f (field), LATERAL (
    SELECT count(*) AS documents FROM (
        SELECT FROM kb_posting p WHERE p.lang = %(lang)s AND p.term = term.term AND p.field = f.field
        LIMIT %(enough)s) AS some) AS counted)
FROM unnest(%(terms)s::text[]) AS term
"""

_STARTS = """
SELECT article_id, min(place) FROM kb_titleword
WHERE lang = %(lang)s AND word >= %(first)s AND word < %(last)s AND visibility = 'public'
GROUP BY article_id
"""
_SUGGESTED = (
    "WITH found AS MATERIALIZED (" + _STARTS.replace("min(place)", "1 / (1.0 + min(place)) AS score") + ")"
    "SELECT found.article_id, live.version, found.score::float8 FROM found "
    "JOIN kb_indexedarticle live USING (article_id) ORDER BY found.score DESC, found.article_id LIMIT %(k)s"
)
_SUGGESTED_WITH = (
    _SCORED
    + ", found AS MATERIALIZED ("
    + _STARTS.replace("min(place)", "1 / (1.0 + min(place)) AS score")
    + ") SELECT article_id, live.version, found.score::float8 + scored.score AS both FROM found "
    "JOIN scored USING (article_id) JOIN kb_indexedarticle live USING (article_id) "
    "ORDER BY both DESC, article_id LIMIT %(k)s"
)

_LEXICON = """
SELECT word, sum(documents) FROM (
    SELECT word, documents FROM kb_lexiconword WHERE lang = %(lang)s
    UNION ALL SELECT word, change FROM kb_lexiconchange WHERE lang = %(lang)s
) AS words (word, documents)
GROUP BY word HAVING sum(documents) > 0
"""


@dataclass(frozen=True)
class _Collection:
    """One language's counts at one moment, and which of some stems its documents have."""

    lang: str
    documents: int
    lengths: tuple[int, int]  # sums, of titles and bodies, in words
    generation: int
    known: frozenset[str]

    def scoring(self, terms: Mapping[Term, float]) -> dict[str, Any]:
        """The parameters of _SCORED."""
        rows: list[tuple[str, int, float, float]] = []
        for term, weight in terms.items():
            for name, number in postings.FIELDS.items():
                by_field = FIELD_WEIGHTS[name]
                if term.is_minor:
                    by_field = by_field * STOP_IN_TITLE if name == "title" else 0.0
                if by_field:
                    slope = K1 * B / max(self.lengths[number] / self.documents, 1e-9)
                    rows.append((postings.key(term.stem), number, weight * by_field, slope))
        columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
        return {
            "lang": self.lang,
            "documents": self.documents,
            "k1": K1 + 1,
            "base": K1 * (1 - B),
            **dict(zip(("terms", "fields", "weights", "slopes"), columns, strict=True)),
        }


class _Words:
    """understanding.Lexicon for one query: what is known comes from the database now, guesses from words kept a while."""

    def __init__(self, engine: PostgresEngine, collection: _Collection) -> None:
        self._engine, self._collection = engine, collection

    def knows(self, stem: str) -> bool:
        return stem in self._collection.known

    def guess(self, word: str) -> Sequence[tuple[str, float]]:
        return self._engine.lexicon(self._collection).guess(word)

    def compounds(self, word: str) -> Sequence[str]:
        return self._engine.lexicon(self._collection).compounds(word)

    def parts(self, word: str) -> Sequence[str]:
        return self._engine.lexicon(self._collection).parts(word)


class PostgresEngine:
    """See engine.Engine. Reads from the database in the settings, writes to the primary. Threads may share it.

    What goes through kb.publishing is indexed there; `index`, `delete` and `commit` are for what does not.
    """

    name = "postgres/1"

    def __init__(self) -> None:
        self._lexicons: dict[str, tuple[float, int, Lexicon]] = {}
        self._lock = threading.Lock()
        self._replica_rests_until = 0.0
        self._pending: dict[int, Document] = {}
        self._doomed: set[int] = set()

    # --- Reading ---

    def search(self, request: SearchRequest) -> Results:
        understood, collection = self._understand(
            request.text, request.lang, request.synonyms, is_verbatim=request.is_verbatim
        )
        if not collection.documents:
            return Results((), 0, known=understood.known)
        terms = dict(understood.terms)
        if request.max_terms is not None and len(terms) > request.max_terms:
            terms = self._rarest(terms, request.max_terms, request.lang)
        quoted = sorted({postings.key(stem) for phrase in understood.phrases for stem in phrase})
        hits, counts = self._top(
            collection,
            terms,
            visibility=request.visibility,
            categories=request.categories,
            excluded=request.excluded,
            quoted=quoted,
            k=request.k,
            offset=request.offset,
        )
        if request.explain and hits:
            hits = self._explained(hits, collection, terms)
        return Results(
            hits=tuple(hits),
            total=sum(n for id, n in counts.items() if not request.categories or id in request.categories),
            corrected=understood.corrected,
            terms=understood.meant,
            phrases=understood.phrases,
            known=understood.known,
            counts=counts,
        )

    def suggest(self, prefix: str, lang: str, *, limit: int = 8) -> Sequence[Hit]:
        wanted = analysis.for_language(lang).words(prefix)
        if not wanted:
            return []
        first = postings.key(wanted[-1])
        values: dict[str, Any] = {"lang": lang, "first": first, "last": first + _LAST, "k": limit}
        if not wanted[:-1]:
            return [Hit(*row) for row in self._rows(_SUGGESTED, values)]
        understood, collection = self._understand(" ".join(wanted[:-1]), lang, is_verbatim=True)
        if not collection.documents:
            return []
        values |= collection.scoring(understood.terms) | {"visibility": [PUBLIC]}
        return [Hit(*row) for row in self._rows(_SUGGESTED_WITH.format(where=""), values)]

    def correct(self, text: str, lang: str) -> str:
        understood, _ = self._understand(text, lang)
        return understood.corrected or text

    def known(self, text: str, lang: str) -> float:
        understood, collection = self._understand(text, lang, is_verbatim=True)
        return understood.known if collection.documents else 0.0

    def similar(self, id: int, lang: str, *, limit: int = 3) -> Sequence[Hit]:
        rows = self._rows(
            "SELECT gist FROM kb_indexedarticle WHERE article_id = %(id)s AND lang = %(lang)s",
            {"id": id, "lang": lang},
        )
        if not rows:
            return []
        gist: dict[str, int] = dict(_json(rows[0][0]))
        collection = self._collection(lang, [])
        frequencies = self._frequencies(gist, lang)
        weighed = {
            Term(stem): count * scoring.idf(collection.documents, frequencies[stem])
            for stem, count in gist.items()
            if frequencies[stem] > 1  # a word of this document alone leads nowhere
        }
        strongest = dict(sorted(weighed.items(), key=lambda item: -item[1])[:_GIST_USED])
        hits, _ = self._top(collection, strongest, excluded=frozenset({id}), k=limit)
        return hits

    def generation(self) -> int:
        return int(self._rows("SELECT coalesce(sum(changes), 0) FROM kb_indexcount", {})[0][0])

    def verify(self, versions: Mapping[int, int]) -> Drift:
        have = dict(self._rows("SELECT article_id, version FROM kb_indexedarticle", {}))
        return Drift(
            missing=tuple(sorted(versions.keys() - have.keys())),
            stale=tuple(sorted(id for id, version in versions.items() if id in have and have[id] != version)),
            ghost=tuple(sorted(have.keys() - versions.keys())),
        )

    def stats(self) -> Stats:
        rows = self._rows(
            "SELECT lang, sum(documents), sum(changes), max(position) FROM kb_indexcount GROUP BY lang", {}
        )
        size = self._rows(
            "SELECT sum(pg_total_relation_size(name)) FROM unnest("
            "ARRAY['kb_posting', 'kb_titleword', 'kb_indexedarticle', 'kb_lexiconword', 'kb_lexiconchange']"
            "::regclass[]) AS name",
            {},
        )
        return Stats(
            generation=sum(int(changes) for _lang, _documents, changes, _position in rows),
            documents={lang: int(documents) for lang, documents, *_ in sorted(rows) if documents},
            bytes=int(size[0][0]),
            position=max((int(position) for *_, position in rows), default=0),
        )

    def close(self) -> None:
        """Connections are Django's to close."""

    def lexicon(self, collection: _Collection) -> Lexicon:
        """The words of a language as they were at most half a minute ago."""
        lang = collection.lang
        with self._lock:
            found = self._lexicons.get(lang)
            if found is not None:
                read_at, generation, lexicon = found
                if generation == collection.generation or time.monotonic() - read_at < _REFRESH_SECONDS:
                    return lexicon
            words = {word: int(documents) for word, documents in self._rows(_LEXICON, {"lang": lang})}
            lexicon = Lexicon.of(words, lang)
            self._lexicons[lang] = (time.monotonic(), collection.generation, lexicon)
            return lexicon

    def _understand(self, text: str, lang: str, *synonyms: Any, is_verbatim: bool = False) -> tuple[
        Understood, _Collection
    ]:
        language = analysis.for_language(lang)
        collection = self._collection(lang, [language.stem(word) for word in language.words(text)])
        words = _Words(self, collection)
        return understand(text, language, words, *synonyms, is_verbatim=is_verbatim), collection

    def _collection(self, lang: str, stems: Iterable[str]) -> _Collection:
        by_key = {postings.key(stem): stem for stem in stems}
        documents, titles, bodies, generation, known = self._rows(_COUNTS, {"lang": lang, "terms": list(by_key)})[0]
        return _Collection(
            lang, int(documents), (int(titles), int(bodies)), int(generation), frozenset(by_key[key] for key in known)
        )

    def _frequencies(self, stems: Iterable[str], lang: str, *, enough: int | None = None) -> dict[str, int]:
        """In how many documents' title, or body if more, each stem is; counted up to `enough`."""
        by_key = {postings.key(stem): stem for stem in stems}
        rows = self._rows(_FREQUENCIES, {"lang": lang, "terms": list(by_key), "enough": enough})
        return {by_key[key]: int(documents) for key, documents in rows}

    def _rarest(self, terms: Mapping[Term, float], count: int, lang: str) -> dict[Term, float]:
        frequencies = self._frequencies((term.stem for term in terms if not term.is_minor), lang, enough=_ENOUGH)
        known = [term for term in terms if not term.is_minor and frequencies[term.stem]]
        known.sort(key=lambda term: frequencies[term.stem])
        return {term: terms[term] for term in known[:count]}

    def _top(
        self,
        collection: _Collection,
        terms: Mapping[Term, float],
        *,
        visibility: Iterable[str] = (PUBLIC,),
        categories: Iterable[int] = (),
        excluded: Iterable[int] = (),
        quoted: Sequence[str] = (),
        k: int,
        offset: int = 0,
    ) -> tuple[list[Hit], dict[int, int]]:
        """A page of the best documents, and how many there are by category, whatever `categories`."""
        values = collection.scoring(terms)
        if not values["terms"]:
            return [], {}
        values |= {
            "visibility": list(visibility),
            "categories": list(categories),
            "excluded": list(excluded),
            "quoted": list(quoted),
            "k": k,
            "offset": offset,
        }
        where = (_EXCLUDED if values["excluded"] else "") + (_HAS_ALL if quoted else "")
        page = "WHERE category_id = ANY(%(categories)s::bigint[])" if values["categories"] else ""
        ids, versions, scores, shelves, documents = self._rows(_TOP.format(where=where, page=page), values)[0]
        hits = [Hit(*hit) for hit in zip(ids or (), versions or (), scores or (), strict=True)]
        return hits, dict(zip(shelves or (), documents or (), strict=True))

    def _explained(self, hits: Sequence[Hit], collection: _Collection, terms: Mapping[Term, float]) -> list[Hit]:
        values = collection.scoring(terms) | {"ids": [hit.id for hit in hits]}
        stems = {postings.key(term.stem): term.stem for term in terms}
        why: dict[int, dict[str, float]] = {}
        for id, term, part in self._rows(_PARTS, values):
            why.setdefault(id, {})[stems[term]] = part
        return [Hit(hit.id, hit.version, hit.score, why.get(hit.id, {})) for hit in hits]

    def _rows(self, sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """One query, of the replica where there is one that answers, else of the primary. Raises EngineUnavailable."""
        alias = settings.SEARCH_DATABASE_ALIAS
        if alias != "default" and time.monotonic() >= self._replica_rests_until:
            try:
                return _fetch(alias, sql, values)
            except Error as error:
                self._replica_rests_until = time.monotonic() + _REPLICA_REST_SECONDS
                connections[alias].close()
                logger.warning("search replica did not answer; the primary does", extra={"reason": str(error)})
        try:
            return _fetch("default", sql, values)
        except Error as error:
            raise EngineUnavailable(f"the database does not answer the search: {error}") from error

    # --- Writing ---

    def index(self, docs: Iterable[Document]) -> int:
        docs = list(docs)
        have = dict(
            _fetch(
                "default",
                "SELECT article_id, version FROM kb_indexedarticle WHERE article_id = ANY(%(ids)s::bigint[])",
                {"ids": [doc.id for doc in docs]},
            )
        )
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
        return self._primary_generation()

    def rebuild(self, docs: Iterable[Document], *, position: int) -> int:
        self._pending, self._doomed = {}, set()
        postings.rebuild(docs, position=position)
        return self._primary_generation()

    @staticmethod
    def _primary_generation() -> int:
        return int(_fetch("default", "SELECT coalesce(sum(changes), 0) FROM kb_indexcount", {})[0][0])


def _fetch(alias: str, sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connections[alias].cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def _json(value: Any) -> Any:
    """Django leaves jsonb as text to its own fields."""
    return json.loads(value) if isinstance(value, str) else value
