"""Two people's changes to one text, put together line by line where they do not touch. Pure.

The three-way merge of diff3 (Khanna, Kunal, Pierce, "A Formal Investigation of Diff3", 2007): both texts are compared
with the one that both began with; what one side alone changed is taken from it, what both changed in the same way is
taken once, and where their changes overlap or stand next to each other without an unchanged line between, both are
kept for a person to decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from kb import differences
from kb.differences import Span


class Source(StrEnum):
    """Who changed a part of the text."""

    NOBODY = "nobody"
    MINE = "mine"
    THEIRS = "theirs"
    ALIKE = "alike"  # both, and to the same
    OVERLAP = "overlap"  # both, and not to the same


class Choice(StrEnum):
    """What a person lets stand where both changed the text."""

    MINE = "mine"
    THEIRS = "theirs"
    BOTH = "both"  # theirs, then mine


@dataclass(frozen=True)
class Part:
    """A run of lines as it was and as each side has it. In a row the parts are the whole of all three texts."""

    source: Source
    base: tuple[str, ...]
    mine: tuple[str, ...]
    theirs: tuple[str, ...]
    choice: Choice = Choice.MINE  # where both changed it

    @property
    def merged(self) -> tuple[str, ...]:
        """What stands in the merged text."""
        if self.source == Source.OVERLAP and self.choice == Choice.BOTH:
            return self.theirs + self.mine
        is_theirs = self.source == Source.THEIRS or (self.source == Source.OVERLAP and self.choice == Choice.THEIRS)
        return self.theirs if is_theirs else self.mine


@dataclass(frozen=True)
class Overlap:
    """Where both changed the text: `line` is the number of its first line in the merged text, from 1."""

    line: int
    base: str
    mine: str
    theirs: str
    choice: Choice = Choice.MINE


@dataclass(frozen=True)
class Merge:
    """`text` has the changes of both sides; where they overlap, what was chosen (mine), and `overlaps` has both."""

    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        return "\n".join(line for part in self.parts for line in part.merged)

    @property
    def overlaps(self) -> list[Overlap]:
        found, line = [], 1
        for part in self.parts:
            if part.source == Source.OVERLAP:
                base, mine, theirs = ("\n".join(lines) for lines in (part.base, part.mine, part.theirs))
                found.append(Overlap(line, base, mine, theirs, part.choice))
            line += len(part.merged)
        return found

    def decided(self, choices: Sequence[Choice]) -> Merge:
        """With these choices for the overlaps in their order; mine for those that it has none for."""
        left = iter(choices)
        return Merge(
            tuple(
                replace(part, choice=next(left, Choice.MINE)) if part.source == Source.OVERLAP else part
                for part in self.parts
            )
        )

    def has(self, source: Source) -> bool:
        return any(part.source == source for part in self.parts)


def merge(base: str, mine: str, theirs: str) -> Merge:
    """The changes from `base` to `mine` and from `base` to `theirs` in one text. Lines end with "\n"."""
    old, one, other = (tuple(text.split("\n")) for text in (base, mine, theirs))
    parts: list[Part] = []
    i = j = k = 0  # how far base, mine and theirs are told
    for run in _runs(_changes(old, one), _changes(old, other)):
        gap, length = run.start - i, run.end - run.start
        parts.append(Part(Source.NOBODY, old[i : run.start], one[j : j + gap], other[k : k + gap]))
        j, k = j + gap, k + gap
        was, has, have = old[run.start : run.end], one[j : j + length + run.mine], other[k : k + length + run.theirs]
        parts.append(Part(_source(was, has, have), was, has, have))
        i, j, k = run.end, j + len(has), k + len(have)
    parts.append(Part(Source.NOBODY, old[i:], one[j:], other[k:]))
    return Merge(tuple(part for part in parts if part.base or part.mine or part.theirs))


def one_of(base: str, mine: str, theirs: str) -> str | None:
    """The same of a text that is taken as a whole, a title: None where both changed it, each in another way."""
    if mine in (base, theirs):
        return theirs
    return mine if theirs == base else None


def _changes(old: Sequence[str], new: Sequence[str]) -> list[Span]:
    return [span for span in differences.spans(old, new) if not span.is_same]


@dataclass
class _Run:
    """Lines of the base that changes cover, and by how many lines each side is longer there."""

    start: int
    end: int
    mine: int = 0
    theirs: int = 0


def _runs(mine: list[Span], theirs: list[Span]) -> list[_Run]:
    """Changes of both sides in the order of the base; those that overlap or touch are one run."""
    found: list[_Run] = []
    every = [(span, True) for span in mine] + [(span, False) for span in theirs]
    for span, is_mine in sorted(every, key=lambda pair: (pair[0].old_start, pair[0].old_end)):
        if not found or span.old_start > found[-1].end:
            found.append(_Run(span.old_start, span.old_end))
        run = found[-1]
        run.end = max(run.end, span.old_end)
        if is_mine:
            run.mine += _growth(span)
        else:
            run.theirs += _growth(span)
    return found


def _growth(span: Span) -> int:
    return (span.new_end - span.new_start) - (span.old_end - span.old_start)


def _source(base: tuple[str, ...], mine: tuple[str, ...], theirs: tuple[str, ...]) -> Source:
    if mine == theirs:
        return Source.ALIKE
    if mine == base:
        return Source.THEIRS
    return Source.MINE if theirs == base else Source.OVERLAP
