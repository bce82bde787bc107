"""The database's own search beside PostgreSQL's full-text search: the same 10,000 documents in the same server.

`measure` is for bench/search.py; alone: python -m bench._search_postgres [--quick]. It runs in a process and on an
embedded server of its own, so no shop's data are touched. The documents are the real help centres and FAQs of
PREEMPT_DATA and, up to 10,000, texts made of their words; the queries are the real ones, each set counting alike, and
the same mistyped. The peer is ts_rank over a GIN index (configuration english, title with weight A), asked for any of
the query's words, as the engine is.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench import _relevance
from bench._search_figures import Figures

ROOT = Path(__file__).resolve().parent.parent
SETS = ("gumroad", "dnsimple", "stackfaq")
SIZE = 10_000
QUERIES = 200  # of each set
_WORD = re.compile(r"\w+")

PEER = """
CREATE SCHEMA peer;
CREATE TABLE peer.document (id bigint PRIMARY KEY, text tsvector);
INSERT INTO peer.document
    SELECT id, setweight(to_tsvector('english', title), 'A') || to_tsvector('english', body)
    FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS new (id, title, body);
CREATE INDEX ON peer.document USING gin (text);
"""
# The query's words as stems, any of them: what plainto_tsquery makes, with "or" for "and".
ASK_PEER = """
SELECT id FROM peer.document, (
    SELECT replace(replace(plainto_tsquery('english', %s)::text, '&', '|'), '<->', '|')::tsquery AS asked) AS query
WHERE text @@ asked ORDER BY ts_rank(text, asked) DESC, id LIMIT 10
"""
# All words alike, wherever they stand: what ts_rank does with a plain to_tsvector.
ASK_PEER_PLAIN = ASK_PEER.replace("ts_rank(text", "ts_rank('{1,1,1,1}', text")


def measure(figures: Figures, *, is_quick: bool) -> None:
    """Report postgres_p95_ms, postgres_p95_vs_ts_rank, postgres_ndcg_vs_ts_rank and others of a process of its own."""
    command = [sys.executable, "-m", "bench._search_postgres", *(["--quick"] if is_quick else [])]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    for line in done.stdout.splitlines():
        figure = json.loads(line)
        figures.report(
            figure["name"], figure["value"], figure["unit"], peer=figure.get("peer"), ratio=figure.get("ratio")
        )


class Asked(NamedTuple):
    """A query with the numbers of the right documents, and the set that it is of."""

    set: str
    text: str
    right: set[int]


def load(data: Path) -> tuple[list[tuple[str, str]], list[Asked]]:
    """(title, text) of each document by its number, and what is asked of them; both empty without data."""
    texts: list[tuple[str, str]] = []
    asked: list[Asked] = []
    for one in _relevance.load(data, SETS):
        first = len(texts)
        texts += [(text.title, text.body) for text in one.texts]
        chosen = random.Random(1).sample(one.queries, min(QUERIES, len(one.queries)))
        asked += [Asked(one.name, query.text, {first + number for number in query.grades}) for query in chosen]
    if not texts:
        print(f"search: the database engine is skipped: {data} holds none of the sets (PREEMPT_DATA)", file=sys.stderr)
    return texts, asked


def made_up_to(size: int, texts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The texts, and others like them about other things: of the same lengths, each word said as often.

    A made-up text is a real one with its words exchanged for words about as frequent in all texts, one for one. So a
    word comes in as large a share of documents, and as often in those, as in the real ones; the 100 most frequent stay.
    """
    rng = random.Random(1)
    counts = Counter(word for text in texts for part in text for word in _WORD.findall(part.lower()))
    by_rank = [word for word, _ in counts.most_common()]
    rank = {word: place for place, word in enumerate(by_rank)}
    made = list(texts)
    while len(made) < size:
        exchanged: dict[str, str] = {}

        def exchange(match: re.Match[str], exchanged: dict[str, str] = exchanged) -> str:
            word = match[0].lower()
            if word not in exchanged:
                place = rank[word]
                moved = min(int(place * math.exp(rng.gauss(0, 0.3))), len(by_rank) - 1)
                exchanged[word] = word if place < 100 else by_rank[max(moved, 100)]
            return exchanged[word]

        title, text = rng.choice(texts)
        made.append((_WORD.sub(exchange, title), _WORD.sub(exchange, text)))
    return made


def ndcg(ranked: list[int], relevant: set[int], k: int = 10) -> float:
    gained = sum(1 / math.log2(place + 2) for place, id in enumerate(ranked[:k]) if id in relevant)
    return gained / sum(1 / math.log2(place + 2) for place in range(min(k, len(relevant))))


