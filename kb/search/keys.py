"""Queries as they are compared with each other. Pure."""

from __future__ import annotations

from kb.search import analysis

LONGEST = 200  # characters


def key_of(text: str, locale: str) -> str:
    """A query as queries are compared: its telling stems, each once, in order of the alphabet; 200 characters at most.

    Without any telling word, all its stems.
    """
    language = analysis.for_language(locale)
    words = language.words(text)
    telling = [word for word in words if not language.is_stop(word)] or words
    return " ".join(sorted({stem for word in telling if (stem := language.stem(word))}))[:LONGEST]
