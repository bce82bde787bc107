"""Search. `engine()` is this host's; indexing.py writes to it, query.py reads."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from kb.search.engine import Engine
from kb.search.whoosh import WhooshEngine


def engine() -> Engine:
    """The one engine of this process for the folder in the settings."""
    return _engine(Path(settings.SEARCH_INDEX_DIR))


@lru_cache(maxsize=4)
def _engine(folder: Path) -> Engine:
    return WhooshEngine(folder)
