"""A RabbitMQ of the tests' own, on loopback: its node's name, cookie, ports and files are nobody else's."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from amqp.exceptions import AMQPError
from kombu import Connection

from tests.waiting import until

# The program itself: the one on the PATH of a Debian host changes the account first.
SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
EPMD = shutil.which("epmd")
IS_INSTALLED = SERVER.exists() and EPMD is not None
WHY_NOT = "rabbitmq-server is not installed (Debian's package; .ci/run installs it)"


class Node:
    """start() it, kill() it, start() it again: its queues are on disk."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        (home / "plugins").write_text("[].\n")
        port, between_nodes, names = _free_ports(3)
        self.url = f"amqp://guest:guest@127.0.0.1:{port}//"
        self._env = {
            **os.environ,
            "HOME": str(home),  # where Erlang makes the node's cookie
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
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Until it answers: the name server that Erlang needs, then the node."""
        output = self.home / "output"
        with output.open("ab") as words:
            for command in ([str(EPMD)], [str(SERVER)]):
                self._started.append(
                    subprocess.Popen(command, cwd=self.home, env=self._env, stdout=words, stderr=words, process_group=0)
                )
        until(lambda: self.answers() or self._started[-1].poll() is not None, "RabbitMQ answers", seconds=90)
        assert self._started[-1].poll() is None, output.read_text()

    def kill(self) -> None:
        """kill -9 of all of it."""
        while self._started:
            process = self._started.pop()
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def answers(self) -> bool:
        try:
            with Connection(self.url, connect_timeout=2) as asked:
                asked.connect()
        except (OSError, AMQPError):
            return False
        return True


def _free_ports(count: int) -> list[int]:
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in taken]
    for one in taken:
        one.close()
    return ports
