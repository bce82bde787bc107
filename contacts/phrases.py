"""Which reason do the words of a text speak for? Pure: phrases and text in, a verdict with its confidence out.

A phrase counts where its words stand side by side, whatever their case, accents or apostrophes, and not where they are
only a part of a longer phrase that matched there too. Longer phrases weigh more, and each time counts.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

# Below this confidence a text stays uncoded, which is an answer too (bench/reasons.py prints what others would do).
THRESHOLD = 0.5
_APOSTROPHES = re.compile("[’‘ʼ'`´]")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Reason:
    """A reason code and where it hangs in the tree."""

    id: int
    code: str
    name: str
    path: tuple[str, ...]  # codes from the top of the branch down to this one
    phrases: tuple[str, ...]

    @property
    def topic(self) -> str:
        """The code at the top of the branch."""
        return self.path[0]


@dataclass(frozen=True)
class Verdict:
    """What a text is about. `reason` is None where nothing was sure enough; `confidence` is 0 to 1."""

    reason: Reason | None
    confidence: float


def words(text: str) -> list[str]:
    """The words of a text without case, accents and apostrophes: "Où's my ORDER?" -> ["ous", "my", "order"]."""
    decomposed = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", text).casefold())
    return _WORD.findall("".join(char for char in decomposed if not unicodedata.combining(char)))


class Rules:
    """The reasons made ready to read texts with."""

    def __init__(self, reasons: Iterable[Reason]) -> None:
        self._reasons = list(reasons)
        self._tops = {reason.code: reason for reason in self._reasons if reason.code == reason.topic}
        # The same phrase may speak for several reasons; each then gets its share.
        speaks_for: dict[tuple[str, ...], dict[int, Reason]] = defaultdict(dict)
        for reason in self._reasons:
            for phrase in reason.phrases:
                if tokens := tuple(words(phrase)):
                    speaks_for[tokens][reason.id] = reason
        self._by_first: dict[str, list[tuple[tuple[str, ...], list[Reason]]]] = defaultdict(list)
        for tokens, named in sorted(speaks_for.items(), key=lambda item: -len(item[0])):
            self._by_first[tokens[0]].append((tokens, list(named.values())))

    def weigh(self, text: str) -> dict[int, float]:
        """The weight of every reason (by its id) that something in the text speaks for."""
        tokens = words(text)
        found = [
            (start, start + len(phrase), named)
            for start, token in enumerate(tokens)
            for phrase, named in self._by_first.get(token, ())
            if tuple(tokens[start : start + len(phrase)]) == phrase
        ]
        weights: dict[int, float] = defaultdict(float)
        reached = 0
        for start, end, named in found:  # by start, longer ones first: what ends within reach is a part of a longer one
            if end > reached:
                reached = end
                for reason in named:
                    weights[reason.id] += (end - start) ** 1.5 / len(named)
        return weights

    def decide(self, text: str, *, threshold: float) -> Verdict:
        """The reason with the most weight, else the top of the surest branch, else none.

        The confidence is the share of all weight that the reason has, times 1 - exp(-weight): one single word is
        never certain, and neither is a text that speaks for two things at once.
        """
        weights = self.weigh(text)
        if not weights:
            return Verdict(None, 0.0)
        total = sum(weights.values())
        by_reason = [(weights[reason.id], reason) for reason in self._reasons if reason.id in weights]
        branches: dict[str, float] = defaultdict(float)
        for weight, reason in by_reason:
            branches[reason.topic] += weight
        by_branch = [(weight, self._tops[code]) for code, weight in branches.items() if code in self._tops]
        best = 0.0
        for candidates in (by_reason, by_branch):
            weight, reason = max(candidates, key=lambda candidate: candidate[0])
            confidence = weight / total * -math.expm1(-weight)
            if confidence >= threshold:
                return Verdict(reason, confidence)
            best = max(best, confidence)
        return Verdict(None, best)
