"""Doorways for Celery. Each calls a function that works without it and may run twice."""

from __future__ import annotations

from celery import shared_task

from contacts import attachments, confirmations
from core import clock


@shared_task(name="contacts.confirm")
def confirm() -> None:
    """Send the confirmations that wait."""
    confirmations.send_waiting()


@shared_task(name="contacts.sweep_attachments")
def sweep_attachments() -> None:
    """Throw away files of forms that were never sent, and those of contacts that are gone."""
    attachments.sweep(now=clock.now())
