"""Celery's doorways into kb."""

from __future__ import annotations

from celery import shared_task

from core import clock
from kb import pictures, upkeep
from kb.linking import checking as link_checking
from kb.linking import internal
from kb.search import indexing, jobs, log, suggest, vectors


@shared_task(name="kb.apply_index_changes")
def apply_index_changes() -> None:
    indexing.ring()


@shared_task(name="kb.tidy_searches")
def tidy_searches() -> None:
    log.prune()
    suggest.make_popular_queries()


@shared_task(name="kb.work_on_index")
def work_on_index(job_id: int) -> None:
    jobs.run(job_id)


@shared_task(name="kb.do_planned")
def do_planned() -> None:
    from kb import schedule  # which tells people by a task of this module

    schedule.do_planned(now=clock.now())


@shared_task(name="kb.mail_to_desk")
def mail_to_desk(address: str, subject: str, body: str) -> None:
    from kb import telling

    telling.send(address, subject, body)


@shared_task(name="kb.make_vectors")
def make_vectors() -> None:
    vectors.make()


@shared_task(name="kb.refill")
def refill() -> None:
    from kb import refilling  # which rings by a task of this module

    refilling.work()


@shared_task(name="kb.sweep_pictures")
def sweep_pictures() -> None:
    pictures.sweep(now=clock.now())


@shared_task(name="kb.check_search_tests")
def check_search_tests() -> None:
    from kb import search_alarm  # which tells people by a task of this module

    search_alarm.run()


@shared_task(name="kb.check_links")
def check_links() -> None:
    link_checking.run()


@shared_task(name="kb.follow_links")
def follow_links() -> None:
    internal.refresh()


@shared_task(name="kb.remind_of_reviews")
def remind_of_reviews() -> None:
    upkeep.remind()


@shared_task(name="kb.work_on_bulk_changes")
def work_on_bulk_changes() -> None:
    from kb import bulk  # it publishes, and publishing rings these tasks

    bulk.work()


@shared_task(name="kb.run_import")
def run_import(run_id: int) -> None:
    from kb import import_runs  # which publishes, and publishing rings by a task of this module

    import_runs.work(run_id, enqueue=run_import.delay)


@shared_task(name="kb.look_after_imports")
def look_after_imports() -> None:
    from kb import import_runs

    for run_id in import_runs.waiting():
        run_import.delay(run_id)
