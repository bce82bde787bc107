"""Twilio SendGrid: one mail out by POST /v3/mail/send. Its reports come in by sendgrid_events.py.

The request is built with the official package's helpers and posted by our own pooled client with time-outs
(docs/decisions/0005-sendgrid-client.md). SendGrid has no idempotency key, so the whole care of this module is
to say for every failure whether the mail can have been handed over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar

from sendgrid.helpers import mail as helpers

from notifications.providers import sendgrid_batch
from notifications.providers.base import Accepted, Capabilities, DeliveryError, Fate, Mail
from notifications.providers.posting import Answer, NoAnswer, NotSent, Poster, Times
from notifications.providers.sendgrid_events import ATTEMPT_ARG, MESSAGE_ARG, NAME, parse_events, verify

__all__ = ["ATTEMPT_ARG", "MESSAGE_ARG", "NAME", "SendGrid", "parse_events", "payload", "verify"]

Content = TypeVar("Content", Mail, Sequence[Mail])

_TIMES = Times(connect=3, write=5, read=20)
_TIMEOUT_SECONDS = 34.0  # two addresses tried, or one and its TLS; write, read, and a little
_LONGEST_WAIT = 3600.0  # seconds; a reset further away is a mistake and would stop a lane for nothing


class SendGrid:
    """The SendGrid adapter. One per process and thread-safe: it keeps connections open between mails."""

    name = NAME
    capabilities = Capabilities(timeout_seconds=_TIMEOUT_SECONDS, most_together=sendgrid_batch.MOST, most_at_once=32)

    def __init__(self, *, api_key: str, base_url: str, times: Times = _TIMES) -> None:
        """Raises ValueError, naming the setting, for a key or an address that no request can be made with."""
        if not api_key or not api_key.isascii() or not api_key.isprintable() or " " in api_key:
            raise ValueError("SENDGRID_API_KEY is empty or has spaces, line breaks or non-ASCII in it.")
        if not base_url.startswith(("https://", "http://")):
            raise ValueError(f"SENDGRID_URL={base_url!r} does not begin with https://.")
        try:
            self._poster = Poster(
                base_url,
                headers={"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"},
                times=times,
            )
        except ValueError as error:
            raise ValueError(f"SENDGRID_URL={base_url!r} cannot be posted to: {error}.") from error

    def close(self) -> None:
        """Close the open connections."""
        self._poster.close()

    def deliver(self, mail: Mail) -> Accepted:
        """Hand one mail to SendGrid. Raises DeliveryError; _post() and _refuse() say how its fate is told."""
        return self._post(_encode(payload, mail), [mail])

    def together(self, mails: Sequence[Mail]) -> list[list[Mail]]:
        """The mails in groups of at most 1,000 for deliver_many()."""
        return sendgrid_batch.together(mails)

    def deliver_many(self, mails: Sequence[Mail]) -> Accepted:
        """Hand over one group of together() in one request, all or none. Raises DeliveryError for all of them."""
        if len(mails) == 1:
            return self.deliver(mails[0])
        return self._post(_encode(sendgrid_batch.payload, mails), mails)

    def _post(self, body: bytes, mails: Sequence[Mail]) -> Accepted:
        try:
            answer = self._poster.post("/v3/mail/send", body)
        except NotSent as error:
            raise DeliveryError(f"SendGrid was not reached ({error})", fate=Fate.NOT_SENT) from error
        except NoAnswer as error:
            raise DeliveryError(f"SendGrid did not answer ({error})", fate=Fate.UNKNOWN) from error
        if answer.status == HTTPStatus.ACCEPTED:
            return Accepted(provider_msg_id=answer.headers.get("X-Message-Id", ""))
        _refuse(answer, mails)

    def has(self, message_id: str, attempt: int) -> None:
        """SendGrid cannot be asked by our ids; its events tell."""
        return


def payload(mail: Mail) -> dict[str, Any]:
    """The request's JSON for one mail: one personalization, text before HTML."""
    # Not To(address, name): without a name that would parse the address as "Name <address>".
    to = helpers.To()
    to.email = mail.to_address
    to.name = mail.to_name or None
    sender = helpers.From()
    sender.email = mail.from_address
    sender.name = mail.from_name or None

    personalization = helpers.Personalization()
    personalization.add_to(to)
    personalization.add_custom_arg(helpers.CustomArg(MESSAGE_ARG, mail.message_id))
    personalization.add_custom_arg(helpers.CustomArg(ATTEMPT_ARG, str(mail.attempt)))

    message = helpers.Mail(from_email=sender, subject=mail.subject)
    message.add_personalization(personalization)
    for mime_type, content in ((helpers.MimeType.text, mail.text), (helpers.MimeType.html, mail.html)):
        if content:
            message.add_content(helpers.Content(mime_type, content))
    if mail.reply_to:
        message.reply_to = helpers.ReplyTo(mail.reply_to)
    for key, value in mail.headers.items():
        message.add_header(helpers.Header(key, value))
    for category in mail.categories:
        message.add_category(helpers.Category(category))
    message.tracking_settings = sendgrid_batch.untracked()
    result: dict[str, Any] = message.get()
    return result


