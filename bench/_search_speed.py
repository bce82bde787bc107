"""How long our engine and its peers take for a search: warm, cold, as one types; and what memory that costs."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench import _relevance, _search_corpus, _search_process
from bench._relevance import Query
from bench._search_figures import Figures, quantile, say
from bench._search_process import Process
from bench._search_world import World

_MEMORY_QUERIES = 300
_COMMITS = 5
_NDCG = "nDCG@10, all sets and the mixtures in one index"
_SLOW = ("plain_whoosh", "fts5", "ts_rank")  # measured at the smallest size only


def measure(
    figures: Figures,
    world: World,
    *,
    engine: str,
    peers: Mapping[str, Callable[[], Process]],
    sizes: Sequence[int],
    queries: int,
    repeats: int,
    processes: int,
) -> None:
    """For each size (10_000 is named 10k) all engines on the same texts and the same `queries`, best of `repeats`."""
    judged = _search_corpus.queries(world.sets, queries)
    asked = _search_corpus.texts(judged)
    for size in sizes:
        docs = world.documents(size)
        folder = world.scratch("index")
        say(f"{size:,} texts: our index")
        p95 = _ours(figures, world, engine, folder, docs, judged, size, repeats, is_first=size == sizes[0])
        _fresh_processes(figures, engine, folder, docs, asked, size, processes)
        for name, start in peers.items():
            if name not in _SLOW or size == sizes[0]:
                _peer(figures, name, start, world, docs, judged, size, repeats, ours=p95)


def label(size: int) -> str:
    return f"{size // 1000}k" if size >= 1000 else str(size)


def _ours(
    figures: Figures,
    world: World,
    engine: str,
    folder: Path,
    docs: Path,
    judged: Sequence[Query],
    size: int,
    repeats: int,
    *,
    is_first: bool,
) -> float:
    at = label(size)
    asked = _search_corpus.texts(judged)
    with _search_process.ours(engine, folder) as process:
        figures.report(f"index_{at}_seconds", process.ask(do="index", docs=str(docs)), "s")
        if is_first and size >= _search_corpus.real(world.sets):  # else right answers are left out
            figures.report(f"ndcg_{at}", _ndcg(judged, process.ask(do="rank", texts=asked)), _NDCG)
        times = process.ask(do="time", texts=asked, repeats=repeats)
        p95 = quantile(times["best"], 0.95)
        figures.report(f"search_p50_ms_{at}", quantile(times["best"], 0.5), "ms")
        figures.report(f"search_p95_ms_{at}", p95, "ms")
        figures.report(f"search_first_p95_ms_{at}", quantile(times["first"], 0.95), "ms, each query's first run")
        mistyped = [_relevance.mistyped(text) for text in asked]
        figures.report(
            f"search_mistyped_p95_ms_{at}",
            quantile(process.ask(do="time", texts=mistyped, repeats=repeats)["best"], 0.95),
            "ms",
        )
        suggest = process.ask(do="time_suggest", texts=_search_corpus.prefixes(asked), repeats=repeats)
        name = "suggest_ms" if is_first else f"suggest_ms_{at}"
        figures.report(name, quantile(suggest["best"], 0.95), f"ms, p95 at {at}")
        if is_first and process.ask(do="prepare_meaning"):
            times = process.ask(do="time_meaning", texts=asked, repeats=repeats)
            figures.report(f"semantic_p95_ms_{at}", quantile(times["best"], 0.95), "ms")
    return p95


def _fresh_processes(
    figures: Figures, engine: str, folder: Path, docs: Path, asked: Sequence[str], size: int, processes: int
) -> None:
    """Each figure of a process that has just started; files are in the system's cache, as after a write."""
    at = label(size)
    cold, typo, opened, opened_then = [], [], [], []
    for number in range(processes):
        text = asked[number % len(asked)]
        with _search_process.ours(engine, folder) as process:
            cold.append(process.ask(do="time", texts=[text], repeats=1)["first"][0])
            typo.append(process.ask(do="time", texts=[_relevance.mistyped(text)], repeats=1)["first"][0])
        with _search_process.ours(engine, folder) as process:
            opened.append(process.ask(do="open"))
            opened_then.append(process.ask(do="time", texts=[text], repeats=1)["first"][0])
    _median_and_worst(
        figures, "cold_ms", at, cold, "ms, first search of a warmed-up new process, opening the index included"
    )
    _median_and_worst(figures, "cold_typo_ms", at, typo, "ms, second search of a new process, mistyped")
    _median_and_worst(figures, "open_ms", at, opened, "ms, opening alone")
    _median_and_worst(figures, "cold_after_open_ms", at, opened_then, "ms, first search after the index was opened")
    commits, swapped = _after_commits(engine, folder, docs, asked)
    _median_and_worst(figures, "commit_ms", at, commits, "ms, one changed article")
    _median_and_worst(figures, "cold_after_commit_ms", at, swapped, "ms, first search after another process's commit")
    with _search_process.ours(engine, folder) as process:
        process.ask(do="rank", texts=list(asked[:_MEMORY_QUERIES]))
        memory = process.ask(do="memory")
    figures.report(f"memory_mb_{at}", memory["rss"], f"MB resident (RSS) after {len(asked[:_MEMORY_QUERIES])} queries")
    figures.report(f"memory_uss_mb_{at}", memory["uss"], "MB of it shared with no other process (USS)")


