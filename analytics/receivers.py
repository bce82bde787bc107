"""The border: other rooms' events -> Event and Identity rows.

An event without a visitor (bot, staff, no consent) is in no number and is not stored; a contact is stored always. The
facts that the product stands on (Contact, Vote, Exposure, Message) are their owners' rows; settling.py brings in every
contact that was missed here. That somebody looked at a page (_look) may wait a moment to be written (writing.py);
what somebody said or did is written before the answer goes out.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models

from analytics import left_out, writing
from analytics.models import Event, EventKind, Identity
from contacts import events as contacts
from core import visitors
from kb import events as kb
from kb.search import log as search_log
from notifications import events as notifications


def connect() -> None:
    """Listen to every signal of the rooms below; called once, when the apps are ready."""
    kb.article_viewed.connect(on_article_viewed)
    kb.searched.connect(on_searched)
    kb.help_opened.connect(on_help_opened)
    kb.voted.connect(on_voted)
    contacts.form_opened.connect(on_form_opened)
    contacts.suggestions_shown.connect(on_suggestions_shown)
    contacts.question_answered.connect(on_question_answered)
    contacts.contact_received.connect(on_contact_received)
    notifications.visitor_identified.connect(on_visitor_identified)
    notifications.order_page_viewed.connect(on_order_page_viewed)
    visitors.left_out.connect(left_out.on_left_out)


def on_article_viewed(event: kb.ArticleViewed, **kwargs: Any) -> None:
    _look(
        EventKind.READ,
        event.at,
        event.visitor,
        is_returning=event.is_returning,
        article_id=event.article_id,
        revision_id=event.revision_id,
        variant_id=event.variant_id,
        topic=event.topic,
        locale=event.locale,
    )


def on_searched(event: kb.Searched, **kwargs: Any) -> None:
    _look(
        EventKind.SEARCH,
        event.at,
        event.visitor,
        is_returning=event.is_returning,
        about=event.shown[0] if event.shown else None,
        locale=event.locale,
        **_what_was_typed(event),
    )


def _what_was_typed(event: kb.Searched) -> dict[str, Any]:
    """kb's row about the search has it; only where there is none, it is kept here."""
    if event.search_id:
        return {"search_id": str(event.search_id)}
    return {"data": {"query": search_log.masked(event.query), "total": event.total}}


def on_help_opened(event: kb.HelpOpened, **kwargs: Any) -> None:
    _look(
        EventKind.HELP,
        event.at,
        event.visitor,
        is_returning=event.is_returning,
        topic=event.topic,
        locale=event.locale,
    )


def on_voted(event: kb.Voted, **kwargs: Any) -> None:
    _store(
        EventKind.VOTE,
        event.at,
        event.visitor,
        article_id=event.article_id,
        revision_id=event.revision_id,
        variant_id=event.variant_id,
        topic=event.topic,
        data={"is_helpful": event.is_helpful, **({"reason": event.reason} if event.reason else {})},
    )


def on_form_opened(event: contacts.FormOpened, **kwargs: Any) -> None:
    _look(
        EventKind.FORM,
        event.at,
        event.visitor,
        is_returning=event.is_returning,
        locale=event.locale,
        data={"form_id": event.form_id},
    )


def on_suggestions_shown(event: contacts.SuggestionsShown, **kwargs: Any) -> None:
    data = {"form_id": event.form_id, "shown": list(event.shown)}
    _store(EventKind.SUGGESTED, event.at, event.visitor, data=data)


def on_question_answered(event: contacts.QuestionAnswered, **kwargs: Any) -> None:
    _store(
        EventKind.ANSWERED,
        event.at,
        event.visitor,
        article_id=event.article_id,
        topic=event.topic,
        data={"form_id": event.form_id},
    )


def on_contact_received(event: contacts.ContactReceived, **kwargs: Any) -> None:
    Event.objects.create(
        kind=EventKind.CONTACT,
        at=event.at,
        visitor=UUID(event.visitor) if event.visitor else None,
        person=event.person,
        contact_id=event.contact_id,
        topic=event.topic,
        data={"reason": event.reason, "source": event.source},
    )
    if event.visitor and event.person:
        tie(UUID(event.visitor), event.person, at=event.at, how="contact")


def on_visitor_identified(event: notifications.VisitorIdentified, **kwargs: Any) -> None:
    if event.visitor and event.person:
        tie(UUID(event.visitor), event.person, at=event.at, how=event.how)


def on_order_page_viewed(event: notifications.OrderPageViewed, **kwargs: Any) -> None:
    _look(
        EventKind.ORDER,
        event.at,
        event.visitor,
        is_returning=event.is_returning,
        person=event.person,
        locale=event.locale,
        data={"order_id": event.order_id},
    )


def tie(visitor: UUID, person: str, *, at: datetime, how: str) -> None:
    """Note that `visitor` is `person`; the earliest moment at which we knew counts, in whatever order they come."""
    Identity.objects.bulk_create([Identity(visitor=visitor, person=person, at=at, how=how)], ignore_conflicts=True)
    Identity.objects.filter(visitor=visitor, person=person, at__gt=at).update(
        at=at, how=how, txid=models.Func(function="txid_current")
    )


def _look(kind: EventKind, at: datetime, visitor: str, **facts: Any) -> None:
    if visitor:
        writing.put({"kind": kind, "at": at.isoformat(), "visitor": visitor, **facts})


def _store(kind: EventKind, at: datetime, visitor: str, **facts: Any) -> None:
    if visitor:
        Event.objects.create(kind=kind, at=at, visitor=UUID(visitor), **facts)
