"""A rebuild or a check of the index, or a run of the search tests, that somebody asked for.

One of a kind at a time, its state in a row. The worker rebuilds the index of its own host. A worker that dies leaves
its row running without a sign of life; the broker then gives the task to another, which takes the row over, and after
a while anybody may ask anew.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from core import audit
from core.commits import after_commit
from kb.models import Article, IndexJob, IndexJobKind, IndexJobState, RunReason
from kb.search import checking, indexing
from kb.search.engine import EngineUnavailable, IndexDamaged

logger = logging.getLogger("preempt.search")

_TOLD_EVERY = 100  # articles
_SILENT = timedelta(minutes=2)  # without a sign of life: whoever had it is gone


def ask(kind: IndexJobKind, *, by: User | None, enqueue: Callable[[int], object]) -> IndexJob:
    """A job of this kind: a new one, or the one that is open already. `enqueue` is called with its id after commit."""
    abandoned = Q(beat_at__lt=Now() - _SILENT) | Q(beat_at=None, asked_at__lt=Now() - _SILENT)
    open_ones = IndexJob.objects.filter(kind=kind, state__in=[IndexJobState.WAITING, IndexJobState.RUNNING])
    open_ones.filter(abandoned).update(
        state=IndexJobState.FAILED, finished_at=Now(), error="No worker finished it. Is a worker running?"
    )
    try:
        with transaction.atomic():
            job = IndexJob.objects.create(kind=kind, asked_by=by)
            audit.record(by, "index.job_asked", job, label=job.get_kind_display())
    except IntegrityError:  # somebody else asked a moment ago
        return open_ones.get()
    after_commit(partial(enqueue, job.pk))  # with the broker down the row stays waiting, and the page says so
    return job


def latest(kind: IndexJobKind) -> IndexJob | None:
    return IndexJob.objects.filter(kind=kind).select_related("asked_by").order_by("-pk").first()


def run(job_id: int) -> None:
    """Do this job, unless it is done or somebody alive is at it. Errors end up in its row."""
    free = Q(state=IndexJobState.WAITING) | Q(state=IndexJobState.RUNNING, beat_at__lt=Now() - _SILENT)
    total = Article.objects.published().count()
    mine = IndexJob.objects.filter(free, pk=job_id)
    if not mine.update(state=IndexJobState.RUNNING, started_at=Now(), beat_at=Now(), done=0, total=total):
        return
    row = IndexJob.objects.filter(pk=job_id)
    kind = row.values_list("kind", flat=True).get()
    try:
        match kind:
            case IndexJobKind.REBUILD:
                found = _rebuild(job_id)
            case IndexJobKind.VERIFY:
                found = _verify()
            case _:
                found = _tests(job_id)
    except (IndexDamaged, EngineUnavailable, indexing.WriterBusy, checking.CannotCheck, OSError) as error:
        logger.exception("work on the search index failed", extra={"job": job_id, "kind": kind})
        row.update(state=IndexJobState.FAILED, finished_at=Now(), error=str(error)[:300])
        return
    row.update(**{"state": IndexJobState.DONE, "finished_at": Now(), "done": total} | found)


def _rebuild(job_id: int) -> dict[str, int]:
    return {"generation": indexing.rebuild(progress=_teller(job_id))}


def _tests(job_id: int) -> dict[str, int]:
    by = IndexJob.objects.select_related("asked_by").get(pk=job_id).asked_by
    run, _checked = checking.run(why=RunReason.ASKED, by=by, progress=_teller(job_id))
    return {"done": run.tests, "total": run.tests}


def _teller(job_id: int) -> Callable[[int, int], None]:
    """Writes down how far a job is, and that whoever has it is alive."""

    def tell(done: int, of: int) -> None:
        if done % _TOLD_EVERY == 0:
            IndexJob.objects.filter(pk=job_id).update(done=done, total=of, beat_at=Now())

    return tell


def _verify() -> dict[str, int]:
    drift = indexing.verify()
    return {"missing": len(drift.missing), "stale": len(drift.stale), "ghosts": len(drift.ghost)}
