"""From the database to the search index: the outbox of changes, one writer per host, a rebuild where needed.

The index is disposable. It remembers how far into the outbox it has read (its position: the oldest transaction that was
open then) and next time looks again at every change from there on, so that a change which committed late is never
missed. Looking twice is harmless: an article is taken as it is in the database now, and only in a newer version.

Who writes holds writer.lock, for as long as one commit takes. A rebuild holds rebuild.lock while it reads and builds
beside, and writer.lock only to catch up and swap.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import connection
from django.db.models import Min
from django.db.models.functions import Now

from kb import search
from kb.models import Article, IndexChange
from kb.search.building import Building
from kb.search.engine import Document, Drift, Engine, IndexDamaged, body_of
from kb.search.whoosh import WhooshEngine

logger = logging.getLogger("preempt.search")

CHANNEL = "kb_index_change"  # PostgreSQL tells those who LISTEN that there are changes
_KEEP = timedelta(days=7)  # of the outbox
# An index that was last written so long ago may lack changes that are no longer in the outbox: made anew.
_TOO_OLD_SECONDS = 3 * 24 * 3600
_WAIT_SECONDS = 60.0  # for another writer of this host
_REBUILD_WAIT_SECONDS = 3600.0  # for another rebuild
_SHORTLY = 2.0
_BATCH = 500  # articles of one commit: what is waiting after a large import comes in portions
_FEW = 50  # changes that a rebuild catches up with while others wait

Progress = Callable[[int, int], None]  # articles read, of how many


class WriterBusy(Exception):
    """Another process of this host has been writing to the index for longer than we wait."""


@dataclass(frozen=True)
class Lag:
    """How far the index is behind the database: articles that changed, and how long ago the first of them did."""

    articles: int
    seconds: float


def announce() -> None:
    """Tell the indexers of all hosts, once this transaction commits, that it has left IndexChange rows."""
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {CHANNEL}")


def ring() -> None:
    """Bring the index up to date, where no indexer of this host does so anyway and nobody rebuilds it."""
    if not has_indexer():
        with contextlib.suppress(WriterBusy):  # beat rings again
            apply_changes()


def apply_changes() -> int:
    """Bring the index up to date; returns its generation. Rebuilds it where it is missing, damaged or too old.

    Raises WriterBusy; OSError where the disk does not take it, and then the old generation goes on serving.
    """
    try:
        with writer():
            return _apply(search.engine())
    except IndexDamaged as error:
        logger.warning("search index rebuilt", extra={"reason": str(error)})
        return rebuild(only_if_damaged=True, wait=_SHORTLY)


def rebuild(
    *, progress: Progress | None = None, only_if_damaged: bool = False, wait: float = _REBUILD_WAIT_SECONDS
) -> int:
    """A new index from the database in place of the old one, which serves until the swap; returns its generation.

    Other writers go on meanwhile; what they write is caught up with before the swap. Raises WriterBusy where another
    rebuild takes longer than `wait` seconds more; OSError where the disk does not take it.
    """
    with _locked("rebuild.lock", wait=wait):
        engine = search.engine()
        if only_if_damaged and _is_sound(engine):
            return engine.generation()
        # The position first: what changes while we read is looked at again.
        position = _oldest_open_transaction()
        documents = _counted(_documents(None), Article.objects.published().count(), progress)
        if isinstance(engine, WhooshEngine):
            return engine.rebuild(documents, position=position, catch_up=lambda made: _catch_up(made, position))
        with writer():
            return engine.rebuild(documents, position=position)


def verify() -> Drift:
    """How the index differs from the database. Raises IndexDamaged."""
    return search.engine().verify(dict(Article.objects.published().values_list("pk", "version")))


def lag() -> Lag:
    """Raises IndexDamaged."""
    engine = search.engine()
    changes = IndexChange.objects.filter(txid__gte=engine.stats().position)
    changed = set(changes.values_list("article_id", flat=True))
    newer, gone = _outdated(engine, changed)
    late = changes.filter(article_id__in=[*newer, *gone]).aggregate(since=Now() - Min("at"))["since"]
    return Lag(articles=len(newer) + len(gone), seconds=late.total_seconds() if late else 0.0)


def has_indexer() -> bool:
    """Whether this host has a process that keeps the index up to date (manage.py search_index run)."""
    return _is_held("indexer.lock")


def is_rebuilding() -> bool:
    """Whether a process of this host makes a new index."""
    return _is_held("rebuild.lock")


@contextlib.contextmanager
def the_indexer() -> Iterator[None]:
    """Be this host's indexer. Raises WriterBusy where another process is."""
    with _locked("indexer.lock", wait=_SHORTLY):
        yield


