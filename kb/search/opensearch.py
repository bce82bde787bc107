"""The search engine on an OpenSearch server that the hosts share.

A commit writes to the aliases and refreshes: only then are its changes found. A rebuild fills new indexes and moves
all aliases in one step. Several hosts may write: versions are the articles' own (version_type external), so that a
stale write is refused, a deletion counts as the next version, and the state is only replaced as it was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from kb.search import opensearch_indexes, opensearch_queries, opensearch_template, scoring
from kb.search.engine import Document, Drift, Hit, IndexDamaged, Results, SearchRequest, Stats
from kb.search.opensearch_client import Client, Json
from kb.search.opensearch_indexes import Indexes
from kb.search.opensearch_words import Vocabulary, Words
from kb.search.understanding import Term, Understood, understand

_BATCH = 500  # documents a request
_MOST_TERMS = 200  # of a query, two clauses each; a server refuses more than 1,024
_GIST_USED = 10  # of a document's most frequent stems serve to find similar ones
_KNOWN_FOR = 1.0  # seconds that a look at the state serves known()


class OpenSearchEngine:
    """See engine.Engine. One object serves all threads of a process."""

    name = "opensearch/1"

    def __init__(self, url: str, *, index_prefix: str = "preempt", user: str = "", password: str = "") -> None:
        """`index_prefix` sets an installation apart from others on the server. ValueError for an unusable address."""
        self._client = Client(url, user=user, password=password)
        self._indexes = Indexes(self._client, index_prefix)
        self._vocabulary = Vocabulary(self._client, self._indexes)
        self._pending: dict[int, Document] = {}
        self._doomed: set[int] = set()

    # --- Reading ---

    def search(self, request: SearchRequest) -> Results:
        try:
            words = self._vocabulary.of(request.lang)
            # With every search the state is read too: so a commit of another process is noticed at no cost.
            found = self._search(request, words) if words else None
            if words is not None and found is not None and words.generation != found[0] and words.is_due():
                found = self._search(request, self._vocabulary.load(request.lang, found[0]))
        except IndexDamaged:
            # Perhaps another host's rebuild has just left the language out, or has put it in again.
            words = self._vocabulary.now(request.lang)
            found = self._search(request, words) if words else None
        return self._results(request, *found[1:]) if found else Results((), 0)

    def _search(self, request: SearchRequest, words: Words) -> tuple[int, Understood, dict[Term, float], Json]:
        """The index's generation, the query as these words let it be understood, its terms, and the answer."""
        understood = understand(
            request.text, words.analysis, words.lexicon, request.synonyms, is_verbatim=request.is_verbatim
        )
        terms = words.rarest(understood.terms, min(request.max_terms or _MOST_TERMS, _MOST_TERMS))
        if not terms:
            return words.generation, understood, terms, _NOTHING
        body = opensearch_queries.ranked(request, understood, terms)
        state, answer = self._vocabulary.ask(
            (self._indexes.meta, opensearch_indexes.STATE), (self._indexes.alias(request.lang), body)
        )
        return _generation(state), understood, terms, answer

    def _results(
        self, request: SearchRequest, understood: Understood, terms: Mapping[Term, float], answer: Json
    ) -> Results:
        hits = _hits(answer)
        why = self._why(request.lang, terms, [hit.id for hit in hits]) if request.explain and hits else {}
        return Results(
            hits=tuple(Hit(hit.id, hit.version, hit.score, why.get(hit.id, {})) for hit in hits),
            total=answer["hits"]["total"]["value"],
            corrected=understood.corrected,
            terms=understood.meant,
            phrases=understood.phrases,
            known=understood.known,
            counts={bucket["key"]: bucket["doc_count"] for bucket in answer["aggregations"]["categories"]["buckets"]},
        )

    def known(self, text: str, lang: str) -> float:
        words = self._vocabulary.now(lang, max_age=_KNOWN_FOR)  # asked of every other language, one after the other
        return understand(text, words.analysis, words.lexicon, is_verbatim=True).known if words else 0.0

    def suggest(self, prefix: str, lang: str, *, limit: int = 8) -> Sequence[Hit]:
        words = self._vocabulary.of(lang)
        if words is None or not (wanted := words.analysis.words(prefix)):
            return []
        others = understand(" ".join(wanted[:-1]), words.analysis, words.lexicon, is_verbatim=True).terms
        body = opensearch_queries.starting(wanted[-1], words.rarest(others, _MOST_TERMS))
        (answer,) = self._vocabulary.ask((self._indexes.alias(lang), body))
        # The nearer to the title's beginning, the better.
        found = [
            Hit(hit.id, hit.version, hit.score + 1 / (1 + _place(raw["_source"]["starts"], wanted[-1])))
            for hit, raw in zip(_hits(answer), answer["hits"]["hits"], strict=True)
        ]
        return sorted(found, key=lambda hit: (-hit.score, hit.id))[:limit]

    def correct(self, text: str, lang: str) -> str:
        words = self._vocabulary.now(lang)
        return (understand(text, words.analysis, words.lexicon).corrected if words else "") or text

    def similar(self, id: int, lang: str, *, limit: int = 3) -> Sequence[Hit]:
        if (words := self._vocabulary.of(lang)) is None:
            return []
        query = {"query": {"term": {"id": id}}, "size": 1, "_source": ["gist"]}
        (answer,) = self._vocabulary.ask((self._indexes.alias(lang), query))
        if not answer["hits"]["hits"]:
            return []
        weighed = {
            Term(stem): count * scoring.idf(words.documents, df)
            for stem, count in answer["hits"]["hits"][0]["_source"]["gist"].items()
            if (df := words.frequency(stem)) > 1  # a word of this document alone leads nowhere
        }
        strongest = dict(sorted(weighed.items(), key=lambda item: -item[1])[:_GIST_USED])
        if not strongest:
            return []
        (answer,) = self._vocabulary.ask(
            (self._indexes.alias(lang), opensearch_queries.public(strongest, size=limit, without=id))
        )
        return _hits(answer)

    def generation(self) -> int:
        try:
            return int(self._indexes.state()["_source"]["generation"])
        except IndexDamaged:
            return 0

    def verify(self, versions: Mapping[int, int]) -> Drift:
        have = {id: version for id, version, _lang in self._everything()}
        return Drift(
            missing=tuple(sorted(versions.keys() - have.keys())),
            stale=tuple(sorted(id for id, version in versions.items() if id in have and have[id] != version)),
            ghost=tuple(sorted(have.keys() - versions.keys())),
        )

    def stats(self) -> Stats:
        state = self._indexes.state()["_source"]
        documents: dict[str, int] = {}
        size = 0
        if state["languages"]:
            by_lang = {"size": 0, "aggs": {"by": {"terms": {"field": "lang", "size": 1000}}}}
            (answer,) = self._vocabulary.ask((self._indexes.all, by_lang))
            documents = {bucket["key"]: bucket["doc_count"] for bucket in answer["aggregations"]["by"]["buckets"]}
            stored = self._client.read("GET", f"/{self._indexes.all}/_stats/store")
            size = stored["_all"]["primaries"]["store"]["size_in_bytes"]
        return Stats(
            generation=state["generation"],
            documents=dict(sorted(documents.items())),
            bytes=size,
            position=state["position"],
        )

    def close(self) -> None:
        self._client.close()

    # --- Writing ---

    def index(self, docs: Iterable[Document]) -> int:
        taken = {doc.id: doc for doc in docs}
        have = self._where(taken)
        newer = {id: doc for id, doc in taken.items() if doc.version > max(have.get(id, {}).values(), default=-1)}
        self._pending |= newer
        return len(newer)

    def delete(self, ids: Iterable[int]) -> None:
        self._doomed |= self._where(set(ids)).keys()

    def commit(self, *, position: int) -> int:
        try:
            for _ in range(opensearch_indexes.TRIES):
                state = self._indexes.state()
                if not self._pending and not self._doomed:
                    if position <= state["_source"]["position"] or self._indexes.put_state(state, position=position):
                        return int(state["_source"]["generation"])
                    continue
                serving = self._indexes.serving()
                languages = sorted({*state["_source"]["languages"], *(doc.lang for doc in self._pending.values())})
                for lang in languages:
                    if lang not in state["_source"]["languages"]:
                        self._indexes.add_language(lang)
                changes = self._changes()
                while batch := list(islice(changes, _BATCH)):
                    self._client.bulk([line for change in batch for line in change], require_alias=True)
                self._client.write("POST", f"/{self._indexes.all}/_refresh")
                # Where another host has rebuilt meanwhile, our changes may lie in what it has replaced: once more.
                if serving <= self._indexes.serving() and self._indexes.put_state(
                    state, position=position, generation=state["_source"]["generation"] + 1, languages=languages
                ):
                    self._vocabulary.forget()
                    return int(state["_source"]["generation"]) + 1
            raise self._indexes.contended()
        finally:
            # On failure too: the position has not moved, so the same changes come again.
            self._pending, self._doomed = {}, set()

    def rebuild(self, docs: Iterable[Document], *, position: int) -> int:
        self._pending, self._doomed = {}, set()
        self._indexes.prepare()
        new: dict[str, str] = {}
        remaining = iter(docs)
        while batch := list(islice(remaining, _BATCH)):
            for lang in sorted({doc.lang for doc in batch} - new.keys()):
                new[lang] = self._indexes.make(lang)
            self._client.bulk([line for doc in batch for line in _put(doc, new[doc.lang])], require_alias=False)
        if new:
            self._client.write("POST", f"/{','.join(new.values())}/_refresh")
        generation = self._indexes.swap(new, position=position)
        self._vocabulary.forget()
        return generation

    def _changes(self) -> Iterator[list[Json]]:
        """Each change as the lines that a bulk request has for it."""
        have = self._where(self._pending.keys() | self._doomed)
        for id, places in have.items():
            doc = self._pending.get(id)
            for lang, version in places.items():
                # A document that changed its language leaves its old one.
                if doc is None or doc.lang != lang:
                    place = {"_index": self._indexes.alias(lang), "_id": str(id)}
                    yield [{"delete": place | {"version": version + 1, "version_type": "external"}}]
        for doc in self._pending.values():
            yield _put(doc, self._indexes.alias(doc.lang))

    # --- Documents ---

    def _where(self, ids: Iterable[int]) -> dict[int, dict[str, int]]:
        """The languages that each of these documents is in, and its version there. Raises IndexDamaged."""
        found: dict[int, dict[str, int]] = {}
        wanted = iter(sorted(ids))
        if not self._indexes.state()["_source"]["languages"]:
            return {}
        while batch := list(islice(wanted, _BATCH)):
            for id, version, lang in self._everything({"terms": {"id": batch}}):
                found.setdefault(id, {})[lang] = version
        return found

    def _everything(self, query: Json | None = None) -> Iterator[tuple[int, int, str]]:
        """(id, version, language) of all documents, by id. Raises IndexDamaged."""
        if not self._indexes.state()["_source"]["languages"]:
            return
        body: Json = {
            "query": query or {"match_all": {}},
            "size": opensearch_queries.WINDOW,
            "sort": [{"id": "asc"}, {"lang": "asc"}],
            "_source": False,
            "docvalue_fields": ["version"],
        }
        while True:
            (answer,) = self._vocabulary.ask((self._indexes.all, body))
            rows = answer["hits"]["hits"]
            for row in rows:
                id, lang = row["sort"]
                yield id, row["fields"]["version"][0], lang
            if len(rows) < opensearch_queries.WINDOW:
                return
            body["search_after"] = rows[-1]["sort"]

    def _why(self, lang: str, terms: Mapping[Term, float], ids: Sequence[int]) -> dict[int, dict[str, float]]:
        """What each stem adds to each document's score."""
        alias = self._indexes.alias(lang)
        answers = self._vocabulary.ask(*((alias, body) for body in opensearch_queries.shares(terms, ids)))
        why: dict[int, dict[str, float]] = {}
        for term, answer in zip(terms, answers, strict=True):
            for raw in answer["hits"]["hits"]:
                why.setdefault(raw["fields"]["id"][0], {})[term.stem] = raw["_score"]
        return why


_NOTHING: Json = {"hits": {"total": {"value": 0}, "hits": []}, "aggregations": {"categories": {"buckets": []}}}


def _generation(answer: Json) -> int:
    rows = answer["hits"]["hits"]
    if not rows:
        raise IndexDamaged("there is no index yet")
    return int(rows[0]["_source"]["generation"])


def _hits(answer: Json) -> list[Hit]:
    return [
        Hit(raw["fields"]["id"][0], raw["fields"]["version"][0], raw["_score"] or 0.0) for raw in answer["hits"]["hits"]
    ]


def _place(words: Sequence[str], start: str) -> int:
    """Where the first word stands that begins so."""
    return next((place for place, word in enumerate(words) if word.startswith(start)), len(words))


def _put(doc: Document, index: str) -> list[Json]:
    place = {"_index": index, "_id": str(doc.id), "version": doc.version, "version_type": "external"}
    return [{"index": place}, opensearch_template.source(doc)]
