"""The desk's pages of facts and blocks, for the walk through all desk pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from core import clock
from kb import pieces
from kb.models import Piece

READERS = ("writer", "reviewer", "ops", "analyst", "admin")
EDITORS = ("reviewer", "admin")


def set_up() -> Mapping[str, object]:
    """The demo's facts are there with its articles; one of them with a change to come, and one that nothing uses."""
    if Piece.objects.filter(sort="fact", key="unused").exists():
        return {}
    window = Piece.objects.get(sort="fact", key="return-window")
    values = pieces.read_values(window.kind, {"": "45 days"})
    later = clock.now() + timedelta(days=9)
    pieces.change(window, values, seen=pieces.newest(window), effective_at=later, by=None)
    unused = pieces.read_values("date", {"": "2026-12-24"})
    pieces.create(sort="fact", key="unused", kind="date", name="Last day before the holidays", values=unused, by=None)
    return {}


# (path, roles that may open it, what to set up)
DESK_PAGES = [
    ("/desk/facts/", READERS, set_up),
    ("/desk/blocks/", READERS, set_up),
    ("/desk/facts/new/", EDITORS, set_up),
    ("/desk/facts/new/?kind=duration", EDITORS, set_up),
    ("/desk/blocks/new/", EDITORS, set_up),
    ("/desk/facts/return-window/", READERS, set_up),
    ("/desk/facts/unused/", READERS, set_up),
    ("/desk/blocks/winter-returns/", READERS, set_up),
]
