"""How to make, start, ask and stop an embedded server."""

from __future__ import annotations

import contextlib
import enum
import os
import pwd
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from config import processes
from config.embedded.place import PORT, USER, EmbeddedError, Place, binaries

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "dynamic_shared_memory_type": "mmap",  # beside the data: containers have a small /dev/shm
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_locks_per_transaction": "128",  # a table of events a week, each with its indexes
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "512MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "idle_in_transaction_session_timeout": "10min",
}


class State(enum.Enum):
    """What a server answers to a log-in."""

    READY = "takes queries"
    NO_DATABASE = "runs, without the database asked for"
    BUSY = "is starting, recovering or stopping"
    DOWN = "nobody answers"


def probe(place: Place, database: str) -> State:
    """Log in over the socket and say how that went (protocol 3.0; no subprocess, a few milliseconds)."""
    login = b"user\0%b\0database\0%b\0\0" % (USER.encode(), database.encode())
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as talk:
        talk.settimeout(2)
        try:
            talk.connect(f"{place.sockets}/.s.PGSQL.{PORT}")
            talk.sendall(struct.pack("!ii", len(login) + 8, 196608) + login)
            with talk.makefile("rb") as answer:
                while len(head := answer.read(5)) == 5:
                    kind, size = struct.unpack("!ci", head)
                    body = answer.read(size - 4)
                    if kind == b"Z":
                        talk.sendall(b"X\0\0\0\4")
                        return State.READY
                    if kind == b"E":
                        return _refusal(body)
        except TimeoutError:
            return State.BUSY
        except OSError:
            return State.DOWN
    return State.DOWN


def _refusal(body: bytes) -> State:
    fields = {field[:1]: field[1:].decode(errors="replace") for field in body.split(b"\0") if field}
    match fields.get(b"C"):
        case "3D000":
            return State.NO_DATABASE
        case "57P03" | "53300":  # starting or stopping; all connections taken
            return State.BUSY
    raise EmbeddedError(f"PostgreSQL refuses us: {fields.get(b'M')}. Its data folder may be another program's.")


def create_database(place: Place, name: str) -> None:
    _run([binaries(place) / "createdb", "-h", place.sockets, "-p", str(PORT), "-U", USER, name], account=None)


def drop_database(place: Place, name: str) -> None:
    where = ["-h", place.sockets, "-p", str(PORT), "-U", USER]
    _run([binaries(place) / "dropdb", "--if-exists", "--force", *where, name], account=None)


def prepare(place: Place, *, sync: bool = True) -> None:
    """Make the cluster and the folders where there are none; clear what a killed server left."""
    programs = binaries(place)
    place.log.parent.mkdir(exist_ok=True)
    if not (place.cluster / "PG_VERSION").exists():
        _make_cluster(place, programs, sync=sync)
    found = (place.cluster / "PG_VERSION").read_text().strip()
    ours = _run([programs / "postgres", "--version"], account=None).split()[2].split(".")[0]
    if found != ours:
        raise EmbeddedError(
            f"{place.cluster} was made by PostgreSQL {found}; this is {ours}. Dump it with that"
            f" version, or run `make clean` to start with an empty database."
        )
    if place.sockets != place.cluster:
        place.sockets.mkdir(mode=0o700, exist_ok=True)
        _give(place.sockets, place.account)
        about = place.sockets.lstat()
        owner = os.geteuid() if place.account is None else place.account.pw_uid
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != owner or about.st_mode & 0o077:
            raise EmbeddedError(f"{place.sockets} is not a private folder of ours. Remove it and start again.")
    for file in (place.cluster / "postmaster.pid", place.sockets / f".s.PGSQL.{PORT}.lock"):
        if (pid := _first_number(file)) is not None and not _is_postmaster(pid, place):
            # A killed postmaster may stay a zombie, or its pid may be another program's by now: PostgreSQL
            # would take either for a running server. It still checks shared memory for live backends itself.
            file.unlink(missing_ok=True)


