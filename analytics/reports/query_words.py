"""Queries of the search log's counts: in the words in which they were typed last, and which of them ask the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.conf import settings
from django.db import connection

from analytics import gap_clusters
from analytics.gap_clusters import Asked
from kb.search import analysis, semantic
from kb.search.keys import key_of

_LEADERS = 80  # whose meaning is looked at

_SAID = """
SELECT asked.locale, asked.key,
       (SELECT text FROM analytics_searchday AS counts
        WHERE counts.locale = asked.locale AND counts.key = asked.key ORDER BY day DESC LIMIT 1),
       coalesce((SELECT corrected FROM kb_searchlog AS search
                 WHERE search.locale = asked.locale AND search.key = asked.key ORDER BY at DESC LIMIT 1), '')
FROM unnest(%(locales)s::text[], %(keys)s::text[]) AS asked (locale, key)
"""


@dataclass(frozen=True)
class Like:
    """Groups of (language, keys) that ask the same, and each query's words. A query that tells nothing is in none."""

    groups: tuple[tuple[str, tuple[str, ...]], ...]
    text: Mapping[tuple[str, str], str]
    by_meaning: frozenset[str]  # languages whose queries were compared by meaning too


def like(weights: Mapping[tuple[str, str], float]) -> Like:
    """Of each (language, key), how much it weighs among the others. One query."""
    text: dict[tuple[str, str], str] = {}
    meant: dict[str, dict[str, str]] = defaultdict(dict)
    for locale, key, typed, corrected in _said(list(weights)):
        if tells_something(typed, locale):
            text[locale, key] = typed
            meant[locale][key] = corrected or typed
    groups: list[tuple[str, tuple[str, ...]]] = []
    by_meaning = set()
    for locale, texts in meant.items():
        asked = [
            Asked(key, frozenset(key_of(words, locale).split()), weights[locale, key]) for key, words in texts.items()
        ]
        meaning = _meaning_of(locale, texts, asked)
        if meaning is not None:
            by_meaning.add(locale)
        found = gap_clusters.cluster(asked, meaning=meaning)
        groups += [(locale, tuple(one.key for one in group)) for group in found]
    return Like(tuple(groups), text, frozenset(by_meaning))


def _said(queries: Sequence[tuple[str, str]]) -> list[tuple[str, str, str, str]]:
    """(language, key, as it was typed last, what search took it for or nothing)."""
    given = {"locales": [locale for locale, _key in queries], "keys": [key for _locale, key in queries]}
    with connection.cursor() as cursor:
        cursor.execute(_SAID, given)
        found: list[tuple[str, str, str, str]] = cursor.fetchall()
        return found


def tells_something(text: str, locale: str) -> bool:
    """Whether a query has a word that is no stop word: "how to" is the beginning of a question."""
    language = analysis.for_language(locale)
    return any(not language.is_stop(word) for word in language.words(text))


def _meaning_of(
    locale: str, texts: dict[str, str], asked: Sequence[Asked]
) -> Callable[[Asked, Asked], float | None] | None:
    """How near two queries are in meaning; None where meaning is not installed or does not know the language."""
    encoder = semantic.loaded() if settings.SEARCH_MEANING and semantic.speaks(locale) else None
    if encoder is None:
        return None
    heaviest = sorted(asked, key=lambda query: (-query.weight, query.key))[:_LEADERS]
    vectors = {query.key: encoder.query(texts[query.key]) for query in heaviest}

    def cosine(one: Asked, other: Asked) -> float | None:
        if one.key not in vectors or other.key not in vectors:
            return None
        return float(np.dot(vectors[one.key], vectors[other.key]))

    return cosine
