"""manage.py search "words" """

from __future__ import annotations

import json
from dataclasses import asdict
from html import unescape
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils.html import strip_tags

from kb.search import query


class Command(BaseCommand):
    help = "Search the published articles, as a customer would."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("text")
        parser.add_argument("--lang", default=settings.LANGUAGE_CODE, choices=list(dict(settings.LANGUAGES)))
        parser.add_argument("--limit", type=int, default=10)
        parser.add_argument("--json", action="store_true", help="one JSON object, for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        found = query.find(options["text"], locale=options["lang"], k=options["limit"])
        if options["json"]:
            self.stdout.write(json.dumps(asdict(found), ensure_ascii=False))
            return
        if found.corrected:
            self.stdout.write(f"searched for: {found.corrected}")
        for place, result in enumerate(found.results, start=1):
            self.stdout.write(f"{place:2}. {result.title}  [{result.category_name}]  {result.url}")
            self.stdout.write(f"    {unescape(strip_tags(result.snippet_html))}")
        self.stdout.write(f"{found.total} found")
