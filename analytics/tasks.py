"""Doorways from the worker."""

from celery import shared_task

from analytics import article_results, partitions, search_learning, settling, writing


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


@shared_task(name="analytics.look_after_weeks")
def look_after_weeks() -> None:
    partitions.look_after()
