"""A draft that begins with what customers said: their words as notes for the writer, on the shelf that fits best."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db.models import Count
from django.utils.translation import gettext as _

from kb import publishing
from kb.models import Article, Category

_LONGEST_TITLE = 120


class NoCategory(Exception):
    """There is no category to put an article in. Safe to show."""


def begin(
    *, locale: str, title: str, lines: Sequence[str], topic: str = "", near: Sequence[int] = (), by: User | None
) -> Article:
    """A new article with a draft and nothing published.

    `lines` are what customers said. Its category is one about `topic`, else the one of most of the articles `near`,
    else the first; the writer can choose another. Raises NoCategory.
    """
    category = _category(topic, near)
    if category is None:
        raise NoCategory(_("There is no category yet. Make one first; an article stands in one."))
    title = " ".join(title.split())[:_LONGEST_TITLE].strip() or _("A question of customers")
    return publishing.create_article(
        locale=locale, category=category, title=title[0].upper() + title[1:], body=notes(lines), by=by
    )


def notes(lines: Sequence[str]) -> str:
    """The customers' words as a quotation (Markdown) that says what it is; empty lines are left out."""
    quoted = [f"> - {_plain(line)}" for line in lines if line.strip()]
    head = "> **" + _("Notes for the writer. Delete them before you publish.") + "** "
    return "\n".join([head + _("What customers said:"), ">", *quoted, "", ""])


def _plain(line: str) -> str:
    """One line that Markdown shows as it is."""
    text = " ".join(line.split())
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>#|!~" else char for char in text)


def _category(topic: str, near: Sequence[int]) -> Category | None:
    if topic and (found := Category.objects.filter(topic=topic).order_by("position", "key").first()) is not None:
        return found
    if near:
        counted = (
            Category.objects.filter(articles__in=near)
            .annotate(number=Count("articles"))
            .order_by("-number", "position")
        )
        if (found := counted.first()) is not None:
            return found
    return Category.objects.order_by("position", "key").first()
