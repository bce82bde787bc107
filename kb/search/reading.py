"""What the database says of the articles that an engine proposes: whether this reader may see them, and their texts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F, Q, TextField, Value

from kb.models import Article, Visibility


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


_FIELDS = {
    "id": "pk",
    "locale": "locale",
    "slug": "slug",
    "category_id": "category_id",
    "translation_group": "translation_group",
    "visibility": "visibility",
    "title": "live_revision__title",
    "summary": "live_revision__summary",
    "html": "live_revision__html",
}


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
    articles = Article.objects.published() if is_staff else Article.objects.public()
    if categories:
        articles = articles.filter(category__in=categories)
    wanted = Q(pk__in=ids)
    if locale:
        groups = Article.objects.filter(pk__in=ids).values("translation_group")
        wanted |= Q(translation_group__in=groups, locale=locale)
    text = F("live_revision__text") if with_text else Value("", output_field=TextField())
    found = [
        _row(values)
        for values in articles.filter(wanted).annotate(shown_text=text).values_list(*_FIELDS.values(), "shown_text")
    ]
    translated = {row.translation_group: row for row in found if row.locale == locale}
    return {row.id: translated.get(row.translation_group, row) for row in found}


def _row(values: tuple[Any, ...]) -> Row:
    return Row(**dict(zip([*_FIELDS, "text"], values, strict=True)))
