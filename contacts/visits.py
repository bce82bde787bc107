"""The life of one opened contact form: opened, suggestions shown and opened, answered or sent.

The id of the visit travels in the page as a signed token; the row is the lock on which everything about it queues.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from contacts import arms, attachments, confirmations, events, intake, reasons
from contacts.attachments import Refused
from contacts.models import Arm, Contact, ContactSource, FormVisit
from core import crypto, people, ratelimit
from core.events import fire
from core.visitors import Visitor
from kb import selectors as kb_selectors

# A form left open in a tab for months must still send.
_TOKEN_AGE = timedelta(days=365)
_PER = timedelta(minutes=10)
_SENDS_PER_PERSON = 10
_SENDS_PER_NETWORK = 60  # a whole office may share one address
# Two tabs with one text, or a form opened anew because the answer got lost on the way: one question, one contact.
_SAME_WITHIN = timedelta(hours=1)


@dataclass(frozen=True)
class Sent:
    """The message is in, now or since an earlier press of the button. `refused`: files that found no place with it."""

    contact: Contact
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True)
class SentAnother:
    """This form has sent a different message before; the new one needs a form of its own."""

    contact: Contact


@dataclass(frozen=True)
class TooMany:
    """Too many messages in a short time from this person, browser or network; nothing was stored."""


def token(visit_id: uuid.UUID) -> str:
    return crypto.sign("contact-form", visit_id.hex)


def id_of(signed: str) -> uuid.UUID:
    """The visit that a page's token names. Raises core.crypto.BadLink."""
    return uuid.UUID(crypto.unsign("contact-form", signed, max_age=_TOKEN_AGE))


def sent_token(contact: Contact) -> str:
    """What the address of the sent page carries."""
    return crypto.sign("contact-sent", contact.reference)


def reference_of(signed: str) -> str:
    """The reference in a sent page's address. Raises core.crypto.BadLink."""
    reference: str = crypto.unsign("contact-sent", signed, max_age=_TOKEN_AGE)
    return reference


def open_form(
    visit_id: uuid.UUID, *, visitor: Visitor, locale: str, now: datetime, after_article_id: int | None = None
) -> FormVisit:
    """The visit's row; made, drawn into an arm and announced where it is not there yet."""
    if (known := FormVisit.objects.filter(pk=visit_id).first()) is not None:
        return known
    drawn = arms.assign(visitor, now=now)
    visit = FormVisit(
        pk=visit_id,
        visitor=uuid.UUID(visitor.id) if visitor.id else None,
        arm=drawn.arm,
        arm_reason=drawn.reason,
        off_share=drawn.off_share,
        salt=drawn.salt,
        opened_at=now,
        after_article_id=after_article_id,
    )
    opened = events.FormOpened(
        at=now,
        visitor=visitor.id,
        is_returning=bool(visitor.id) and not visitor.is_new,
        form_id=str(visit_id),
        locale=locale,
    )
    try:
        with transaction.atomic():
            visit.save(force_insert=True)
            fire(events.form_opened, opened)
    except IntegrityError:  # a request of the same page was faster
        return FormVisit.objects.get(pk=visit_id)
    return visit


def shows_suggestions(visit: FormVisit) -> bool:
    """Whether this form suggests articles. One from before there were arms does."""
    return visit.arm in (Arm.ON, Arm.NOT_COUNTED, "")


def record_shown(visit_id: uuid.UUID, article_ids: Iterable[int], *, now: datetime) -> None:
    """These articles were suggested. Announced where one of them is new to the visit."""
    with transaction.atomic():
        visit = _locked(visit_id)
        fresh = [article_id for article_id in article_ids if article_id not in visit.shown]
        if not fresh:
            return
        visit.shown = [*visit.shown, *fresh]
        visit.save(update_fields=["shown"])
        fire(
            events.suggestions_shown,
            events.SuggestionsShown(
                at=now,
                visitor=str(visit.visitor or ""),
                form_id=str(visit_id),
                shown=tuple(fresh),
            ),
        )


