"""How the rows of each list are written to a file: read and told by parts, so that any number of them can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from django.db.models import QuerySet

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
from analytics.reports.tables import Value
from contacts.models import Contact, FormVisit
from kb.models import Article
from notifications.models import Message

AT_ONCE = 1_000  # rows that are kept while they are written
_ID_SHOWN = 8  # characters of an id of a visitor or person, as on the screens

Told = Iterator[tuple[Value, ...]]


def _in_parts(found: QuerySet[Any], tell: Callable[[Sequence[Any]], list[tuple[Value, ...]]]) -> Told:
    rows = found.iterator(chunk_size=AT_ONCE)
    while part := list(islice(rows, AT_ONCE)):
        yield from tell(part)


def _titles(ids: set[int]) -> dict[int, str]:
    known = Article.objects.filter(pk__in=ids).values_list("pk", "live_revision__title")
    return {pk: title or "" for pk, title in known}


def of_journeys(asked: Asked, now: datetime) -> Told:
    window = str(asked.period.window)

    def tell(part: Sequence[Journey]) -> list[tuple[Value, ...]]:
        titles = _titles({row.last_article_id for row in part if row.last_article_id})
        return [
            (
                row.pk, row.started_at, row.ended_at, row.outcomes.get(window, journeys.IMMATURE), row.is_contradicted,
                row.last_article_id, titles.get(row.last_article_id or 0, ""), row.topic, row.locale, len(row.reads),
                row.searches, row.vote, row.is_linkable,
            )
            for row in part
        ]  # fmt: skip

    return _in_parts(journeys.narrowed(asked.period, asked.narrowed).order_by("-started_at", "-id"), tell)


def of_views(asked: Asked, now: datetime) -> Told:
    period, article = asked.period, asked.narrowed.get("article")
    found = Event.objects.filter(kind=EventKind.READ, at__gte=period.start, at__lt=period.end)
    if article:
        found = found.filter(article_id=int(article))

    def tell(part: Sequence[Event]) -> list[tuple[Value, ...]]:
        titles = _titles({row.article_id for row in part if row.article_id})
        return [
            (row.at, row.article_id, titles.get(row.article_id or 0, ""), str(row.visitor)[:_ID_SHOWN], row.locale)
            for row in part
        ]

    return _in_parts(found.order_by("-at", "-id"), tell)


def of_guard_rail(asked: Asked, now: datetime) -> Told | None:
    which = asked.narrowed.get("which", guard_rail_rows.HITS)
    found = guard_rail_rows.build(Rail(asked.narrowed.get("rail", "")), which, asked.period, asked.narrowed, now=now)
    if found is None:
        return None
    told = found.tell

    def tell(part: Sequence[Any]) -> list[tuple[Value, ...]]:
        return [
            (row.at, row.name, row.what, row.who, str(row.message or ""), row.contact, row.journey)
            for row in told(part)
        ]

    return _in_parts(found.rows, tell)


def of_article(asked: Asked, now: datetime) -> Told:
    of, pk = asked.narrowed.get("of", ""), int(asked.narrowed.get("article", ""))
    found = article_rows.LISTS[of](pk, asked.period, asked.narrowed)
    tell = found.tell
    return _in_parts(
        found.rows, lambda part: [(row.at, row.name, row.what, row.who, row.journey) for row in tell(part)]
    )


def of_openings(asked: Asked, now: datetime) -> Told:
    def ended(row: FormVisit) -> str:
        if row.contact_id:
            return "sent"
        return "answered" if row.answered_at else "opened" if row.opened else "left"

    def tell(part: Sequence[Any]) -> list[tuple[Value, ...]]:
        return [
            (row.opened_at, str(row.visitor)[:_ID_SHOWN], row.arm, row.has_contacted, ended(row), row.contact_id)
            for row in part
        ]

    found = suggestions.narrowed(asked.period, asked.narrowed, now=now)
    return _in_parts(found.order_by("-opened_at", "-id"), tell)


def of_messages(asked: Asked, now: datetime) -> Told:
    is_compared = bool(asked.narrowed.get("compared"))

    def tell(part: Sequence[Message]) -> list[tuple[Value, ...]]:
        return [
            (
                str(row.pk), row.eligible_at, row.rule.key, row.person[:_ID_SHOWN], row.arm, row.state,
                getattr(row, "has_contacted", None) if is_compared else None,
            )
            for row in part
        ]  # fmt: skip

    found = messages.narrowed(asked.period, asked.narrowed, now=now).select_related("rule")
    return _in_parts(found.order_by("-eligible_at", "-id"), tell)


def _contact(contact: Contact) -> tuple[Value, ...]:
    return (contact.received_at, contact.reference, contact.source, contact.locale)


def of_autopsy(asked: Asked, now: datetime) -> Told:
    def tell(part: Sequence[AutopsyFinding]) -> list[tuple[Value, ...]]:
        titles = _titles({row.article_id for row in part if row.article_id})
        return [
            (*_contact(row.contact), row.reason, row.cause, row.article_id, titles.get(row.article_id or 0, ""))
            for row in part
        ]

    found = autopsy.found(asked.period, asked.narrowed).select_related("contact")
    return _in_parts(found.order_by("-received_at", "-pk"), tell)


def of_repeated(asked: Asked, now: datetime) -> Told:
    in_until = outcomes.watermark(contact_facts.feeds().values(), now=now)
    found = repeats.found(asked.period, in_until=in_until, is_repeated=asked.narrowed.get("again") == "yes")
    return _in_parts(found.order_by("-received_at", "-id"), lambda part: [_contact(row) for row in part])


def of_searches(asked: Asked, now: datetime) -> Told:
    keys, locale, what = asked.narrowed.getlist("key"), asked.narrowed.get("lang", ""), asked.narrowed.get("what", "")
    older = None
    while True:
        page = search_rows.listed(asked.period, now=now, locale=locale, keys=keys, what=what, older=older)
        for row in page.rows:
            yield (
                row.at, row.text, row.locale, row.looks, row.total, row.has_passage, row.other_locale,
                "; ".join(row.shown), "; ".join(f"{place}. {title}" for place, title in row.opened), row.next,
                row.contact_id is not None,
            )  # fmt: skip
        older = page.older
        if older is None:
            return
