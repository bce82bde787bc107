"""manage.py verdict EXPERIMENT [--json] [--store]"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from analytics import experiment_lookup, verdicts
from analytics.models import LookKind
from analytics.reports import experiment_result as report
from core import clock


class Command(BaseCommand):
    help = "Count a test of an article anew and print what that says: by arm and epoch, intervals, split, sentence."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("experiment", help="its number, its name, or the address (slug) of its article")
        parser.add_argument("--json", action="store_true", help="for machines")
        parser.add_argument("--store", action="store_true", help="keep this look, as the button “Look now” does")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            experiment = experiment_lookup.find(options["experiment"])
        except experiment_lookup.NotFound as error:
            raise CommandError(str(error)) from None
        if experiment.started_at is None:
            raise CommandError(f"“{experiment}” has not been started: there is nothing to judge yet.")
        now = clock.now()
        if options["store"]:
            looked, _kept = verdicts.look_and_tell(experiment, now=now, kind=LookKind.ASKED)
        else:
            looked = verdicts.compute(experiment, now=now)
        data = report.as_data(looked)
        self.stdout.write(json.dumps(data, indent=2) if options["json"] else report.as_text(looked))