def _after_commits(engine: str, folder: Path, docs: Path, asked: Sequence[str]) -> tuple[list[float], list[float]]:
    """Milliseconds of commits in one process, and of the first search after each in another."""
    with docs.open(encoding="utf-8") as file:
        title, body = json.loads(file.readline())
    commits, swapped = [], []
    with _search_process.ours(engine, folder) as reader, _search_process.ours(engine, folder) as writer:
        reader.ask(do="rank", texts=list(asked[:100]))
        for number in range(_COMMITS):
            seconds = writer.ask(do="edit", id=0, version=number + 2, title=f"{title} {number}", body=body)
            commits.append(seconds * 1000)
            swapped.append(reader.ask(do="time", texts=[asked[number]], repeats=1)["first"][0])
    return commits, swapped


def _median_and_worst(figures: Figures, name: str, at: str, values: Sequence[float], unit: str) -> None:
    figures.report(f"{name}_{at}", statistics.median(values), f"{unit}; median of {len(values)}")
    figures.report(f"{name}_worst_{at}", max(values), f"{unit}; worst of {len(values)}")


def _peer(
    figures: Figures,
    name: str,
    start: Callable[[], Process],
    world: World,
    docs: Path,
    judged: Sequence[Query],
    size: int,
    repeats: int,
    *,
    ours: float,
) -> None:
    at = label(size)
    asked = _search_corpus.texts(judged)
    with start() as process:
        version = process.ask(do="version")
        say(f"{size:,} texts: {version}")
        seconds = process.ask(do="index", docs=str(docs), folder=str(world.scratch("peer")))
        figures.report(f"{name}_index_{at}_seconds", seconds, "s", peer=version)
        times = process.ask(do="time", texts=asked, repeats=repeats)["best"]
        ranked = process.ask(do="rank", texts=asked)
    figures.report(f"{name}_p50_ms_{at}", quantile(times, 0.5), "ms", peer=version)
    figures.report(f"{name}_p95_ms_{at}", quantile(times, 0.95), "ms", peer=version)
    short = "whoosh" if name == "plain_whoosh" else name
    figures.report_ratio(f"p95_vs_{short}_{at}", ours, quantile(times, 0.95), version)
    if f"ndcg_{at}" in figures.values and name != "tantivy_top":
        theirs = _ndcg(judged, ranked)
        figures.report(f"{name}_ndcg_{at}", theirs, _NDCG, peer=version)
        figures.report_ratio(f"ndcg_vs_{short}_{at}", figures.values[f"ndcg_{at}"], theirs, version)


def _ndcg(judged: Sequence[Query], ranked: Sequence[Sequence[int]]) -> float:
    """Over all sets in one index: other sets' documents and the mixtures are in the way, and count as wrong."""
    return _relevance.mean_by_half(judged, ranked)[_relevance.ALL]
