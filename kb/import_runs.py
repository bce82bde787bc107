"""Runs of the import that are kept: asked for on the desk or by the command, done in batches, told row by row.

Each batch commits with its rows of the report. A worker that dies leaves the run without a sign of life; whoever gets
the task next goes on behind the last batch that committed, so that nothing is taken in twice and nothing told twice.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from core import audit
from core.chunks import in_parts
from core.commits import after_commit
from kb import four_eyes, import_foresight, importing
from kb.import_reports import Asked, Recorder, Report, Result
from kb.models import ImportFile, ImportFilePart, ImportOutcome, ImportRow, ImportRun, ImportState
from kb.porting.facts import Note, Problem

logger = logging.getLogger("preempt.import")

MOST_MB = 500  # of an upload; what is larger goes through the command
_PART = 1_000_000  # bytes
_SILENT = timedelta(minutes=2)  # without a sign of life: whoever had it is gone
_KEEP_FILES = timedelta(days=14)
_SHIFT_SECONDS = 120.0  # of one task; its time limit is 270
_SHOWN_FINDINGS = 50  # of one row
_COUNTS = {
    ImportOutcome.NEW: "new",
    ImportOutcome.CHANGED: "changed",
    ImportOutcome.UNCHANGED: "unchanged",
    ImportOutcome.CONFLICT: "conflicts",
    ImportOutcome.REFUSED: "refused",
}


class Stopped(Exception):
    """Somebody else has the run now."""


class _Rest(Exception):
    """The task has worked long enough; another goes on."""


def store(name: str, chunks: Iterable[bytes]) -> ImportFile:
    """The uploaded file, where every worker finds it. Old ones are thrown away."""
    ImportFile.objects.filter(created_at__lt=Now() - _KEEP_FILES).delete()
    with transaction.atomic():
        file = ImportFile.objects.create(name=Path(name).name[:200], size=0)
        for number, content in enumerate(in_parts(chunks, _PART)):
            ImportFilePart.objects.create(file=file, number=number, content=content)
            file.size += len(content)
        file.save(update_fields=["size"])
    return file


def ask(file: ImportFile, asked: Asked, *, enqueue: Callable[[int], object]) -> ImportRun:
    """A run of this file. `enqueue` is called with its id after commit."""
    with transaction.atomic():
        run = _create(file.name, asked, file)
    after_commit(partial(enqueue, run.pk))  # with the broker down the run stays waiting, and beat asks again
    return run


def again(run: ImportRun, *, is_dry: bool, overwrites: bool, by: User, enqueue: Callable[[int], object]) -> ImportRun:
    """The same file asked for in the same way, now in earnest. Raises OwnText."""
    if run.file is None:
        raise ValueError("the file of this run is not kept")
    if not (is_dry or run.as_drafts):
        four_eyes.refuse_own_import(run.asked_by, by=by)
    asked = replace(_asked(run), overwrites=overwrites, is_dry=is_dry, by=by)
    return ask(run.file, asked, enqueue=enqueue)


def run_here(
    path: Path,
    asked: Asked,
    *,
    categories_file: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[ImportRun, Report]:
    """Import from this machine's disk at once, and keep the run beside those of the desk."""
    run = _create(path.name or str(path), asked, None)
    if not _claim(run.pk):
        raise Stopped
    run.refresh_from_db()
    try:
        report = importing.run(
            path, asked=asked, categories_file=categories_file, progress=progress, recorder=_Recorder(run)
        )
        _ask_search_tests(run, path, asked, categories_file=categories_file)
    except BaseException as error:
        _fail(run.pk, str(error) or type(error).__name__)
        raise
    _finish(run, report.index_note)
    run.refresh_from_db()
    return run, report


