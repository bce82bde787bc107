"""manage.py report NAME [--json | --csv | --text] [--table NAME] and the period; without a name what there is."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from analytics import api_reports, periods
from analytics.periods import Period
from analytics.reports import ledger, overview, printing, search_learning
from analytics.reports.registry import REPORTS
from analytics.reports.tables import Table
from core import clock

# What of a period has no default of its own here.
_SAID = {
    "from": "first day, like 2026-03-01",
    "to": "last day; today without it",
    "days": "how many days up to the last one",
    "window": "days after a journey that count",
    "compare": "before, year or none",
    "locale": "only contacts in this language",
    "source": "only contacts of this channel",
}


def _overview(period: Period, now: datetime) -> tuple[Any, str]:
    shown = overview.build(period, now=now)
    return overview.as_data(shown), render_to_string("desk/overview.txt", {"overview": shown, "period": period})


def _search_learning(period: Period, now: datetime) -> tuple[Any, str]:
    learning = search_learning.build(period, now=now)
    text = render_to_string("desk/search_learning.txt", {"report": learning, "period": period})
    return search_learning.as_data(learning), text


def _ledger(period: Period, now: datetime) -> tuple[Any, str]:
    totals = ledger.build(period, now=now)
    return ledger.as_data(totals), ledger.as_text(totals, period)


# Reports with data and text of their own; their tables are printed by --csv.
_OWN: dict[str, Callable[[Period, datetime], tuple[Any, str]]] = {
    "overview": _overview,
    "search_learning": _search_learning,
    "ledger": _ledger,
}


class Command(BaseCommand):
    help = "Print a report: the numbers of a screen, for people, programs and spreadsheets."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", default="", help="one of the reports; without it they are listed")
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="for machines")
        form.add_argument("--csv", action="store_true", help="for spreadsheets")
        form.add_argument("--text", action="store_true", help="for people (the default)")
        parser.add_argument("--table", default="", metavar="NAME", help="of --csv and --text: only this table")
        for name in periods.NAMES:
            parser.add_argument(f"--{name}", default="", help=_SAID[name])

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        if not name:
            self._list()
            return
        if name not in REPORTS and name not in _OWN:
            known = ", ".join(sorted({*REPORTS, *_OWN}))
            raise CommandError(f"There is no report “{name}”. There are: {known}.")
        now = clock.now()
        period, wrong = periods.read({each: str(options[each] or "") for each in periods.NAMES}, now=now)
        if wrong:
            raise CommandError(" ".join(wrong))
        if name in _OWN and not options["csv"] and not options["table"]:
            data, text = _OWN[name](period, now)
            self.stdout.write(json.dumps(data, indent=2) if options["json"] else text)
        elif options["json"]:
            self.stdout.write(json.dumps(api_reports.whole(name, period, now=now), indent=2))
        else:
            self._print(name, self._tables(name, options["table"], period, now), is_csv=options["csv"])

    def _list(self) -> None:
        width = max(map(len, (*REPORTS, *_OWN)))
        for name, report in REPORTS.items():
            self.stdout.write(f"{name:<{width}}  {_(report.title)}.")
        for name in _OWN.keys() - REPORTS.keys():
            self.stdout.write(f"{name:<{width}}  The numbers of this screen.")

    def _tables(self, name: str, table: str, period: Period, now: datetime) -> list[Table]:
        found = list(REPORTS[name].tables(period, now)) if name in REPORTS else []
        chosen = [each for each in found if table in ("", each.name)]
        if not chosen:
            known = ", ".join(each.name for each in found) or "none"
            raise CommandError(f"The report “{name}” has no table “{table}”. Its tables: {known}.")
        return chosen

    def _print(self, name: str, tables: list[Table], *, is_csv: bool) -> None:
        """Several tables are told apart by a line before each, and an empty one between."""
        for number, table in enumerate(tables):
            if number:
                self.stdout.write("")
            if not is_csv:
                self.stdout.write(printing.as_text(table))
                continue
            if len(tables) > 1:
                self.stdout.write(f"# {name}: {table.name}")
            for line in printing.as_csv(table):
                self.stdout.write(line.removesuffix("\r\n"))
