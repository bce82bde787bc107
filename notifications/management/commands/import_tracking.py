"""Take in a CSV file of carriers' scans."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand

from notifications.intake.sheets.fields import Kind
from notifications.management import sheet_import


class Command(BaseCommand):
    help = (
        "Reads any CSV file of what carriers say about parcels, a row a scan; the columns are guessed and shown. "
        "The orders must be here already. What was taken in before is not taken in again. Exit code 1 when any row "
        "was refused."
    )
    requires_system_checks = [Tags.compatibility]  # of the settings; all would import every page

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, metavar="PATH")
        sheet_import.add_arguments(parser)

    def handle(self, *, path: Path, **options: Any) -> None:
        sheet_import.run(self, Kind.TRACKING, path, **options)
