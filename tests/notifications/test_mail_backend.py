"""Django's mail API, delivered by our provider."""

from __future__ import annotations

import smtplib
from email.utils import formataddr

import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection, send_mail
from django.utils import timezone

from core.people import person_key
from notifications import pausing, providers, suppression
from notifications.models import OutboxMail, ProviderPause, SuppressionReason
from notifications.providers import sendgrid
from notifications.providers.base import DeliveryError, Fate, Mail
from tests.fakes import sendgrid_rules

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _through_our_backend(settings):
    settings.EMAIL_BACKEND = "notifications.mail_backend.ProviderBackend"


def a_mail(**changes) -> EmailMultiAlternatives:
    given = {
        "subject": "We have your message",
        "body": "in words",
        "from_email": formataddr(("Söhne & Co", "shop@example.org")),
        "to": ["Ada <ada@example.com>"],
        "reply_to": [formataddr(("Söhne", "help@example.org"))],
        "headers": {"Auto-Submitted": "auto-replied", "Message-ID": "<one@example.org>"},
        **changes,
    }
    made = EmailMultiAlternatives(**given)
    made.attach_alternative("<p>in words</p>", "text/html")
    return made


class Provider:
    name = "troubled"

    def __init__(self, fate: Fate, retry_after: float | None = None) -> None:
        self.error = DeliveryError("no", fate=fate, retry_after=retry_after)

    def deliver(self, mail: Mail):
        raise self.error


def in_trouble(monkeypatch, fate: Fate, retry_after: float | None = None) -> None:
    monkeypatch.setattr("notifications.mail_backend.provider_for_settings", lambda: Provider(fate, retry_after))


def test_the_console_keeps_text_html_and_headers():
    assert a_mail().send() == 1
    row = OutboxMail.objects.get()
    assert (row.to_address, row.subject, row.text, row.html) == (
        "ada@example.com", "We have your message", "in words", "<p>in words</p>",
    )  # fmt: skip
    assert row.headers["Auto-Submitted"] == "auto-replied"
    assert row.headers["Reply-To"] == "help@example.org"


def test_the_same_mail_twice_is_in_the_outbox_once_and_another_beside_it():
    a_mail().send()
    a_mail().send()
    assert OutboxMail.objects.count() == 1
    a_mail(headers={}).send()
    a_mail(headers={}).send()
    assert OutboxMail.objects.count() == 3


def test_sendgrid_would_take_it(monkeypatch):
    handed = []
    monkeypatch.setattr("notifications.providers.console.Console.deliver", lambda self, mail: handed.append(mail))
    a_mail().send()
    payload = sendgrid.payload(handed[0])
    assert payload["reply_to"] == {"email": "help@example.org"}
    assert payload["from"] == {"email": "shop@example.org", "name": "Söhne & Co"}
    assert sendgrid_rules.errors(payload, now=timezone.now()) == []


def test_an_address_that_bounced_is_not_written_to():
    suppression.suppress(
        person_key("ada@example.com"), scope=suppression.ALL, reason=SuppressionReason.BOUNCED, at=timezone.now()
    )
    assert a_mail().send() == 0
    assert not OutboxMail.objects.exists()


def test_each_recipient_gets_a_mail_of_their_own():
    assert send_mail("s", "b", "shop@example.org", ["a@example.com", "b@example.com"]) == 1
    assert set(OutboxMail.objects.values_list("to_address", flat=True)) == {"a@example.com", "b@example.com"}


@pytest.mark.parametrize(
    ("fate", "raised"),
    [
        (Fate.NOT_SENT, smtplib.SMTPConnectError),
        (Fate.BUSY, smtplib.SMTPConnectError),
        (Fate.CIRCUIT, smtplib.SMTPConnectError),
        (Fate.LATER, smtplib.SMTPDataError),
        (Fate.REJECTED, smtplib.SMTPDataError),
        (Fate.TOO_LARGE, smtplib.SMTPDataError),
        (Fate.UNKNOWN, smtplib.SMTPServerDisconnected),
    ],
)
def test_what_became_of_it_is_said_in_djangos_words(monkeypatch, fate, raised):
    in_trouble(monkeypatch, fate)
    with pytest.raises(raised):
        a_mail().send()
    assert a_mail().send(fail_silently=True) == 0


def test_a_provider_that_asks_for_a_pause_gets_it(monkeypatch):
    in_trouble(monkeypatch, Fate.BUSY, retry_after=300)
    with pytest.raises(smtplib.SMTPConnectError):
        a_mail().send()
    assert pausing.is_paused("troubled")
    with pytest.raises(smtplib.SMTPConnectError, match="paused"):
        a_mail().send()


def test_a_mail_that_gets_through_ends_the_count_of_failures(monkeypatch):
    pausing.note_failure(providers.provider_for_settings().name, reason="once")
    a_mail().send()
    assert ProviderPause.objects.get().failures == 0


def test_what_a_provider_cannot_carry_is_refused_aloud():
    with_file = EmailMessage("s", "b", "shop@example.org", ["a@example.com"])
    with_file.attach("a.txt", "a", "text/plain")
    with pytest.raises(ValueError, match="no attachments"):
        with_file.send()
    calendar = EmailMultiAlternatives("s", "b", "shop@example.org", ["a@example.com"])
    calendar.attach_alternative("x", "text/calendar")
    with pytest.raises(ValueError, match="no other alternative"):
        calendar.send()


def test_nothing_to_send_is_nothing():
    assert get_connection().send_messages([]) == 0
