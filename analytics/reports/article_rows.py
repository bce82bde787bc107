"""The rows behind what readers said of one article, and behind the searches that led to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from analytics.periods import Period
from analytics.reports import article_searches, guard_rail_rows
from analytics.reports.asking import is_id
from analytics.reports.guard_rail_rows import Row
from kb.models import SearchClick, Vote, VoteReason

NO_REASON = "none"


@dataclass(frozen=True)
class List:
    """`rows`, the newest first; `tell` makes those of a page to what is shown."""

    title: str
    rows: QuerySet[Any]
    tell: Callable[[Sequence[Any]], list[Row]]


def votes(article_id: int, period: Period, parameters: Mapping[str, str]) -> List:
    """Of each reader and text the last word, where it was given in the period: by `said` (yes or no), `reason` (a code
    or NO_REASON: of the noes) and `text` (the id of a revision). What makes no sense fits none."""
    found = Vote.objects.filter(revision__article=article_id, at__gte=period.start, at__lt=period.end)
    if said := parameters.get("said", ""):
        found = found.filter(is_helpful=said == "yes") if said in ("yes", "no") else found.none()
    if reason := parameters.get("reason", ""):
        found = found.filter(is_helpful=False, reason="" if reason == NO_REASON else reason)
    if text := parameters.get("text", ""):
        found = found.filter(revision=int(text)) if is_id(text) else found.none()
    return List(_("What readers said"), found.select_related("revision").order_by("-at", "-pk"), _of_votes)


def openings(article_id: int, period: Period, parameters: Mapping[str, str]) -> List:
    """Openings from the answers of a search: by `lang` and `key`, those of one query; by `after`, of the newest those
    that a rate of it counts (article_searches.AFTER)."""
    found = SearchClick.objects.filter(article_id=article_id, at__gte=period.start, at__lt=period.end)
    for name, lookup in (("lang", "search__locale"), ("key", "search__key")):
        if name in parameters:
            found = found.filter(**{lookup: parameters[name].replace("\0", "")})
    if after := parameters.get("after", ""):
        known = after in article_searches.AFTER
        found = found.filter(pk__in=article_searches.openings(article_id, period, after) if known else [])
    return List(_("Openings from search"), found.select_related("search").order_by("-at", "-pk"), _of_openings)


LISTS: dict[str, Callable[[int, Period, Mapping[str, str]], List]] = {"votes": votes, "openings": openings}


def _of_votes(rows: Sequence[Vote]) -> list[Row]:
    journeys = guard_rail_rows.journeys_of((vote.visitor, vote.at) for vote in rows)
    whys = {str(value): str(label) for value, label in VoteReason.choices}
    return [
        Row(
            vote.at, _("Text %(number)s") % {"number": vote.revision.number}, _said(vote, whys), str(vote.visitor)[:8],
            journey=journey,
        )
        for vote, journey in zip(rows, journeys, strict=True)
    ]  # fmt: skip


def _said(vote: Vote, whys: Mapping[str, str]) -> str:
    if vote.is_helpful:
        return _("yes")
    return f"{_('no')}: {whys[vote.reason]}" if vote.reason in whys else _("no")


def _of_openings(rows: Sequence[SearchClick]) -> list[Row]:
    journeys = guard_rail_rows.journeys_of((_visitor(click.search.visitor), click.at) for click in rows)
    return [
        Row(
            click.at, click.search.text or "–",
            _("at place %(place)s") % {"place": click.position} if click.position else _("from the passage on top"),
            click.search.visitor[:8], journey=journey,
        )
        for click, journey in zip(rows, journeys, strict=True)
    ]  # fmt: skip


def _visitor(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
