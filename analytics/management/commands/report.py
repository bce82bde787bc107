"""manage.py report NAME [--json | --csv | --text] [--table NAME] [--set NAME=VALUE] and the period; without a name what
there is. --json is what /api/v1/reports/NAME answers. --rows NAME [--json | --csv | --text] is of the rows behind a
number: a page of them as /api/v1/rows/NAME answers, or with --csv all."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.http import Http404
from django.template.loader import render_to_string
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError

from analytics import api_reports, api_rows, periods
from analytics.periods import Period
from analytics.reports import asking, ledger, overview, printing, row_cursors, search_learning
from analytics.reports.asking import Asked
from analytics.reports.registry import REPORTS
from analytics.reports.row_lists import LISTS
from analytics.reports.tables import Table
from core import clock

# What of a period has no default of its own here.
_SAID = {
    "from": "first day, like 2026-03-01",
    "to": "last day; today without it",
    "days": "how many days up to the last one",
    "window": "days after a journey that count",
    "compare": "before, year or none",
    "locale": "only this language",
    "source": "only contacts of this channel",
}


def _overview(period: Period, now: datetime) -> str:
    return render_to_string("desk/overview.txt", {"overview": overview.build(period, now=now), "period": period})


def _search_learning(period: Period, now: datetime) -> str:
    learning = search_learning.build(period, now=now)
    return render_to_string("desk/search_learning.txt", {"report": learning, "period": period})


def _ledger(period: Period, now: datetime) -> str:
    return ledger.as_text(ledger.build(period, now=now), period)


# Reports with a text of their own for people; machines get their tables like all others'.
_OWN: dict[str, Callable[[Period, datetime], str]] = {
    "overview": _overview,
    "search_learning": _search_learning,
    "ledger": _ledger,
}


class Command(BaseCommand):
    help = "Print a report: the numbers of a screen, for people, programs and spreadsheets."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", default="", help="one of the reports; without it they are listed")
        parser.add_argument("--rows", default="", metavar="NAME", help="in place of a report: one of the lists of rows")
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="for machines; what /api/v1/ answers")
        form.add_argument("--csv", action="store_true", help="for spreadsheets; of --rows: all of them")
        form.add_argument("--text", action="store_true", help="for people (the default)")
        parser.add_argument("--table", default="", metavar="NAME", help="of --csv and --text: only this table")
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="what else it is narrowed to; may be repeated",
        )
        parser.add_argument(
            "--limit", default="", help=f"of --rows: how many of a page, 1 to {api_rows.AT_MOST}; {api_rows.BY_ITSELF}"
        )
        parser.add_argument("--cursor", default="", help="of --rows: that of the page before")
        for name in periods.NAMES:
            parser.add_argument(f"--{name}", default="", help=_SAID[name])

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        if options["rows"]:
            self._rows(options["rows"], options)
            return
        if options["limit"] or options["cursor"]:
            raise CommandError("--limit and --cursor are of --rows NAME.")
        if not name:
            self._list()
            return
        if name not in REPORTS:
            raise CommandError(f"There is no report “{name}”. There are: {', '.join(sorted(REPORTS))}.")
        now = clock.now()
        asked, wrong = asking.read(REPORTS[name].words, _given(options), name=name, now=now)
        if wrong:
            raise CommandError(" ".join(asking.sentences(wrong)))
        if options["json"]:
            self.stdout.write(json.dumps(api_reports.whole(name, asked, now=now), indent=2))
        elif name in _OWN and not options["csv"] and not options["table"]:
            self.stdout.write(_OWN[name](asked.period, now))
        else:
            self._print(name, self._tables(name, options["table"], asked, now), is_csv=options["csv"])

    def _rows(self, name: str, options: dict[str, Any]) -> None:
        if name not in LISTS:
            raise CommandError(f"There is no list of rows “{name}”. There are: {', '.join(sorted(LISTS))}.")
        if options["name"] or options["table"]:
            raise CommandError("--rows is of one list, and of no report or table beside it.")
        if options["csv"] and (options["limit"] or options["cursor"]):
            raise CommandError("--csv has all rows of a list. Leave --limit and --cursor out.")
        try:
            self._print_rows(name, options)
        except ValidationError as error:
            raise CommandError(" ".join(str(why) for whys in error.detail.values() for why in whys)) from error
        except Http404 as error:
            raise CommandError(f"The list “{name}” has no such rows.") from error

    def _print_rows(self, name: str, options: dict[str, Any]) -> None:
        given = _given(options)
        columns, taker = LISTS[name].columns, api_rows.Taker("server", "manage.py report")
        if options["csv"]:
            for line in printing.rows_as_csv(columns, api_rows.everything(name, given, taker)):
                self.stdout.write(line.removesuffix("\r\n"))
            return
        given.update({word: options[word] for word in row_cursors.PARAMETERS})
        page = api_rows.page(name, given, taker)
        if options["json"]:
            self.stdout.write(json.dumps(page, indent=2))
        else:
            note = f"The next ones: --cursor {page['cursor']}" if page["cursor"] else ""
            rows = [tuple(row.values()) for row in page["rows"]]
            self.stdout.write(printing.as_text(Table(name, page["title"], columns, rows, note=note)))

    def _list(self) -> None:
        width = max(map(len, REPORTS))
        for name, report in REPORTS.items():
            takes = ", ".join((*report.words.period, *report.words.own))
            self.stdout.write(f"{name:<{width}}  {_(report.title)}.{f' Takes: {takes}.' if takes else ''}")
        self.stdout.write("\nLists of rows, with --rows:")
        for name, listed in LISTS.items():
            takes = ", ".join((*listed.words.period, *listed.words.own))
            self.stdout.write(f"{name:<{width}}  {_(listed.title)}. Takes: {takes}.")

    def _tables(self, name: str, table: str, asked: Asked, now: datetime) -> list[Table]:
        found = list(REPORTS[name].of(asked, now=now))
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


def _given(options: dict[str, Any]) -> MultiValueDict[str, str]:
    """The options about the period, and those of --set."""
    given: MultiValueDict[str, str] = MultiValueDict({each: [str(options[each] or "")] for each in periods.NAMES})
    for text in options["set"]:
        name, sign, value = text.partition("=")
        if not sign:
            raise CommandError(f"“{text}” is not NAME=VALUE.")
        given.appendlist(name.strip(), value)
    return given
