"""Imports of files that are kept: by the command from a disk, or by the desk through a worker; in batches.

Each batch commits with the row behind it. Whoever is at a run holds an advisory lock on its own connection, so that the
moment a process dies another may go on behind the last batch, and nothing is taken in twice.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import json
import logging
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from core import audit, clock
from core.chunks import in_parts
from core.commits import after_commit
from notifications.intake.sheets import reading, taking
from notifications.intake.sheets.columns import UnusableMapping
from notifications.intake.sheets.fields import Kind
from notifications.intake.sheets.files import Broken, Cells
from notifications.intake.sheets.moments import DateOrder
from notifications.intake.sheets.reading import Plan, Wish
from notifications.intake.tables import UnusableFile
from notifications.models import SheetFile, SheetFilePart, SheetMapping, SheetRefusal, SheetRun, SheetState

logger = logging.getLogger("preempt.sheets")

MOST_MB = 200  # of an upload; what is larger goes through the command
ROWS = 4000  # in one transaction
_PART = 1_000_000  # bytes
_LOCK = 0x5EE7  # the class of our advisory locks; the other half is the run's id
_KEEP_FILES = timedelta(days=14)
_SHIFT_SECONDS = 120.0  # of one task; its time limit is 270
_WORDS = 50  # unknown status words that are told


class Busy(Exception):
    """Somebody else is at this import."""


class _Undo(Exception):
    """A dry run's batch goes back."""


class _Rest(Exception):
    """The task has worked long enough; another goes on."""


def wish(
    *, kind: Kind, source: str, zone: ZoneInfo | None, columns: dict[str, str], dates: DateOrder | None
) -> tuple[Wish, dict[str, str]]:
    """A Wish, with what this source's last file taught, and its columns."""
    known = SheetMapping.objects.filter(source=source, kind=kind).first()
    if known is not None:
        zone = zone or ZoneInfo(known.time_zone)
    return (
        Wish(kind, source, zone or ZoneInfo(settings.SHOP_TIME_ZONE), columns, dates),
        dict(known.columns) if known is not None else {},
    )


def plan(path: Path, wished: Wish, remembered: dict[str, str]) -> Plan:
    """How the file will be read. Raises UnusableFile, UnusableMapping."""
    made = reading.plan(path, wished, remembered=remembered)
    if wished.dates is None and made.evidence.decide() is None:
        # The file itself does not say, but somebody said it of an earlier one.
        known = SheetMapping.objects.filter(source=wished.source, kind=wished.kind).exclude(dates="").first()
        if known is not None and not (made.evidence.day_first and made.evidence.month_first):
            again = Wish(wished.kind, wished.source, wished.zone, wished.columns, DateOrder(known.dates))
            return reading.plan(path, again, remembered=remembered)
    return made


def run_here(
    made: Plan, *, is_dry: bool = False, progress: Callable[[SheetRun], None] | None = None
) -> tuple[SheetRun, bool]:
    """Import from this machine's disk; also whether that went on with one that was cut off. Raises Busy."""
    digest = _digest(made, is_dry=is_dry)
    open_ones = SheetRun.objects.filter(digest=digest, file=None, state=SheetState.RUNNING)
    run = open_ones.first()
    goes_on = run is not None
    if run is None:
        run = SheetRun.objects.create(name=made.path.name[:200], digest=digest, is_dry=is_dry, **_said(made))
    with _held(run):
        if not SheetRun.objects.filter(pk=run.pk, state__in=[SheetState.DRAFT, SheetState.RUNNING]).update(
            state=SheetState.RUNNING, started_at=Now(), beat_at=Now()
        ):
            raise Busy("Somebody else has just finished this import. Start it again to see that nothing is left.")
        _do(run, made, progress=progress)
    run.refresh_from_db()
    return run, goes_on


def store_file(name: str, chunks: Iterable[bytes]) -> SheetFile:
    """The uploaded file, where every worker finds it. Old ones are thrown away."""
    SheetFile.objects.filter(created_at__lt=Now() - _KEEP_FILES).delete()
    with transaction.atomic():
        file = SheetFile.objects.create(name=Path(name).name[:200])
        for number, content in enumerate(in_parts(chunks, _PART)):
            SheetFilePart.objects.create(file=file, number=number, content=content)
            file.size += len(content)
        file.save(update_fields=["size"])
    return file


