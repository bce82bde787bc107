"""Files that customers send: checked by content, kept with the open form, handed over to the contact it becomes.

A file's bytes are written before its row and unlinked after the row is gone, so a crash leaves bytes without a row,
which sweep() removes, and never a row without bytes. Files go with their contact in the same way: the row by the
database's cascade, however the contact was deleted, the bytes at the next sweep.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import time
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from contacts import filetypes, uploading
from contacts.filetypes import Kind, Trouble
from contacts.models import Attachment, Contact, FormVisit
from contacts.uploading import MB, Limit
from core import ratelimit

logger = logging.getLogger("preempt.contacts")

UNSENT_FOR = timedelta(days=1)  # then the file of a form that nobody sent is thrown away
_BEING_WRITTEN = 3600.0  # seconds in which bytes without a row may still get one
_KEPT_FREE = 256 * MB  # of the disk: the database may live on it too
_CHUNK = 256 * 1024
_PER = timedelta(minutes=10)
_PER_VISITOR = 40  # files
_PER_NETWORK = 200  # a whole office may share one address

Why = Limit | Trouble


@dataclass(frozen=True)
class Refused:
    """A file that was not taken, and why."""

    name: str
    why: Why


def may_upload(files: int, *, visitor: str, network: str) -> bool:
    """Count these files; False where the browser or its network sent too many in a short time."""
    limits = {f"upload:network:{network}": _PER_NETWORK} if network else {}
    if visitor:
        limits[f"upload:visitor:{visitor}"] = _PER_VISITOR
    return all([ratelimit.allow_all(limits, per=_PER) for _ in range(files)])  # noqa: C419  each file counts


def keep(visit_id: uuid.UUID, files: Iterable[UploadedFile[bytes]], *, now: datetime) -> list[Refused]:
    """Check these files and keep the good ones with the form's visit; returns the others.

    A file that waits there already, byte by byte, is not kept twice: a double click sends everything twice.
    """
    refused: list[Refused] = []
    written: list[Path] = []
    try:
        with transaction.atomic():
            visit = FormVisit.objects.select_for_update().get(pk=visit_id)
            for place, file in enumerate(files):
                # A microsecond apart, so that they stand in the order in which they were chosen.
                why = _keep(visit, file, written, now=now + timedelta(microseconds=place))
                if why is not None:
                    refused.append(Refused(file.name or "", why))
    except BaseException:
        _unlink(written)
        raise
    return refused


def waiting(visit_id: uuid.UUID) -> list[Attachment]:
    """What was uploaded with an open form and is not sent yet."""
    return list(Attachment.objects.filter(visit=visit_id, contact=None))


def missing(visit_id: uuid.UUID, seen: Collection[str]) -> bool:
    """Whether a file that the customer's page shows (`seen`: ids as text) is with the form no more."""
    known = {pk.hex for pk in Attachment.objects.filter(visit=visit_id).values_list("pk", flat=True)}
    return any(one.replace("-", "") not in known for one in seen)


def remove(visit_id: uuid.UUID, attachment_id: uuid.UUID) -> None:
    """Throw away a file of an open form. One that is sent stays."""
    _delete(list(Attachment.objects.filter(pk=attachment_id, visit=visit_id, contact=None)))


def hand_over(visit: FormVisit, contact: Contact) -> list[Refused]:
    """Give what waits with the form to its contact, within the caller's transaction.

    The contact may have files already, where the form is sent a second time: the same ones are dropped, new ones are
    added up to the limits, and those over them are returned.
    """
    refused: list[Refused] = []
    sent = {one.sha256: one for one in contact.attachments.all()}
    size = sum(one.size for one in sent.values())
    for one in Attachment.objects.select_for_update().filter(visit=visit, contact=None):
        if one.sha256 in sent:
            _delete([one])
        elif why := _over_limit(len(sent), size, one.size):
            refused.append(Refused(one.name, why))
            _delete([one])
        else:
            Attachment.objects.filter(pk=one.pk).update(contact=contact)
            sent[one.sha256] = one
            size += one.size
    return refused


