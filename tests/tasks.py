"""Celery tasks for tests of the broker and the worker (`celery worker --include tests.tasks`)."""

from __future__ import annotations

import os
import time
from pathlib import Path

from celery import shared_task
from django.db import connection


@shared_task(name="tests.note")
def note(path: str, word: str) -> None:
    """Append one line: the word, this process, its database connection."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        (backend,) = cursor.fetchone()
    with open(path, "a") as file:
        file.write(f"{word} {os.getpid()} {backend}\n")


@shared_task(name="tests.hold")
def hold(path: str, word: str, gate: str) -> None:
    """Note the word, then wait until the file `gate` is there."""
    note(path, word)
    while not Path(gate).exists():
        time.sleep(0.02)
    note(path, f"{word}-done")