def work(run_id: int, *, enqueue: Callable[[int], object]) -> None:
    """Do this run, or go on with it, unless it is done or somebody alive is at it.

    A long one is laid down after a while and enqueued again, so that no task outlives its time limit.
    """
    if not _claim(run_id):
        return
    run = ImportRun.objects.select_related("file", "asked_by").get(pk=run_id)
    asked = _asked(run)
    until = time.monotonic() + _SHIFT_SECONDS

    def rest(done: int, total: int) -> None:
        if time.monotonic() > until and done < total:
            raise _Rest

    try:
        with tempfile.TemporaryDirectory(prefix="preempt-import-") as folder:
            path = _fetch(run, Path(folder))
            report = importing.run(path, asked=asked, recorder=_Recorder(run), progress=rest, is_alone=True)
            _ask_search_tests(run, path, asked, is_alone=True)
    except Stopped:
        return
    except _Rest:
        ImportRun.objects.filter(pk=run_id, state=ImportState.RUNNING).update(state=ImportState.WAITING, asked_at=Now())
        enqueue(run_id)
        return
    except (OSError, DatabaseError, MemoryError) as error:
        logger.exception("import failed", extra={"run": run_id})
        _fail(run_id, str(error) or type(error).__name__)
        return
    _finish(run, report.index_note)


def waiting() -> list[int]:
    """Runs that nobody is at: the broker may have lost their task, or a worker died."""
    free = Q(state=ImportState.WAITING, asked_at__lt=Now() - timedelta(seconds=30))
    free |= Q(state=ImportState.RUNNING, beat_at__lt=Now() - _SILENT)
    return list(ImportRun.objects.filter(free, file__isnull=False).values_list("pk", flat=True))


def _asked(run: ImportRun) -> Asked:
    """How it was asked for."""
    return Asked(
        format=run.format,
        source=run.source,
        locale=run.locale,
        locale_map=run.locale_map,
        as_drafts=run.as_drafts,
        overwrites=run.overwrites,
        is_dry=run.is_dry,
        by=run.asked_by,
    )


def _create(name: str, asked: Asked, file: ImportFile | None) -> ImportRun:
    return ImportRun.objects.create(
        file=file,
        name=name[:200],
        format=asked.format,
        source=asked.source,
        locale=asked.locale,
        locale_map=dict(asked.locale_map),
        as_drafts=asked.as_drafts,
        overwrites=asked.overwrites,
        is_dry=asked.is_dry,
        asked_by=asked.by,
    )


def _claim(run_id: int) -> bool:
    free = Q(state=ImportState.WAITING) | Q(state=ImportState.RUNNING, beat_at__lt=Now() - _SILENT)
    with transaction.atomic():
        is_new = ImportRun.objects.filter(pk=run_id, started_at=None).exists()
        mine = ImportRun.objects.filter(free, pk=run_id)
        if not mine.update(state=ImportState.RUNNING, started_at=Now(), beat_at=Now()):
            return False
        if is_new:
            run = ImportRun.objects.select_related("asked_by").get(pk=run_id)
            detail = {"is_dry": run.is_dry, "as_drafts": run.as_drafts, "overwrites": run.overwrites}
            audit.record(run.asked_by, "import.started", run, label=run.name, **detail)
    return True


def _fetch(run: ImportRun, folder: Path) -> Path:
    path = folder / (Path(run.name).name or "file")
    if path.name in (".", ".."):
        path = folder / "file"
    with path.open("wb") as file:
        for content in run.file.parts.values_list("content", flat=True).iterator(chunk_size=4) if run.file else ():
            file.write(content)
    return path


def _ask_search_tests(
    run: ImportRun, path: Path, asked: Asked, *, categories_file: Path | None = None, is_alone: bool = False
) -> None:
    """After a dry run that found something to import: which search tests it would break."""
    mine = ImportRun.objects.filter(pk=run.pk)
    # It gives no sign of life until it is taken back: one that counts from then on keeps others from taking the run.
    then = Now() + timedelta(seconds=import_foresight.MOST_SECONDS + import_foresight.TEST_SECONDS)
    if asked.is_dry and mine.filter(Q(new__gt=0) | Q(changed__gt=0)).update(beat_at=then):
        told = import_foresight.told(path, asked, categories_file=categories_file, is_alone=is_alone)
        mine.update(search_tests=told)


