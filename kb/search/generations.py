"""One generation of the index on disk: its manifest, its segments, and whether its files are as they were written.

When a generation is opened, and then once a second, the size and time of every file are compared. Bytes are summed up
(CRC) once a file in each process: at once where it is little, else in a thread beside the searches. What a commit only
links from the generation before is known already.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import threading
import time
import zlib
from collections.abc import Iterable, Mapping, Set
from pathlib import Path
from typing import Any

from kb.search import arrays
from kb.search.arrays import ArrayFile
from kb.search.engine import EngineUnavailable, IndexDamaged
from kb.search.impacts import ImpactCache
from kb.search.language import Language
from kb.search.segments import NONE_GONE, Held, Segment

logger = logging.getLogger("preempt.search")

DAMAGED = "damaged"  # a file in the index's folder that names the generation found so: for the writer to see
_LOOK_SECONDS = 1.0
_AT_ONCE = 1_000_000  # bytes that are summed up before the first search
_LATER_SECONDS = 0.2  # after opening; the search that waited for this generation comes first
_CHUNK = 1 << 20

Mark = tuple[int, int, int]  # of a file: what it is, how long, when altered


class Generation:
    """One generation, read-only. Thread-safe. Raises IndexDamaged.

    `before` is the generation that served until now: what both have is not read again.
    """

    def __init__(self, folder: Path, cache: ImpactCache, before: Generation | None = None) -> None:
        self._folder = folder
        self._cache = cache
        self._damage = ""
        self._opened_at = self._looked_at = time.monotonic()
        self._unread: Set[str] = frozenset()
        self.manifest = manifest = self._manifest()
        self.number: int = manifest["generation"]
        self.position: int = manifest["position"]
        self.files: dict[str, list[int]] = manifest["files"]
        self._summed: dict[str, Mark] = dict(before._summed) if before else {}
        self._marks = {name: self._mark(name) for name in self.files}
        self._sum_up()
        known = {f"{lang}/{one.name}": one for lang, held in before.held.items() for one in held} if before else {}
        self.held: dict[str, list[Held]] = {
            lang: [self._open(lang, name, gone, known.get(f"{lang}/{name}")) for name, gone in segments]
            for lang, segments in manifest["languages"].items()
        }
        try:
            self._languages = {lang: Language(held, lang, cache) for lang, held in self.held.items()}
        except (IndexError, ValueError, OverflowError, MemoryError) as error:  # of bytes not yet summed up
            self.check_every_byte()
            raise IndexDamaged(f"{self.name}: {error}") from error

    @property
    def name(self) -> str:
        return self._folder.name

    @property
    def bytes(self) -> int:
        return sum(size for size, _crc in self.files.values())

    def language(self, lang: str) -> Language | None:
        """None where no document is in this language."""
        return self._languages.get(lang)

    def version(self, id: int) -> int | None:
        """The version in which the index has the document."""
        for held in self.held.values():
            for one in held:
                if (number := one.number(id)) >= 0:
                    return int(one.segment.versions[number])
        return None

    def look(self) -> None:
        """Raise IndexDamaged where the files are known not to be as they were written; looks once a second."""
        if (now := time.monotonic()) - self._looked_at >= _LOOK_SECONDS:
            self._looked_at = now
            self._look_at_files()
        if self._unread and now - self._opened_at >= _LATER_SECONDS:
            names, self._unread = self._unread, frozenset()
            threading.Thread(target=self._sum_all, args=[names], name="index-check", daemon=True).start()
        if self._damage:
            raise IndexDamaged(self._damage)

    def check_every_byte(self) -> None:
        """Raise IndexDamaged where a byte is not as it was written."""
        for name in self.files:
            self._sum(name)

    def forget(self) -> None:
        """Another generation serves: give room. Threads that still search in this one may go on."""
        for language in self._languages.values():
            language.collection.forget()

    def found_damaged(self, reason: str) -> None:
        """Remember it, and leave word for the process that writes."""
        if not self._damage:
            self._damage = reason
            logger.error("search index damaged", extra={"reason": reason})
            try:
                replace_file(self._folder.parent / DAMAGED, self.name)
            except OSError as error:  # the writer's own look will find it
                logger.warning("no word left of the damaged index", extra={"reason": str(error)})

    def _manifest(self) -> dict[str, Any]:
        try:
            text = (self._folder / "manifest.json").read_text()
            if zlib.crc32(text[10:].encode()) != int(text[:10]):
                raise ValueError("not as it was written")
            manifest: dict[str, Any] = json.loads(text[10:])
            return manifest
        except (OSError, ValueError) as error:
            raise arrays.trouble(f"{self.name}/manifest.json", error) from error

    def _open(self, lang: str, name: str, gone: str, known: Held | None) -> Held:
        if known is not None and known.gone_name == gone:
            return known
        folder = self._folder / lang
        try:
            segment = known.segment if known is not None else Segment(ArrayFile(folder / name))
            return Held(segment, name, ArrayFile(folder / gone).whole("gone") if gone else NONE_GONE, gone)
        except (ValueError, KeyError, IndexError) as error:  # a directory of arrays that is not one
            raise IndexDamaged(f"{self.name}/{lang}/{name}: {error}") from error

    def _mark(self, name: str) -> Mark:
        try:
            stat = os.stat(self._folder / name)
        except OSError as error:
            raise arrays.trouble(f"{self.name}/{name}", error) from error
        if stat.st_size != self.files[name][0]:
            raise IndexDamaged(f"{self.name}/{name}: {stat.st_size} bytes instead of {self.files[name][0]}")
        return stat.st_ino, stat.st_size, stat.st_mtime_ns

    def _look_at_files(self) -> None:
        try:
            marks = {name: self._mark(name) for name in self.files}
            if (self._folder.parent / DAMAGED).exists() and self.name in (self._folder.parent / DAMAGED).read_text():
                raise IndexDamaged(f"{self.name}: found damaged by another process")
        except IndexDamaged as error:
            if self._serves():
                self.found_damaged(str(error))
            return
        if marks != self._marks:
            self._marks = marks
            self._sum_up()

    def _sum_up(self) -> None:
        """Compare the bytes of every file that this process has not read yet."""
        self._summed = {name: mark for name, mark in self._summed.items() if self._marks.get(name) == mark}
        new = self._marks.keys() - self._summed.keys()
        if sum(self.files[name][0] for name in new) <= _AT_ONCE:
            self._sum_all(new)
            if self._damage:
                raise IndexDamaged(self._damage)
        else:
            self._unread = new

    def _sum_all(self, names: Iterable[str]) -> None:
        try:
            for name in sorted(names):
                self._sum(name)
                self._summed[name] = self._marks[name]
        except (IndexDamaged, EngineUnavailable) as error:
            if self._serves():
                self.found_damaged(str(error))

    def _sum(self, name: str) -> None:
        crc = 0
        try:
            with (self._folder / name).open("rb") as file:
                while chunk := file.read(_CHUNK):
                    crc = zlib.crc32(chunk, crc)
        except OSError as error:
            raise arrays.trouble(f"{self.name}/{name}", error) from error
        if crc != self.files[name][1]:
            raise IndexDamaged(f"{self.name}/{name}: not as it was written")

    def _serves(self) -> bool:
        """Whether this is still the one; the files of an older one may be cleared away under our eyes."""
        try:
            return (self._folder.parent / "current").read_text() == self.name
        except OSError:
            return True


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write {generation, position, files: {name: [bytes, crc]}, languages: {lang: [[segment's file, gone's file]]}}."""
    text = json.dumps(manifest, sort_keys=True)
    replace_file(folder / "manifest.json", f"{zlib.crc32(text.encode()):010d}{text}")


def link_files(old: Path, new: Path, names: Iterable[str]) -> None:
    for name in names:
        (new / name).parent.mkdir(exist_ok=True, mode=0o700)
        try:
            os.link(old / name, new / name)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOSPC):
                raise
            shutil.copy2(old / name, new / name)  # a file system without links


def replace_file(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text)
    beside.replace(path)
