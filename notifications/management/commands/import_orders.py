"""Take in a folder of orders."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.management.base import BaseCommand, CommandError

from core import clock
from notifications.intake import facts, olist, storing

SHOWN = 200  # refusals told one by one


class Command(BaseCommand):
    help = (
        "Reads customers.csv, orders.csv and order_items.csv (the format of Olist's public orders) from DIR. "
        "What was taken in before is not taken in again. Exit code 1 when any row was refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument(
            "--until", type=moment, metavar="TIME", help="only what was known then (ISO 8601, e.g. 2017-11-20T00:00)"
        )
        parser.add_argument("--source", default="olist", help="the name that these orders go under (default: olist)")
        parser.add_argument(
            "--time-zone",
            type=zone,
            default="America/Sao_Paulo",
            help="of the times in the files (default: %(default)s)",
        )
        parser.add_argument("--dry-run", action="store_true", help="read and report; store nothing")

    def handle(self, *, folder: Path, until: datetime | None, source: str, time_zone: ZoneInfo, **options: Any) -> None:
        if until is not None and until.tzinfo is None:
            until = until.replace(tzinfo=time_zone)
        try:
            reading = olist.read(folder, zone=time_zone, carrier=source)
        except olist.UnusableFile as error:
            raise CommandError(str(error)) from None
        known = [fact for fact in facts.in_time_order(reading.facts) if until is None or fact.at <= until]
        orders = sum(isinstance(fact, facts.Placed) for fact in known)
        self.stdout.write(f"{folder}: {reading.orders:,} whole orders" + (f", {orders:,} known then" if until else ""))
        if reading.repeats:
            self.stdout.write(f"  {reading.repeats:,} lines are given twice with the same content; counted once")
        stored = storing.Stored()
        if not options["dry_run"]:
            now = until or clock.now()
            done = 0
            for batch in storing.in_batches(known):
                stored += storing.store(batch, source=source, now=now)
                done += len(batch)
                # On a terminal one line that counts; in a log a line every 5,000.
                if sys.stdout.isatty():
                    self.stdout.write(f"  {done:,} of {len(known):,} facts", ending="\r")
                elif done % 5000 == 0 or done == len(known):
                    self.stdout.write(f"  {done:,} of {len(known):,} facts")
            self.stdout.write(
                f"New: {stored.orders:,} orders, {stored.customers:,} customers, {stored.scans:,} scans, "
                f"{stored.cancellations:,} cancellations."
            )
        else:
            self.stdout.write("Dry run: nothing was stored.")
        self._tell_refusals([*map(str, reading.refusals), *stored.refused])

    def _tell_refusals(self, refusals: list[str]) -> None:
        if not refusals:
            return
        for refusal in refusals[:SHOWN]:
            self.stderr.write(refusal)
        if len(refusals) > SHOWN:
            self.stderr.write(f"… and {len(refusals) - SHOWN:,} more.")
        raise CommandError(f"{len(refusals):,} refused, see above; the rest went in.", returncode=1)


def moment(text: str) -> datetime:
    """An ISO 8601 moment; without a zone it is local to --time-zone."""
    return datetime.fromisoformat(text)


def zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError):
        raise CommandError(f"--time-zone {text}: no such time zone. Write one like America/Sao_Paulo.") from None
