"""What the database says of the articles that an engine proposes: whether this reader may see them, and their texts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from kb.models import Visibility
from kb.search.phrases import sought


@dataclass(frozen=True)
class Row:
    """A published article as it is now. `text` only where asked for."""

    id: int
    locale: str
    slug: str
    category_id: int
    translation_group: UUID
    visibility: str
    title: str
    summary: str
    html: str
    text: str = ""

    @property
    def is_staff_only(self) -> bool:
        return self.visibility != Visibility.PUBLIC

    @property
    def texts(self) -> tuple[str, str, str]:
        """What can be searched of it."""
        return self.title, self.summary, self.text


# In SQL: this runs in every search, and to build it anew from the models takes longer than to run it.
_ROWS = """
    SELECT a.id, a.locale, a.slug, a.category_id, a.translation_group, a.visibility,
           r.title, r.summary, r.html, CASE WHEN %(with_text)s THEN r.text ELSE '' END
    FROM kb_article a JOIN kb_revision r ON r.id = a.live_revision_id
    WHERE a.state = 'published' AND a.visibility = ANY(%(visibility)s)
      AND (a.id = ANY(%(ids)s)"""
_OR_TRANSLATION = """ OR (a.locale = %(locale)s AND a.translation_group IN (
          SELECT translation_group FROM kb_article WHERE id = ANY(%(ids)s)))"""
_IN_CATEGORIES = " AND a.category_id = ANY(%(categories)s)"
# The index is written with the article, in one transaction, so its words are those of the revision.
_WITH_PHRASES = """ AND (a.id = ANY(%(free)s) OR EXISTS (
          SELECT FROM kb_indexedarticle i
          WHERE i.article_id = a.id
            AND (SELECT bool_and(strpos(i.stems, phrase) > 0) FROM unnest(%(phrases)s::text[]) AS phrase)))"""
_PUBLIC, _ALL = [Visibility.PUBLIC.value], list(Visibility.values)


def rows(
    ids: Sequence[int],
    *,
    is_staff: bool = False,
    categories: Collection[int] = (),
    with_text: bool = False,
    locale: str = "",
    phrases: Collection[Sequence[str]] = (),
    free: Collection[int] = (),
) -> dict[int, Row]:
    """Those of the articles that the reader may see (in `categories`, where given), by id. One query.

    With `locale`, each article that is translated into it is given by its translation, under its own id. With
    `phrases` (stems in order), those where each of them stands side by side, and of `free` all.
    """
    if not ids:
        return {}
    sql = _ROWS + (_OR_TRANSLATION if locale else "") + ")"
    sql += (_IN_CATEGORIES if categories else "") + (_WITH_PHRASES if phrases else "")
    given: dict[str, Any] = {
        "ids": list(ids),
        "visibility": _ALL if is_staff else _PUBLIC,
        "with_text": with_text,
        "locale": locale,
        "categories": list(categories),
        "phrases": [sought(phrase) for phrase in phrases],
        "free": list(free),
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        found = [Row(*values) for values in cursor.fetchall()]
    translated = {row.translation_group: row for row in found if row.locale == locale}
    return {row.id: translated.get(row.translation_group, row) for row in found}
