"""Finds the test that somebody names in a shell."""

from __future__ import annotations

from collections.abc import Iterable

from kb.models import Experiment, ExperimentState

_LISTED = 10


class NotFound(Exception):
    """No test, or more than one, is meant. The message says which there are."""


def find(text: str) -> Experiment:
    """By number, else by name, else by the article's address (slug): of that article's several the one that was
    started last, or where none was, the newest draft. Raises NotFound."""
    every = Experiment.objects.select_related("article__category", "article__live_revision")
    found = every.filter(pk=int(text)) if text.isdecimal() and len(text) < 19 else every.none()
    found = found or every.filter(name__iexact=text)
    if len(found) > 1:
        raise NotFound(f"Several tests have that name; give one of these numbers:\n{_listed(found)}")
    of_article = every.filter(article__slug=text)
    started = of_article.exclude(started_at=None).order_by("-started_at", "-pk")
    drafts = of_article.filter(state=ExperimentState.DRAFT).order_by("-pk")
    for candidates in (found, started, drafts):
        if (experiment := candidates.first()) is not None:
            return experiment
    newest = every.order_by("-pk")[:_LISTED]
    more = f"The newest are:\n{_listed(newest)}" if newest else "There is none yet: start one in an article's editor."
    raise NotFound(f"There is no test “{text}”. {more}")


def _listed(found: Iterable[Experiment]) -> str:
    lines = [f"  {each.pk:>5}  {each.name} ({each.get_state_display()}; article {each.article.slug})" for each in found]
    return "\n".join(lines)
