"""What is done once a transaction has committed, and harms nobody where it fails."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction


def after_commit(call: Callable[[], object]) -> None:
    """Call it once the open transaction has committed (at once where none is open); Django logs its failure.

    For what the rows can do without: a signal, a ring to the workers while the broker is away.
    """

    def called() -> None:  # Django's log names it, and would itself fail over a partial, which has no name
        call()

    transaction.on_commit(called, robust=True)
