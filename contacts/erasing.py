"""What contacts keep of people, and how it goes: the texts and files go, the contact itself stays as a count."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Upper

from contacts import attachments
from contacts.models import Attachment, Confirmation, ConfirmationState, Contact, FormVisit
from core.erasure import Counts, Part, Subject, Traits
from core.people import stand_in

_GONE = "[…]"


def empty(contacts: QuerySet[Contact], *, person: str) -> int:
    """Take from contacts all that says who asked, and what in their own words; `person` stands in their place."""
    for contact in contacts.filter(external_id__contains="@"):
        Contact.objects.filter(pk=contact.pk).update(external_id=stand_in(contact.source, contact.external_id))
    return contacts.update(person=person, email="", name="", subject="", message="", order_number="")


def _theirs(subject: Subject) -> QuerySet[Contact]:
    """Their contacts, and those without an address (phone calls) about their orders."""
    by_order = Q(person="", number__in=[number.upper() for number in subject.orders])
    return Contact.objects.annotate(number=Upper("order_number")).filter(
        Q(person=subject.person) | Q(email__iexact=subject.address) | by_order
    )


def _naming(subject: Subject) -> QuerySet[Contact]:
    """Other people's contacts that name the address."""
    return Contact.objects.filter(Q(message__icontains=subject.address) | Q(subject__icontains=subject.address))


def _files(contacts: QuerySet[Contact]) -> QuerySet[Attachment]:
    ids = contacts.values("pk")
    return Attachment.objects.filter(Q(contact__in=ids) | Q(contact=None, visit__contact__in=ids))


def _visits(subject: Subject) -> QuerySet[FormVisit]:
    return FormVisit.objects.filter(visitor__in=subject.visitors)


def _traits(subject: Subject) -> Traits:
    visitors = _theirs(subject).exclude(visitor=None).values_list("visitor", flat=True)
    return Traits(visitors={str(one) for one in visitors})


def _count(subject: Subject) -> Counts:
    theirs = _theirs(subject)
    return {
        "contacts": theirs.count(),
        "files of contacts": _files(theirs).count(),
        "contacts that name the address": _naming(subject).exclude(pk__in=theirs.values("pk")).count(),
        "visits to the contact form": _visits(subject).count(),
    }


def _erase(subject: Subject) -> Counts:
    contacts = Contact.objects.filter(pk__in=list(_theirs(subject).values_list("pk", flat=True)))
    files = list(_files(contacts))
    paths = [attachments.path_of(one.pk) for one in files]
    Attachment.objects.filter(pk__in=[one.pk for one in files]).delete()
    # A crash before this leaves bytes without a row, which attachments.sweep() removes.
    transaction.on_commit(partial(_unlink, paths))
    Confirmation.objects.filter(contact__in=contacts, state=ConfirmationState.WAITING).update(
        state=ConfirmationState.SKIPPED
    )
    Confirmation.objects.filter(contact__in=contacts).update(state_reason="")
    went = {"contacts": empty(contacts, person=subject.alias), "files of contacts": len(files)}
    named = list(_naming(subject))
    for contact in named:
        contact.subject, contact.message = (_without(text, subject) for text in (contact.subject, contact.message))
        contact.save(update_fields=["subject", "message"])
    visits = 0
    for visitor in subject.visitors:
        visits += FormVisit.objects.filter(visitor=visitor).update(visitor=subject.nobody(visitor))
        Contact.objects.filter(visitor=visitor).update(visitor=subject.nobody(visitor))
    return {**went, "contacts that name the address": len(named), "visits to the contact form": visits}


def _without(text: str, subject: Subject) -> str:
    return re.sub(re.escape(subject.address), _GONE, text, flags=re.IGNORECASE)


def _unlink(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _export(subject: Subject) -> dict[str, Any]:
    fields = (
        "reference", "source", "external_id", "received_at", "email", "name", "subject", "message", "order_number",
        "locale",
    )  # fmt: skip
    theirs = _theirs(subject).order_by("received_at", "pk")
    rows = [{**one, "files": []} for one in theirs.values(*fields)]
    by_reference = {row["reference"]: row for row in rows}
    told: dict[str, Any] = {"contacts.json": rows}
    for file in _files(theirs).select_related("contact").order_by("pk"):
        if file.contact is None:
            continue
        name = f"files/{file.contact.reference}-{file.pk.hex[:8]}-{Path(file.name).name}"
        by_reference[file.contact.reference]["files"].append(name)
        path = attachments.path_of(file.pk)
        if path.exists():
            told[name] = path.read_bytes()
    return told


PART = Part(name="contacts", title="Contacts", count=_count, erase=_erase, traits=_traits, export=_export)
