"""Doorways from the worker."""

from celery import shared_task

from analytics import article_results, partitions, rollups, search_learning, settling, verdicts, weighing, writing
from core import clock


@shared_task(name="analytics.settle")
def settle() -> None:
    writing.take_in_left()
    settling.settle()


@shared_task(name="analytics.learn_from_searches")
def learn_from_searches() -> None:
    search_learning.learn()


@shared_task(name="analytics.count_article_results")
def count_article_results() -> None:
    article_results.count()


@shared_task(name="analytics.judge_experiments")
def judge_experiments() -> None:
    """Once a night each: who was looked at since midnight is left out."""
    verdicts.look_nightly(now=clock.now())


@shared_task(name="analytics.weigh_experiments")
def weigh_experiments() -> None:
    weighing.weigh_daily(now=clock.now())


@shared_task(name="analytics.look_after_weeks")
def look_after_weeks() -> None:
    partitions.look_after()
    rollups.forget_rare_words()
