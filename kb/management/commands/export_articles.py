"""manage.py export_articles PATH"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from kb import export_gaps, exporting


class Command(BaseCommand):
    help = "Write all articles to a file: .jsonl (everything), .zip (Markdown) or .csv.zip, told by its ending."
    requires_migrations_checks = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="the file to write; - for standard output")
        parser.add_argument("--format", choices=[*exporting.FORMATS], help="where the ending does not tell")
        parser.add_argument("--without-history", action="store_true", help="JSON lines without earlier texts")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["path"]
        format = options["format"] or exporting.format_of(path.name)
        if not format:
            self.stderr.write(
                f"{path}: its ending tells no format. End it in .jsonl, .zip (Markdown) or .csv.zip, or say --format."
            )
            sys.exit(1)
        history = not options["without_history"]
        chunks = exporting.chunks(format, history=history)
        exporting.made(format, by=None, history=history)
        if left_out := export_gaps.sentences(format):
            self.stderr.write(f"Not in this file: {', '.join(left_out)}. Only .jsonl holds everything.")
        if str(path) == "-":
            for chunk in chunks:
                sys.stdout.buffer.write(chunk)
            return
        beside = path.with_name(f".{path.name}.part")  # so that an export which ends in the middle leaves no file
        try:
            with beside.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
            beside.replace(path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            self.stderr.write(f"{path}: {error.strerror}. Name a file that can be written.")
            sys.exit(1)
        self.stdout.write(f"{path}: {path.stat().st_size:,} bytes")
