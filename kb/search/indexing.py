"""From the database to the search index: the outbox of changes, one writer per host, a rebuild where needed.

The index is disposable. It remembers how far into the outbox it has read (its position: the oldest transaction that was
open then) and next time looks again at every change from there on, so that a change which committed late is never
missed. Looking twice is harmless: an article is taken as it is in the database now, and only in a newer version.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from kb import search
from kb.models import Article, IndexChange
from kb.search.engine import Document, Drift, IndexDamaged

logger = logging.getLogger("preempt.search")

_KEEP = timedelta(days=7)  # of the outbox
# An index that was last written so long ago may lack changes that are no longer in the outbox: made anew.
_TOO_OLD_SECONDS = 3 * 24 * 3600
_WAIT_SECONDS = 60.0  # for another writer of this host
_REBUILD_INLINE = 2000  # articles that a web process may index itself, in a few seconds


class WriterBusy(Exception):
    """Another process of this host has been writing to the index for longer than we wait."""


def apply_changes() -> int:
    """Bring the index up to date; returns its generation. Rebuilds it where it is missing, damaged or too old."""
    with _writer():
        engine = search.engine()
        try:
            position = engine.stats().position
            if _age() > _TOO_OLD_SECONDS:
                raise IndexDamaged("the index is older than the outbox reaches")
        except IndexDamaged as error:
            logger.warning("search index rebuilt", extra={"reason": str(error)})
            return _rebuild()
        horizon = _oldest_open_transaction()
        changed = set(IndexChange.objects.filter(txid__gte=position).values_list("article_id", flat=True))
        documents = list(_documents(sorted(changed)))
        engine.delete(changed - {document.id for document in documents})
        engine.index(documents)
        generation = engine.commit(position=horizon)
        IndexChange.objects.filter(at__lt=Now() - _KEEP).delete()
        return generation


def rebuild() -> int:
    """A new index from the database in place of the old one, which serves until the swap; returns its generation."""
    with _writer():
        return _rebuild()


def rebuild_if_small() -> bool:
    """For a web process that finds no index: make one now where that is quick and nobody else is at it."""
    if Article.objects.published().count() > _REBUILD_INLINE:
        return False
    try:
        with _writer(wait=5.0):
            if search.engine().generation() == 0:
                _rebuild()
    except WriterBusy:
        return False
    return True


def verify() -> Drift:
    """How the index differs from the database. Raises IndexDamaged."""
    return search.engine().verify(dict(Article.objects.published().values_list("pk", "version")))


def _rebuild() -> int:
    # The position first: what changes while we read is looked at again.
    position = _oldest_open_transaction()
    return search.engine().rebuild(_documents(None), position=position)


def _documents(ids: Sequence[int] | None) -> Iterator[Document]:
    """The published ones of these articles; all published, where None."""
    articles = Article.objects.published()
    if ids is not None:
        articles = articles.filter(pk__in=ids)
    rows = articles.order_by("pk").values_list(
        "pk", "version", "locale", "category_id", "visibility",
        "live_revision__title", "live_revision__summary", "live_revision__text",
    )  # fmt: skip
    for pk, version, locale, category, visibility, title, summary, text in rows.iterator(chunk_size=500):
        yield Document(
            id=pk,
            version=version,
            lang=locale,
            title=title,
            body=f"{summary}\n{text}".strip(),
            category=category,
            visibility=visibility,
        )


def _oldest_open_transaction() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        return int(cursor.fetchone()[0])


def _age() -> float:
    """Seconds since the index was last swapped; a file's time, so the host's clock on both sides."""
    try:
        return time.time() - (Path(settings.SEARCH_INDEX_DIR) / "current").stat().st_mtime
    except FileNotFoundError as error:
        raise IndexDamaged("there is no index yet") from error


@contextlib.contextmanager
def _writer(*, wait: float = _WAIT_SECONDS) -> Iterator[None]:
    """The right to write to this host's index; the system gives it back when the process dies. Raises WriterBusy."""
    folder = Path(settings.SEARCH_INDEX_DIR)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "writer.lock").open("w") as file:
        give_up = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up:
                    raise WriterBusy(f"the search index was being written for {wait:.0f} s; try again later") from None
                time.sleep(0.05)
        yield
