"""manage.py search_index rebuild | verify | stats"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kb import search
from kb.search import indexing
from kb.search.engine import IndexDamaged


class Command(BaseCommand):
    help = "The search index of this host: rebuild it, compare it with the database (exit code 1: differs), or count."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["rebuild", "verify", "stats"])

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['action']}")()
        except IndexDamaged as error:
            raise CommandError(f"The index cannot be used: {error}. Run: manage.py search_index rebuild") from error
        except indexing.WriterBusy as error:
            raise CommandError(str(error)) from error

    def _rebuild(self) -> None:
        indexing.rebuild()
        self._stats()

    def _verify(self) -> None:
        drift = indexing.verify()
        self.stdout.write(json.dumps(asdict(drift)))
        if drift:
            sys.exit(1)

    def _stats(self) -> None:
        self.stdout.write(json.dumps(asdict(search.engine().stats())))
