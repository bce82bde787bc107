"""The words of each language as an OpenSearch server counts them, to correct and weigh a query by."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping

from kb.search import analysis, opensearch_queries
from kb.search.analysis import Analysis
from kb.search.engine import IndexDamaged
from kb.search.lexicon import Lexicon
from kb.search.opensearch_client import Client, Json, NotFound
from kb.search.opensearch_indexes import Indexes
from kb.search.understanding import Term

_CHEAP_SECONDS = 0.05  # to load a language's words; what takes longer is loaded again only so often that it takes
_LOAD_SHARE = 0.05  # … this share of the time


class Words:
    """`generation` is the index's that they were counted in, `documents` how many it has of the language.

    `cost` is how many seconds it took since `started` (by the monotonic clock).
    """

    def __init__(
        self, language: Analysis, counts: Mapping[str, int], documents: int, generation: int, *, started: float
    ) -> None:
        self.analysis = language
        self.documents = documents
        self.generation = generation
        stems: Counter[str] = Counter()
        for word, count in counts.items():
            stems[language.stem(word)] += count
        self._stems = stems
        self.lexicon = Lexicon.of(counts, language.lang, knows=stems.__contains__)
        self.read_at = time.monotonic()
        self.cost = self.read_at - started

    def frequency(self, stem: str) -> int:
        """About how many documents have the stem: those with any of its words, counted apart."""
        return min(self._stems.get(stem, 0), self.documents)

    def is_due(self) -> bool:
        """Whether words of an older generation are to be read anew: at once where that is cheap, else now and then."""
        return self.cost < _CHEAP_SECONDS or time.monotonic() - self.read_at > self.cost / _LOAD_SHARE

    def rarest(self, terms: Mapping[Term, float], count: int) -> dict[Term, float]:
        """All of the terms where they are no more than `count`; else those that tell documents apart best."""
        if len(terms) <= count:
            return dict(terms)
        frequencies = {term: self.frequency(term.stem) for term in terms if not term.is_minor}
        known = sorted((term for term, df in frequencies.items() if df), key=lambda term: frequencies[term])
        return {term: terms[term] for term in known[:count]}


class Vocabulary:
    """The words of all languages, read when they are first needed. Thread-safe."""

    def __init__(self, client: Client, indexes: Indexes) -> None:
        self._client = client
        self._indexes = indexes
        self._words: dict[str, Words] = {}
        self._seen: tuple[float, Json] = (float("-inf"), {})  # when the state was last read, and the state
        self._lock = threading.Lock()

    def ask(self, *searches: tuple[str, Json]) -> list[Json]:
        """The answers of the server. Raises IndexDamaged, all forgotten, where an index that should be there is not."""
        try:
            return self._client.search_all(searches)
        except NotFound as error:
            self.forget()
            raise IndexDamaged(str(error)) from error

    def of(self, lang: str) -> Words | None:
        """The words of a language as last read; None where no document is in it."""
        if (words := self._words.get(lang)) is not None:
            return words
        return self.now(lang)

    def now(self, lang: str, *, max_age: float = 0.0) -> Words | None:
        """The same, of an index that was looked at no more than `max_age` seconds ago."""
        looked_at, state = self._seen
        if max_age == 0 or time.monotonic() - looked_at > max_age:
            state = self._indexes.state()["_source"]
            self._seen = time.monotonic(), state
        if lang not in state["languages"]:
            return None
        words = self._words.get(lang)
        if words is not None and (words.generation == state["generation"] or not words.is_due()):
            return words
        return self.load(lang, state["generation"])

    def load(self, lang: str, generation: int) -> Words:
        """The words of this generation; those of an older one where another thread is just reading them."""
        old = self._words.get(lang)
        if not self._lock.acquire(blocking=old is None) and old is not None:
            return old
        try:
            words = self._words.get(lang)
            if words is None or words.generation != generation:
                words = self._words[lang] = self._read(lang, generation)
            return words
        finally:
            self._lock.release()

    def forget(self) -> None:
        self._words = {}
        self._seen = (float("-inf"), {})

    def _read(self, lang: str, generation: int) -> Words:
        started = time.monotonic()
        counts: dict[str, int] = {}
        after: Json | None = None
        while True:
            (answer,) = self.ask((self._indexes.alias(lang), opensearch_queries.lexicon(after)))
            page = answer["aggregations"]["words"]
            counts |= {bucket["key"]["word"]: bucket["doc_count"] for bucket in page["buckets"]}
            if len(page["buckets"]) < opensearch_queries.WINDOW:
                break
            after = page["after_key"]
        documents = answer["hits"]["total"]["value"]
        return Words(analysis.for_language(lang), counts, documents, generation, started=started)
