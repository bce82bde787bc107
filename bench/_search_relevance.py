"""nDCG@10 of our engine and of its peers on the same queries, clean and mistyped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench import _relevance, _search_corpus, _search_process
from bench._relevance import ALL, DEV, TEST, RelevanceSet
from bench._search_figures import Figures, say
from bench._search_process import Process
from bench._search_world import World

UNIT = "nDCG@10"
SCORER_CHECK = "scifact"  # shows that the scorer is right; no help centre, and sentences no customer types
_TYPO_SEEDS = (1, 2, 3)  # slips are drawn so often: one draw over a few dozen queries says little


def measure(
    figures: Figures, world: World, *, engine: str, peers: Mapping[str, Callable[[], Process]], is_quick: bool
) -> None:
    """`peers`: how to start each; the first of them is tantivy where it can be installed."""
    typo_ratios = []
    has_meaning = True
    for set in world.sets:
        if is_quick and set.name == SCORER_CHECK:
            continue  # its index takes most of a minute
        ours = _search_corpus.write([(text.title, text.body) for text in set.texts], world.folder / "ours.jsonl")
        # Peers get the files' own Markdown: tantivy finds a little more in it than in the rendered text.
        theirs = _search_corpus.write([(text.title, text.source) for text in set.texts], world.folder / "theirs.jsonl")
        by_peer = {
            name: _peer(figures, name, start, theirs, set, world)
            for name, start in peers.items()
            if name == "tantivy" or (name != "tantivy_top" and set.name != SCORER_CHECK)
        }
        with _search_process.ours(engine, world.scratch("index")) as process:
            process.ask(do="index", docs=str(ours))
            lexical = _report(figures, set, "lexical", _cross_fitted(set, process, "rank"))
            seeds = _TYPO_SEEDS[:1] if is_quick else _TYPO_SEEDS
            ratio = _typos(figures, set, lexical, process, seeds)
            if set.name != SCORER_CHECK:
                typo_ratios.append(ratio)
            semantic = None
            if has_meaning and set.name != SCORER_CHECK:
                has_meaning = process.ask(do="prepare_meaning")
            if has_meaning and set.name != SCORER_CHECK:
                semantic = _report(figures, set, "semantic", _cross_fitted(set, process, "rank_by_meaning"))
        if "tantivy" in by_peer:
            version, tantivy = by_peer["tantivy"]
            for kind, values in (("lexical", lexical), ("semantic", semantic)):
                if values is not None:
                    figures.report_ratio(f"{set.name}_{kind}_vs_tantivy", values[ALL], tantivy[ALL], version)
                    figures.report_ratio(f"{set.name}_{kind}_vs_tantivy_test", values[TEST], tantivy[TEST], version)
    if typo_ratios:
        figures.report("typo_ratio", min(typo_ratios), "of the clean score, the lowest of the sets")


def _report(
    figures: Figures, set: RelevanceSet, kind: str, ranked: Sequence[Sequence[int]], *, peer: str | None = None
) -> dict[str, float]:
    values = _relevance.mean_by_half(set.queries, ranked)
    for half, value in values.items():
        figures.report(f"{set.name}_{kind}{'' if half == ALL else '_' + half}", value, UNIT, peer=peer)
    return values


def _peer(
    figures: Figures, name: str, start: Callable[[], Process], docs: Path, set: RelevanceSet, world: World
) -> tuple[str, dict[str, float]]:
    with start() as process:
        version = process.ask(do="version")
        say(f"{set.name}: {version}")
        process.ask(do="index", docs=str(docs), folder=str(world.scratch("peer")))
        ranked = process.ask(do="rank", texts=_texts(set))
    return version, _report(figures, set, name, ranked, peer=version)


def _typos(
    figures: Figures, set: RelevanceSet, clean: Mapping[str, float], process: Process, seeds: Sequence[int]
) -> float:
    """Reports the mistyped score and its ratio to the clean one; returns the ratio over all queries."""
    draws = []
    for seed in seeds:
        texts = [_relevance.mistyped(query.text, seed=seed) for query in set.queries]
        draws.append(_relevance.mean_by_half(set.queries, process.ask(do="rank", texts=texts)))
    for half in (ALL, TEST):
        mean = sum(draw[half] for draw in draws) / len(draws)
        suffix = "" if half == ALL else f"_{half}"
        figures.report(f"{set.name}_lexical_typos{suffix}", mean, UNIT)
        figures.report(f"{set.name}_typo_ratio{suffix}", mean / clean[half], "of the clean score")
    return figures.values[f"{set.name}_typo_ratio"]


def _cross_fitted(set: RelevanceSet, process: Process, how: str) -> list[list[int]]:
    """The ten best of each query, by the weights that were chosen on the other half than its own."""
    by_half = {}
    for half, other in ((DEV, TEST), (TEST, DEV)):
        process.ask(do="weigh", **_relevance.CHOSEN_ON[other])
        by_half[half] = process.ask(do=how, texts=_texts(set))
    return [by_half[query.half][n] for n, query in enumerate(set.queries)]


def _texts(set: RelevanceSet) -> list[str]:
    return [query.text for query in set.queries]