def _finish(run: ImportRun, note: str) -> None:
    with transaction.atomic():
        ImportRun.objects.filter(pk=run.pk).update(state=ImportState.DONE, finished_at=Now(), note=note[:500])
        run = ImportRun.objects.select_related("asked_by").get(pk=run.pk)
        counts = {name: getattr(run, name) for name in _COUNTS.values()}
        audit.record(run.asked_by, "import.finished", run, label=run.name, is_dry=run.is_dry, **counts)


def _fail(run_id: int, error: str) -> None:
    with transaction.atomic():
        ImportRun.objects.filter(pk=run_id).update(state=ImportState.FAILED, finished_at=Now(), error=error[:500])
        run = ImportRun.objects.select_related("asked_by").get(pk=run_id)
        audit.record(run.asked_by, "import.finished", run, label=run.name, error=error[:200])


class _Recorder(Recorder):
    """Keeps every row of the report beside what it tells of."""

    def __init__(self, run: ImportRun) -> None:
        self._run = run
        self.done_before = run.done
        self._outcomes = dict(run.rows.values_list("number", "outcome"))

    def begin(self, *, format: str, total: int) -> None:
        ImportRun.objects.filter(pk=self._run.pk).update(format=format, total=total, beat_at=Now())

    def batch(self, results: Sequence[Result], *, done: int) -> None:
        ImportRow.objects.bulk_create(self._row(result) for result in results)
        counts = dict.fromkeys(_COUNTS.values(), 0)
        for result in results:
            counts[_COUNTS[result.outcome]] += 1
        # Whoever took the run over in the meantime has counted on: then this batch is theirs, and ours goes back.
        mine = ImportRun.objects.filter(pk=self._run.pk, state=ImportState.RUNNING, done=self._run.done)
        if not mine.update(done=done, beat_at=Now(), **{name: F(name) + count for name, count in counts.items()}):
            raise Stopped
        self._run.done = done

    def alive(self) -> None:
        mine = ImportRun.objects.filter(pk=self._run.pk, state=ImportState.RUNNING, done=self._run.done)
        if not mine.update(beat_at=Now()):
            raise Stopped

    def was_written(self, number: int) -> bool:
        return self._outcomes.get(number) in (ImportOutcome.NEW, ImportOutcome.CHANGED)

    def was_refused(self, number: int) -> bool:
        return self._outcomes.get(number) == ImportOutcome.REFUSED

    def broken_links(self, links: Sequence[tuple[int, str]]) -> None:
        by_row: dict[int, list[list[str]]] = {}
        for number, id in links:
            what = f"The link article:{id} leads to no published article."
            by_row.setdefault(number, []).append(["body", what, "Import that article too, or change the link."])
        for start in range(0, len(by_row), 500):
            some = dict(list(by_row.items())[start : start + 500])
            rows = list(self._run.rows.filter(number__in=some))
            for row in rows:
                told = [finding for finding in some[row.number] if finding not in row.findings]
                row.findings = [*row.findings, *told][:_SHOWN_FINDINGS]
            ImportRow.objects.bulk_update(rows, ["findings"])

    def _row(self, result: Result) -> ImportRow:
        item = result.item
        notes: Sequence[Note] = result.notes
        if isinstance(item, Problem):
            notes = [Note(item.field, item.what, item.to_do)]
        return ImportRow(
            run=self._run,
            number=result.number,
            outcome=result.outcome,
            file=_clean(item.file)[:300],
            row=item.row,
            external_id=_clean(item.id)[:200],
            locale=_clean(item.locale)[:40],
            title=_clean(item.title)[:200],
            findings=[[note.field, _clean(note.what), note.to_do] for note in notes[:_SHOWN_FINDINGS]],
            article_id=result.article_id,
        )


def _clean(text: str) -> str:
    """What a file said, as a database may hold it."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
