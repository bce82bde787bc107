"""manage.py demo: the whole shop on this machine, in one terminal, until Ctrl-C."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from django.apps import apps
from django.conf import settings
from django.core.management import CommandError, call_command, get_commands
from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from config import broker, demo_accounts, embedded, supervisor

READY_SECONDS = 60.0


class Command(BaseCommand):
    help = "Run the whole shop on this machine: database, web, shop front, worker, beat, indexer. Ctrl-C stops it all."
    requires_system_checks = []  # `make lint` checks all and the indexer the settings; here they only cost time

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="the wished port; the next free one is taken")
        parser.add_argument("--no-seed", action="store_true", help="leave an empty database empty")

    def handle(self, *, port: int, no_seed: bool, **options: Any) -> None:
        self.started_at = time.monotonic()
        if not settings.LOCAL:
            raise CommandError(
                "DATABASE_URL is set, and the demo is for this machine's embedded database only. Unset it, or run web, "
                "worker, beat and indexer by themselves: docs/operations.md."
            )
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _leave)
        self._log_to_file()
        with _only_one(settings.DATA_DIR) as note:
            try:
                self._run(port, seed=not no_seed, note=note)
            except KeyboardInterrupt as asked:
                self.say(f"asked to stop ({asked})")
        # Whoever presses Ctrl-C again must not cut off the rest.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self._leave_database()
        self.say("stopped.")

    def say(self, line: str) -> None:
        self.stdout.write(f"[{time.monotonic() - self.started_at:5.1f} s] {line}")
        self.stdout.flush()

    def _log_to_file(self) -> None:
        """Log lines, of the filling above all, would bury the progress: this process's go to a file, and of the
        processes that the filling starts only warnings are seen."""
        folder = settings.DATA_DIR / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setStream((folder / "demo.log").open("a"))
        self.log_level = os.environ.get("LOG_LEVEL", "INFO")
        os.environ["LOG_LEVEL"] = "WARNING"

    def _run(self, wished: int, *, seed: bool, note: Path) -> None:
        self.say(f"database: ready, its files are in {settings.DATA_DIR}")
        self._drop_what_was_half_filled()
        call_command("migrate", verbosity=0, interactive=False)
        self.say("database: tables are up to date")
        call_command("collectstatic", verbosity=0, interactive=False)
        self.say("static files: collected")
        listeners = self._listen(wished, note)
        port = listeners[0].getsockname()[1]
        site = settings.SITE_URL = f"http://localhost:{port}"  # the links in the demo's mails lead here
        if seed:
            self._seed()
        shop_listeners = self._listen_beside(port)
        shop = f"http://localhost:{shop_listeners[0].getsockname()[1]}"
        env = {"SITE_URL": site, "PREEMPT_DEMO": "1", "LOG_LEVEL": self.log_level, "WIDGET_HOSTS": shop}
        with supervisor.Supervisor(logs=settings.DATA_DIR / "logs", say=self.say) as parts:
            others = (supervisor.worker(env=env), supervisor.beat(env=env), supervisor.indexer(env=env))
            for part in (supervisor.web(listeners, env=env), supervisor.storefront(shop_listeners, env=env), *others):
                parts.start(part)
                self.say(f"{part.name}: started, logs to {parts.logs / part.name}.log")
            self._wait_until_healthy(parts, port)
            self._greet(site, shop)
            try:
                parts.watch(until=self._database_is_gone)
            finally:
                self.say("stopping ...")

    def _seed(self) -> None:
        if "seed_demo" not in get_commands() or apps.get_model("kb", "Article").objects.exists():
            return
        self.say("demo shop: the database is empty, filling it ...")
        _being_filled().touch()
        call_command("seed_demo")
        _being_filled().unlink()
        self.say("demo shop: filled")

    def _drop_what_was_half_filled(self) -> None:
        if _being_filled().exists():
            self.say("demo shop: filling it was cut off the last time; starting with an empty database")
            embedded.drop(settings.DATA_DIR, database=str(connections["default"].settings_dict["NAME"]))
            embedded.ensure_for_checkout()
            _being_filled().unlink()

    def _listen(self, wished: int, note: Path) -> list[socket.socket]:
        if note.read_text() == str(wished):
            # The last run, killed, had this port; its web server may need a moment to see that.
            deadline = time.monotonic() + 3
            while time.monotonic() < deadline:
                with contextlib.suppress(OSError):
                    return supervisor.listen(wished, tries=1)
                time.sleep(0.1)
        try:
            listeners = supervisor.listen(wished)
        except OSError as error:
            raise CommandError(f"{error}. Say another one: make demo PORT=9000") from error
        if (found := listeners[0].getsockname()[1]) != wished:
            self.say(f"port {wished} is taken: using {found}")
        note.write_text(str(found))
        return listeners

    def _listen_beside(self, port: int) -> list[socket.socket]:
        """For the shop's own pages: another port is another origin."""
        try:
            return supervisor.listen(port + 1)
        except OSError as error:
            raise CommandError(f"{error}. Say another one: make demo PORT=9000") from error

    def _wait_until_healthy(self, parts: supervisor.Supervisor, port: int) -> None:
        deadline = time.monotonic() + READY_SECONDS
        seen, ask_at = "", 0.0

        def healthy() -> bool:
            nonlocal seen, ask_at
            if (now := time.monotonic()) >= ask_at:
                seen, ask_at = _health(port), now + 0.3
            return seen == "ok" or now > deadline

        parts.watch(until=healthy)
        if seen != "ok":
            raise CommandError(f"not ready after {READY_SECONDS:.0f} s ({seen}). See {parts.logs / 'web.log'}")

    def _greet(self, site: str, shop: str) -> None:
        self.say("ready.")
        lines = [
            "",
            f"  help centre   {site}/",
            f"  a shop's page {shop}/  (with the help widget on it)",
            f"  desk          {site}/desk/",
            f"  mail outbox   {site}/desk/outbox/",
            "",
            "  the desk's demo accounts (this machine only):",
            *(f"    {a.username:<8} {a.password:<13} {a.does}" for a in demo_accounts.ACCOUNTS),
            "",
            "  Ctrl-C stops everything.",
            "",
        ]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()

    def _database_is_gone(self) -> bool:
        """Never true: brings a killed database back in passing."""
        if settings.LOCAL and not embedded.is_kept(settings.DATA_DIR):
            self.say("database: its keeper was killed; starting again")
            embedded.ensure_for_checkout()
            self.say("database: ready")
        return False

    def _leave_database(self) -> None:
        for connection in connections.all(initialized_only=True):
            connection.close()
            connection.close_pool()  # type: ignore[attr-defined]
        broker.close_pools()
        if settings.LOCAL and not embedded.leave(settings.DATA_DIR, wait=3.0):
            self.say("database: others use it still; it stops with the last of them")


def _being_filled() -> Path:
    """There while seed_demo is at work: whoever finds it at the start finds half a shop."""
    return Path(settings.DATA_DIR / "run" / "seeding")


def _leave(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt(signal.Signals(number).name)


@contextlib.contextmanager
def _only_one(data_dir: Path) -> Iterator[Path]:
    """Two demos on one database would ring every bell twice. Gives the file that remembers the port."""
    folder = data_dir / "run"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "demo"
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            at = f"http://localhost:{path.read_text()}"
            raise CommandError(f"the demo of this checkout runs already, at {at}. Stop it there by Ctrl-C.") from None
        yield path


def _health(port: int) -> str:
    """ "ok", or what is wrong in a few words."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return "ok" if answer.status == 200 else str(answer.status)
    except urllib.error.HTTPError as error:
        return error.read().decode(errors="replace")[:200]
    except OSError as error:
        return str(error)
