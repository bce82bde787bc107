"""manage.py report overview|search_learning|ledger [--json | --text] [--from DAY] [--to DAY] [--window DAYS]"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.loader import render_to_string

from analytics import periods
from analytics.reports import ledger, overview, search_learning
from core import clock


class Command(BaseCommand):
    help = "Print the dashboard's numbers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["overview", "search_learning", "ledger"])
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="for machines")
        form.add_argument("--text", action="store_true", help="for people (the default)")
        parser.add_argument("--from", default="", metavar="DAY", help="first day, like 2026-03-01")
        parser.add_argument("--to", default="", metavar="DAY", help="last day")
        parser.add_argument("--window", default="", metavar="DAYS", help="days after a journey that count")

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        period, wrong = periods.read({name: options[name] for name in ("from", "to", "window")}, now=now)
        if wrong:
            raise CommandError(" ".join(wrong))
        text: str
        if options["what"] == "search_learning":
            learning = search_learning.build(period, now=now)
            data = search_learning.as_data(learning)
            text = render_to_string("desk/search_learning.txt", {"report": learning, "period": period})
        elif options["what"] == "ledger":
            totals = ledger.build(period, now=now)
            data, text = ledger.as_data(totals), ledger.as_text(totals, period)
        else:
            shown = overview.build(period, now=now)
            data = overview.as_data(shown)
            text = render_to_string("desk/overview.txt", {"overview": shown, "period": period})
        self.stdout.write(json.dumps(data, indent=2) if options["json"] else text)
