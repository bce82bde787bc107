"""Says whether mailbox providers can check that our mail is ours."""

from __future__ import annotations

import json
import sys
import textwrap
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from notifications.sender import asked, checking
from notifications.sender.asking import Asker
from notifications.sender.findings import Level, Report

_MARKS = {Level.FINE: "ok", Level.NOTE: "could be better", Level.PROBLEM: "PROBLEM", Level.UNASKED: "not known"}


class Command(BaseCommand):
    help = (
        "Asks DNS what mailbox providers ask about our From address (SPF, DKIM, DMARC, alignment, MX, reverse names) "
        "and looks at our own unsubscribe headers. Exit code 0: fine; 1: problems; 2: DNS gave no answer, or wrong use."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", dest="address", default="", help="another From address than MAIL_FROM")
        parser.add_argument("--json", action="store_true", dest="as_json", help="the findings as JSON")

    def handle(self, *, address: str, as_json: bool, **options: Any) -> None:
        try:
            sender, ask = asked.sender_of_settings(address), Asker(settings.DNS_SERVERS)
        except ValueError as error:
            raise CommandError(str(error), returncode=2) from error
        report = checking.check(sender, ask, mails=checking.headers_of_ours())
        self.stdout.write(json.dumps(report.as_json(), indent=2) if as_json else _told(report))
        if report.exit_code:
            sys.exit(report.exit_code)


def _told(report: Report) -> str:
    lines = [report.verdict, f"(From {report.address}, sent by {', '.join(report.providers)})"]
    for one in report.findings:
        lines += ["", f"{one.title}: {_MARKS[one.level]}", *_wrapped("is", one.found)]
        if one.wanted:
            lines += _wrapped("should be", one.wanted)
        if one.record:
            # Not wrapped: it is there to be copied.
            lines += [f"  publish at {one.name}", f"    {one.record}"]
    return "\n".join(lines)


def _wrapped(what: str, text: str) -> list[str]:
    return textwrap.wrap(f"{what}: {text}", 100, initial_indent="  ", subsequent_indent="    ")
