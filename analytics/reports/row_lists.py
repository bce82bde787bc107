"""The lists of rows behind numbers, as files and by the API: all rows of a list as it is narrowed, read by and by.

Each has what its screen shows, but for what customers wrote to us: nobody takes that along. Who may open the screen may
take its rows along.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_noop as _

from analytics.models import Cause
from analytics.reports import (
    article_rows,
    article_searches,
    asking,
    autopsy,
    contact_list,
    exposure_list,
    guard_rail_rows,
    journeys,
    messages,
    row_telling,
    search_rows,
    spells,
    suggestions,
)
from analytics.reports.asking import Asked, Words
from analytics.reports.guard_rails import Rail
from analytics.reports.row_pages import Rows
from analytics.reports.tables import Column

_SEGMENT = (asking.LOCALE, asking.SOURCE)
_YES = asking.one_of("yes")


@dataclass(frozen=True)
class RowList:
    """`screen` (and the arguments `given` of its address) shows it by pages. `rows` gives None where there is no such
    list."""

    name: str
    title: str
    screen: str
    columns: tuple[Column, ...]
    rows: Callable[[Asked, datetime], Rows | None]
    words: Words
    given: tuple[str, ...] = ()


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
        row_telling.of_journeys,
        Words((asking.WINDOW,), journeys.WORDS, beside=("by",)),
    ),
    "views": RowList(
        "views",
        _("Views of articles"),
        "article-views",
        (Column("at", _("When")), *_ARTICLE, Column("visitor", _("Visitor")), Column("locale", _("Language"))),
        row_telling.of_views,
        Words((), {"article": asking.is_id, "text": asking.is_id}),
    ),
    "guard_rail": RowList(
        "guard_rail",
        _("Rows of a guard-rail"),
        "guard-rail",
        (
            Column("at", _("When")), Column("name", _("What")), Column("what", _("How")), Column("who", _("Who")),
            Column("message", _("Message")), Column("contact", _("Contact")), Column("journey", _("Journey")),
        ),
        row_telling.of_guard_rail,
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
        row_telling.of_article,
        Words(
            (asking.WINDOW,),
            {
                "article": asking.is_id, "of": asking.one_of(*article_rows.LISTS),
                "said": asking.one_of("yes", "no"), "reason": asking.is_text, "text": asking.is_id,
                "lang": asking.is_text, "key": asking.is_text, "after": asking.one_of(*article_searches.AFTER),
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
        row_telling.of_openings,
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
        row_telling.of_messages,
        Words((asking.WINDOW,), messages.WORDS),
    ),
    "autopsy": RowList(
        "autopsy",
        _("Contacts that were looked into"),
        "autopsy-contacts",
        (*_OF_CONTACTS, Column("reason", _("Reason")), Column("cause", _("Found")), *_ARTICLE),
        row_telling.of_autopsy,
        Words(_SEGMENT, {"reason": autopsy.is_reason, "cause": asking.one_of(*Cause.values)}),
    ),
    "contacts": RowList(
        "contacts",
        _("Contacts"),
        "contacts",
        (*_OF_CONTACTS, Column("reason", _("Reason")), Column("name", _("Name of the reason"))),
        contact_list.of_contacts,
        Words(_SEGMENT, contact_list.WORDS),
    ),
    "repeated": RowList(
        "repeated",
        _("Contacts whose writer is known"),
        "repeated-contacts",
        _OF_CONTACTS,
        row_telling.of_repeated,
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
        row_telling.Searches,
        Words(
            (asking.LOCALE,),
            {"key": asking.is_text, "lang": asking.is_text, "what": asking.one_of(*search_rows.WHATS)},
            several=("key",),
        ),
    ),
    "exposures": RowList(
        "exposures",
        _("Exposures of a test"),
        "exposures",
        (
            Column("at", _("When")), Column("visitor", _("Visitor")), Column("epoch", _("Epoch")),
            Column("linkable", _("Linkable")), Column("mature", _("Window over")),
            Column("contacted", _("Contacted us about it")), Column("contacted_at_all", _("About anything")),
            Column("voted_yes", _("Said yes")), Column("opened_form", _("Opened the form")),
            Column("sent_form", _("Sent the form")),
        ),
        exposure_list.of_exposures,
        Words((), exposure_list.WORDS, needs=("variant",)),
        given=("1",),
    ),
}  # fmt: skip