def _encode(make: Callable[[Content], dict[str, Any]], content: Content) -> bytes:
    try:
        return json.dumps(make(content)).encode()
    except helpers.ApiKeyIncludedException as error:
        raise DeliveryError("the mail's text begins with a SendGrid API key", fate=Fate.REJECTED) from error


def _refuse(answer: Answer, mails: Sequence[Mail]) -> NoReturn:
    """Raise what an answer other than 202 means."""
    status = answer.status
    said = f"SendGrid answered {status}: {_reasons(answer.body, mails)}"
    match status:
        case 400 | 406 | 411 | 415 | 422:
            raise DeliveryError(said, fate=Fate.REJECTED)
        case 401 | 402 | 403:
            raise DeliveryError(f"{said} Check the API key, its scopes and the sender.", fate=Fate.CIRCUIT)
        case 413:
            raise DeliveryError(said, fate=Fate.TOO_LARGE)
        case 429 | 503:
            raise DeliveryError(said, fate=Fate.BUSY, retry_after=_retry_after(answer.headers))
        case 404 | 405 | 410 | 301 | 302 | 303 | 307 | 308:
            raise DeliveryError(f"{said} Check SENDGRID_URL.", fate=Fate.CIRCUIT)
    if answer.is_early:
        raise DeliveryError(f"{said} It came before the whole request was sent.", fate=Fate.NOT_SENT)
    # 500, 502, 504, a 200 (which SendGrid gives in sandbox mode only) and whatever else is not in its book.
    raise DeliveryError(said, fate=Fate.UNKNOWN)


def _retry_after(headers: Message) -> float | None:
    """Seconds until SendGrid takes mail again, or None if it does not say.

    X-RateLimit-Reset is a moment on SendGrid's clock, so it is held against its own Date and never our clock.
    """
    try:
        if value := headers.get("Retry-After", "").strip():
            seconds = float(value) if value.isdecimal() else _until(parsedate_to_datetime(value), headers)
        else:
            reset = datetime.fromtimestamp(int(headers["X-RateLimit-Reset"]), tz=UTC)
            seconds = _until(reset, headers)
    except (KeyError, ValueError, TypeError, OverflowError, OSError):
        return None
    return min(seconds, _LONGEST_WAIT) if seconds >= 0 else None


def _until(moment: datetime, headers: Message) -> float:
    return (moment - parsedate_to_datetime(headers["Date"])).total_seconds()


def _reasons(body: bytes, mails: Sequence[Mail]) -> str:
    """SendGrid's own explanation, one line, without the customers' addresses."""
    try:
        errors = [(one.get("field"), one["message"]) for one in json.loads(body)["errors"]]
        text = " ".join(f"{field}: {message}" if field else message for field, message in errors)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        text = body.decode("utf-8", "replace")
    for mail in mails:
        text = text.replace(mail.to_address, "<address>")
    text = " ".join(text.split())
    return text[:200] or "(no text)"