def _make_cluster(place: Place, programs: Path, *, sync: bool) -> None:
    # initdb writes PG_VERSION first, so that a cut-off one looks finished: build beside, then rename.
    # Each try has a folder of its own: a killed keeper's initdb may still be writing.
    for old in unfinished(place):
        shutil.rmtree(old, ignore_errors=True)
    beside = place.cluster.with_name(f"{place.cluster.name}.new-{os.getpid()}")
    beside.parent.mkdir(parents=True, exist_ok=True)
    beside.mkdir(mode=0o700)
    _give(beside, place.account)
    _run(
        [
            programs / "initdb", "-D", beside, "-U", USER, "--auth=trust", "-E", "UTF8", "--no-instructions",
            "--locale=C", "--locale-provider=builtin", "--builtin-locale=PG_UNICODE_FAST",
        ],
        account=place.account,
    )  # fmt: skip
    if place.cluster.exists():
        try:
            place.cluster.rmdir()
        except OSError as error:
            raise EmbeddedError(
                f"{place.cluster} holds files but no database. Move them away and start again."
            ) from error
    beside.rename(place.cluster)


def unfinished(place: Place) -> list[Path]:
    """Clusters whose making was cut off."""
    return list(place.cluster.parent.glob(f"{place.cluster.name}.new-*"))


def start(place: Place, settings: Mapping[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    """The server as a child of this process, with which it dies (on Linux, even by kill -9)."""
    chosen = {**SETTINGS, **settings, "unix_socket_directories": f'"{place.sockets}"'}
    arguments = [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
    return subprocess.Popen(
        [binaries(place) / "postgres", "-D", place.cluster, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd="/",
        env=_environment(),
        preexec_fn=processes.dying_with_parent(signal.SIGINT),  # SIGINT: fast shutdown
        start_new_session=True,
        **_as_account(place.account),
    )


def halt(running: subprocess.Popen[bytes]) -> None:
    """Fast shutdown; harder where that takes too long."""
    for number, seconds in ((signal.SIGINT, 10), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
        if running.poll() is None:
            running.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(seconds)


def stop_orphan(place: Place) -> None:
    """Stop a server whose keeper was killed. On Linux it has its signal; elsewhere it would run on."""
    pid = _first_number(place.cluster / "postmaster.pid")
    deadline = time.monotonic() + 15
    asked = False
    while pid is not None and _is_postmaster(pid, place):
        if not asked:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
            asked = True
        if time.monotonic() > deadline:
            raise EmbeddedError(f"An old PostgreSQL server (process {pid}) does not stop. End it and start again.")
        time.sleep(0.02)


def _as_account(account: pwd.struct_passwd | None) -> dict[str, Any]:
    return {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _give(folder: Path, account: pwd.struct_passwd | None) -> None:
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid, follow_symlinks=False)


def _first_number(file: Path) -> int | None:
    try:
        return int(file.read_text().split()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None


def _is_postmaster(pid: int, place: Place) -> bool:
    """Whether the process is a running server of this cluster (a zombie runs no more)."""
    if pid <= 1:
        return False
    if sys.platform == "linux":
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
            return state != "Z" and os.readlink(f"/proc/{pid}/cwd") == str(place.cluster)
        except (FileNotFoundError, ProcessLookupError):
            return False
        except PermissionError:  # not our process, and so not our server
            return False
    listed = subprocess.run(["/bin/ps", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True).stdout
    return bool(listed.strip()) and not listed.startswith("Z") and "postgres" in listed and str(place.cluster) in listed


def _environment() -> dict[str, str]:
    """Of our environment only what a server needs: PG* variables meant for others would mislead it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "LC_ALL": "C"}


def _run(command: list[object], *, account: pwd.struct_passwd | None) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd="/",
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        preexec_fn=processes.dying_with_parent(signal.SIGKILL),
        **_as_account(account),
    )
    if done.returncode:
        what = Path(str(command[0])).name
        said = (done.stderr or done.stdout).strip()
        raise EmbeddedError(f"{what} failed ({done.returncode}): {said or 'without a word'}")
    return str(done.stdout)
