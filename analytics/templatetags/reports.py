"""Where a page's tables and rows can be taken from, as the page is narrowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django import template
from django.http import HttpRequest
from django.urls import reverse

from analytics.reports import asking, contact_list, readers
from analytics.reports.asking import Words
from analytics.reports.registry import REPORTS
from analytics.reports.row_lists import LISTS

register = template.Library()


@register.simple_tag(takes_context=True)
def report_files(context: Mapping[str, Any], name: str, article: int | None = None) -> dict[str, str]:
    """The addresses of its files and of the API, about what the page is about (`article`: one article); none where the
    reader may not open its screen."""
    request: HttpRequest = context["request"]
    report = REPORTS[name]
    if not readers.may_open(request.user, report.screen):
        return {}
    query = _query(context, report.words, article=article)
    return {
        "files": reverse("desk:report", args=[name]) + query,
        "api": reverse("api:report", args=[name]) + query,
        "all": reverse("desk:reports"),
    }


@register.simple_tag(takes_context=True)
def rows_file(
    context: Mapping[str, Any], name: str, rail: str | None = None, article: int | None = None, of: str | None = None,
    variant: int | None = None,
) -> dict[str, str]:  # fmt: skip
    """The addresses of all rows of the page's list, as it is narrowed, as a file and by the API; the others are what
    the page's path says."""
    query = _query(context, LISTS[name].words, rail=rail, article=article, of=of, variant=variant)
    return _taken_from(name, query)


@register.simple_tag(takes_context=True)
def contacts_file(context: Mapping[str, Any]) -> dict[str, str]:
    """The same of the desk's contacts, whose page has words of its own for its days."""
    given = context["request"].GET.copy()
    period = contact_list.shown(context["filter_form"], given)
    for word in contact_list.SCREENS_DAYS:
        given.pop(word, None)
    query = f"?{urlencode(asking.of_screen(LISTS['contacts'].words, period, given))}"
    return _taken_from("contacts", query)


def _taken_from(name: str, query: str) -> dict[str, str]:
    return {"file": reverse("desk:rows-csv", args=[name]) + query, "api": reverse("api:rows", args=[name]) + query}


def _query(context: Mapping[str, Any], words: Words, **more: object) -> str:
    given = context["request"].GET
    pairs = asking.of_screen(words, context.get("period"), given, **more)
    if more.get("article") or given.get("key"):
        # One article, and one query, is of one language whatever else the page links to.
        pairs = [(name, value) for name, value in pairs if name != asking.LOCALE]
    return f"?{urlencode(pairs)}" if pairs else ""
