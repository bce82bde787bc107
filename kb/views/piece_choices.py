"""What the editor's page shows of facts and blocks: the text with its values, what it uses, what it could use."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from core.roles import ADMIN, ANALYST, OPS, REVIEWER, WRITER, desk
from kb import facts, piece_uses
from kb.models import PieceSort

_SHOWN = 120  # characters of a block in a list


@require_safe
@desk(WRITER, REVIEWER, OPS, ANALYST, ADMIN)
def choices(request: HttpRequest) -> JsonResponse:
    """What can be inserted: [{insert, label, shows}, …], facts first; `locale` says in which language it is shown."""
    book = facts.book(_served(request.GET.get("locale", "")))
    found = [
        {"insert": saying.piece.code, "label": saying.piece.name, "shows": _short(saying.shows)}
        for saying in _offered(book)
    ]
    return JsonResponse(found, safe=False)


def of_text(body: str, locale: str, *, title: str = "", summary: str = "") -> dict[str, Any]:
    """For the editor's page, in one query: the text as customers would see it now, what it uses, what it could use."""
    book = facts.book(_served(locale))
    filled = book.fill(title, summary, body)
    return {
        "piece_notes": _notes(filled, book.used_in(title, summary, body)),
        "used_pieces": book.used_in(title, summary, body),
        "offered_pieces": [(saying, _short(saying.shows)) for saying in _offered(book)],
        "pieces_locale": book.locale,
    }


def preview(title: str, summary: str, body: str, locale: str) -> tuple[facts.Filled, SafeString]:
    """The text as customers would see it now, and notes for the editor to stand above it. No query where it uses
    nothing.
    """
    book = facts.book_for(title, summary, body, locale=_served(locale))
    filled = book.fill(title, summary, body)
    return filled, _notes(filled, book.used_in(title, summary, body))


def _notes(filled: facts.Filled, used: list[facts.Saying]) -> SafeString:
    """What cannot be filled and what will change by itself; empty where all is well."""
    context = {
        "problems": [piece_uses.told_of(problem) for problem in filled.problems],
        "changing": [saying for saying in used if saying.then_at],
    }
    if not any(context.values()):
        return mark_safe("")
    return mark_safe(render_to_string("desk/_partials/piece_notes.html", context))


def _offered(book: facts.Book) -> list[facts.Saying]:
    return sorted(book.sayings.values(), key=lambda row: (row.piece.sort != PieceSort.FACT, row.piece.name))


def _served(locale: str) -> str:
    return locale if locale in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1].rstrip() + "…"
