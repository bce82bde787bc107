"""The Celery app. Tasks are doorways of three lines; see CELERY_* in settings for why each is set."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, celeryd_init, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Celery would run Django's checks, tell nobody what they found, and import every page for it: half of a worker's start.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")
app = Celery("preempt")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@celeryd_init.connect
@beat_init.connect
def hold_the_database(**_: Any) -> None:
    """A worker or beat started by hand starts the embedded database too, and keeps it while it lives."""
    from config import embedded

    embedded.ensure_for_checkout()


@worker_shutting_down.connect
def stop_waiting(**_: Any) -> None:
    """Without this a worker that has nothing to do takes two more seconds to end."""
    from config import broker

    broker.stop_waiting()
