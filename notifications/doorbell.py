"""Wakes the workers. The truth is in rows: a ring that is lost costs a few seconds, until beat rings again."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Any

from core.commits import after_commit

# Seconds between two rings for what comes in by hundreds: a ring is as dear as keeping a call, and beat rings anyhow.
SELDOM = 0.25

_lock = threading.Lock()
_rung_at: dict[str, float] = {}


def ring(lane: str) -> None:
    """Something in this lane may be ready to send."""
    _ring("drain", lane)


def ring_inbound(*, is_seldom: bool = False) -> None:
    """A delivery from outside was stored and waits to be read. `is_seldom`: not where it rang a moment ago."""
    if not is_seldom or _is_time("read_inbound"):
        _ring("read_inbound")


def ring_webhooks(*, is_seldom: bool = False) -> None:
    """A call of a shop or tracker was stored and waits to be read."""
    if not is_seldom or _is_time("take_in_webhooks"):
        _ring("take_in_webhooks")


def ring_sweep() -> None:
    """Parcels were reported on: what that begins or ends is looked at now, not at the next round."""
    _ring("sweep")


def ring_order_links() -> None:
    """Somebody asked for the link to an order."""
    _ring("send_order_links")


def _is_time(task: str) -> bool:
    with _lock:
        now = time.monotonic()
        if now - _rung_at.get(task, float("-inf")) < SELDOM:
            return False
        _rung_at[task] = now
        return True


def _ring(task: str, *args: Any) -> None:
    from notifications import tasks  # tasks call what rings

    after_commit(partial(getattr(tasks, task).apply_async, args=args, retry=False))
