"""Doorways from the worker."""

from celery import shared_task

from analytics import article_results, search_learning, settling


@shared_task(name="analytics.settle")
def settle() -> None:
    settling.settle()


@shared_task(name="analytics.learn_from_searches")
def learn_from_searches() -> None:
    search_learning.learn()


@shared_task(name="analytics.count_article_results")
def count_article_results() -> None:
    article_results.count()
