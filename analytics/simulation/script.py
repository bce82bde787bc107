"""What simulated visitors want to know, in which words, and how good the answers really are. Pure."""

from __future__ import annotations

import csv
import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from core.bucketing import bucket


@dataclass(frozen=True)
class Question:
    """Something a visitor wants to know. `answer` is the external id of the article that holds it; None: none does."""

    words: str
    locale: str
    topic: str
    answer: str | None


@dataclass(frozen=True)
class Letter:
    """What somebody writes who contacts us about `topic`."""

    topic: str
    locale: str
    subject: str
    message: str


@dataclass(frozen=True)
class Truth:
    """What the simulator knows and the product must find out again."""

    salt: str
    # How much likelier variant "b" of an experiment is to resolve than the control, as a share (0.08 = 8 points).
    lift: float = 0.0
    contacts_when_stuck: float = 0.42
    votes: float = 0.24
    opens_suggestion: float = 0.5  # of those to whom the contact form suggests an article

    def quality(self, article: str, *, variant: str = "") -> float:
        """The chance that this article answers a visitor whose question it is about: 0.40 to 0.92."""
        base = 0.40 + 0.52 * bucket(f"{self.salt}:quality", article)
        return min(0.98, base + (self.lift if variant == "b" else 0.0))


@dataclass(frozen=True)
class Script:
    """`popularity` has a weight for each question: a few of them are most of what people ask (Zipf)."""

    questions: list[Question]
    letters: list[Letter]
    popularity: list[float]

    def question(self, rng: random.Random) -> Question:
        return rng.choices(self.questions, self.popularity)[0]

    def letter_about(self, topic: str, locale: str, rng: random.Random) -> Letter:
        """A letter about the topic, in the locale where there is one; any letter in the locale else."""
        same = [letter for letter in self.letters if letter.topic == topic and letter.locale == locale]
        return rng.choice(same or [letter for letter in self.letters if letter.topic == topic] or self.letters)


def of_demo(folder: Path) -> Script:
    """The demo shop's questions and letters (demo/queries.yaml, demo/contacts.yaml)."""
    branches = _yaml(folder / "reasons.yaml")
    parents = {child["key"]: branch["key"] for branch in branches for child in branch.get("children", [])}
    questions = [
        Question(
            words=row["query"],
            locale=row["locale"],
            topic=row["topic"] or "other",
            answer=row["id"],
        )
        for row in _yaml(folder / "queries.yaml")
    ]
    letters = [
        Letter(
            topic=parents.get(row["reason"], row["reason"]),
            locale=row["locale"],
            subject=row["subject"],
            message=row["body"],
        )
        for row in _yaml(folder / "contacts.yaml")
    ]
    return Script(questions, letters, _popularity(questions))


def of_help_centre(queries: Path) -> Script:
    """Questions from a help centre's queries.tsv (columns kind, query, relevant_ids); letters in the query's words."""
    with queries.open(encoding="utf-8", newline="") as file:
        questions = [
            Question(words=row["query"], locale="en", topic="other", answer=row["relevant_ids"].split(",")[0].strip())
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]
    letters = [
        Letter(
            "other", "en", question.words[:120], f"I read the help pages about “{question.words}” and found no answer."
        )
        for question in questions
    ]
    return Script(questions, letters, _popularity(questions))


def _popularity(questions: list[Question]) -> list[float]:
    """Weights by which the n-th article (in the order of the questions) is asked for 1 / (n + 1) as often as the first.

    All wordings of one question share its weight.
    """
    wordings = Counter((question.answer, question.locale) for question in questions)
    rank = {key: place for place, key in enumerate(wordings)}
    return [1 / (1 + rank[key]) / wordings[key] for key in ((q.answer, q.locale) for q in questions)]


def mistype(words: str, rng: random.Random) -> str:
    """The same words with one slip of the fingers in one of the longer ones."""
    parts = words.split()
    long = [index for index, word in enumerate(parts) if len(word) >= 5 and word.isalpha()]
    if not long:
        return words
    index = rng.choice(long)
    word = parts[index]
    at = rng.randrange(1, len(word) - 1)
    parts[index] = rng.choice(
        [
            word[:at] + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + word[at] + word[at:],
        ]
    )
    return " ".join(parts)


def _yaml(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return rows
