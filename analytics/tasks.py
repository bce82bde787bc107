"""Doorways from the worker."""

from celery import shared_task

from analytics import settling


@shared_task(name="analytics.settle")
def settle() -> None:
    settling.settle()