@contextlib.contextmanager
def writer(*, wait: float = _WAIT_SECONDS) -> Iterator[None]:
    """The right to write to this host's index; the system gives it back when the process dies. Raises WriterBusy."""
    with _locked("writer.lock", wait=wait):
        yield


def _apply(engine: Engine) -> int:
    position = engine.stats().position
    if isinstance(engine, WhooshEngine) and time.time() - engine.written_at() > _TOO_OLD_SECONDS:
        raise IndexDamaged("the index is older than the outbox reaches")
    horizon = _oldest_open_transaction()
    changed = set(IndexChange.objects.filter(txid__gte=position).values_list("article_id", flat=True))
    newer, gone = _outdated(engine, changed)
    for start in range(0, len(newer) - _BATCH, _BATCH):
        engine.index(_documents(newer[start : start + _BATCH]))
        engine.commit(position=position)
    engine.delete(gone)
    engine.index(_documents(newer[(len(newer) - 1) // _BATCH * _BATCH :] if newer else []))
    generation = engine.commit(position=horizon)
    if changed:
        IndexChange.objects.filter(at__lt=Now() - _KEEP).delete()
    return generation


@contextlib.contextmanager
def _catch_up(building: Building, position: int) -> Iterator[int]:
    """See WhooshEngine.rebuild. What has piled up is taken while others still write, the last of it while they wait."""
    for _round in range(3):
        horizon = _oldest_open_transaction()
        if _bring_up_to_date(building, position) <= _FEW:
            break
        position = horizon
    with writer():
        horizon = _oldest_open_transaction()
        _bring_up_to_date(building, position)
        yield horizon


def _bring_up_to_date(building: Building, position: int) -> int:
    changed = set(IndexChange.objects.filter(txid__gte=position).values_list("article_id", flat=True))
    newer, gone = _outdated(building, changed)
    if newer or gone:
        building.apply(_documents(newer), gone)
    return len(newer) + len(gone)


def _outdated(index: Engine | Building, changed: set[int]) -> tuple[list[int], list[int]]:
    """Which of these articles the index lacks in the database's version, and which it has though they are gone.

    While a transaction stays open for long the same changes are looked at again and again: so first the versions, and
    the texts only of those that differ.
    """
    published = dict(Article.objects.published().filter(pk__in=changed).values_list("pk", "version"))
    gone = sorted(changed - published.keys())
    if not isinstance(index, WhooshEngine | Building):
        return sorted(published), gone
    newer = [id for id, version in sorted(published.items()) if (index.version(id) or -1) < version]
    return newer, [id for id in gone if index.version(id) is not None]


def _documents(ids: Sequence[int] | None) -> Iterator[Document]:
    """The published ones of these articles; all published, where None."""
    articles = Article.objects.published()
    if ids is not None:
        articles = articles.filter(pk__in=ids)
    rows = articles.order_by("pk").values_list(
        "pk", "version", "locale", "category_id", "visibility",
        "live_revision__title", "live_revision__summary", "live_revision__text", "live_revision__headings",
    )  # fmt: skip
    for pk, version, locale, category, visibility, title, summary, text, headings in rows.iterator(chunk_size=500):
        yield Document(
            id=pk,
            version=version,
            lang=locale,
            title=title,
            body=body_of(summary, text, [heading[2] for heading in headings]),
            category=category,
            visibility=visibility,
        )


def _counted(documents: Iterator[Document], total: int, progress: Progress | None) -> Iterator[Document]:
    for number, document in enumerate(documents, start=1):
        yield document
        if progress is not None:
            progress(number, max(total, number))


def _is_sound(engine: Engine) -> bool:
    try:
        engine.stats()
        return not isinstance(engine, WhooshEngine) or time.time() - engine.written_at() <= _TOO_OLD_SECONDS
    except IndexDamaged:
        return False


def _oldest_open_transaction() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        return int(cursor.fetchone()[0])


@contextlib.contextmanager
def _locked(name: str, *, wait: float) -> Iterator[None]:
    with _lock_file(name) as file:
        give_up = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= give_up:
                    raise WriterBusy(f"another process has held {name} for {wait:.0f} s; try again later") from None
                time.sleep(0.02)
        yield


def _is_held(name: str) -> bool:
    with _lock_file(name) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared, so that two who ask do not mislead each other
        except BlockingIOError:
            return True
        return False


def _lock_file(name: str) -> IO[str]:
    folder = Path(settings.SEARCH_INDEX_DIR)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return (folder / name).open("w")
