"""Saying what a contact is about. Each saying is a row of its own; the newest counts."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from contacts import reasons
from contacts.models import Coder, Coding, Contact, ReasonCode
from contacts.phrases import Verdict
from core import audit


def by_rule(contact: Contact, *, now: datetime) -> Verdict:
    """Code a contact by the stored rules. Where they are not sure nothing is written: it stays as it was."""
    verdict = reasons.read(f"{contact.subject}\n{contact.message}")
    if verdict.reason is not None:
        Coding.objects.create(
            contact=contact,
            reason_id=verdict.reason.id,
            coder=Coder.RULE,
            confidence=verdict.confidence,
            at=now,
        )
    return verdict


def by_person(contact: Contact, *, code: str, by: User, now: datetime) -> ReasonCode:
    """Code a contact as somebody on the desk says. Raises ReasonCode.DoesNotExist."""
    reason = ReasonCode.objects.get(code=code)
    with transaction.atomic():
        Coding.objects.create(contact=contact, reason=reason, coder=Coder.PERSON, confidence=1.0, by=by, at=now)
        audit.record(by, "contact.recoded", contact, label=contact.reference, reason=code)
    return reason
