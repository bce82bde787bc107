"""Other engines, each as a process of its own that speaks JSON lines: tantivy, plain Whoosh, SQLite FTS5, ts_rank.

    python -P bench/_search_peers.py tantivy|tantivy_top|plain_whoosh|fts5|ts_rank

It runs in the peers' own environment, so it knows nothing of the product. All index title and body with English stems
and ask for any of a query's words, the title's counting twice: their usual set-up. What is timed is one call from text
to ten ids, inside this process.
"""

from __future__ import annotations

import gc
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

Pairs = Sequence[Sequence[str]]  # [title, body]; a document's id is its place
_WORD = re.compile(r"\w+")


class Tantivy:
    def __init__(self) -> None:
        import tantivy

        self._tantivy = tantivy
        self.version = f"tantivy {metadata.version('tantivy')}"
        self.is_counting = True

    def index(self, pairs: Pairs, folder: Path) -> None:
        builder = self._tantivy.SchemaBuilder()
        for field in ("title", "body"):
            builder.add_text_field(field, tokenizer_name="en_stem", index_option="freq")
        builder.add_integer_field("id", fast=True, indexed=False)
        self._index = self._tantivy.Index(builder.build(), path=str(folder))
        writer = self._index.writer(128_000_000, 1)
        for id, (title, body) in enumerate(pairs):
            writer.add_document(self._tantivy.Document(title=[title], body=[body], id=id))
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()
        self._searcher = self._index.searcher()

    def search(self, text: str) -> list[int]:
        query = self._index.parse_query(words_of(text), ["title", "body"], field_boosts={"title": 2.0})
        hits = self._searcher.search(query, 10, count=self.is_counting).hits
        return list(self._searcher.fast_field_values("id", [address for _, address in hits]))


class TantivyWithoutTotal(Tantivy):
    """Told not to count all matches, which lets it skip most of them; ours does count them."""

    def __init__(self) -> None:
        super().__init__()
        self.is_counting = False


class PlainWhoosh:
    version = "Whoosh 2.7.4, its own matchers"

    def index(self, pairs: Pairs, folder: Path) -> None:
        import warnings

        warnings.simplefilter("ignore")
        from whoosh import analysis, fields, index, qparser

        stems = analysis.StemmingAnalyzer()
        schema = fields.Schema(
            id=fields.STORED,
            title=fields.TEXT(analyzer=stems, phrase=False),
            body=fields.TEXT(analyzer=stems, phrase=False),
        )
        opened = index.create_in(str(folder), schema)
        writer = opened.writer(limitmb=256)
        for id, (title, body) in enumerate(pairs):
            writer.add_document(id=id, title=title, body=body)
        writer.commit()
        self._searcher = opened.searcher()
        self._parser = qparser.MultifieldParser(
            ["title", "body"], schema, fieldboosts={"title": 2.0}, group=qparser.OrGroup
        )

    def search(self, text: str) -> list[int]:
        query = self._parser.parse(words_of(text))
        return [hit["id"] for hit in self._searcher.search(query, limit=10)]


class Fts5:
    def __init__(self) -> None:
        import sqlite3

        self._sqlite3 = sqlite3
        self.version = f"SQLite {sqlite3.sqlite_version} FTS5, porter"

    def index(self, pairs: Pairs, folder: Path) -> None:
        self._base = self._sqlite3.connect(folder / "fts5.db")
        self._base.execute("CREATE VIRTUAL TABLE docs USING fts5(title, body, tokenize='porter unicode61')")
        rows = ((id, title, body) for id, (title, body) in enumerate(pairs))
        self._base.executemany("INSERT INTO docs(rowid, title, body) VALUES (?, ?, ?)", rows)
        self._base.execute("INSERT INTO docs(docs, rank) VALUES ('rank', 'bm25(2.0, 1.0)')")
        self._base.execute("INSERT INTO docs(docs) VALUES ('optimize')")
        self._base.commit()

    def search(self, text: str) -> list[int]:
        if not (words := _WORD.findall(text)):
            return []
        asked = " OR ".join(f'"{word}"' for word in words)
        found = self._base.execute("SELECT rowid FROM docs WHERE docs MATCH ? ORDER BY rank LIMIT 10", [asked])
        return [id for (id,) in found]


class TsRank:
    """PostgreSQL's own full text search: GIN, the title at weight A, the body at B. BENCH_DATABASE_URL says where."""

    def __init__(self) -> None:
        import psycopg

        self._base = psycopg.connect(os.environ["BENCH_DATABASE_URL"], autocommit=True)
        self.version = f"PostgreSQL {self._base.info.server_version // 10000} ts_rank"

    def index(self, pairs: Pairs, folder: Path) -> None:
        del folder
        with self._base.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS peer_docs")
            cursor.execute("CREATE TABLE peer_docs (id int PRIMARY KEY, ts tsvector)")
            for id, (title, body) in enumerate(pairs):
                cursor.execute(
                    "INSERT INTO peer_docs VALUES (%s, setweight(to_tsvector('english', %s), 'A')"
                    " || setweight(to_tsvector('english', %s), 'B'))",
                    [id, title.replace("\0", ""), body.replace("\0", "")],
                )
            cursor.execute("CREATE INDEX ON peer_docs USING gin (ts)")
            cursor.execute("VACUUM ANALYZE peer_docs")

    def search(self, text: str) -> list[int]:
        found = self._base.execute(
            "WITH asked AS (SELECT replace(plainto_tsquery('english', %s)::text, '&', '|')::tsquery AS q)"
            " SELECT id FROM peer_docs, asked WHERE ts @@ q ORDER BY ts_rank(ts, q) DESC LIMIT 10",
            [text.replace("\0", "")],
        )
        return [id for (id,) in found]


PEERS: Mapping[str, Callable[[], Any]] = {
    "tantivy": Tantivy,
    "tantivy_top": TantivyWithoutTotal,
    "plain_whoosh": PlainWhoosh,
    "fts5": Fts5,
    "ts_rank": TsRank,
}


def words_of(text: str) -> str:
    """Cleaned of a query language (its capitals too), which a parser would refuse or take for operators."""
    return " ".join(_WORD.findall(text)).lower()


def read(path: str) -> list[list[str]]:
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def timed(call: Callable[[str], object], texts: Sequence[str], repeats: int) -> dict[str, list[float]]:
    """For each text the milliseconds of the first call and of the quickest of `repeats` in a row."""
    first, best = [], []
    gc.collect()
    for text in texts:
        spans = []
        for _ in range(repeats):
            started = time.perf_counter()
            call(text)
            spans.append((time.perf_counter() - started) * 1000)
        first.append(spans[0])
        best.append(min(spans))
    return {"first": first, "best": best}


def serve(answer: Callable[[Mapping[str, Any]], object]) -> None:
    """Answer each line on stdin by one on stdout until stdin ends. What others print goes to stderr."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in _lines():
        out.write(json.dumps(answer(json.loads(line))) + "\n")
        out.flush()


def _lines() -> Iterator[str]:
    while line := sys.stdin.readline():
        yield line


def main() -> None:
    peer = PEERS[sys.argv[1]]()

    def answer(asked: Mapping[str, Any]) -> object:
        match asked["do"]:
            case "version":
                return peer.version
            case "index":
                pairs = read(asked["docs"])
                started = time.perf_counter()
                peer.index(pairs, Path(asked["folder"]))
                return time.perf_counter() - started
            case "rank":
                return [peer.search(text) for text in asked["texts"]]
            case "time":
                return timed(peer.search, asked["texts"], asked["repeats"])
        raise ValueError(asked["do"])

    serve(answer)


if __name__ == "__main__":
    main()
