"""What is live now, asked in one query for each page; and what a process keeps between the pages it shows.

Every change of what customers read counts up in its own transaction (models.ContentCount, by triggers). Whatever was
loaded under a count is good as long as the count is the same, in every process and at once: a page costs that one query
and nothing of it is ever stale. What no count tells (related articles by the search index, votes behind "popular") is
loaded again after KEPT_SECONDS.
"""

from __future__ import annotations

import gzip
import threading
import time
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, cast

from django.db import connection
from django.db.backends.utils import CursorWrapper

from core.postgresql.base import DatabaseWrapper

KEPT_SECONDS = 60.0
MOST_BYTES = 48_000_000  # of pages kept in one process
_ENTRY_BYTES = 20_000  # about what the facts behind a page take

_COUNT = "SELECT coalesce(sum(changes), 0) FROM kb_contentcount"
_STANDING = f"""
    SELECT ({_COUNT}), vote.is_helpful, vote.reason <> '' OR vote.comment <> '',
           arm.key
    FROM (VALUES (1)) AS one
    LEFT JOIN kb_exposure exposure ON exposure.experiment_id = %s AND exposure.visitor = %s
    LEFT JOIN kb_variant arm ON arm.id = exposure.variant_id
    LEFT JOIN kb_vote vote ON vote.revision_id = coalesce(arm.revision_id, %s) AND vote.visitor = %s
"""  # noqa: S608  constant texts


@dataclass(frozen=True)
class Given:
    """What a visitor said of a text."""

    is_helpful: bool
    has_reason: bool


@dataclass(frozen=True)
class Standing:
    """`count` of the moment; and of one visitor: which arm of a test they have seen, their vote on what they read."""

    count: int
    given: Given | None = None
    seen: str = ""  # the key of the arm


@dataclass(frozen=True)
class Page:
    """A rendered page, as it is and compressed."""

    body: bytes
    zipped: bytes
    etag: str

    @property
    def bytes(self) -> int:
        return len(self.body) + len(self.zipped)


@dataclass
class Kept:
    """Facts loaded under a count, and the pages made of them."""

    key: Hashable
    facts: Any
    count: int
    loaded_at: float
    pages: dict[Hashable, Page] = field(default_factory=dict)

    def is_good(self, count: int) -> bool:
        return self.count == count and time.monotonic() - self.loaded_at < KEPT_SECONDS

    @property
    def bytes(self) -> int:
        return _ENTRY_BYTES + sum(page.bytes for page in list(self.pages.values()))


class Shelf:
    """What a process keeps, the least lately used given up first. Thread-safe."""

    def __init__(self, *, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def recall(self, key: Hashable) -> Kept | None:
        """What is kept under the key, good or not."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def keep(self, key: Hashable, facts: Any, count: int) -> Kept:
        """Keep facts that were loaded after `count` was asked. Where they are what was kept, its pages stay good."""
        made = Kept(key, facts, count, time.monotonic())
        with self._lock:
            old = self._kept.get(key)
            # Of rows it is the keys that are compared: under the same count they say the same.
            if old is not None and old.count == count and old.facts == facts:
                old.loaded_at = made.loaded_at
                return old
            self._drop(key)
            self._kept[key] = made
            self._bytes += made.bytes
            self._tidy()
        return made

    def add(self, kept: Kept, key: Hashable, html: str) -> Page:
        """Keep a page beside its facts."""
        body = html.encode()
        # Level 9 costs a millisecond, once; the time in it is left out, so that the same page has the same bytes.
        zipped = gzip.compress(body, 9, mtime=0)
        page = Page(body, zipped, f'W/"{zipped[-8:].hex()}"')  # gzip ends with the CRC and length of what it holds
        with self._lock:
            if self._kept.get(kept.key) is kept and key not in kept.pages:
                kept.pages[key] = page
                self._bytes += page.bytes
                self._tidy()
        return page

    def forget(self) -> None:
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def _drop(self, key: Hashable) -> None:
        if (old := self._kept.pop(key, None)) is not None:
            self._bytes -= old.bytes

    def _tidy(self) -> None:
        while self._bytes > self._most_bytes and len(self._kept) > 1:
            self._drop(next(iter(self._kept)))


shelf = Shelf()


def count() -> int:
    """How often what customers read was changed, up to now. One query."""
    with _prepared() as cursor:
        cursor.execute(_COUNT)
        return int(cursor.fetchone()[0])


def standing(*, visitor: str, revision_id: int, experiment_id: int | None) -> Standing:
    """count(), and in the same query how this visitor stands to a test, and to `revision_id` or else the text that they
    have seen of it.
    """
    with _prepared() as cursor:
        cursor.execute(_STANDING, [experiment_id, visitor, revision_id, visitor])
        changes, is_helpful, has_reason, seen = cursor.fetchone()
    given = None if is_helpful is None else Given(is_helpful, has_reason)
    return Standing(int(changes), given, seen or "")


def _prepared() -> CursorWrapper:
    wrapper = cast(DatabaseWrapper, connection)
    return wrapper.prepared()
