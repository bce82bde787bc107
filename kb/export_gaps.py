"""What a format of an export leaves out, counted: said before it is made, so that nobody takes a part for a copy."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import F, Q
from django.utils.translation import ngettext

from kb import exporting
from kb.models import Article, ArticleState, Revision


def counts(format: str) -> Mapping[str, int]:
    """How many of each are not in the file; what there is none of is left out. Three queries at most."""
    found: dict[str, int] = {}
    if format in (exporting.CSV, exporting.MARKDOWN):
        published = Article.objects.filter(state=ArticleState.PUBLISHED)
        differs = ~Q(draft__body=F("live_revision__body")) & Q(live_revision__isnull=False)
        found["drafts"] = published.filter(differs).count()
        found["earlier"] = Revision.objects.count() - Article.objects.exclude(live_revision=None).count()
    return {name: number for name, number in found.items() if number}


def sentences(format: str) -> list[str]:
    """The same for people: "3 facts", each as one of a list."""
    return [_said(name, number) for name, number in counts(format).items()]


def _said(name: str, number: int) -> str:
    said = {
        "drafts": ngettext("%(number)s changed draft", "%(number)s changed drafts", number),
        "earlier": ngettext("%(number)s earlier text", "%(number)s earlier texts", number),
    }
    return said[name] % {"number": f"{number:,}"}
