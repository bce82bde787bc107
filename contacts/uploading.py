"""Takes uploaded files off the wire, within limits that hold while they come in.

Each file goes into an unnamed temporary file beside where it will be kept: nothing of it is in memory, and a process
that is killed leaves nothing behind. What is over a limit is read and dropped, since a browser shows our answer only
after it has sent all; a request so large that nobody would wait for that is cut off.
"""

from __future__ import annotations

import logging
import os
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest

logger = logging.getLogger("preempt.contacts")

FIELD = "files"
MB = 1024 * 1024
_MOST_READ = 300 * MB  # of one request; about four minutes of a good phone's connection


class Limit(StrEnum):
    """Which limit a file was over."""

    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    TOO_LARGE_TOGETHER = "too_large_together"
    NO_ROOM = "no_room"  # on our disk
    TOO_OFTEN = "too_often"


@dataclass(frozen=True)
class Dropped:
    """A file that was not kept. `size` in bytes, 0 where its end was not waited for."""

    name: str
    size: int
    limit: Limit


class LimitedUpload(FileUploadHandler):
    """The one upload handler of the contact form. `dropped` tells what did not come through."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.dropped: list[Dropped] = []
        self._kept = 0  # files
        self._bytes = 0  # of the kept ones
        self._is_endless = False
        self._spool: IO[bytes] | None = None
        self._limit: Limit | None = None

    def handle_raw_input(
        self, input_data: Any, META: dict[str, Any], content_length: int, boundary: str, encoding: str | None = None
    ) -> None:
        self._is_endless = content_length > _MOST_READ

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._limit, self._spool = None, None
        if self._is_endless:
            self.dropped.append(Dropped(self.file_name or "", 0, Limit.TOO_LARGE))
            raise StopUpload(connection_reset=True)
        if self.field_name != FIELD or self._kept >= settings.ATTACHMENTS_MAX:
            self._limit = Limit.TOO_MANY
        else:
            try:
                self._spool = tempfile.TemporaryFile(dir=folder(), prefix="incoming-")  # noqa: SIM115  closed with the request
            except OSError:
                self._no_room()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        if self._spool is not None:
            end = start + len(raw_data)
            if end > settings.ATTACHMENT_MAX_MB * MB:
                self._drop(Limit.TOO_LARGE)
            elif self._bytes + end > settings.ATTACHMENTS_TOTAL_MB * MB:
                self._drop(Limit.TOO_LARGE_TOGETHER)
            else:
                try:
                    self._spool.write(raw_data)
                except OSError:
                    self._no_room()
        return None

    def file_complete(self, file_size: int) -> UploadedFile[bytes] | None:
        if self._spool is None:
            if self._limit is not None:
                self.dropped.append(Dropped(self.file_name or "", file_size, self._limit))
            return None
        self._kept += 1
        self._bytes += file_size
        spool, self._spool = self._spool, None
        spool.seek(0)
        return UploadedFile(file=spool, name=self.file_name, content_type=self.content_type, size=file_size)

    def upload_interrupted(self) -> None:
        self._drop(None)

    def _no_room(self) -> None:
        logger.exception("an upload could not be written")  # the message without the file is worth having
        self._drop(Limit.NO_ROOM)

    def _drop(self, limit: Limit | None) -> None:
        if self._spool is not None:
            self._spool.close()
        self._spool, self._limit = None, limit


def folder() -> Path:
    """Where attachments are kept, made where it is not there yet; for nobody but us."""
    path: Path = settings.ATTACHMENTS_DIR
    if not path.is_dir():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chmod(path, 0o700)  # mkdir's mode is cut by the umask and not given to a folder that another process made
    return path
