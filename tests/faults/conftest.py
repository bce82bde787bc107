"""A worker in its own process, a SendGrid on loopback that reports to the shop's web server, one story's clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core import clock
from tests.fakes import sendgrid as fakes
from tests.faults import own_servers
from tests.notifications import mailing
from tests.notifications.mailing import KEY
from tests.notifications.shop import NOW


@pytest.fixture
def story(tmp_path: Path, monkeypatch) -> dict[str, str]:
    """It is Thursday noon for this process and, with these variables, for every other."""
    path = tmp_path / "clock.json"
    monkeypatch.setenv("PREEMPT_CLOCK_FILE", str(path))
    clock.set_for_all(path, NOW)
    return {"PREEMPT_CLOCK_FILE": str(path)}


@pytest.fixture
def fake(tmp_path: Path, live_server, settings) -> Iterator[fakes.Handle]:
    """A SendGrid that reports to the shop's own web server."""
    with fakes.running(
        log=mailing.log_of(tmp_path), api_key=KEY, events_to=f"{live_server.url}/webhooks/sendgrid"
    ) as handle:
        settings.SENDGRID_EVENT_PUBLIC_KEY = handle.public_key
        yield handle


@pytest.fixture
def environment(fake: fakes.Handle, story: dict[str, str]) -> dict[str, str]:
    return {**story, "MAIL_PROVIDER": "sendgrid", "SENDGRID_API_KEY": KEY, "SENDGRID_URL": fake.url}


@pytest.fixture
def worker(celery_worker_process, environment, settings):
    settings.MAIL_PROVIDER, settings.SENDGRID_API_KEY = "sendgrid", KEY
    settings.SENDGRID_URL = environment["SENDGRID_URL"]

    class Worker:
        log = celery_worker_process.log

        def start(self, *, include: str = "tests.tasks", concurrency: int = 1, **more: str) -> None:
            celery_worker_process.start(concurrency=concurrency, include=include, **{**environment, **more})

        @property
        def group(self) -> int:
            """The process group of the worker and its child."""
            return celery_worker_process.process.pid

        kill = celery_worker_process.kill

    return Worker()


@pytest.fixture
def own_server(server_dir: Path, worker, live_server, settings) -> Iterator[own_servers.OwnServer]:
    """The test's database on a server of its own, which may be shut down while other tests run on theirs."""
    if not settings.LOCAL:
        pytest.skip("the server that DATABASE_URL names is not copied")
    with own_servers.moved(server_dir) as own:
        yield own
