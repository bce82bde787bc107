"""A phrase "in quotes": an engine finds documents with all of its words; here they must stand side by side. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def in_order(lines: Iterable[Sequence[str]]) -> str:
    """The stems of a document's lines as one text in which sought() finds those that stand side by side in a line.

    A break stands around each stem, so that "art" is not found in "smart", and two between lines.
    """
    return "\n".join(sought(line) for line in lines if line)


def sought(phrase: Sequence[str]) -> str:
    """What in_order() has where these stems stand side by side."""
    return "\n" + "\n".join(phrase) + "\n"
