"""What a form of the desk holds, read with forbearance."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme


def words(request: HttpRequest, name: str) -> str:
    """What a field of the form says, without what a database cannot hold."""
    return request.POST.get(name, "").replace("\0", "").strip()


def number(text: str | None, *, digits: int = 9) -> int:
    """A number of at most so many digits; 0 where it is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= digits else 0


def back(request: HttpRequest) -> str:
    """The page of the desk that sent the editor here, and has them back when it is done; empty where none did."""
    given = request.POST if request.method == "POST" else request.GET
    address = given.get("back", "")[:1000]
    is_ours = address.startswith(reverse("desk:home")) and url_has_allowed_host_and_scheme(address, None)
    return address if is_ours else ""
