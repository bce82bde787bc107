"""Wakes the workers. The truth is in rows: a ring that is lost costs a few seconds, until beat rings again."""

from __future__ import annotations

from functools import partial
from typing import Any

from core.commits import after_commit


def ring(lane: str) -> None:
    """Something in this lane may be ready to send."""
    _ring("drain", lane)


def ring_inbound() -> None:
    """A delivery from outside was stored and waits to be read."""
    _ring("read_inbound")


def ring_webhooks() -> None:
    """A call of a shop or tracker was stored and waits to be read."""
    _ring("take_in_webhooks")


def ring_sweep() -> None:
    """Parcels were reported on: what that begins or ends is looked at now, not at the next round."""
    _ring("sweep")


def ring_order_links() -> None:
    """Somebody asked for the link to an order."""
    _ring("send_order_links")


def _ring(task: str, *args: Any) -> None:
    from notifications import tasks  # tasks call what rings

    after_commit(partial(getattr(tasks, task).apply_async, args=args, retry=False))
