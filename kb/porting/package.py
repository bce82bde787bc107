"""What was given to import, a file, a folder or a zip, as names and bytes. Nothing is ever unpacked to disk.

A zip is a stranger: what it says of itself is not believed. Names that lead out of it, links, archives within, and
files that grow beyond what a help centre has are refused one by one, and the rest is read.
"""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from kb.porting.facts import Problem

MOST_FILES = 100_000
MOST_BYTES = 4_000_000_000  # of all files of a zip, unpacked
MOST_AT_ONCE = 64_000_000  # of a file that is read as a whole: a page of JSON
MOST_TEXT = 4_000_000  # of a Markdown file
MOST_RATIO = 200  # unpacked to packed, of a file of more than _SMALL bytes
_SMALL = 10_000_000
_ARCHIVES = {".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst"}
_IGNORED = ("__MACOSX/", ".git/")
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError)


class Refused(Exception):
    """This file cannot be read; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Package:
    """`names` are those of the files that may be read, in order; `problems` tell of the others."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.names: list[str] = []
        self.problems: list[Problem] = []

    def ending(self, *endings: str) -> list[str]:
        """The names that end so, as ".md"."""
        return [name for name in self.names if name.lower().endswith(endings)]

    def read(self, name: str, *, most: int = MOST_AT_ONCE) -> bytes:
        """The whole file. Raises Refused, also where it has more than `most` bytes."""
        with self.open(name) as file:
            try:
                content = file.read(most + 1)
            except _BROKEN as error:
                raise Refused(_unreadable(name, error)) from error
        if len(content) > most:
            what = f"It has more than {most // 1_000_000} MB."
            raise Refused(Problem(name, 0, "", what, "Split it into several files, or use JSON lines or CSV."))
        return content

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """The file for reading piece by piece. Raises Refused."""
        try:
            file = self._open(name)
        except _BROKEN as error:
            raise Refused(_unreadable(name, error)) from error
        with file:
            yield file

    def close(self) -> None:
        """Give back what is open."""

    def _open(self, name: str) -> IO[bytes]:
        raise NotImplementedError

    def _refuse(self, name: str, what: str, to_do: str) -> None:
        self.problems.append(Problem(name, 0, "", what, to_do))


class _File(Package):
    def __init__(self, path: Path) -> None:
        super().__init__(path.name)
        self._path = path
        self.names = [path.name]

    def _open(self, name: str) -> IO[bytes]:
        return self._path.open("rb")


class _Folder(Package):
    def __init__(self, path: Path) -> None:
        super().__init__(path.name)
        self._path = path
        inside = path.resolve()
        for file in sorted(path.rglob("*")):
            name = file.relative_to(path).as_posix()
            if _is_hidden(name) or not file.is_file():
                continue
            if not file.resolve().is_relative_to(inside):
                self._refuse(name, "It is a link that leads out of the folder.", "Put the file itself there.")
            elif len(self.names) < MOST_FILES:
                self.names.append(name)
            else:
                self._refuse(path.name, f"The folder holds more than {MOST_FILES:,} files.", "Import it in parts.")
                break

    def _open(self, name: str) -> IO[bytes]:
        return (self._path / name).open("rb")


class _Zip(Package):
    def __init__(self, path: Path) -> None:
        super().__init__(path.name)
        self._zip = zipfile.ZipFile(path)
        total = 0
        seen: set[str] = set()
        for info in self._zip.infolist():
            name = info.filename
            if info.is_dir() or _is_hidden(name):
                continue
            total += info.file_size
            if len(self.names) >= MOST_FILES or total > MOST_BYTES:
                self._refuse(
                    path.name,
                    f"It holds more than {MOST_FILES:,} files or {MOST_BYTES // 1_000_000_000} GB. "
                    f"What comes after {name} was not read.",
                    "Split it.",
                )
                break
            if what := _distrust(info):
                self._refuse(name, *what)
            elif name in seen:
                self._refuse(name, "The archive holds two files of this name; the first was read.", "Rename one.")
            else:
                seen.add(name)
                self.names.append(name)
        self.names.sort()

    def _open(self, name: str) -> IO[bytes]:
        # Reads no more than the archive's list says the file has, and fails where it has another content.
        return self._zip.open(name)

    def close(self) -> None:
        self._zip.close()


@contextmanager
def opened(path: Path) -> Iterator[Package]:
    """The files at `path`. Raises Refused where there are none to be had."""
    package = _opened(path)
    try:
        yield package
    finally:
        package.close()


def _opened(path: Path) -> Package:
    try:
        if path.is_dir():
            return _Folder(path)
        if not path.exists():
            raise Refused(Problem(str(path), 0, "", "There is no such file or folder.", "Check the path."))
        if path.suffix.lower() == ".zip" or zipfile.is_zipfile(path):
            return _Zip(path)
        with path.open("rb") as file:
            if not file.read(1):
                raise Refused(Problem(path.name, 0, "", "The file is empty.", "Export it again."))
    except (*_BROKEN, ValueError) as error:
        raise Refused(_unreadable(path.name, error)) from error
    return _File(path)


def _is_hidden(name: str) -> bool:
    return name.startswith(_IGNORED) or any(
        part.startswith(".") and part != ".." for part in name.replace("\\", "/").split("/")
    )


def _distrust(info: zipfile.ZipInfo) -> tuple[str, str] | None:
    name = info.filename
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or ":" in (parts.parts or ("",))[0] or "\0" in info.orig_filename:
        return "Its name leads out of the archive.", "Rename it, and pack it again."
    if stat.S_ISLNK(info.external_attr >> 16):
        return "It is a link to another file.", "Put the file itself there."
    if info.flag_bits & 1:
        return "It is locked with a password.", "Pack it again without one."
    if parts.suffix.lower() in _ARCHIVES:
        return "It is an archive within the archive.", "Unpack it, and pack its files with the others."
    if info.file_size > _SMALL and info.file_size > MOST_RATIO * max(1, info.compress_size):
        return (
            f"It unpacks to {info.file_size // 1_000_000} MB from {info.compress_size // 1000} kB, as a zip bomb does.",
            "Leave it out.",
        )
    return None


def _unreadable(name: str, error: Exception) -> Problem:
    if isinstance(error, OSError) and error.strerror:
        return Problem(name, 0, "", f"It cannot be read: {error.strerror}.", "Check its permissions.")
    return Problem(name, 0, "", f"It cannot be unpacked: {error or type(error).__name__}.", "Pack it again.")


def decoded(content: bytes, name: str, row: int = 0) -> str | Problem:
    """The text, from UTF-8 or, with a byte order mark, UTF-16."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    else:
        encoding = "utf-8"
        content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        byte = content[error.start]
        what = f"Byte {error.start + 1} (0x{byte:02x}) is not {encoding.upper()}."
        return Problem(name, row, "", what, "Save the file as UTF-8.")


def text_lines(file: IO[bytes]) -> io.TextIOWrapper:
    """The file's lines with the ends they have, from UTF-8 or, with a byte order mark, UTF-16.

    A byte that is neither becomes a lone surrogate, so that only the row it stands in is refused.
    """
    start = file.read(2)
    file.seek(0)
    encoding = "utf-16" if start in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return io.TextIOWrapper(
        file, encoding=encoding, errors="surrogateescape" if "8" in encoding else "replace", newline=""
    )