def move(*, from_visit: uuid.UUID, to_visit: uuid.UUID) -> None:
    """What waits with one form goes with another from now on."""
    Attachment.objects.filter(visit=from_visit, contact=None).update(visit=to_visit)


def path_of(attachment_id: uuid.UUID) -> Path:
    """Where the bytes of an attachment are."""
    root: Path = settings.ATTACHMENTS_DIR
    return root / attachment_id.hex[:2] / attachment_id.hex


def sweep(*, now: datetime) -> int:
    """Throw away the files of forms that were never sent, and bytes without a row. Returns how many files went."""
    old = list(Attachment.objects.filter(contact=None, uploaded_at__lt=now - UNSENT_FOR)[:1000])
    swept = _delete(old)
    stray: list[Path] = []
    for part in sorted(path for path in uploading.folder().iterdir() if path.is_dir()):
        names = [path for path in part.iterdir() if _is_settled(path)]
        known = {pk.hex for pk in Attachment.objects.filter(pk__in=_ids(names)).values_list("pk", flat=True)}
        stray += [path for path in names if path.name not in known]
    _unlink(stray)
    if swept or stray:
        logger.info("attachments swept", extra={"never_sent": swept, "without_contact": len(stray)})
    return swept + len(stray)


def _keep(visit: FormVisit, file: UploadedFile[bytes], written: list[Path], *, now: datetime) -> Why | None:
    assert file.file is not None and file.size is not None  # noqa: S101, PT018 (for mypy: our handler gives both)
    bytes_ = cast(BinaryIO, file.file)
    kind = filetypes.kind_of(bytes_, max_pixels=settings.ATTACHMENT_MAX_MEGAPIXELS * 1_000_000)
    if not isinstance(kind, Kind):
        return kind
    sha256 = _sha256(bytes_)
    there = waiting(visit.pk)
    if any(one.sha256 == sha256 for one in there):
        return None
    if why := _over_limit(len(there), sum(one.size for one in there), file.size):
        return why
    attachment = Attachment(
        visit=visit,
        name=filetypes.safe_name(file.name or "", kind),
        content_type=kind.content_type,
        size=file.size,
        sha256=sha256,
        uploaded_at=now,
    )
    try:
        if shutil.disk_usage(uploading.folder()).free - file.size < _KEPT_FREE:
            raise OSError("the disk is nearly full")
        written.append(path_of(attachment.pk))
        _write(bytes_, written[-1])
    except OSError as error:
        logger.error("an attachment could not be kept", extra={"reason": str(error)})
        return Limit.NO_ROOM
    attachment.save(force_insert=True)
    return None


def _over_limit(files: int, size: int, more: int) -> Limit | None:
    if files >= settings.ATTACHMENTS_MAX:
        return Limit.TOO_MANY
    if more > settings.ATTACHMENT_MAX_MB * MB:
        return Limit.TOO_LARGE
    return Limit.TOO_LARGE_TOGETHER if size + more > settings.ATTACHMENTS_TOTAL_MB * MB else None


def _write(source: BinaryIO, path: Path) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    source.seek(0)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        shutil.copyfileobj(source, target, _CHUNK)
        target.flush()
        os.fsync(target.fileno())


def _sha256(source: BinaryIO) -> str:
    digest = hashlib.sha256()
    source.seek(0)
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _delete(rows: Sequence[Attachment]) -> int:
    """Take the rows away where they are not sent meanwhile, then their bytes. Returns how many went."""
    with transaction.atomic():
        gone = [path_of(row.pk) for row in rows if Attachment.objects.filter(pk=row.pk, contact=None).delete()[0]]
        transaction.on_commit(partial(_unlink, gone))
    return len(gone)


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _is_settled(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > _BEING_WRITTEN
    except FileNotFoundError:
        return False


def _ids(paths: Iterable[Path]) -> list[uuid.UUID]:
    found = []
    for path in paths:
        try:
            found.append(uuid.UUID(hex=path.name))
        except ValueError:
            continue  # not one of ours: goes as a stray
    return found
