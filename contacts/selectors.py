"""Read queries: the face that other rooms import."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypedDict

from django.db import connection
from django.db.models import OuterRef, Q, QuerySet, Subquery

from contacts import reasons
from contacts.models import Coding, Contact, ContactSource, FormVisit
from kb import selectors as kb_selectors


@dataclass(frozen=True)
class ContactFact:
    """One contact, as far as numbers need it. `topic` and `reason` are empty where it is uncoded."""

    id: int
    at: datetime
    visitor: str
    person: str
    topic: str
    reason: str
    source: str


@dataclass(frozen=True)
class Feed:
    """A source of contacts besides our own form: when its first and its newest contact came."""

    source: str
    since: datetime
    until: datetime


if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class _Now(TypedDict):
        reason_now: int | None

    CodedContact = WithAnnotations[Contact, _Now]


def with_reason(contacts: QuerySet[Contact]) -> QuerySet[CodedContact]:
    """The same contacts, each with `reason_now`: the id of the reason of its newest coding, null where uncoded."""
    newest = Coding.objects.filter(contact=OuterRef("pk")).order_by("-id").values("reason")[:1]
    return contacts.annotate(reason_now=Subquery(newest))


def received(*, since: datetime, until: datetime) -> Iterator[ContactFact]:
    """Every contact received from `since` up to, not including, `until`; oldest first."""
    return _facts(Contact.objects.filter(received_at__gte=since, received_at__lt=until))


def of(
    *, people: Collection[str] = (), visitors: Collection[str | uuid.UUID] = (), since: datetime, until: datetime
) -> Iterator[ContactFact]:
    """The contacts of any of these person keys or visitor ids, received from `since` up to, not including, `until`."""
    # An unknown person has an empty key, which is nobody's.
    theirs = Q(person__in=[key for key in people if key]) | Q(visitor__in=visitors)
    return _facts(Contact.objects.filter(theirs, received_at__gte=since, received_at__lt=until))


# From source to source along the index: no page that asks it reads every contact.
_FEEDS = """
    WITH RECURSIVE feed (source) AS (
        (SELECT source FROM contacts_contact ORDER BY source LIMIT 1)
        UNION ALL
        SELECT (SELECT other.source FROM contacts_contact AS other WHERE other.source > feed.source
                ORDER BY other.source LIMIT 1)
        FROM feed WHERE feed.source IS NOT NULL
    )
    SELECT feed.source,
           (SELECT min(received_at) FROM contacts_contact AS contact WHERE contact.source = feed.source),
           (SELECT max(received_at) FROM contacts_contact AS contact WHERE contact.source = feed.source)
    FROM feed WHERE feed.source <> %(form)s ORDER BY feed.source
"""


def feeds() -> list[Feed]:
    """Every source besides our own form that has brought a contact. Our own form is in up to now."""
    with connection.cursor() as cursor:
        cursor.execute(_FEEDS, {"form": ContactSource.FORM})
        return [Feed(*row) for row in cursor.fetchall()]


@dataclass(frozen=True)
class Suggested:
    """An article that the contact form suggested before the message was sent."""

    title: str
    url: str
    is_opened: bool
    is_answer: bool  # the customer said that it answered the question, and wrote all the same


def suggested_to(contact: Contact) -> list[Suggested]:
    """What the form suggested to this contact's writer, in the order of first showing; empty for other channels."""
    visit = visit_of(contact)
    if visit is None:
        return []
    return [
        Suggested(card.title, card.url, card.id in visit.opened, card.id == visit.answered_by_id)
        for card in kb_selectors.cards(visit.shown, contact.locale)
    ]


def visit_of(contact: Contact) -> FormVisit | None:
    """The opening of the form that brought this contact; none for other channels."""
    return getattr(contact, "form_visit", None)


def _facts(contacts: QuerySet[Contact]) -> Iterator[ContactFact]:
    known = {reason.id: reason for reason in reasons.stored()}
    rows = (
        with_reason(contacts)
        .order_by("received_at", "id")
        .values_list("id", "received_at", "visitor", "person", "source", "reason_now")
    )
    for pk, at, visitor, person, source, reason_id in rows.iterator():
        reason = known.get(reason_id) if reason_id is not None else None
        yield ContactFact(
            id=pk,
            at=at,
            visitor=str(visitor or ""),
            person=person,
            topic=reason.topic if reason else "",
            reason=reason.code if reason else "",
            source=source,
        )
