"""manage.py settle [--rebuild]"""

from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError, CommandParser

from analytics import settling


class Command(BaseCommand):
    help = "Bring journeys and their outcomes up to date with what has happened."
    requires_system_checks = [Tags.compatibility]  # of the settings; all would import every page

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rebuild", action="store_true", help="all journeys anew, not only those touched")

    def handle(self, *args: Any, **options: Any) -> None:
        settled = settling.settle(rebuild=options["rebuild"])
        if settled is None:
            raise CommandError("Another run is at work; nothing was done. Try again when it has ended.")
        self.stdout.write(
            f"{settled.visitors} visitors looked at, {settled.journeys} journeys changed, "
            f"{settled.contacts_brought_in} contacts brought in"
        )
