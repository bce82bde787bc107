"""manage.py import_articles PATH"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError, CommandParser

from kb import import_foresight, import_runs
from kb.import_reports import Asked, Report
from kb.models import ImportRun
from kb.porting import formats

_EVERY = 100  # rows between two lines of progress where nobody watches
_SHOWN_LINKS = 20


class Command(BaseCommand):
    help = (
        "Bring help articles in: CSV, JSON lines, a folder of Markdown with a YAML head, or the JSON of Zendesk Guide "
        "or Intercom; as a file, a folder or a zip. See docs/desk-import.md."
    )
    requires_system_checks = [Tags.compatibility]  # of the settings; all would import every page
    requires_migrations_checks = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path)
        parser.add_argument("--format", default=formats.AUTO, choices=[formats.AUTO, *formats.MODULES])
        parser.add_argument("--source", default="", help="where they come from; ids are unique within it")
        parser.add_argument("--locale", default=settings.LANGUAGE_CODE, help="of rows that name none")
        parser.add_argument(
            "--locale-map", action="append", default=[], metavar="THEIRS=OURS", help="a language that we call otherwise"
        )
        parser.add_argument("--categories", type=Path, help="a categories.yaml; else the one beside the articles")
        parser.add_argument("--dry-run", action="store_true", help="tell what would be done, and do nothing")
        parser.add_argument("--overwrite", action="store_true", help="also what was changed on the desk since")
        state = parser.add_mutually_exclusive_group()
        state.add_argument("--draft", action="store_true", help="publish nothing")
        state.add_argument(
            "--publish", action="store_true", help="publish what the files do not call a draft (default)"
        )
        parser.add_argument("--json", action="store_true", help="the report as one JSON object on standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["locale"] not in dict(settings.LANGUAGES):
            self.stderr.write(f"--locale {options['locale']}: not one of {', '.join(dict(settings.LANGUAGES))}.")
            sys.exit(1)
        asked = Asked(
            format=options["format"],
            source=options["source"],
            locale=options["locale"],
            locale_map=_pairs(options["locale_map"]),
            as_drafts=options["draft"],
            overwrites=options["overwrite"],
            is_dry=options["dry_run"],
        )
        self._is_json = options["json"]
        run, report = import_runs.run_here(
            options["path"], asked, categories_file=options["categories"], progress=self._progress
        )
        if self._is_json:
            self._print_json(run, report)
        else:
            self._print(report, is_dry=asked.is_dry)
            for sentence in import_foresight.lines(run.search_tests):
                self.stderr.write(sentence)
        if report.problems:
            sys.exit(1)

    def _print(self, report: Report, *, is_dry: bool) -> None:
        for problem in report.problems:
            self.stderr.write(str(problem))
        for where, note in report.notes:
            self.stderr.write(f"{where}: note: {note.what} {note.to_do}".rstrip())
        for where, reference in report.broken_links[:_SHOWN_LINKS]:
            self.stderr.write(f"{where}: note: the link article:{reference} leads to no published article.")
        if len(report.broken_links) > _SHOWN_LINKS:
            self.stderr.write(f"… and {len(report.broken_links) - _SHOWN_LINKS} more such links.")
        if report.index_note:
            self.stderr.write(report.index_note)
        self.stdout.write(f"{report}{' (dry run: nothing was written)' if is_dry else ''}")

    def _print_json(self, run: ImportRun, report: Report) -> None:
        said = {
            "run": run.pk,
            "format": report.format,
            "dry_run": run.is_dry,
            **{name: getattr(report, name) for name in ("new", "changed", "unchanged", "conflict", "refused")},
            "problems": [asdict(problem) for problem in report.problems],
            "notes": [{"where": where, **asdict(note)} for where, note in report.notes],
            "broken_links": [{"where": where, "link": id} for where, id in report.broken_links],
            "index_note": report.index_note,
            "search_tests": run.search_tests,
        }
        self.stdout.write(json.dumps(said, ensure_ascii=False))

    def _progress(self, done: int, total: int) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{done} of {total}", ending="\n" if done == total else "")
            self.stderr.flush()
        elif done % _EVERY == 0 and not self._is_json:
            self.stdout.write(f"{done} of {total}")


def _pairs(words: list[str]) -> dict[str, str]:
    found = {}
    for word in words:
        theirs, equals, ours = word.partition("=")
        if not equals or ours not in dict(settings.LANGUAGES):
            raise CommandError(
                f"--locale-map {word}: write THEIRS=OURS, ours one of {', '.join(dict(settings.LANGUAGES))}."
            )
        found[theirs] = ours
    return found
