"""Forget a person, or only say what is kept of them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import erasure


class Command(BaseCommand):
    help = "Erase everything that says who the customer with this e-mail address is. Cannot be undone."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address")
        parser.add_argument("--dry-run", action="store_true", help="only count what is kept of them")

    def handle(self, *args: Any, address: str, dry_run: bool, **options: Any) -> None:
        if dry_run:
            self._tell(erasure.count(erasure.look_up(address)), empty="Nothing is kept of this address.")
            return
        try:
            row = erasure.work(erasure.begin(address, by=None).pk)
        except ValueError as error:
            raise CommandError(f"{address}: {error}") from None
        self._tell(row.done, empty="Nothing was kept of this address; it is remembered as erased.")
        if row.finished_at is None:
            raise CommandError(
                f"Not finished: {row.waits_for or 'something came in meanwhile'}. No message goes out to them. "
                "A worker goes on with it within a minute, or call this again."
            )

    def _tell(self, counts: dict[str, dict[str, int]], *, empty: str) -> None:
        for part in erasure.parts():
            for kind, rows in counts.get(part.name, {}).items():
                self.stdout.write(f"{part.title}: {kind}: {rows}")
        if not any(counts.values()):
            self.stdout.write(empty)
