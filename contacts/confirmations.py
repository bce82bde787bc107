"""The mail that tells a customer that their message is in: asked for with the contact, claimed once, sent at most once.

Sent by Django's mail API, so this room need not know who delivers it. Of its errors only those count as "not handed
over, try again" that can mean nothing else; after any other the mail may be on its way, and two would be worse than
none: the page that followed Send showed the reference already.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from email.utils import formataddr
from functools import partial
from smtplib import SMTPConnectError, SMTPException
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from contacts.models import Confirmation, ConfirmationState, Contact
from core import brand, clock, people, ratelimit
from core.commits import after_commit

logger = logging.getLogger("preempt.contacts")

# Anybody can type anybody's address into the form: it must not become a way to flood a mailbox.
_PER = timedelta(hours=1)
_PER_PERSON = 3
_PER_NETWORK = 30
GOOD_FOR = timedelta(days=1)  # who wrote yesterday has an answer by now, or wrote again
_AT_ONCE = 200


def request(contact: Contact, *, network: str, now: datetime) -> None:
    """Have this contact confirmed, in the caller's transaction; or take down why not."""
    reason = _why_not(contact, network)
    state = ConfirmationState.SKIPPED if reason else ConfirmationState.WAITING
    Confirmation.objects.create(contact=contact, state=state, state_reason=reason, requested_at=now)
    if not reason:
        _ring()


def send_waiting() -> int:
    """Send the confirmations that wait, until the mail system has had enough. Returns how many it took."""
    waiting = Confirmation.objects.filter(state=ConfirmationState.WAITING).order_by("pk").select_related("contact")
    taken = 0
    for confirmation in waiting[:_AT_ONCE]:
        try:
            taken += _send(confirmation, now=clock.now())
        except (ConnectionRefusedError, SMTPConnectError) as error:
            # Nothing was handed over: this one and the rest wait for the next ring.
            _row(confirmation).update(state=ConfirmationState.WAITING, state_reason=str(error)[:200])
            logger.warning("confirmations wait for the mail system", extra={"reason": str(error)})
            break
    return taken


def is_coming(reference: str) -> bool:
    """Whether a confirmation of the contact with this reference was or will be sent."""
    states = (ConfirmationState.WAITING, ConfirmationState.SENDING, ConfirmationState.SENT)
    return Confirmation.objects.filter(contact__reference=reference, state__in=states).exists()


def mail_for(contact: Contact) -> EmailMultiAlternatives:
    """The confirmation of a contact, in its language."""
    look = brand.current()
    with translation.override(contact.locale):
        context = {
            "contact": contact,
            "shop_name": look.name,
            "language": contact.locale,
            "files": [attachment.name for attachment in contact.attachments.all()],
            "quoted": "\n".join(f"> {line}".rstrip() for line in contact.message.split("\n")),
            "hours": settings.SUPPORT_ANSWERS_WITHIN,
            "help_url": settings.SITE_URL + reverse("help:home"),
            "order_url": settings.SITE_URL + reverse("orders:lookup"),
        }
        mail = EmailMultiAlternatives(
            subject=_("We have your message (%(reference)s)") % {"reference": contact.reference},
            body=render_to_string("contacts/mail/confirmation.txt", context),
            from_email=formataddr((look.mail_sender, settings.MAIL_FROM)),
            to=[contact.email],
            reply_to=[formataddr((look.mail_sender, settings.SUPPORT_ADDRESS))],
            headers={
                # RFC 3834: other programs must not answer it. The second is for those of Microsoft.
                "Auto-Submitted": "auto-replied",
                "X-Auto-Response-Suppress": "All",
                # The same whenever it is made, so that a mail system can tell a repetition.
                "Message-ID": f"<{contact.reference}.confirmation@{urlsplit(settings.SITE_URL).hostname}>",
            },
        )
        mail.attach_alternative(render_to_string("contacts/mail/confirmation.html", context), "text/html")
    return mail


def _send(confirmation: Confirmation, *, now: datetime) -> bool:
    row = _row(confirmation)
    if confirmation.requested_at < now - GOOD_FOR:
        row.filter(state=ConfirmationState.WAITING).update(state=ConfirmationState.SKIPPED, state_reason="too late")
        return False
    mail = mail_for(confirmation.contact)
    if not row.filter(state=ConfirmationState.WAITING).update(state=ConfirmationState.SENDING, state_reason=""):
        return False
    try:
        taken = mail.send()
    except (ConnectionRefusedError, SMTPConnectError):
        raise
    except (SMTPException, OSError) as error:
        row.update(state=ConfirmationState.FAILED, state_reason=f"{type(error).__name__}: {error}"[:200])
        logger.warning("confirmation not taken", extra={"contact": confirmation.contact_id, "reason": str(error)})
        return False
    if not taken:
        row.update(state=ConfirmationState.SKIPPED, state_reason="we must not write to this address")
        return False
    row.update(state=ConfirmationState.SENT)
    return True


def _why_not(contact: Contact, network: str) -> str:
    if _mailbox(contact.email) in {_mailbox(settings.MAIL_FROM), _mailbox(settings.SUPPORT_ADDRESS)}:
        return "it is our own address"
    limits = {f"confirm:person:{contact.person}": _PER_PERSON}
    if network:
        limits[f"confirm:network:{network}"] = _PER_NETWORK
    if not ratelimit.allow_all(limits, per=_PER):
        return "too many in an hour"
    return ""


def _mailbox(address: str) -> str:
    """The mailbox that an address leads to: without its tag (help+orders@ is help@)."""
    name, _at, host = people.normalise_email(address).rpartition("@")
    return f"{name.partition('+')[0]}@{host}"


def _row(confirmation: Confirmation) -> QuerySet[Confirmation]:
    return Confirmation.objects.filter(pk=confirmation.pk)


def _ring() -> None:
    from contacts import tasks  # tasks call what rings

    after_commit(partial(tasks.confirm.apply_async, retry=False))  # beat rings again: a dead broker costs a minute
