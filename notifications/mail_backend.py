"""Django's mail API, delivered by the provider that settings.MAIL_PROVIDER names.

For mail that is no Message: confirmations of contacts, whatever Django itself sends. Nobody is held out from it and
nothing is retried here; the caller decides by what is raised, in the words that Django's SMTP backend has taught it:

- 0 from send(): we must not write to this address (suppression), so nothing was handed over;
- SMTPConnectError: the provider takes nothing now, nothing was handed over, later may be better;
- SMTPDataError: the provider refused this mail for good;
- SMTPServerDisconnected: handed over or not, nobody can tell.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from email.header import decode_header, make_header
from email.utils import parseaddr
from smtplib import SMTPConnectError, SMTPDataError, SMTPException, SMTPServerDisconnected

from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend

from core.people import person_key
from notifications import pausing, suppression
from notifications.providers import provider_for_settings
from notifications.providers.base import DeliveryError, Fate, Mail, Provider


class ProviderBackend(BaseEmailBackend):
    """One mail to each recipient; text and HTML, no attachments."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """How many were taken for at least one recipient. Raises what the module says, unless it must fail silently."""
        provider = provider_for_settings()
        taken = 0
        for message in email_messages:
            try:
                taken += any([_send(provider, mail) for mail in _mails(message)])  # noqa: C419  to each of them
            except SMTPException:
                if not self.fail_silently:
                    raise
        return taken


def _send(provider: Provider, mail: Mail) -> bool:
    if suppression.reason_not_to_write(person_key(mail.to_address), scope=suppression.ALL):
        return False
    if pausing.is_paused(provider.name):
        raise SMTPConnectError(421, "the mail provider is paused")
    try:
        provider.deliver(mail)
    except DeliveryError as error:
        match error.fate:
            case Fate.BUSY if error.retry_after:
                pausing.pause(provider.name, seconds=error.retry_after, reason=str(error))
                raise SMTPConnectError(421, str(error)) from error
            case Fate.NOT_SENT | Fate.BUSY | Fate.CIRCUIT:
                pausing.note_failure(provider.name, reason=str(error))
                raise SMTPConnectError(421, str(error)) from error
            case Fate.LATER:
                raise SMTPDataError(450, str(error)) from error
            case Fate.REJECTED | Fate.TOO_LARGE:
                raise SMTPDataError(554, str(error)) from error
            case _:
                raise SMTPServerDisconnected(str(error)) from error
    pausing.note_success(provider.name)
    return True


def _mails(message: EmailMessage) -> list[Mail]:
    """The provider's mails for one of Django's. Raises ValueError for what a provider's Mail cannot carry."""
    if message.attachments:
        raise ValueError("notifications.mail_backend sends no attachments: put a link into the mail instead")
    html = ""
    if isinstance(message, EmailMultiAlternatives):
        if any(alternative[1] != "text/html" for alternative in message.alternatives):
            raise ValueError("notifications.mail_backend sends text and HTML, no other alternative")
        html = next((str(alternative[0]) for alternative in message.alternatives), "")
    headers = {name: str(value) for name, value in message.extra_headers.items()}
    same_mail = headers.get("Message-ID") or uuid.uuid4().hex
    from_name, from_address = _parts(message.from_email)
    mails = []
    for recipient in message.recipients():
        to_name, to_address = _parts(recipient)
        mails.append(
            Mail(
                # The same mail has the same id, so that the outbox keeps it once.
                message_id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{same_mail} {to_address}")),
                attempt=1,
                to_address=to_address,
                to_name=to_name,
                from_address=from_address,
                from_name=from_name,
                subject=str(message.subject),
                text=str(message.body),
                html=html,
                headers=headers,
                reply_to=_parts(message.reply_to[0])[1] if message.reply_to else "",
            )
        )
    return mails


def _parts(address: str) -> tuple[str, str]:
    """Name and address; a name that was encoded for a header (RFC 2047) is made readable again."""
    name, bare = parseaddr(address)
    return str(make_header(decode_header(name))), bare
