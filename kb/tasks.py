"""Celery's doorways into kb."""

from __future__ import annotations

from celery import shared_task

from kb.search import indexing


@shared_task(name="kb.apply_index_changes")
def apply_index_changes() -> None:
    indexing.ring()
