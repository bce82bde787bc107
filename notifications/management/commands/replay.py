"""Play a history of orders."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError

from notifications import replay
from notifications.intake import facts, olist
from notifications.management.commands.import_orders import moment, zone


class Command(BaseCommand):
    help = (
        "Takes in what was known at --from, then plays the orders, scans and cancellations in DIR up to --to through "
        "detection, planning and sending. Other processes follow where they share PREEMPT_CLOCK_FILE with this one."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--orders", type=Path, required=True, metavar="DIR")
        parser.add_argument("--from", type=moment, required=True, dest="start", metavar="TIME", help="e.g. 2017-11-20")
        parser.add_argument("--to", type=moment, required=True, dest="end", metavar="TIME")
        parser.add_argument("--step-hours", type=float, default=1.0, metavar="HOURS")
        parser.add_argument(
            "--speed", type=float, default=0.0, metavar="N", help="story seconds a second (default: no limit)"
        )
        parser.add_argument("--inline", action="store_true", help="send in this process; needs no worker")
        parser.add_argument("--source", default="olist")
        parser.add_argument("--time-zone", type=zone, default="America/Sao_Paulo", help="of the files' times")

    def handle(self, *, orders: Path, start: datetime, end: datetime, time_zone: ZoneInfo, **options: Any) -> None:
        start, end = (one if one.tzinfo else one.replace(tzinfo=time_zone) for one in (start, end))
        if start >= end or options["step_hours"] <= 0:
            raise CommandError("--to must be later than --from, and --step-hours more than 0.")
        try:
            reading = olist.read(orders, zone=time_zone, carrier=options["source"])
        except olist.UnusableFile as error:
            raise CommandError(str(error)) from None
        if reading.refusals:
            self.stderr.write(f"{len(reading.refusals):,} rows are left out; import_orders says which and why.")
        try:
            days = replay.play(
                facts.in_time_order(reading.facts),
                source=options["source"],
                start=start,
                end=end,
                step=timedelta(hours=options["step_hours"]),
                speed=options["speed"],
                drain=replay.drain_inline if options["inline"] else replay.wait_for_workers,
                on_day=self._tell,
            )
        except replay.Stuck as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"{len(days)} days: {sum(day.planned for day in days):,} messages, "
            f"{sum(day.held_out for day in days):,} held out."
        )

    def _tell(self, day: replay.Day) -> None:
        skipped = f", {day.skipped.total()} skipped" if day.skipped else ""
        self.stdout.write(
            f"{day.day}  {day.facts:5,} facts  {day.opened:4,} episodes opened, {day.closed:4,} closed  "
            f"{day.planned:4,} messages, {day.held_out:3,} held out{skipped}"
        )
