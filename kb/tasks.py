"""Celery's doorways into kb."""

from __future__ import annotations

from celery import shared_task

from kb.search import indexing, log, suggest, vectors


@shared_task(name="kb.apply_index_changes")
def apply_index_changes() -> None:
    indexing.ring()


@shared_task(name="kb.tidy_searches")
def tidy_searches() -> None:
    log.prune()
    suggest.make_popular_queries()


@shared_task(name="kb.make_vectors")
def make_vectors() -> None:
    vectors.make()
