"""Doorways for Celery. Each calls a function that works without it and may run twice."""

from __future__ import annotations

from celery import shared_task

from core import clock
from notifications import delivery, dispatch, episodes, gaps, incidents, obligations, order_links, settling, transit
from notifications.intake import shipengine, shipengine_keys, silence, sources, taking_in
from notifications.intake.sheets import runs
from notifications.prediction import nightly
from notifications.sender import runs as sender_runs


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


@shared_task(name="notifications.take_in_webhooks")
def take_in_webhooks() -> None:
    """Read what shops and trackers posted to us."""
    taking_in.take_in()


@shared_task(name="notifications.take_in_parked")
def take_in_parked() -> None:
    """Take in what waited for its order or parcel."""
    taking_in.take_parked()


@shared_task(name="notifications.watch_sources")
def watch_sources() -> None:
    """Notice sources that have gone quiet."""
    silence.watch()


@shared_task(name="notifications.send_order_links")
def send_order_links() -> None:
    """Mail the links to orders that were asked for."""
    order_links.send_waiting()


@shared_task(name="notifications.learn_transit_times")
def learn_transit_times() -> None:
    """Count anew how long parcels have taken lately, and how long carriers have been silent."""
    transit.learn(now=clock.now())
    gaps.learn(now=clock.now())


@shared_task(name="notifications.plan_incident")
def plan_incident(pk: int) -> None:
    """Plan the messages of an incident that was confirmed."""
    incidents.plan(pk, now=clock.now())


@shared_task(name="notifications.plan_incidents")
def plan_incidents() -> None:
    """Go on with incidents that nobody is at."""
    for pk in incidents.unplanned():
        incidents.plan(pk, now=clock.now())


@shared_task(name="notifications.run_import")
def run_import(run_id: int) -> None:
    """Take in an uploaded file of orders or scans."""
    runs.work(run_id, enqueue=run_import.delay)


@shared_task(name="notifications.look_after_imports")
def look_after_imports() -> None:
    """Ring again for imports that nobody is at."""
    for run_id in runs.waiting():
        run_import.delay(run_id)


@shared_task(name="notifications.fetch_shipengine_keys")
def fetch_shipengine_keys() -> None:
    """Fetch the public keys that ShipEngine signs with."""
    shipengine_keys.refresh(sources.secrets(shipengine.SOURCE), now=clock.now())


@shared_task(name="notifications.look_at_obligations")
def look_at_obligations() -> None:
    """Close the promised updates that news has kept, and tell ops of those that are about to be broken, or are."""
    obligations.look(now=clock.now())


@shared_task(name="notifications.train_delays")
def train_delays() -> None:
    """Learn anew to foretell delays, where the last training is from another day."""
    nightly.train_if_due(now=clock.now())


@shared_task(name="notifications.forecast_delays")
def forecast_delays() -> None:
    """Forecast the open parcels, and look for a wave."""
    nightly.forecast(now=clock.now())


@shared_task(name="notifications.check_sender")
def check_sender(pk: int) -> None:
    """Ask DNS about our From address."""
    sender_runs.work(pk, now=clock.now)