def record_opened(visit_id: uuid.UUID, article_id: int) -> None:
    """A suggested article was opened. One that was never suggested here is not taken down."""
    with transaction.atomic():
        visit = FormVisit.objects.select_for_update().filter(pk=visit_id).first()
        if visit is not None and article_id in visit.shown and article_id not in visit.opened:
            visit.opened = [*visit.opened, article_id]
            visit.save(update_fields=["opened"])


def answer(visit_id: uuid.UUID, *, article_id: int | None, text: str, now: datetime) -> bool:
    """The customer says that the question is answered, by this article where one is named. False where it was said
    before or the message is already sent. The topic is the article's, else what the typed text is about."""
    with transaction.atomic():
        visit = _locked(visit_id)
        if visit.answered_at is not None or visit.contact_id is not None:
            return False
        visit.answered_at = now
        visit.answered_by_id = article_id if article_id in visit.shown else None
        visit.save(update_fields=["answered_at", "answered_by"])
        if visit.answered_by_id is not None:
            topic = kb_selectors.topic_of(visit.answered_by_id)
        else:
            reason = reasons.read(text).reason
            topic = reason.topic if reason else ""
        fire(
            events.question_answered,
            events.QuestionAnswered(
                at=now,
                visitor=str(visit.visitor or ""),
                form_id=str(visit_id),
                article_id=visit.answered_by_id,
                topic=topic,
            ),
        )
    return True


def send(
    visit_id: uuid.UUID, written: dict[str, str], *, locale: str, network: str, now: datetime
) -> Sent | SentAnother | TooMany:
    """Make the contact of this visit, once, however often and at once the button is pressed.

    `written` holds the form's cleaned name, email, subject, message and order_number; `network` is the address that the
    request came from.
    """
    with transaction.atomic():
        visit = _locked(visit_id)
        if (before := visit.contact) is not None:
            is_same = all(getattr(before, name) == written[name] for name in ("email", "subject", "message"))
            if not is_same:
                return SentAnother(before)
            return Sent(before, tuple(attachments.hand_over(visit, before)))
        # After the lock, so that six presses of one button count as one message.
        if not _may_send(visit, email=written["email"], network=network):
            return TooMany()
        # The person's counter is locked by now: of two tabs the second one waits, and then finds the first one's.
        if (twin := _twin(written, now=now)) is not None:
            return Sent(twin, tuple(attachments.hand_over(visit, twin)))
        contact = intake.receive(
            intake.Facts(
                source=ContactSource.FORM,
                external_id=visit_id.hex,
                received_at=now,
                locale=locale,
                visitor=visit.visitor,
                after_article_id=visit.after_article_id,
                name=written["name"],
                email=written["email"],
                subject=written["subject"],
                message=written["message"],
                order_number=written["order_number"],
            ),
            now=now,
        )
        visit.contact = contact
        visit.save(update_fields=["contact"])
        attachments.hand_over(visit, contact)
        confirmations.request(contact, network=network, now=now)
    return Sent(contact)


def _twin(written: dict[str, str], *, now: datetime) -> Contact | None:
    """The contact that somebody made with these very words a moment ago."""
    return Contact.objects.filter(
        source=ContactSource.FORM,
        person=people.person_key(written["email"]),
        received_at__gt=now - _SAME_WITHIN,
        received_at__lte=now,
        **{name: written[name] for name in ("subject", "message", "order_number")},
    ).first()


def _may_send(visit: FormVisit, *, email: str, network: str) -> bool:
    # Always in this order, since each counter stays locked until the transaction ends.
    keys = {f"contact:person:{people.person_key(email)}": _SENDS_PER_PERSON}
    if network:
        keys[f"contact:network:{network}"] = _SENDS_PER_NETWORK
    if visit.visitor is not None:
        keys[f"contact:visitor:{visit.visitor}"] = _SENDS_PER_PERSON
    return all(ratelimit.allow(key, limit=limit, per=_PER) for key, limit in keys.items())


def _locked(visit_id: uuid.UUID) -> FormVisit:
    return FormVisit.objects.select_for_update(of=("self",)).select_related("contact").get(pk=visit_id)
