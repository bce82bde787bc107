"""Doorways for Celery. Each calls a function that works without it and may run twice."""

from __future__ import annotations

from celery import shared_task

from core import clock
from notifications import delivery, dispatch, episodes, order_links, settling


@shared_task(name="notifications.drain")
def drain(lane: str) -> None:
    """Send what is ready in one lane."""
    dispatch.drain_and_ring([lane])


@shared_task(name="notifications.drain_all")
def drain_all() -> None:
    """Send what is ready in every lane, the urgent one first."""
    dispatch.drain_and_ring()


@shared_task(name="notifications.reap")
def reap() -> None:
    """Settle what died on the way."""
    settling.reap()


@shared_task(name="notifications.sweep")
def sweep() -> None:
    """Look for trouble with the parcels whose moment has come."""
    episodes.sweep(now=clock.now())


@shared_task(name="notifications.read_inbound")
def read_inbound() -> None:
    """Read what the mail provider posted to us."""
    delivery.read_inbound()


@shared_task(name="notifications.send_order_links")
def send_order_links() -> None:
    """Mail the links to orders that were asked for."""
    order_links.send_waiting()
