"""manage.py search "words" """

from __future__ import annotations

import json
from dataclasses import asdict
from html import unescape
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.html import strip_tags

from kb.models import Category
from kb.search import query
from kb.search.query import Found, Result


class Command(BaseCommand):
    help = "Search the published articles, as a customer would. Nothing is logged."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("text")
        parser.add_argument("--lang", default=settings.LANGUAGE_CODE, choices=list(dict(settings.LANGUAGES)))
        parser.add_argument("--limit", type=int, default=10)
        parser.add_argument("--category", metavar="KEY", help="only answers of this category")
        parser.add_argument("--verbatim", action="store_true", help="correct nothing")
        parser.add_argument("--staff", action="store_true", help="with the articles that only staff may read")
        parser.add_argument("--explain", action="store_true", help="tell what each stem gave to each answer")
        parser.add_argument("--json", action="store_true", help="one JSON object, for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        found = query.find(
            options["text"],
            locale=options["lang"],
            k=options["limit"],
            categories=_category(options["category"]),
            is_staff=options["staff"],
            is_verbatim=options["verbatim"],
            explain=options["explain"],
            count_categories=True,
        )
        if options["json"]:
            self.stdout.write(json.dumps(asdict(found), ensure_ascii=False))
        elif not found.error:
            self._tell(found, is_explained=options["explain"])
        if found.error:
            raise CommandError(f"Search cannot answer: {found.error}")

    def _tell(self, found: Found, *, is_explained: bool) -> None:
        if found.corrected:
            self.stdout.write(f"searched for: {found.corrected}")
        if found.other_locale:
            self.stdout.write(f"answers are in another language: {found.other_locale}")
        if found.featured:
            self.stdout.write(f"featured: {found.featured.title} › {found.featured.heading}  {found.featured.url}")
            self.stdout.write(f"    {_plain(found.featured.answer_html)}")
        for place, result in enumerate(found.results, start=1):
            marks = f"{_mark(result)}  " if _mark(result) else ""
            self.stdout.write(f"{place:2}. {marks}{result.title}  [{result.category_name}]  {result.url}")
            self.stdout.write(f"    {_plain(result.snippet_html)}")
            if is_explained:
                self.stdout.write(f"    {_why(result)}")
        shelves = ", ".join(f"{facet.name} {facet.count}" for facet in found.facets)
        self.stdout.write(f"{found.total} found{f' ({shelves})' if shelves else ''}")
        stand_in = ", standing in for the chosen engine" if found.is_fallback else ""
        self.stdout.write(f"{found.engine}{stand_in}, {found.took_ms:.1f} ms")


def _category(key: str | None) -> frozenset[int]:
    if key is None:
        return frozenset()
    known = dict(Category.objects.values_list("key", "pk"))
    if key not in known:
        raise CommandError(f"There is no category {key}. Use one of: {', '.join(sorted(known))}.")
    return frozenset({known[key]})


def _mark(result: Result) -> str:
    marks = ["pinned"] if result.is_pinned else []
    return ", ".join([*marks, "staff only"] if result.is_staff_only else marks)


def _why(result: Result) -> str:
    if result.is_pinned:
        return "on top because an editor pinned it"
    shares = sorted(result.why.items(), key=lambda item: -item[1])
    return f"{result.score:.3f} = {' + '.join(f'{stem} {share:.3f}' for stem, share in shares)}"


def _plain(html: str) -> str:
    return unescape(strip_tags(html))
