"""manage.py search_tests [--locale xx] [--json]"""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from kb.models import RunReason
from kb.search import checking
from kb.search.checking import Checked


class Command(BaseCommand):
    help = "Run the search tests. Ends with 1 where one fails, with 2 where search cannot answer."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--locale", default="", choices=["", *dict(settings.LANGUAGES)], metavar="LOCALE")
        parser.add_argument("--json", action="store_true", help="one JSON object, for programs")

    def handle(self, *, locale: str, **options: Any) -> None:
        def tell(done: int, of: int) -> None:
            if not options["json"] and of > 100:
                self.stderr.write(f"{done} of {of}")

        try:
            run, checked = checking.run(why=RunReason.ASKED, locale=locale, progress=tell)
        except checking.CannotCheck as error:
            raise CommandError(f"Search cannot answer: {error}", returncode=2) from error
        failing = [each for each in checked if not each.is_passed]
        if options["json"]:
            data = {"tests": run.tests, "failing": run.failing, "took_ms": round(run.took_ms, 1), "engine": run.engine}
            self.stdout.write(json.dumps(data | {"results": [_data(each) for each in checked]}, ensure_ascii=False))
        else:
            for each in failing:
                self.stdout.write(_sentence(each))
            self.stdout.write(f"{run.tests - run.failing} of {run.tests} search tests pass ({run.took_ms:.0f} ms).")
        if failing:
            raise CommandError(f"{len(failing)} of {run.tests} search tests fail.")


def _data(each: Checked) -> dict[str, Any]:
    test = each.test
    return {
        "locale": test.locale,
        "query": test.query,
        "article": test.article.slug,
        "top": test.top,
        "position": each.position,
        "passed": each.is_passed,
        "answers": [answer.title for answer in each.answers[: test.top]],
    }


def _sentence(each: Checked) -> str:
    test = each.test
    stands = f"stands at {each.position}" if each.position else "is not among the first ten"
    first = "; ".join(answer.title for answer in each.answers[: test.top]) or "nothing"
    return f"FAILS  {test}: {test.article.slug} {stands}, not in the top {test.top}. First answers: {first}"
