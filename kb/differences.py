"""What changed between two texts: word by word in their source, and in their rendered HTML. Pure, and bounded in time.

difflib finds the longest runs that two sequences share, which takes the square of their length and, where words repeat,
more. So a pair of long sequences is cut first: what both begin and end with, then at the tokens that each has exactly
once and in the same order (patience diff, Bram Cohen). What is left between two cuts is difflib's, as long as the work
allowed for the whole comparison lasts; after that the rest of it counts as replaced, which is right, if coarse.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

WORK = 4_000_000  # pairs of tokens that difflib may compare in one comparison: about a second
_BLOCK = 250_000  # pairs of tokens in one call of difflib
_AROUND = 3  # unchanged lines shown beside a change

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")


class Kind(StrEnum):
    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"
    CHANGED = "changed"  # of a line: some of its words
    FOLDED = "folded"  # of lines: a run of unchanged ones that is not shown


@dataclass(frozen=True)
class Piece:
    kind: Kind
    text: str


@dataclass(frozen=True)
class Line:
    """One row of two columns. A side without such a line has the number 0. FOLDED: `count` lines that are the same."""

    kind: Kind
    old_number: int = 0
    new_number: int = 0
    old: tuple[Piece, ...] = ()
    new: tuple[Piece, ...] = ()
    count: int = 0


@dataclass(frozen=True)
class Span:
    """old[old_start:old_end] became new[new_start:new_end]; `is_same` where they are equal."""

    is_same: bool
    old_start: int
    old_end: int
    new_start: int
    new_end: int


def words(old: str, new: str) -> list[Piece]:
    """The pieces of both texts in reading order, each removed one before what was added in its place."""
    return _pieces(tokens(old), tokens(new), _Work(WORK))


def lines(old: str, new: str) -> list[Line]:
    """Both texts line by line, changed words marked, long runs of unchanged lines folded; empty: nothing changed."""
    if old == new:
        return []
    before, after = old.split("\n"), new.split("\n")
    work = _Work(WORK)
    found: list[Line] = []
    for span in _spans(before, after, work):
        if span.is_same:
            for offset in range(span.old_end - span.old_start):
                text = (Piece(Kind.SAME, before[span.old_start + offset]),)
                found.append(Line(Kind.SAME, span.old_start + offset + 1, span.new_start + offset + 1, text, text))
        else:
            found += _changed(before, after, span, work)
    return list(_folded(found))


def tokens(text: str) -> list[str]:
    """Words, runs of white space, single signs. Joined they are the text again."""
    return _TOKEN.findall(text)


def spans(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[Span]:
    """What of `old` became what of `new`, in order and without gaps."""
    return _spans(old, new, _Work(WORK))


class _Work:
    """How many pairs of tokens may still be compared."""

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, amount: int) -> bool:
        if amount > min(self.left, _BLOCK):
            return False
        self.left -= amount
        return True


def _spans(old: Sequence[Hashable], new: Sequence[Hashable], work: _Work) -> list[Span]:
    return _joined(_parts(old, new, 0, len(old), 0, len(new), work))


def _joined(parts: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for part in parts:
        last = found[-1] if found else None
        if last is not None and last.is_same == part.is_same:
            found[-1] = Span(part.is_same, last.old_start, part.old_end, last.new_start, part.new_end)
        else:
            found.append(part)
    return found


def _parts(
    old: Sequence[Hashable], new: Sequence[Hashable], i: int, i_end: int, j: int, j_end: int, work: _Work
) -> Iterator[Span]:
    """Of old[i:i_end] and new[j:j_end]. A stack and no recursion: a text may have thousands of cuts in cuts."""
    stack: list[tuple[bool, int, int, int, int]] = [(False, i, i_end, j, j_end)]
    while stack:
        is_same, i, i_end, j, j_end = stack.pop()
        if is_same:
            yield Span(True, i, i_end, j, j_end)
            continue
        start = i
        while i < i_end and j < j_end and old[i] == new[j]:
            i, j = i + 1, j + 1
        if i > start:
            yield Span(True, start, i, j - (i - start), j)
        tail = 0
        while i < i_end - tail and j < j_end - tail and old[i_end - tail - 1] == new[j_end - tail - 1]:
            tail += 1
        if tail:
            stack.append((True, i_end - tail, i_end, j_end - tail, j_end))
            i_end, j_end = i_end - tail, j_end - tail
        if i == i_end and j == j_end:
            continue
        if i == i_end or j == j_end:
            yield Span(False, i, i_end, j, j_end)
        elif anchors := _anchors(old, new, i, i_end, j, j_end):
            pieces = []
            for at_old, at_new in anchors:
                pieces += [(False, i, at_old, j, at_new), (True, at_old, at_old + 1, at_new, at_new + 1)]
                i, j = at_old + 1, at_new + 1
            stack += reversed([*pieces, (False, i, i_end, j, j_end)])
        elif work.take((i_end - i) * (j_end - j)):
            matcher = SequenceMatcher(None, old[i:i_end], new[j:j_end], autojunk=False)
            for tag, a, a_end, b, b_end in matcher.get_opcodes():
                yield Span(tag == "equal", i + a, i + a_end, j + b, j + b_end)
        else:
            yield Span(False, i, i_end, j, j_end)


def _anchors(
    old: Sequence[Hashable], new: Sequence[Hashable], i: int, i_end: int, j: int, j_end: int
) -> list[tuple[int, int]]:
    """Places of what each side has exactly once, rising on both sides: the longest such row."""
    in_old, in_new = Counter(old[i:i_end]), Counter(new[j:j_end])
    places = {token: at for at in range(j, j_end) if in_new[token := new[at]] == 1}
    pairs = [(at, places[old[at]]) for at in range(i, i_end) if in_old[old[at]] == 1 and old[at] in places]
    # The longest rising row by patience sorting, with the way back.
    tops: list[int] = []
    top_pairs: list[int] = []
    before: list[int] = []
    for number, (_, at_new) in enumerate(pairs):
        pile = bisect_left(tops, at_new)
        before.append(top_pairs[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(at_new)
            top_pairs.append(number)
        else:
            tops[pile], top_pairs[pile] = at_new, number
    row = []
    number = top_pairs[-1] if top_pairs else -1
    while number >= 0:
        row.append(pairs[number])
        number = before[number]
    return row[::-1]


def _pieces(before: Sequence[str], after: Sequence[str], work: _Work) -> list[Piece]:
    found = []
    every = _spans(before, after, work)
    for number, span in enumerate(every):
        # A space alone between two changes is none that stayed: the words around it would fall apart.
        inside = 0 < number < len(every) - 1 and span.is_same
        if inside and span.old_end - span.old_start == 1 and before[span.old_start] == " ":
            every[number] = Span(False, span.old_start, span.old_end, span.new_start, span.new_end)
    for span in _joined(every):
        old, new = "".join(before[span.old_start : span.old_end]), "".join(after[span.new_start : span.new_end])
        if span.is_same:
            found.append(Piece(Kind.SAME, old))
        else:
            found += [Piece(kind, text) for kind, text in ((Kind.REMOVED, old), (Kind.ADDED, new)) if text]
    return found


def _changed(before: Sequence[str], after: Sequence[str], span: Span, work: _Work) -> list[Line]:
    """Removed and added lines beside each other, the first with the first, while there are two."""
    found = []
    old, new = range(span.old_start, span.old_end), range(span.new_start, span.new_end)
    for a, b in zip(old, new, strict=False):
        pieces = _pieces(tokens(before[a]), tokens(after[b]), work)
        left = tuple(piece for piece in pieces if piece.kind != Kind.ADDED)
        right = tuple(piece for piece in pieces if piece.kind != Kind.REMOVED)
        found.append(Line(Kind.CHANGED, a + 1, b + 1, left, right))
    both = len(found)
    found += [Line(Kind.REMOVED, a + 1, 0, (Piece(Kind.REMOVED, before[a]),)) for a in old[both:]]
    found += [Line(Kind.ADDED, 0, b + 1, (), (Piece(Kind.ADDED, after[b]),)) for b in new[both:]]
    return found


def _folded(rows: Sequence[Line]) -> Iterator[Line]:
    near = {at + step for at, row in enumerate(rows) if row.kind != Kind.SAME for step in range(-_AROUND, _AROUND + 1)}
    hidden = 0
    for at, row in enumerate(rows):
        if at not in near:
            hidden += 1
            continue
        if hidden:
            yield Line(Kind.FOLDED, count=hidden)
            hidden = 0
        yield row
    if hidden:
        yield Line(Kind.FOLDED, count=hidden)
