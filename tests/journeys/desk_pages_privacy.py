"""The desk's pages about a person's data, for the walk over all of them."""

from __future__ import annotations

from django.urls import reverse

from core import erasure


def an_erasure() -> str:
    """The receipt of somebody of whom nothing was kept, and of one that is under way."""
    erasure.begin("under-way@example.com", by=None)
    done = erasure.work(erasure.begin("nobody@example.com", by=None).pk)
    return reverse("desk:privacy-receipt", args=[done.pk])


DESK_PAGES = [an_erasure]
