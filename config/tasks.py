"""Doorways for Celery. Each calls a function that works without it and may run twice."""

from __future__ import annotations

from celery import shared_task

from core import erasure


@shared_task(name="config.erase")
def erase(pk: int) -> None:
    """Do what is left of an erasure."""
    erasure.work(pk)


@shared_task(name="config.look_after_erasures")
def look_after_erasures() -> None:
    """Go on with erasures that waited for something, or whose worker died."""
    for pk in erasure.open_ones():
        erasure.work(pk)
