"""What the database says of the articles that an engine proposes: whether this reader may see them, and their texts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from kb.models import Visibility


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
_PUBLIC, _ALL = [Visibility.PUBLIC.value], list(Visibility.values)


def rows(
    ids: Sequence[int],
    *,
    is_staff: bool = False,
    categories: Collection[int] = (),
    with_text: bool = False,
    locale: str = "",
) -> dict[int, Row]:
    """Those of the articles that the reader may see (in `categories`, where given), by id. One query.

    With `locale`, each article that is translated into it is given by its translation, under its own id.
    """
    if not ids:
        return {}
    sql = _ROWS + (_OR_TRANSLATION if locale else "") + ")" + (_IN_CATEGORIES if categories else "")
    given: dict[str, Any] = {"ids": list(ids), "with_text": with_text, "visibility": _ALL if is_staff else _PUBLIC}
    with connection.cursor() as cursor:
        cursor.execute(sql, given | {"locale": locale, "categories": list(categories)})
        found = [Row(*values) for values in cursor.fetchall()]
    translated = {row.translation_group: row for row in found if row.locale == locale}
    return {row.id: translated.get(row.translation_group, row) for row in found}
