"""Take in a shop's CSV file of orders, or a folder of Olist's tables."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError

from core import clock
from notifications.intake import facts, olist, storing
from notifications.intake.sheets.fields import Kind
from notifications.management import sheet_import

SHOWN = 200  # refusals told one by one


class Command(BaseCommand):
    help = (
        "Reads any shop's CSV file of orders, a row an order or a row an item; the columns are guessed and shown. "
        "From a folder it reads customers.csv, orders.csv and order_items.csv (the format of Olist's public orders). "
        "What was taken in before is not taken in again. Exit code 1 when any row was refused."
    )
    requires_system_checks = [Tags.compatibility]  # of the settings; all would import every page

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, metavar="PATH")
        sheet_import.add_arguments(parser)
        parser.add_argument(
            "--until",
            type=moment,
            metavar="TIME",
            help="of a folder: only what was known then (ISO 8601, e.g. 2017-11-20T00:00)",
        )

    def handle(self, *, path: Path, until: datetime | None, **options: Any) -> None:
        if not path.is_file() and (path.is_dir() or path.suffix == ""):
            self._take_folder(path, until, **options)
        elif until is not None:
            raise CommandError("--until is for a folder of tables. A file goes in as a whole.")
        else:
            sheet_import.run(self, Kind.ORDERS, path, **options)

    def _take_folder(self, folder: Path, until: datetime | None, **options: Any) -> None:
        source = options["source"] or "olist"
        time_zone = options["time_zone"] or ZoneInfo("America/Sao_Paulo")
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
