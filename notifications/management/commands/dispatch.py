"""Send what is ready, without a broker."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand

from core import clock
from notifications import delivery, dispatch, episodes, settling

PAUSE = 1.0  # seconds between looks when there was nothing to do


class Command(BaseCommand):
    help = "Settles, sweeps, reads the provider's reports and sends, again and again, with the broker dead or alive."
    requires_system_checks = [Tags.compatibility]  # of the settings; all would import every page

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="one turn, until nothing is ready; then end")

    def handle(self, *, once: bool, **options: Any) -> None:
        stop = threading.Event()

        def end(number: int, frame: FrameType | None) -> None:
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
        while not stop.is_set():
            settling.reap()
            delivery.read_inbound()
            swept = episodes.sweep(now=clock.now())
            drained = dispatch.drain_and_ring()
            if swept.looked_at or drained.handled:
                outcomes = ", ".join(f"{count:,} {what}" for what, count in sorted(drained.outcomes.items())) or "none"
                self.stdout.write(f"{swept.opened:,} episodes opened, {swept.closed:,} closed; messages: {outcomes}")
            if once and not drained.is_more:
                return
            if not drained.handled:
                stop.wait(PAUSE)
