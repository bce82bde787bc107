"""A real Celery worker on the test database, to be watched, stopped and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from amqp.exceptions import NotFound
from django.conf import settings
from django.db import connection
from kombu import pools
from psycopg.conninfo import make_conninfo

from config import broker, embedded
from config.celery import app
from tests.waiting import until


def environment(**more: str) -> dict[str, str]:
    """The environment of a process of ours that must use the test database."""
    name = connection.settings_dict["NAME"]
    if settings.LOCAL:
        ours = {"PREEMPT_DATA_DIR": str(settings.DATA_DIR), "PREEMPT_DATABASE": name}
    else:
        ours = {
            "DATABASE_URL": make_conninfo(settings.DATABASE_URL, dbname=name),
            "SECRET_KEY": settings.SECRET_KEY,
        }
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", **ours, **more}


def empty_queues() -> None:
    """Messages are not rows of Django's: they outlive a test unless thrown away. Of the broker in use."""
    if app.conf.broker_url.startswith("amqp"):
        with app.connection_for_write() as asked, suppress(NotFound):
            asked.default_channel.queue_purge(app.conf.task_default_queue)
        return
    with connection.cursor() as cursor:
        cursor.execute("select pgmq.purge_queue(queue_name) from pgmq.meta")


@contextmanager
def published_to(url: str) -> Iterator[None]:
    """Within the block this process's app has the broker that BROKER_URL=url would give it."""
    quorum = {
        "broker_url": url,
        "broker_transport": None,
        "broker_transport_options": {"confirm_publish": True},
        "task_default_queue_type": "quorum",
        "worker_detect_quorum_queues": True,
    }
    before = {name: app.conf[name] for name in quorum}
    try:
        _configure(quorum)
        yield
    finally:
        _configure(before)


def _configure(names: dict[str, Any]) -> None:
    forget_broker()
    app.conf.update(names)
    app.__dict__.pop("amqp", None)  # made from the configuration once


class WorkerProcess:
    """start() it, then stop(), kill() or restart it; `log` holds what it said."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, concurrency: int = 2, include: str = "tests.tasks", **env: str) -> None:
        """Start and wait until it takes tasks. Words in `env` go to its environment."""
        assert self.process is None, "it runs already"
        said = self.log.stat().st_size if self.log.exists() else 0
        command = [sys.executable, "-m", "celery", "-A", "config.celery", "worker", "--include", include]
        command += ["--concurrency", str(concurrency), "--loglevel", "INFO"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=embedded.REPOSITORY,
                env=environment(**env),
                stdout=log,
                stderr=log,
                process_group=0,
            )
        until(lambda: b" ready." in self._said(said) or self._ended(), "the worker is ready", seconds=60)

    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self, *, seconds: float = 15) -> None:
        """Ask it to finish what it does and end; kill it where that takes too long."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
            self.process = None

    def kill(self) -> None:
        """kill -9 of the worker; its children die with it."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def _said(self, since: int) -> bytes:
        with self.log.open("rb") as log:
            log.seek(since)
            return log.read()

    def _ended(self) -> bool:
        assert self.process is not None
        if self.process.poll() is None:
            return False
        raise AssertionError(f"the worker ended:\n{self.log.read_text()}")


def forget_broker() -> None:
    """Close this process's broker connections."""
    pools.reset()
    app._after_fork()  # the one way to make the app forget the pools it has seen closed
    broker.close_pools()
