"""manage.py verdict EXPERIMENT [--json] [--store]"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from analytics import verdicts
from analytics.models import LookKind
from analytics.reports import experiment_result as report
from core import clock
from kb.models import Experiment

_LISTED = 10


class Command(BaseCommand):
    help = "Count a test of an article anew and print what that says: by arm and epoch, intervals, split, sentence."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("experiment", help="its number, its name, or the address (slug) of its article")
        parser.add_argument("--json", action="store_true", help="for machines")
        parser.add_argument("--store", action="store_true", help="keep this look, as the button “Look now” does")

    def handle(self, *args: Any, **options: Any) -> None:
        experiment = _find(options["experiment"])
        if experiment.started_at is None:
            raise CommandError(f"“{experiment}” has not been started: there is nothing to judge yet.")
        now = clock.now()
        # Before it is kept: the look after this one would be a second.
        looked = verdicts.compute(experiment, now=now)
        if options["store"]:
            verdicts.look(experiment, now=now, kind=LookKind.ASKED)
        data = report.as_data(looked)
        self.stdout.write(json.dumps(data, indent=2) if options["json"] else report.as_text(looked))


def _find(text: str) -> Experiment:
    """By number, else by name, else by the article's address: of several the one that was started last."""
    all_of_them = Experiment.objects.select_related("article__category", "article__live_revision")
    found = all_of_them.filter(pk=int(text)) if text.isdecimal() and len(text) < 19 else all_of_them.none()
    found = found or all_of_them.filter(name__iexact=text)
    if len(found) > 1:
        raise CommandError(f"Several tests have that name; give one of these numbers:\n{_listed(found)}")
    by_article = all_of_them.filter(article__slug=text, started_at__isnull=False).order_by("-started_at")
    if experiment := next(iter(found or by_article[:1]), None):
        return experiment
    known = all_of_them.order_by("-pk")[:_LISTED]
    more = f"The newest are:\n{_listed(known)}" if known else "There is none yet: start one in an article's editor."
    raise CommandError(f"There is no test “{text}”. {more}")


def _listed(found: Any) -> str:
    lines = [f"  {each.pk:>5}  {each.name} ({each.get_state_display()}; article {each.article.slug})" for each in found]
    return "\n".join(lines)
