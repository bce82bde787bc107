"""A world that the tests of a class look at: made once for all of them, thrown away after the last."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from django.db import transaction


@contextlib.contextmanager
def shared(django_db_blocker: Any) -> Iterator[None]:
    """For a fixture of scope "class": what is written before its `yield` is there for each test of the class, and what
    a test writes is gone after it, since its own transaction is one within this one.

    Hand no rows to the tests, which could change them for each other: let them read what they need.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)
