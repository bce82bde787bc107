"""A phrase "in quotes": an engine finds documents with all of its words; here they must stand side by side. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from kb.search import analysis


def holds(texts: Iterable[str], phrases: Iterable[Sequence[str]], lang: str) -> bool:
    """Whether each phrase (stems in order) stands in one of the texts, its words side by side."""
    language = analysis.for_language(lang)
    # A break of its own between stems, so that "art" is not found in "smart", nor a phrase across two texts.
    stems = "\n".join(chain.from_iterable(["", *language.stems(text), "", ""] for text in texts))
    return all("\n" + "\n".join(phrase) + "\n" in stems for phrase in phrases)
