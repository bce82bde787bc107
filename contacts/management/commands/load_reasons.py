from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from contacts import reason_tree


class Command(BaseCommand):
    help = "Take in the tree of reason codes from a YAML file (a list of key, name, patterns, children)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            loaded = reason_tree.load_reasons(file)
        except reason_tree.BadFile as error:
            raise CommandError(str(error)) from error
        for refusal in loaded.refused:
            self.stderr.write(f"{file.name}, {refusal}")
        if loaded.absent:
            self.stdout.write(f"Not in the file and left as they are: {', '.join(loaded.absent)}.")
        summary = (
            f"Reason codes: {len(loaded.created)} new, {len(loaded.changed)} changed, "
            f"{len(loaded.unchanged)} unchanged; {len(loaded.refused)} parts of the file refused."
        )
        if loaded.refused:
            raise CommandError(f"{summary} Correct the parts named above and load the file again.")
        self.stdout.write(summary)
