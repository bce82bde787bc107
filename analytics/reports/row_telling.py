"""How the rows of each list are told, to a file or by pages: read by parts, so that there can be any number of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from analytics import contact_facts, outcomes
from analytics.models import AutopsyFinding, Event, EventKind, Journey
from analytics.reports import (
    article_rows,
    autopsy,
    guard_rail_rows,
    journeys,
    messages,
    repeats,
    search_rows,
    suggestions,
)
from analytics.reports.asking import Asked
from analytics.reports.guard_rails import Rail
from analytics.reports.row_pages import ID_SHOWN, ByPages, Cells, Page, Place, Stored
from contacts.models import Contact, FormVisit
from kb.models import Article
from notifications.models import Message


def _titles(ids: set[int]) -> dict[int, str]:
    known = Article.objects.filter(pk__in=ids).values_list("pk", "live_revision__title")
    return {pk: title or "" for pk, title in known}


def of_journeys(asked: Asked, now: datetime) -> Stored:
    window = str(asked.period.window)

    def tell(part: Sequence[Journey]) -> list[Cells]:
        titles = _titles({row.last_article_id for row in part if row.last_article_id})
        return [
            (
                row.pk, row.started_at, row.ended_at, row.outcomes.get(window, journeys.IMMATURE), row.is_contradicted,
                row.last_article_id, titles.get(row.last_article_id or 0, ""), row.topic, row.locale, len(row.reads),
                row.searches, row.vote, row.is_linkable,
            )
            for row in part
        ]  # fmt: skip

    return Stored(journeys.narrowed(asked.period, asked.narrowed), "started_at", tell)


def of_views(asked: Asked, now: datetime) -> Stored:
    period, article, text = asked.period, asked.narrowed.get("article"), asked.narrowed.get("text")
    found = Event.objects.filter(kind=EventKind.READ, at__gte=period.start, at__lt=period.end)
    if article:
        found = found.filter(article_id=int(article))
    if text:
        found = found.filter(revision_id=int(text))

    def tell(part: Sequence[Event]) -> list[Cells]:
        titles = _titles({row.article_id for row in part if row.article_id})
        return [
            (row.at, row.article_id, titles.get(row.article_id or 0, ""), str(row.visitor)[:ID_SHOWN], row.locale)
            for row in part
        ]

    return Stored(found, "at", tell, within=period)


def of_guard_rail(asked: Asked, now: datetime) -> Stored | None:
    which = asked.narrowed.get("which", guard_rail_rows.HITS)
    found = guard_rail_rows.build(Rail(asked.narrowed.get("rail", "")), which, asked.period, asked.narrowed, now=now)
    if found is None:
        return None
    told = found.tell

    def tell(part: Sequence[Any]) -> list[Cells]:
        return [
            (row.at, row.name, row.what, row.who, str(row.message or ""), row.contact, row.journey)
            for row in told(part)
        ]

    return Stored(found.rows, found.moment, tell, within=asked.period if found.rows.model is Event else None)


def of_article(asked: Asked, now: datetime) -> Stored:
    of, pk = asked.narrowed.get("of", ""), int(asked.narrowed.get("article", ""))
    found = article_rows.LISTS[of](pk, asked.period, asked.narrowed)
    tell = found.tell
    return Stored(
        found.rows, "at", lambda part: [(row.at, row.name, row.what, row.who, row.journey) for row in tell(part)]
    )


def of_openings(asked: Asked, now: datetime) -> Stored:
    def ended(row: FormVisit) -> str:
        if row.contact_id:
            return "sent"
        return "answered" if row.answered_at else "opened" if row.opened else "left"

    def tell(part: Sequence[Any]) -> list[Cells]:
        return [
            (row.opened_at, str(row.visitor)[:ID_SHOWN], row.arm, row.has_contacted, ended(row), row.contact_id)
            for row in part
        ]

    found = suggestions.narrowed(asked.period, asked.narrowed, now=now)
    return Stored(found, "opened_at", tell)


def of_messages(asked: Asked, now: datetime) -> Stored:
    is_compared = bool(asked.narrowed.get("compared"))

    def tell(part: Sequence[Message]) -> list[Cells]:
        return [
            (
                str(row.pk), row.eligible_at, row.rule.key, row.person[:ID_SHOWN], row.arm, row.state,
                getattr(row, "has_contacted", None) if is_compared else None,
            )
            for row in part
        ]  # fmt: skip

    found = messages.narrowed(asked.period, asked.narrowed, now=now).select_related("rule")
    return Stored(found, "eligible_at", tell)


def _contact(contact: Contact) -> Cells:
    return (contact.received_at, contact.reference, contact.source, contact.locale)


def of_autopsy(asked: Asked, now: datetime) -> Stored:
    def tell(part: Sequence[AutopsyFinding]) -> list[Cells]:
        titles = _titles({row.article_id for row in part if row.article_id})
        return [
            (*_contact(row.contact), row.reason, row.cause, row.article_id, titles.get(row.article_id or 0, ""))
            for row in part
        ]

    found = autopsy.found(asked.period, asked.narrowed).select_related("contact")
    return Stored(found, "received_at", tell)


def of_repeated(asked: Asked, now: datetime) -> Stored:
    in_until = outcomes.watermark(contact_facts.feeds().values(), now=now)
    found = repeats.found(asked.period, in_until=in_until, is_repeated=asked.narrowed.get("again") == "yes")
    return Stored(found, "received_at", lambda part: [_contact(row) for row in part])


class Searches(ByPages):
    """Searches, of which a page is looked for among so many and no more: it can be short, even empty, and lead on."""

    at_once = search_rows.LOOKED_AT

    def __init__(self, asked: Asked, now: datetime) -> None:
        self._asked, self._now = asked, now

    def page(self, most: int, after: Place | None = None) -> Page:
        narrowed = self._asked.narrowed
        found = search_rows.listed(
            self._asked.period,
            now=self._now,
            locale=narrowed.get("lang", ""),
            keys=narrowed.getlist("key"),
            what=narrowed.get("what", ""),
            older=search_rows.Place(after.at, UUID(str(after.id))) if after else None,
            most=most,
        )
        return Page(
            [
                (
                    row.at, row.text, row.locale, row.looks, row.total, row.has_passage, row.other_locale,
                    "; ".join(row.shown), "; ".join(f"{place}. {title}" for place, title in row.opened), row.next,
                    row.contact_id is not None,
                )
                for row in found.rows
            ],
            Place(found.older.at, found.older.id) if found.older else None,
        )  # fmt: skip
