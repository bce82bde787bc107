"""manage.py import_articles PATH"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from kb import importing

_EVERY = 100  # rows between two lines of progress where nobody watches
_SHOWN_LINKS = 20


class Command(BaseCommand):
    help = "Bring help articles in: a .jsonl of {id, title, category, body}, or a folder of Markdown with a YAML head."
    requires_migrations_checks = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path)
        parser.add_argument("--source", default="import", help="where they come from; ids are unique within it")
        parser.add_argument("--locale", default=settings.LANGUAGE_CODE, help="of rows that name none")
        parser.add_argument("--categories", type=Path, help="a categories.yaml; else the one beside the articles")
        parser.add_argument("--dry-run", action="store_true", help="tell what would be done, and do nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["locale"] not in dict(settings.LANGUAGES):
            self.stderr.write(f"--locale {options['locale']}: not one of {', '.join(dict(settings.LANGUAGES))}.")
            sys.exit(1)
        report = importing.run(
            options["path"],
            source=options["source"],
            locale=options["locale"],
            categories_file=options["categories"],
            dry_run=options["dry_run"],
            progress=self._progress,
        )
        for problem in report.problems:
            self.stderr.write(str(problem))
        for where, reference in report.broken_links[:_SHOWN_LINKS]:
            self.stderr.write(f"{where}: note: the link article:{reference} leads to no published article.")
        if len(report.broken_links) > _SHOWN_LINKS:
            self.stderr.write(f"… and {len(report.broken_links) - _SHOWN_LINKS} more such links.")
        if report.index_note:
            self.stderr.write(report.index_note)
        self.stdout.write(f"{report}{' (dry run: nothing was written)' if options['dry_run'] else ''}")
        if report.problems:
            sys.exit(1)

    def _progress(self, done: int, total: int) -> None:
        if self.stdout.isatty():
            self.stdout.write(f"\r{done} of {total}", ending="\n" if done == total else "")
            self.stdout.flush()
        elif done % _EVERY == 0:
            self.stdout.write(f"{done} of {total}")
