"""Search. `engine()` is the one in the settings; indexing.py writes to it, query.py reads.

`database()` is the engine that every article is in as soon as its edit is: it answers while the chosen one cannot.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from kb.search.engine import Engine

ENGINES = ("whoosh", "postgres", "opensearch")


_instead: ContextVar[Engine | None] = ContextVar("engine_instead", default=None)


@contextlib.contextmanager
def answering(engine: Engine) -> Iterator[None]:
    """Within the block, in this thread or task only, search by this engine."""
    token = _instead.set(engine)
    try:
        yield
    finally:
        _instead.reset(token)


def engine() -> Engine:
    """The engine of the settings; one a process."""
    if (instead := _instead.get()) is not None:
        return instead
    match settings.SEARCH_ENGINE:
        case "whoosh":
            return _whoosh(Path(settings.SEARCH_INDEX_DIR))
        case "postgres":
            return database()
        case "opensearch":
            return _opensearch(
                settings.OPENSEARCH_URL,
                settings.OPENSEARCH_PREFIX,
                settings.OPENSEARCH_USER,
                settings.OPENSEARCH_PASSWORD,
            )
        case other:
            raise ValueError(f"SEARCH_ENGINE={other!r} is not known. Use one of: {', '.join(ENGINES)}.")


@lru_cache(maxsize=1)
def database() -> Engine:
    """The engine in the shop's own database, whatever the settings say."""
    from kb.search.postgres import PostgresEngine

    return PostgresEngine()


# Imported only where chosen: each brings libraries that the others do without.


@lru_cache(maxsize=4)
def _whoosh(folder: Path) -> Engine:
    from kb.search.whoosh import WhooshEngine

    return WhooshEngine(folder)


@lru_cache(maxsize=4)
def _opensearch(url: str, prefix: str, user: str, password: str) -> Engine:
    from kb.search.opensearch import OpenSearchEngine

    return OpenSearchEngine(url, index_prefix=prefix, user=user, password=password)
