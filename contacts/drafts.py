"""From a contact's question to the draft of an article, without what says who asked."""

from __future__ import annotations

import re

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from contacts import cleaning, reasons
from contacts.models import Contact, ContactDraft
from core import audit, clock
from kb import first_drafts
from kb.models import Article

_LONGEST_TITLE = 100
_MOST_LINES = 40


def begin(contact: Contact, *, by: User) -> Article:
    """A draft with the question as its heading and the masked message as notes. Raises first_drafts.NoCategory."""
    title, lines = question(contact)
    coding = contact.codings.select_related("reason").first()
    locale = contact.locale if contact.locale in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
    with transaction.atomic():
        article = first_drafts.begin(
            locale=locale, title=title, lines=lines, topic=reasons.topic(coding.reason) if coding else "", by=by
        )
        ContactDraft.objects.create(contact=contact, article=article, by=by, at=clock.now())
        audit.record(by, "contact.drafted", contact, label=contact.reference, article=article.pk)
    return article


def question(contact: Contact) -> tuple[str, list[str]]:
    """What was asked: a title, and the message line by line; both masked."""
    known = {"names": (contact.name,), "order_number": contact.order_number}
    message = cleaning.anonymous(contact.message, **known)  # type: ignore[arg-type]
    subject = cleaning.line(cleaning.anonymous(contact.subject, **known))  # type: ignore[arg-type]
    first = next((line for line in message.split("\n") if line.strip()), "")
    sentence = re.split(r"(?<=[.!?])\s", first, maxsplit=1)[0]
    title = subject or sentence
    if len(title) > _LONGEST_TITLE:
        title = title[:_LONGEST_TITLE].rsplit(" ", 1)[0] + " …"
    lines = [line for line in message.split("\n") if line.strip()]
    return title, [subject, *lines[:_MOST_LINES]] if subject else lines[:_MOST_LINES]
