"""Our engine as a process of its own that speaks JSON lines (see _search_peers.serve), on the index in a folder.

python -m bench._search_ours whoosh FOLDER
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench import _search_semantic
from bench._search_peers import read, serve, timed
from kb.search import fusion, scoring
from kb.search.engine import Document, Engine, SearchRequest


def engine_of(name: str, folder: Path) -> Engine:
    """The engine by its name in the settings. Only whoosh needs no Django and no server."""
    if name == "whoosh":
        from kb.search import warming
        from kb.search.whoosh import WhooshEngine

        warming.warm_up()  # as a web process does when it starts (config/wsgi.py)
        return WhooshEngine(folder)
    import django

    django.setup()
    if name == "postgres":
        from kb.search.postgres import PostgresEngine

        return PostgresEngine()
    if name == "opensearch":
        from kb.search.opensearch import OpenSearchEngine

        return OpenSearchEngine()
    raise SystemExit(f"search: no engine is called {name}: whoosh, postgres or opensearch")


class Asked:
    """One method a question; each returns what JSON can say."""

    def __init__(self, make: Callable[[], Engine]) -> None:
        self._make = make
        self._engine = make()
        self._pairs: Sequence[Sequence[str]] = []
        self._meaning: Callable[[str], list[int]] | None = None

    def version(self) -> str:
        return self._engine.name

    def index(self, docs: str) -> float:
        """Seconds for a new index of these [title, body]; a document's id is its place."""
        self._pairs = read(docs)
        documents = [Document(id, 1, "en", title, body) for id, (title, body) in enumerate(self._pairs)]
        started = time.perf_counter()
        self._engine.rebuild(documents, position=0)
        return time.perf_counter() - started

    def open(self) -> float:
        """Milliseconds to open what is on disk and name its generation, without a search."""
        started = time.perf_counter()
        self._engine.generation()
        return (time.perf_counter() - started) * 1000

    def edit(self, id: int, version: int, title: str, body: str) -> float:
        """Seconds to commit a newer version of one document."""
        started = time.perf_counter()
        self._engine.index([Document(id, version, "en", title, body)])
        self._engine.commit(position=version)
        return time.perf_counter() - started

    def weigh(self, k1: float, b: float, title: float, words: float, short: float) -> None:
        """Search by these weights from now on (see bench/search_weights.py)."""
        scoring.K1, scoring.B = k1, b
        scoring.FIELD_WEIGHTS["title"] = title
        fusion.WORDS, fusion.SHORT = words, short
        self._engine.close()
        self._engine = self._make()  # lengths and impacts were kept by the old weights

    def rank(self, texts: Sequence[str]) -> list[list[int]]:
        return [self._search(text) for text in texts]

    def time(self, texts: Sequence[str], repeats: int) -> dict[str, list[float]]:
        return timed(self._search, texts, repeats)

    def time_suggest(self, texts: Sequence[str], repeats: int) -> dict[str, list[float]]:
        return timed(lambda text: self._engine.suggest(text, "en"), texts, repeats)

    def survive(self, texts: Sequence[str]) -> dict[str, Any]:
        """Milliseconds for each of these texts, which are no queries, and what was raised instead of an answer."""
        times, errors = [], []
        for text in texts:
            started = time.perf_counter()
            try:
                self._search(text)
            except Exception as error:  # noqa: BLE001  # to be told of, whatever it is
                errors.append(f"{text[:40]!r}: {type(error).__name__}: {error}")
            times.append((time.perf_counter() - started) * 1000)
        return {"times": times, "errors": errors}

    def prepare_meaning(self) -> bool:
        """Vectors for what was indexed; False where the extra is not there."""
        self._meaning = _search_semantic.semantic_ranker(lambda request: self._engine.search(request), self._pairs)
        return self._meaning is not None

    def rank_by_meaning(self, texts: Sequence[str]) -> list[list[int]]:
        assert self._meaning is not None
        return [self._meaning(text) for text in texts]

    def time_meaning(self, texts: Sequence[str], repeats: int) -> dict[str, list[float]]:
        assert self._meaning is not None
        return timed(self._meaning, texts, repeats)

    def memory(self) -> dict[str, float]:
        """This process's memory in MB: resident (rss), and what no other process shares (uss)."""
        rollup = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
        kilobytes = {name.rstrip(":"): int(value) for name, value, *_ in map(str.split, rollup)}
        private = kilobytes["Private_Clean"] + kilobytes["Private_Dirty"]
        return {"rss": kilobytes["Rss"] / 1024, "uss": private / 1024}

    def _search(self, text: str) -> list[int]:
        return [hit.id for hit in self._engine.search(SearchRequest(text, "en")).hits]


def main() -> None:
    asked = Asked(partial(engine_of, sys.argv[1], Path(sys.argv[2])))

    def answer(line: Mapping[str, Any]) -> object:
        return getattr(asked, line["do"])(**{name: value for name, value in line.items() if name != "do"})

    serve(answer)


if __name__ == "__main__":
    main()