@contextlib.contextmanager
def fetched(run: SheetRun) -> Iterator[Path]:
    """The run's uploaded file on this machine's disk."""
    with tempfile.TemporaryDirectory(prefix="preempt-import-") as folder:
        path = Path(folder) / (Path(run.name).name.lstrip(".") or "file")
        with path.open("wb") as file:
            parts = SheetFilePart.objects.filter(file=run.file_id).values_list("content", flat=True)
            for content in parts.iterator(chunk_size=4):
                file.write(content)
        yield path


def wish_of(run: SheetRun) -> Wish:
    """How a run's file is to be read."""
    dates = DateOrder(run.dates) if run.dates else None
    return Wish(Kind(run.kind), run.source, ZoneInfo(run.time_zone), dict(run.columns), dates)


def start(run: SheetRun, made: Plan, *, by: User, enqueue: Callable[[int], object], is_dry: bool = False) -> bool:
    """Begin a draft; `enqueue` is called with its id after commit. False where it was begun before."""
    with transaction.atomic():
        mine = SheetRun.objects.filter(pk=run.pk, state=SheetState.DRAFT)
        said = {**_said(made), "is_dry": is_dry}
        if not mine.update(state=SheetState.WAITING, asked_at=Now(), asked_by=by, **said):
            return False
        audit.record(by, "order_import.started", run, label=run.name, kind=run.kind, source=run.source, is_dry=is_dry)
    after_commit(partial(enqueue, run.pk))  # with the broker down the run stays waiting, and beat asks again
    return True


def in_earnest(dry: SheetRun, *, by: User) -> SheetRun:
    """A draft that reads the file of a dry run as that did."""
    return SheetRun.objects.create(
        kind=dry.kind, source=dry.source, file=dry.file, name=dry.name, columns=dry.columns, header=dry.header,
        dates=dry.dates, time_zone=dry.time_zone, asked_by=by,
    )  # fmt: skip


def work(run_id: int, *, enqueue: Callable[[int], object]) -> None:
    """Do this run, or go on with it, unless it is done or somebody is at it. A long one is laid down and enqueued."""
    run = SheetRun.objects.filter(pk=run_id, state__in=[SheetState.WAITING, SheetState.RUNNING]).first()
    if run is None:
        return
    until = time.monotonic() + _SHIFT_SECONDS

    def rest(_run: SheetRun) -> None:
        if time.monotonic() > until:
            raise _Rest

    try:
        with _held(run), fetched(run) as path:
            SheetRun.objects.filter(pk=run.pk).update(state=SheetState.RUNNING, started_at=Now(), beat_at=Now())
            _do(run, reading.plan(path, wish_of(run)), progress=rest)
    except Busy:
        return
    except _Rest:
        SheetRun.objects.filter(pk=run_id, state=SheetState.RUNNING).update(state=SheetState.WAITING, asked_at=Now())
        enqueue(run_id)


def waiting() -> list[int]:
    """Runs of uploaded files that nobody may be at: the broker may have lost their task, or a worker died."""
    free = Q(state=SheetState.WAITING, asked_at__lt=Now() - timedelta(seconds=30))
    free |= Q(state=SheetState.RUNNING, beat_at__lt=Now() - timedelta(seconds=60))
    return list(SheetRun.objects.filter(free, file__isnull=False).values_list("pk", flat=True))


def _said(made: Plan) -> dict[str, object]:
    return {
        "kind": made.wish.kind.value,
        "source": made.wish.source,
        "columns": made.saved(),
        "header": list(made.format.header),
        "dates": made.dates.value,
        "time_zone": made.wish.zone.key,
        "last_row": made.last,
    }


def _digest(made: Plan, *, is_dry: bool) -> str:
    digest = hashlib.sha256()
    with made.path.open("rb") as file:
        while chunk := file.read(_PART):
            digest.update(chunk)
    digest.update(json.dumps([_said(made), is_dry], sort_keys=True).encode())
    return digest.hexdigest()