def mean(gains: Sequence[tuple[Asked, float]]) -> float:
    """Each set counts alike, however many queries it has."""
    by_set: dict[str, list[float]] = {}
    for asked, gain in gains:
        by_set.setdefault(asked.set, []).append(gain)
    return statistics.fmean(map(statistics.fmean, by_set.values()))


def timed(ask: Callable[[str], list[int]], queries: Sequence[Asked], repeats: int) -> tuple[float, float]:
    """(mean nDCG@10, p95 in ms): each query's best of `repeats`, after one run of all."""
    gains = [(asked, ndcg(ask(asked.text), asked.right)) for asked in queries]
    times = []
    for asked in queries:
        best = math.inf
        for _repeat in range(repeats):
            started = time.perf_counter()
            ask(asked.text)
            best = min(best, time.perf_counter() - started)
        times.append(best * 1000)
    times.sort()
    return mean(gains), times[int(len(times) * 0.95)]


def run(*, quick: bool) -> None:
    """Everything, on a server in the folder that PREEMPT_DATA_DIR names."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from bench._report import report
    from kb.search.engine import Document, SearchRequest
    from kb.search.postgres import PostgresEngine

    texts, queries = load(Path(os.environ.get("PREEMPT_DATA", ROOT.parent / "shared" / "data")))
    if not texts:
        return
    call_command("migrate", verbosity=0)
    documents = made_up_to(SIZE, texts)
    engine = PostgresEngine()
    started = time.perf_counter()
    engine.rebuild((Document(n, 1, "en", *text) for n, text in enumerate(documents)), position=0)
    report("postgres_index_seconds_10k", time.perf_counter() - started, "s")
    with connection.cursor() as cursor:
        titles, bodies = zip(*documents, strict=True)
        cursor.execute(PEER, [list(range(len(documents))), list(titles), list(bodies)])
        cursor.execute("VACUUM ANALYZE")

    def ask_engine(text: str) -> list[int]:
        return [hit.id for hit in engine.search(SearchRequest(text, "en")).hits]

    def ask_peer(text: str, sql: str = ASK_PEER) -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute(sql, [text])
            return [id for (id,) in cursor.fetchall()]

    asked = queries[::4] if quick else queries
    repeats = 1 if quick else 3
    ours, our_p95 = timed(ask_engine, asked, repeats)
    theirs, their_p95 = timed(ask_peer, asked, repeats)
    report("postgres_p95_ms", our_p95, "ms")
    cold = []
    for text in (each.text for each in asked):
        engine.close()  # as after an edit: nothing of the index is kept
        started = time.perf_counter()
        ask_engine(text)
        cold.append((time.perf_counter() - started) * 1000)
    report("postgres_cold_p95_ms", sorted(cold)[int(len(cold) * 0.95)], "ms")
    report("postgres_p95_vs_ts_rank", our_p95 / their_p95, "ratio", peer=f"ts_rank {their_p95:.1f} ms")
    plain = mean([(each, ndcg(ask_peer(each.text, ASK_PEER_PLAIN), each.right)) for each in asked])
    report("postgres_ndcg_vs_plain_ts_rank", ours / plain, "ratio", peer=f"ts_rank, no weights {plain:.3f}")
    report("postgres_ndcg_vs_ts_rank", ours / theirs, "ratio", peer=f"ts_rank {theirs:.3f}, ours {ours:.3f}")
    slipped = [each._replace(text=_relevance.mistyped(each.text)) for each in asked]
    ours, theirs = (
        mean([(each, ndcg(ask(each.text), each.right)) for each in slipped]) for ask in (ask_engine, ask_peer)
    )
    report("postgres_ndcg_vs_ts_rank_typos", ours / theirs, "ratio", peer=f"ts_rank {theirs:.3f}, ours {ours:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="preempt-bench-") as folder:
        Path(folder).chmod(0o755)  # the server's account must reach it
        data_dir = Path(folder) / "data"
        os.environ.pop("DATABASE_URL", None)
        os.environ.update(DJANGO_SETTINGS_MODULE="config.settings", PREEMPT_DATA_DIR=str(data_dir), LOG_LEVEL="WARNING")
        from config import embedded

        embedded.ensure(data_dir)
        try:
            run(quick=given.quick)
        finally:
            from django.db import connections

            for connection in connections.all(initialized_only=True):
                connection.close()
                connection.close_pool()
            embedded.remove(data_dir)


if __name__ == "__main__":
    main()
