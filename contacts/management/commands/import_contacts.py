from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError, CommandParser

from contacts import csv_import
from core import clock


class Command(BaseCommand):
    help = (
        "Take in contacts from a CSV file with the columns "
        f"{','.join(csv_import.COLUMNS)}. source is one of {', '.join(csv_import.SOURCES)}; a time without a zone is "
        "the shop's. Rows that are in already are left as they are. Exit code 1 where a row was refused."
    )
    requires_system_checks = [Tags.compatibility]  # of the settings; all would import every page

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            done = csv_import.import_file(file, now=clock.now())
        except csv_import.BadFile as error:
            raise CommandError(str(error)) from error
        for refusal in done.refused:
            self.stderr.write(str(refusal))
        summary = f"{done.new} contacts taken in, {done.known} known already, {len(done.refused)} rows refused."
        if done.refused:
            raise CommandError(f"{summary} Correct the rows named above and import the file again.")
        self.stdout.write(summary)
