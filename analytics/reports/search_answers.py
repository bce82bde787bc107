"""What queries were answered with lately, what people ended up reading, and the synonym that this suggests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from analytics.periods import Period
from kb.models import Article
from kb.search import analysis

_EXAMPLES = 3
_NEWEST = 100  # searches of a query that are looked at
_LONGEST = 80  # characters of either side of a synonym


@dataclass(frozen=True)
class Shown:
    """An article: in a search's answers, or opened after it by so many."""

    article_id: int
    title: str
    times: int = 0


@dataclass(frozen=True)
class Answers:
    """`shown` is the newest search's first answers; `total` None where no search is there any more. `read` is what most
    opened from it, or from what they asked next. `words` and `means` are the two sides of a synonym, to be looked over.
    """

    total: int | None = None
    shown: tuple[Shown, ...] = ()
    read: Shown | None = None
    words: str = ""
    means: str = ""


UNKNOWN = Answers()

_LATEST = """
SELECT asked.number, latest.total, latest.shown[1:%(examples)s]
FROM unnest(%(numbers)s::integer[], %(locales)s::text[], %(keys)s::text[]) AS asked (number, locale, key)
CROSS JOIN LATERAL (
    SELECT total, shown FROM kb_searchlog AS search
    WHERE search.locale = asked.locale AND search.key = asked.key AND search.kind = 'page' AND search.error = ''
    ORDER BY at DESC LIMIT 1
) AS latest
"""

_READ = """
SELECT asked.number, opened.article_id, count(*)
FROM unnest(%(numbers)s::integer[], %(locales)s::text[], %(keys)s::text[]) AS asked (number, locale, key)
CROSS JOIN LATERAL (
    SELECT id FROM kb_searchlog AS search
    WHERE search.locale = asked.locale AND search.key = asked.key AND search.kind = 'page' AND search.visitor <> ''
      AND search.at >= %(start)s AND search.at < %(end)s
    ORDER BY at DESC LIMIT %(newest)s
) AS search
CROSS JOIN LATERAL (
    SELECT article_id FROM kb_searchclick WHERE search_id = search.id
    UNION ALL
    SELECT click.article_id FROM kb_searchlog AS next JOIN kb_searchclick AS click ON click.search_id = next.id
    WHERE next.reformulates_id = search.id
) AS opened
GROUP BY 1, 2
"""


def of(asked: Sequence[tuple[str, str, str]], period: Period) -> list[Answers]:
    """For each (language, key, text). Three queries, each bounded however often a query was asked."""
    given = {
        "numbers": list(range(len(asked))),
        "locales": [locale for locale, _key, _text in asked],
        "keys": [key for _locale, key, _text in asked],
        "examples": _EXAMPLES,
        "newest": _NEWEST,
        "start": period.start,
        "end": period.end,
    }
    latest = {number: (total, shown) for number, total, shown in _rows(_LATEST, given)}
    opened: dict[int, tuple[int, int]] = {}
    for number, article_id, times in _rows(_READ, given):
        opened[number] = max(opened.get(number, (0, 0)), (times, -article_id))
    ids = {pk for _total, shown in latest.values() for pk in shown} | {-pk for _times, pk in opened.values()}
    titles = _titles(ids)
    found = []
    for number, (locale, _key, text) in enumerate(asked):
        total, shown = latest.get(number, (None, []))
        times, negative = opened.get(number, (0, 0))
        read = Shown(-negative, titles[-negative], times) if -negative in titles else None
        words, means = synonym(text, read.title, locale) if read else ("", "")
        examples = tuple(Shown(pk, titles[pk]) for pk in shown if pk in titles)
        found.append(Answers(total, examples, read, words, means))
    return found


def synonym(query: str, title: str, locale: str) -> tuple[str, str]:
    """The telling words of a query that an article's title does not have, and those of the title that the query does
    not have, in their order. A proposal: nobody knows which of them mean the same. Both empty where one would be."""
    of_query, of_title = _telling(query, locale), _telling(title, locale)
    words = [word for word, stem in of_query if stem not in {stem for _word, stem in of_title}]
    means = [word for word, stem in of_title if stem not in {stem for _word, stem in of_query}]
    if not (words and means):
        return "", ""
    return " ".join(words)[:_LONGEST], " ".join(means)[:_LONGEST]


def _telling(text: str, locale: str) -> list[tuple[str, str]]:
    language = analysis.for_language(locale)
    return [(word, language.stem(word)) for word in language.words(text) if not language.is_stop(word)]


def _titles(ids: set[int]) -> dict[int, str]:
    return dict(Article.objects.published().filter(pk__in=ids).values_list("pk", "live_revision__title"))


def _rows(sql: str, given: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        return list(cursor.fetchall())
