"""A year that stays on the disk, so that it need not be made for each try: FOLDER/<events> of `bench.analytics --keep`.

`year.pickle` is there once the year is whole, `settled.json` (what settling took) once it was settled.
"""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

from bench import _analytics_rooms
from bench import _analytics_world as world_of
from bench._search_figures import say

_YEAR, _SETTLED = "year.pickle", "settled.json"
# What settling makes, and what it marks.
_MADE = ", ".join(
    f"analytics_{name}"
    for name in (
        "journey", "readday", "journeyday", "journeymonth", "countedmonth", "shareday", "contactday", "searchday",
        "rollupdue", "effectday", "effectmark", "spread", "settlingmark",
    )
)  # fmt: skip


def fresh(folder: Path) -> Path:
    """The folder, emptied of a year that was not finished."""
    if not (folder / _YEAR).exists():
        shutil.rmtree(folder, ignore_errors=True)
    return folder


def year(folder: Path | None, events: int) -> world_of.Year:
    """The year that is in the folder, or a new one. Django's database is that of the folder."""
    if folder is not None and (folder / _YEAR).exists():
        return pickle.loads((folder / _YEAR).read_bytes())
    say(f"  {events} events are written")
    made = world_of.build(events)
    return furnish(made, folder, events)


def furnish(made: world_of.Year, folder: Path | None, events: int) -> world_of.Year:
    """The year with all that is in a shop besides, kept."""
    from django.db import connection

    _analytics_rooms.furnish(events)
    with connection.cursor() as cursor:
        cursor.execute("SELECT txid_current()")
        made.txid = cursor.fetchone()[0]
    if folder is not None:
        (folder / _YEAR).write_bytes(pickle.dumps(made))
    return made


def settled(folder: Path | None) -> dict[str, float] | None:
    """What settling took, where the year is settled."""
    if folder is None or not (folder / _SETTLED).exists():
        return None
    return dict(json.loads((folder / _SETTLED).read_text()))


def note_settled(folder: Path | None, figures: dict[str, float]) -> None:
    if folder is not None:
        (folder / _SETTLED).write_text(json.dumps(figures))


def unsettle(folder: Path | None, kept: world_of.Year) -> None:
    """As the year was before it was settled, without the day that comes late."""
    from django.db import connection

    if folder is not None:
        (folder / _SETTLED).unlink(missing_ok=True)
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {_MADE}")
    kept.go_back()
