"""BROKER_URL on a real RabbitMQ: quorum queues, and a task whose worker died is done again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from amqp.exceptions import AMQPError
from kombu import Connection, Exchange, Queue

from config import embedded
from tests import workers
from tests.waiting import until

# The program itself: the one on the PATH of a Debian host changes the account first.
SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
EPMD = shutil.which("epmd")

pytestmark = [
    pytest.mark.faults,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not SERVER.exists() or EPMD is None, reason="rabbitmq-server is not installed"),
]


def free_ports(count: int) -> list[int]:
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in taken]
    for one in taken:
        one.close()
    return ports


def answers(url: str) -> bool:
    try:
        with Connection(url, connect_timeout=2) as asked:
            asked.connect()
    except (OSError, AMQPError):
        return False
    return True


@pytest.fixture
def rabbitmq(tmp_path: Path) -> Iterator[str]:
    """The URL of a RabbitMQ node of the test's own, with the name server of its own that Erlang needs."""
    port, between_nodes, names = free_ports(3)
    home = tmp_path / "rabbitmq"
    home.mkdir()
    (home / "plugins").write_text("[].\n")
    env = {
        **os.environ,
        "HOME": str(home),
        "RABBITMQ_NODENAME": f"preempt-{port}@localhost",
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_PID_FILE": str(home / "pid"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(between_nodes),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(names),
    }
    url = f"amqp://guest:guest@127.0.0.1:{port}//"
    with (home / "output").open("wb") as output:
        started = [
            subprocess.Popen([*command], cwd=home, env=env, stdout=output, stderr=output, process_group=0)
            for command in ([str(EPMD)], [str(SERVER)])
        ]
    try:
        until(lambda: answers(url) or started[1].poll() is not None, "RabbitMQ answers", seconds=90)
        assert started[1].poll() is None, (home / "output").read_text()
        yield url
    finally:
        for process in reversed(started):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def publish(url: str, call: str) -> None:
    """Enqueue from a process of its own: this one's app has the broker of the other tests."""
    code = f"import django; django.setup(); from tests import tasks; {call}"
    subprocess.run(
        [sys.executable, "-c", code], cwd=embedded.REPOSITORY, env=workers.environment(BROKER_URL=url), check=True
    )


def words(path: Path) -> list[str]:
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


def test_task_of_a_killed_child_is_done_again_through_rabbitmq(rabbitmq, celery_worker_process, tmp_path):
    notes, gate = tmp_path / "notes", tmp_path / "gate"
    celery_worker_process.start(concurrency=1, BROKER_URL=rabbitmq)
    publish(rabbitmq, f"tasks.hold.delay({str(notes)!r}, 'held', {str(gate)!r})")
    until(lambda: words(notes) == ["held"], "the child is at work")
    os.kill(int(notes.read_text().split()[1]), signal.SIGKILL)
    until(lambda: words(notes) == ["held", "held"], "another child has begun anew")
    gate.touch()
    until(lambda: words(notes)[-1] == "held-done", "it is done")


def test_task_published_while_no_worker_lives_waits_in_a_quorum_queue(rabbitmq, celery_worker_process, tmp_path):
    notes = tmp_path / "notes"
    celery_worker_process.start(BROKER_URL=rabbitmq)
    celery_worker_process.kill()
    publish(rabbitmq, f"tasks.note.delay({str(notes)!r}, 'meanwhile')")
    with Connection(rabbitmq) as asked:
        # RabbitMQ refuses this declaration where the queue is there with another type.
        queue = Queue("preempt", Exchange("preempt"), "preempt", queue_arguments={"x-queue-type": "quorum"})
        queue(asked.default_channel).queue_declare()
    celery_worker_process.start(BROKER_URL=rabbitmq)
    until(lambda: words(notes) == ["meanwhile"], "the note is there")
