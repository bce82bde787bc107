"""The RabbitMQ of bench/soak.py: a node of its own, which is killed with -9 and comes back with its queues."""

from __future__ import annotations

import threading
from pathlib import Path

from tests import rabbitmq


class Rabbit:
    """start() it, restart() it as often as you like, settle() before it is relied on, stop() it in the end."""

    def __init__(self, home: Path) -> None:
        if not rabbitmq.IS_INSTALLED:
            raise SystemExit(f"soak: {rabbitmq.WHY_NOT}")
        self._node = rabbitmq.Node(home)
        self._coming: threading.Thread | None = None

    @property
    def url(self) -> str:
        return self._node.url

    def start(self) -> None:
        self._node.start()

    def restart(self) -> bool:
        """kill -9 and start again, without waiting for it. False where it has not yet come back from the last time."""
        if self._coming is not None and self._coming.is_alive():
            return False
        self._node.kill()
        self._coming = threading.Thread(target=self._node.start, name="rabbitmq", daemon=True)
        self._coming.start()
        return True

    def settle(self) -> None:
        """Until it has come back."""
        if self._coming is not None:
            self._coming.join()
        if not self._node.answers():
            raise SystemExit("soak: RabbitMQ did not come back")

    def stop(self) -> None:
        if self._coming is not None:
            self._coming.join()
        self._node.kill()
