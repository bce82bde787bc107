"""What the benches of search ask and which answers are right: the sets, nDCG, the fixed halves, mistyped queries.

The data are others' (../shared/data or PREEMPT_DATA). Queries fall into two halves by a hash of their text. A figure is
cross-fitted: each query is ranked by the weights that were chosen on the other half, and all are counted. `_test` is
the half that the shipped weights, chosen on `dev`, have never seen; it alone is small (some 75 queries of Gumroad).
stackfaq has 125 queries that are nothing but "*"; they stay, as they count in the figures published with the set.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kb import rendering
from kb.rendering import Rendered
from kb.search.engine import body_of

DEV, TEST, ALL = "dev", "test", "all"
# What bench/search_weights.py chose on each half. Those of dev are shipped.
CHOSEN_ON = {
    DEV: {"k1": 2.0, "b": 0.6, "title": 0.8, "words": 0.4, "short": 2.5},
    TEST: {"k1": 2.4, "b": 0.7, "title": 0.6, "words": 0.6, "short": 2.5},
}
_TYPO_LETTERS = 4  # a shorter word is left as it is: what is meant cannot be told any more
_WORD = re.compile(r"\w")
_LETTERS = re.compile(r"[^\W\d_]+")
_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


@dataclass(frozen=True)
class Text:
    """A document of a set. `body` is as the product keeps it (Markdown rendered); `source` as it is in the file."""

    title: str
    body: str
    source: str


@dataclass(frozen=True)
class Query:
    """`grades`: place of a document in the set → how right it is (above 0)."""

    text: str
    grades: Mapping[int, int]
    half: str


@dataclass(frozen=True)
class RelevanceSet:
    name: str
    texts: Sequence[Text]
    queries: Sequence[Query]


def half_of(text: str, place: int = 0) -> str:
    """dev or test, for ever the same for the same text; for one without any word, by its place in the file."""
    key = text if _WORD.search(text) else f"{text} {place}"
    return TEST if hashlib.sha256(key.encode()).digest()[0] & 1 else DEV


def ndcg(ranked: Sequence[int], grades: Mapping[int, int], *, k: int = 10) -> float:
    """Normalised discounted cumulative gain, the grade itself as gain (Järvelin and Kekäläinen 2002; trec_eval)."""
    gained = sum(grades.get(id, 0) / math.log2(place + 2) for place, id in enumerate(ranked[:k]))
    best = sorted(grades.values(), reverse=True)[:k]
    ideal = sum(grade / math.log2(place + 2) for place, grade in enumerate(best))
    return gained / ideal if ideal else 0.0


def mean_by_half(queries: Sequence[Query], ranked: Sequence[Sequence[int]]) -> dict[str, float]:
    """Mean nDCG@10 of each half and of all; a half without queries is left out."""
    gains: dict[str, list[float]] = {}
    for query, answers in zip(queries, ranked, strict=True):
        for half in (query.half, ALL):
            gains.setdefault(half, []).append(ndcg(answers, query.grades))
    return {half: sum(values) / len(values) for half, values in gains.items()}


def mistyped(text: str, *, seed: int = 1) -> str:
    """The text with one slip inside its longest word: a letter dropped, doubled, swapped or a neighbour key's.

    The first letter stays, which people seldom miss. Texts without a word of four letters come back as they are.
    """
    words = [match for match in _LETTERS.finditer(text) if len(match[0]) >= _TYPO_LETTERS]
    if not words:
        return text
    rng = random.Random(f"{seed}:{text}")  # the text's own, so that order and number of queries do not matter
    match = max(words, key=lambda found: len(found[0]))
    slipped = word = match[0]
    while slipped == word:  # two equal letters swapped are no slip
        slipped = _slip(word, rng)
    return text[: match.start()] + slipped + text[match.end() :]


def _slip(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word))
    before, letter, after = word[:at], word[at], word[at + 1 :]
    kind = rng.choice(("drop", "double", "swap", "neighbour"))
    if kind == "drop":
        return before + after
    if kind == "double":
        return before + letter + letter + after
    if kind == "swap" and after:
        return before + after[0] + letter + after[1:]
    return before + rng.choice(_neighbours(letter)) + after


def _neighbours(letter: str) -> str:
    """The keys left and right of a letter on its row; the letter itself where it is on none."""
    for row in _KEYBOARD:
        if (at := row.find(letter.lower())) >= 0:
            return row[max(0, at - 1) : at] + row[at + 1 : at + 2]
    return letter


def load(data: Path, names: Sequence[str]) -> list[RelevanceSet]:
    """Those of the named sets that are in the folder: help centres (help_NAME) and sets in BEIR's form."""
    found = []
    for name in names:
        if (folder := data / f"help_{name}").is_dir():
            found.append(_help_centre(folder, name))
        elif (folder := data / name).is_dir():
            found.append(_with_qrels(folder, name))
    return found


def _help_centre(folder: Path, name: str) -> RelevanceSet:
    rows = _json_lines(folder / "articles.jsonl")
    place = {row["id"]: n for n, row in enumerate(rows)}
    with (folder / "queries.tsv").open(encoding="utf-8", newline="") as file:
        asked = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return RelevanceSet(
        name,
        [_article(row["title"], row["body"], rendering.render(row["body"])) for row in rows],
        [
            Query(row["query"], {place[id]: 1 for id in row["relevant_ids"].split()}, half_of(row["query"], number))
            for number, row in enumerate(asked)
        ],
    )


def _article(title: str, source: str, rendered: Rendered) -> Text:
    """As the product indexes it."""
    return Text(title, body_of("", rendered.text, [heading.text for heading in rendered.headings]), source)


def _with_qrels(folder: Path, name: str) -> RelevanceSet:
    rows = _json_lines(folder / "corpus.jsonl")
    place = {row["id"]: n for n, row in enumerate(rows)}
    grades: dict[str, dict[int, int]] = {}
    for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines():
        query, document, grade = line.split("\t")
        if int(grade) > 0:
            grades.setdefault(query, {})[place[document]] = int(grade)
    with (folder / "queries.tsv").open(encoding="utf-8") as file:
        asked = [line.rstrip("\n").split("\t", 1) for line in file]
    return RelevanceSet(
        name,
        [Text(row["title"], row["text"], row["text"]) for row in rows],
        [Query(text, grades[id], half_of(text, n)) for n, (id, text) in enumerate(asked) if id in grades],
    )


def _json_lines(path: Path) -> list[Any]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]
