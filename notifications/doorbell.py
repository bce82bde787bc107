"""Wakes the workers. The truth is in rows: a ring that is lost costs a few seconds, until beat rings again."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction


def ring(lane: str) -> None:
    """Something in this lane may be ready to send."""
    _ring("drain", lane)


def ring_inbound() -> None:
    """A delivery from outside was stored and waits to be read."""
    _ring("read_inbound")


def ring_order_links() -> None:
    """Somebody asked for the link to an order."""
    _ring("send_order_links")


def _ring(task: str, *args: Any) -> None:
    from notifications import tasks  # tasks call what rings

    publish = partial(getattr(tasks, task).apply_async, args=args, retry=False)
    # robust: the rows are committed, and a dead broker must not undo what they say. Django logs the failure.
    transaction.on_commit(publish, robust=True)
