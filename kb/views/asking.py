"""What a form of the desk holds, read with forbearance."""

from __future__ import annotations

from django.http import HttpRequest


def words(request: HttpRequest, name: str) -> str:
    """What a field of the form says, without what a database cannot hold."""
    return request.POST.get(name, "").replace("\0", "").strip()


def number(text: str | None, *, digits: int = 9) -> int:
    """A number of at most so many digits; 0 where it is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= digits else 0
