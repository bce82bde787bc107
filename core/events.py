"""How a room tells what happened: a frozen dataclass on a signal, fired after the commit.

A listener that fails is logged by Django ("django.dispatch") and harms nobody; a fact without which the product would
be wrong is therefore written by its owner in its own transaction, never by a listener.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.dispatch import Signal

from core.commits import after_commit


def fire(signal: Signal, event: Any) -> None:
    """Send `event` to the signal's receivers once the open transaction has committed (at once where none is open)."""
    after_commit(partial(signal.send_robust, sender=type(event), event=event))
