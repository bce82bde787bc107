"""What a web process does before its first customer asks: the first search of a process costs what its memory and code
cost to reach for the first time, several times the search itself.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import numpy as np

from kb.search.engine import Document, SearchRequest
from kb.search.whoosh import WhooshEngine

logger = logging.getLogger("preempt.search")

_HEAP = 8_000_000  # bytes: more than the arrays of a search over 100,000 articles at any one moment
_TIMES = 20  # Python makes a function faster once it has run so often
_QUERIES = ("where is my order", "change adress", '"30 days" refund')
_ARTICLES = [
    Document(1, 1, "en", "Where is my order?", "Every parcel has a number. Look it up to see where your order is."),
    Document(2, 1, "en", "Change the address of an order", "You can change the address until your order has left us."),
    Document(3, 1, "en", "Get a refund", "You have 30 days to send an item back. A refund takes five days after that."),
]


def warm_up() -> None:
    """Run every path of a search, over a small index of its own, and let the process keep its memory mapped."""
    for _ in range(2):  # freed once, a block this large is taken from the heap the next time, and what is there stays
        np.empty(_HEAP, np.uint8).fill(0)
    try:
        with tempfile.TemporaryDirectory(prefix="preempt-warm-") as folder:
            _search_in(Path(folder))
    except OSError as error:  # a full disk: the first search will be slow, and that is all
        logger.warning("search not warmed up", extra={"reason": str(error)})


def _search_in(folder: Path) -> None:
    WhooshEngine(folder).rebuild(_ARTICLES, position=0)
    for _ in range(_TIMES):
        engine = WhooshEngine(folder)
        for query in _QUERIES:
            engine.search(SearchRequest(query, "en"))
        engine.suggest("whe", "en")
        engine.close()
