"""The lists of rows behind numbers, as files: all rows of a list as it is narrowed, read and written by and by.

Each has what its screen shows, but for what customers wrote to us: no file of rows has it. Who may open the screen may
take its rows along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_noop as _

from analytics import contact_facts, outcomes
from analytics.models import AutopsyFinding, Cause, Event, EventKind, Journey
from analytics.reports import (
    article_rows,
    asking,
    autopsy,
    guard_rail_rows,
    journeys,
    messages,
    repeats,
    search_rows,
    spells,
    suggestions,
)
from analytics.reports.asking import Asked, Words
from analytics.reports.guard_rails import Rail
from analytics.reports.tables import Column, Value
from contacts.models import Contact, FormVisit
from kb.models import Article
from notifications.models import Message

AT_ONCE = 1_000  # rows that are kept while they are written
_SEGMENT = (asking.LOCALE, asking.SOURCE)
_YES = asking.one_of("yes")
_ID_SHOWN = 8  # characters of an id of a visitor or person, as on the screens

Told = Iterator[tuple[Value, ...]]


@dataclass(frozen=True)
class RowList:
    """`screen` (and the arguments `given` of its address) shows it by pages. `rows` gives None where there is no such
    list."""

    name: str
    title: str
    screen: str
    columns: tuple[Column, ...]
    rows: Callable[[Asked, datetime], Told | None]
    words: Words
    given: tuple[str, ...] = ()


def _in_parts(found: QuerySet[Any], tell: Callable[[Sequence[Any]], list[tuple[Value, ...]]]) -> Told:
    rows = found.iterator(chunk_size=AT_ONCE)
    while part := list(islice(rows, AT_ONCE)):
        yield from tell(part)


def _titles(ids: set[int]) -> dict[int, str]:
    known = Article.objects.filter(pk__in=ids).values_list("pk", "live_revision__title")
    return {pk: title or "" for pk, title in known}


def _journeys(asked: Asked, now: datetime) -> Told:
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


def _views(asked: Asked, now: datetime) -> Told:
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


def _guard_rail(asked: Asked, now: datetime) -> Told | None:
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


def _of_article(asked: Asked, now: datetime) -> Told:
    of, pk = asked.narrowed.get("of", ""), int(asked.narrowed.get("article", ""))
    found = article_rows.LISTS[of](pk, asked.period, asked.narrowed)
    tell = found.tell
    return _in_parts(
        found.rows, lambda part: [(row.at, row.name, row.what, row.who, row.journey) for row in tell(part)]
    )


def _openings(asked: Asked, now: datetime) -> Told:
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


def _messages(asked: Asked, now: datetime) -> Told:
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


def _looked_into(asked: Asked, now: datetime) -> Told:
    def tell(part: Sequence[AutopsyFinding]) -> list[tuple[Value, ...]]:
        titles = _titles({row.article_id for row in part if row.article_id})
        return [
            (*_contact(row.contact), row.reason, row.cause, row.article_id, titles.get(row.article_id or 0, ""))
            for row in part
        ]

    found = autopsy.found(asked.period, asked.narrowed).select_related("contact")
    return _in_parts(found.order_by("-received_at", "-pk"), tell)


def _repeated(asked: Asked, now: datetime) -> Told:
    in_until = outcomes.watermark(contact_facts.feeds().values(), now=now)
    found = repeats.found(asked.period, in_until=in_until, is_repeated=asked.narrowed.get("again") == "yes")
    return _in_parts(found.order_by("-received_at", "-id"), lambda part: [_contact(row) for row in part])


def _searches(asked: Asked, now: datetime) -> Told:
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


_ARTICLE = (Column("article", _("Article")), Column("title", _("Title")))
_OF_CONTACTS = (
    Column("received_at", _("Received")),
    Column("contact", _("Contact")),
    Column("source", _("Channel")),
    Column("locale", _("Language")),
)

LISTS: dict[str, RowList] = {
    "journeys": RowList(
        "journeys",
        _("Journeys"),
        "journeys",
        (
            Column("id", _("Journey")), Column("began_at", _("Began")), Column("ended_at", _("Ended")),
            Column("outcome", _("Outcome")), Column("contradicted", _("Contradicted")), *_ARTICLE,
            Column("topic", _("Topic")), Column("locale", _("Language")), Column("reads", _("Read")),
            Column("searches", _("Searches")), Column("said", _("Said")), Column("linkable", _("Linkable")),
        ),
        _journeys,
        Words((asking.WINDOW,), journeys.WORDS, beside=("by",)),
    ),
    "views": RowList(
        "views",
        _("Views of articles"),
        "article-views",
        (Column("at", _("When")), *_ARTICLE, Column("visitor", _("Visitor")), Column("locale", _("Language"))),
        _views,
        Words((), {"article": asking.is_id}),
    ),
    "guard_rail": RowList(
        "guard_rail",
        _("Rows of a guard-rail"),
        "guard-rail",
        (
            Column("at", _("When")), Column("name", _("What")), Column("what", _("How")), Column("who", _("Who")),
            Column("message", _("Message")), Column("contact", _("Contact")), Column("journey", _("Journey")),
        ),
        _guard_rail,
        Words(
            (),
            {
                "rail": asking.one_of(*(str(rail) for rail in Rail)),
                "which": asking.one_of(guard_rail_rows.HITS, guard_rail_rows.OF, guard_rail_rows.COULD_TELL),
                **spells.WORDS,
            },
            needs=("rail",),
        ),
        given=(str(Rail.OPENED),),
    ),
    "article_rows": RowList(
        "article_rows",
        _("What readers said of an article, and openings of it from search"),
        "article-rows",
        (
            Column("at", _("When")), Column("name", _("What")), Column("what", _("How")), Column("who", _("Who")),
            Column("journey", _("Journey")),
        ),
        _of_article,
        Words(
            (),
            {
                "article": asking.is_id, "of": asking.one_of(*article_rows.LISTS),
                "said": asking.one_of("yes", "no"), "reason": asking.is_text, "text": asking.is_id,
                "lang": asking.is_text, "key": asking.is_text,
            },
            needs=("article", "of"),
        ),
        given=("1", "votes"),
    ),
    "openings": RowList(
        "openings",
        _("Openings of the form"),
        "effect-visits",
        (
            Column("opened_at", _("Opened")), Column("visitor", _("Visitor")), Column("arm", _("Suggestions")),
            Column("contacted", _("Contacted us in the window")), Column("ended", _("This form")),
            Column("contact", _("Contact")),
        ),
        _openings,
        Words((asking.WINDOW,), suggestions.WORDS),
    ),
    "messages": RowList(
        "messages",
        _("Messages counted"),
        "evidence",
        (
            Column("id", _("Message")), Column("eligible_at", _("Became eligible")), Column("rule", _("Rule")),
            Column("person", _("Person")), Column("arm", _("Arm")), Column("state", _("State")),
            Column("contacted", _("Contacted us")),
        ),
        _messages,
        Words((asking.WINDOW,), messages.WORDS),
    ),
    "autopsy": RowList(
        "autopsy",
        _("Contacts that were looked into"),
        "autopsy-contacts",
        (*_OF_CONTACTS, Column("reason", _("Reason")), Column("cause", _("Found")), *_ARTICLE),
        _looked_into,
        Words(_SEGMENT, {"reason": autopsy.is_reason, "cause": asking.one_of(*Cause.values)}),
    ),
    "repeated": RowList(
        "repeated",
        _("Contacts whose writer is known"),
        "repeated-contacts",
        _OF_CONTACTS,
        _repeated,
        Words(_SEGMENT, {"again": _YES}),
    ),
    "searches": RowList(
        "searches",
        _("Searches"),
        "search-query",
        (
            Column("at", _("When")), Column("typed", _("Typed")), Column("locale", _("Language")),
            Column("looks", _("Looks")), Column("answers", _("Answers")), Column("passage", _("Passage above")),
            Column("other_locale", _("Answered in")), Column("first", _("First answers then")),
            Column("opened", _("Opened")), Column("next", _("Asked next")),
            Column("contacted", _("Contact within 24 h")),
        ),
        _searches,
        Words(
            (asking.LOCALE,),
            {"key": asking.is_text, "lang": asking.is_text, "what": asking.one_of(*search_rows.WHATS)},
            several=("key",),
        ),
    ),
}  # fmt: skip
