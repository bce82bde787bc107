"""How well and how fast search answers: nDCG@10 of our lexical engine on two real help centres, and its latency.

    python bench/search.py [--quick]

The data are others' (../shared/data or PREEMPT_DATA); without them it says so and reports nothing. "typos" has one slip
(a letter dropped, doubled or swapped, seed 1) in the longest word of every query. --quick times each query once.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench._report import report  # noqa: E402
from kb import rendering  # noqa: E402
from kb.search.engine import Document, SearchRequest  # noqa: E402
from kb.search.whoosh import WhooshEngine  # noqa: E402

CENTRES = ("gumroad", "dnsimple")


def ndcg(ranked: list[str], relevant: set[str], k: int = 10) -> float:
    """Normalised discounted cumulative gain with grades 0 and 1 (Järvelin and Kekäläinen 2002)."""
    gained = sum(1 / math.log2(place + 2) for place, id in enumerate(ranked[:k]) if id in relevant)
    ideal = sum(1 / math.log2(place + 2) for place in range(min(k, len(relevant))))
    return gained / ideal


def with_typo(query: str, rng: random.Random) -> str:
    words = query.split()
    long = [n for n, word in enumerate(words) if len(word) >= 5 and word.isalpha()]
    if not long:
        return query
    number = max(long, key=lambda n: len(words[n]))
    word = words[number]
    at = rng.randrange(1, len(word) - 1)
    words[number] = rng.choice(
        [
            word[:at] + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + word[at] + word[at:],
        ]
    )
    return " ".join(words)


def measure(folder: Path, name: str, repeats: int) -> None:
    rows = [json.loads(line) for line in (folder / "articles.jsonl").open(encoding="utf-8")]
    with (folder / "queries.tsv").open(encoding="utf-8", newline="") as file:
        table = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        queries = [(row["query"], set(row["relevant_ids"].split())) for row in table]
    ids = [row["id"] for row in rows]
    documents = [Document(n, 1, "en", row["title"], rendering.render(row["body"]).text) for n, row in enumerate(rows)]
    with tempfile.TemporaryDirectory() as index:
        engine = WhooshEngine(Path(index))
        started = time.perf_counter()
        engine.rebuild(documents, position=0)
        report(f"{name}_index_seconds", time.perf_counter() - started, "s")

        def quality(asked: list[tuple[str, set[str]]]) -> float:
            gains = []
            for text, relevant in asked:
                hits = engine.search(SearchRequest(text, "en")).hits
                gains.append(ndcg([ids[hit.id] for hit in hits], relevant))
            return statistics.fmean(gains)

        report(f"{name}_lexical", quality(queries), "nDCG@10")
        rng = random.Random(1)
        report(f"{name}_lexical_typos", quality([(with_typo(text, rng), right) for text, right in queries]), "nDCG@10")
        times = []
        for text, _ in queries:
            best = math.inf
            for _repeat in range(repeats):
                started = time.perf_counter()
                engine.search(SearchRequest(text, "en"))
                best = min(best, time.perf_counter() - started)
            times.append(best * 1000)
        times.sort()
        report(f"{name}_search_p50", times[len(times) // 2], "ms")
        report(f"{name}_search_p95", times[int(len(times) * 0.95)], "ms")
        engine.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    data = Path(os.environ.get("PREEMPT_DATA", ROOT.parent / "shared" / "data"))
    for centre in CENTRES:
        folder = data / f"help_{centre}"
        if not folder.is_dir():
            print(f"search: skipped {centre}: {folder} is not there (set PREEMPT_DATA)", file=sys.stderr)
            continue
        measure(folder, centre, repeats=1 if given.quick else 3)


if __name__ == "__main__":
    main()
