"""The one way in: facts of any channel -> a Contact with a reference, a person and a reason."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import IntegrityError, transaction

from contacts import coding, erasing, events
from contacts.models import Contact
from core import erasure, people
from core.events import fire

# Read aloud and typed without a doubt: no 0 or O, no 1, I or L, no U beside V.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_REFERENCE_TRIES = 20


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a channel knows of one contact. (source, external_id) says which one it is; an empty id is always new."""

    source: str  # a ContactSource
    external_id: str
    email: str  # empty where the channel knows no address
    received_at: datetime
    message: str
    subject: str = ""
    name: str = ""
    order_number: str = ""
    locale: str = "en"
    visitor: uuid.UUID | None = None
    after_article_id: int | None = None


class NoReferenceLeft(Exception):
    """Twenty random references in a row were taken; there are 729 million."""


def receive(facts: Facts, *, now: datetime) -> Contact:
    """The contact of these facts: made with its reason and announced, or found where it is in already."""
    with transaction.atomic():
        erasure.lock_shared()
        until = erasure.erased([people.person_key(facts.email)])
        is_of_erased = any(facts.received_at <= at for at in until.values())
        if is_of_erased and "@" in facts.external_id:
            facts = replace(facts, external_id=people.stand_in(facts.source, facts.external_id))
        contact, is_new = _insert(facts)
        if not is_new:
            return contact
        verdict = coding.by_rule(contact, now=now)
        if is_of_erased:
            erasing.empty(Contact.objects.filter(pk=contact.pk), person="")
            contact.refresh_from_db()
        fire(
            events.contact_received,
            events.ContactReceived(
                at=contact.received_at,
                visitor=str(contact.visitor or ""),
                person=contact.person,
                contact_id=contact.pk,
                topic=verdict.reason.topic if verdict.reason else "",
                reason=verdict.reason.code if verdict.reason else "",
                source=contact.source,
            ),
        )
    return contact


def _insert(facts: Facts) -> tuple[Contact, bool]:
    """The stored contact, and whether it is new. The constraints decide, so that two at once make one."""
    for _ in range(_REFERENCE_TRIES):
        contact = Contact(
            reference=_reference(),
            source=facts.source,
            external_id=facts.external_id,
            visitor=facts.visitor,
            person=people.person_key(facts.email),
            name=facts.name,
            email=facts.email,
            subject=facts.subject,
            message=facts.message,
            order_number=facts.order_number,
            locale=facts.locale,
            after_article_id=facts.after_article_id,
            received_at=facts.received_at,
        )
        try:
            with transaction.atomic():
                contact.save(force_insert=True)
            return contact, True
        except IntegrityError:
            # Either it is in already, or the reference is taken; any other broken rule shows itself again below.
            if known := _known(facts):
                return known, False
            if not Contact.objects.filter(reference=contact.reference).exists():
                raise
    raise NoReferenceLeft


def _known(facts: Facts) -> Contact | None:
    if not facts.external_id:
        return None
    return Contact.objects.filter(source=facts.source, external_id=facts.external_id).first()


def _reference() -> str:
    return "C-" + "".join(secrets.choice(_ALPHABET) for _ in range(6))
