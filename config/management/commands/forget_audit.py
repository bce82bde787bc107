"""The audit log's retention: the one way to remove entries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import audit, clock


class Command(BaseCommand):
    help = f"Remove entries of the audit log that are older than so many days (at least {audit.LEAST_KEPT})."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--older-than", type=int, required=True, metavar="DAYS")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            removed = audit.forget(before=clock.now() - timedelta(days=options["older_than"]))
        except (ValueError, OverflowError) as error:
            raise CommandError(str(error)) from error
        print(f"{removed} entries removed.")