@contextlib.contextmanager
def _little_collecting() -> Iterator[None]:
    """A batch makes a hundred thousand small objects, which all go with it and none in a circle: at the usual threshold
    the collector walks over them for a third of the time that an import takes in Python.
    """
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextlib.contextmanager
def _held(run: SheetRun) -> Iterator[None]:
    """Nobody else is at this run meanwhile; a process that dies loses its hold with its connection. Raises Busy."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK, run.pk])
        if not cursor.fetchone()[0]:
            raise Busy("This import is under way already.")
    try:
        run.refresh_from_db()  # whoever had it may have done more since
        yield
    finally:
        with contextlib.suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK, run.pk])


def _do(run: SheetRun, made: Plan, *, progress: Callable[[SheetRun], None] | None) -> None:
    if not run.is_dry:
        SheetMapping.objects.update_or_create(
            source=run.source,
            kind=run.kind,
            defaults={"columns": run.columns, "dates": run.dates, "time_zone": run.time_zone, "saved_at": Now()},
        )
    try:
        with _little_collecting():
            _take_all(run, made, progress=progress)
    except (OSError, DatabaseError, MemoryError, UnusableFile, UnusableMapping) as error:
        logger.exception("import failed", extra={"run": run.pk})
        SheetRun.objects.filter(pk=run.pk).update(state=SheetState.FAILED, finished_at=Now(), error=str(error)[:500])
        audit.record(run.asked_by, "order_import.finished", run, label=run.name, error=type(error).__name__)
        raise
    with transaction.atomic():
        SheetRun.objects.filter(pk=run.pk).update(
            state=SheetState.DONE, finished_at=Now(), refused=run.refusals.count(), next_row=made.last + 1
        )
        run.refresh_from_db()
        audit.record(
            run.asked_by, "order_import.finished", run, label=run.name, is_dry=run.is_dry, kind=run.kind,
            orders=run.orders, scans=run.scans, known=run.known, refused=run.refused,
        )  # fmt: skip


def _take_all(run: SheetRun, made: Plan, *, progress: Callable[[SheetRun], None] | None) -> None:
    reader = reading.Reader(made)
    batch: list[list[Cells] | Broken] = []
    rows = 0
    for one, go_on_at in reading.groups(made, start=run.next_row):
        batch.append(one)
        rows += len(one) if isinstance(one, list) else 1
        if rows >= ROWS:
            _take_batch(run, batch, reader, go_on_at)
            batch, rows = [], 0
            if progress is not None:
                progress(run)
    if batch:
        _take_batch(run, batch, reader, made.last + 1)
        if progress is not None:
            progress(run)


def _take_batch(run: SheetRun, batch: list[list[Cells] | Broken], reader: reading.Reader, go_on_at: int) -> None:
    now = clock.now()
    with transaction.atomic():
        taken = taking.Taken()
        try:
            with transaction.atomic():
                taken = taking.take(batch, reader, now=now)
                if run.is_dry:
                    raise _Undo
        except _Undo:
            pass
        SheetRefusal.objects.bulk_create(
            [
                SheetRefusal(
                    run=run,
                    row=told.row,
                    field=_clean(told.field)[:200],
                    problem=_clean(told.problem)[:500],
                    remedy=told.remedy[:300],
                    cells=[_clean(cell) for cell in cells],
                )
                for told, cells in taken.left
            ],
            ignore_conflicts=True,
        )
        words = Counter(run.unknown_words) + taken.unknown_words
        SheetRun.objects.filter(pk=run.pk).update(
            next_row=go_on_at,
            beat_at=Now(),
            orders=F("orders") + taken.stored.orders,
            customers=F("customers") + taken.stored.customers,
            parcels=F("parcels") + taken.stored.parcels,
            scans=F("scans") + taken.stored.scans,
            cancellations=F("cancellations") + taken.stored.cancellations,
            known=F("known") + taken.known,
            refused=F("refused") + len(taken.left),
            unknown_words=dict(words.most_common(_WORDS)),
        )
    run.refresh_from_db()


def _clean(text: str) -> str:
    """What a file said, as a database may hold it."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
