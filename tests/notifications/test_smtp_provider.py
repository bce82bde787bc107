"""The SMTP adapter against a mail server on loopback, in every way that a hand-over can end."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from notifications import providers
from notifications.providers.base import DeliveryError, Fate
from notifications.providers.smtp import Smtp, server_of
from tests.fakes import smtp as fakes
from tests.notifications.test_sendgrid_provider import a_mail


@pytest.fixture
def server() -> Iterator[fakes.Server]:
    with fakes.running(user="shop", password="s3cret/&") as running:
        yield running


def url_of(server: fakes.Server) -> str:
    return server.url.replace(server.password, "s3cret%2F%26")


@pytest.fixture
def provider(server: fakes.Server) -> Iterator[Smtp]:
    made = Smtp(server_of(url_of(server)), connect=1, read=0.5)
    yield made
    made.close()


def failure(provider: Smtp, **changes: Any) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        provider.deliver(a_mail(**changes))
    return caught.value


def test_a_mail_arrives_as_it_was_made(provider: Smtp, server: fakes.Server) -> None:
    mail = a_mail(text=".a line with a dot\nÁna", reply_to="support@shop.example.com", from_name="Fernhill, Ltd.")
    assert provider.deliver(mail).provider_msg_id == "taken as 1234"
    [taken] = server.mails
    assert (taken.sender, taken.recipient) == (mail.from_address, mail.to_address)
    parsed = taken.parsed
    assert str(parsed["From"]) == '"Fernhill, Ltd." <help@shop.example.com>'
    assert (parsed["Subject"], parsed["Reply-To"]) == (mail.subject, "support@shop.example.com")
    assert parsed["List-Unsubscribe"] == mail.headers["List-Unsubscribe"]
    assert mail.message_id in parsed["Message-ID"]
    text, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines() == [".a line with a dot", "Ána"]
    assert html.get_content().strip() == mail.html


def test_one_connection_serves_many_mails(provider: Smtp, server: fakes.Server) -> None:
    for _ in range(3):
        provider.deliver(a_mail())
    assert (len(server.mails), server.connections) == (3, 1)


def test_a_connection_that_the_server_closed_meanwhile_is_not_used_again(provider: Smtp, server: fakes.Server) -> None:
    provider.deliver(a_mail())
    [(kept, _)] = list(provider._kept.queue)
    assert kept.sock is not None
    kept.sock.shutdown(socket.SHUT_RDWR)
    provider.deliver(a_mail())
    assert (len(server.mails), server.connections) == (2, 2)


@pytest.mark.parametrize(
    ("step", "answer", "fate"),
    [
        ("CONNECT", "421 busy", Fate.NOT_SENT),
        ("CONNECT", fakes.HANG, Fate.NOT_SENT),
        ("EHLO", fakes.CLOSE, Fate.NOT_SENT),
        ("AUTH", "535 no", Fate.CIRCUIT),
        ("AUTH", "454 later", Fate.BUSY),
        ("MAIL", "451 later", Fate.BUSY),
        ("MAIL", fakes.HANG, Fate.NOT_SENT),
        ("MAIL", "421 closing", Fate.BUSY),
        ("MAIL", "550 5.7.1 not your sender", Fate.CIRCUIT),
        ("MAIL", "552 message size exceeds the limit", Fate.TOO_LARGE),
        ("RCPT", "450 later", Fate.LATER),
        ("RCPT", "452 4.2.2 mailbox full", Fate.LATER),
        ("RCPT", "451 4.3.0 no disk here", Fate.BUSY),
        ("RCPT", "421 closing", Fate.BUSY),
        ("RCPT", "550 no such user", Fate.REJECTED),
        ("RCPT", fakes.CLOSE, Fate.NOT_SENT),
        ("DATA", fakes.CLOSE, Fate.NOT_SENT),
        ("DATA-END", "452 full", Fate.BUSY),
        ("DATA-END", "554 spam", Fate.REJECTED),
        ("DATA-END", "552 message size exceeds the limit", Fate.TOO_LARGE),
        ("DATA-END", fakes.CLOSE, Fate.UNKNOWN),
        ("DATA-END", fakes.TAKE_AND_CLOSE, Fate.UNKNOWN),
        ("DATA-END", fakes.HANG, Fate.UNKNOWN),
    ],
)
def test_only_after_the_last_line_can_the_server_have_it(
    provider: Smtp, server: fakes.Server, step: str, answer: str, fate: Fate
) -> None:
    server.order(step, answer)
    error = failure(provider)
    assert error.fate is fate
    assert "s3cret" not in str(error)
    assert len(server.mails) == (answer == fakes.TAKE_AND_CLOSE)
    provider.deliver(a_mail())  # the next one goes out, on this connection or another


def test_nobody_there_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    assert failure(Smtp(server_of(f"smtp://127.0.0.1:{port}?plain"), connect=1)).fate is Fate.NOT_SENT


def test_without_encryption_nothing_is_handed_over_unless_the_shop_says_so(server: fakes.Server) -> None:
    error = failure(Smtp(server_of(url_of(server).removesuffix("?plain")), connect=1, read=1))
    assert error.fate is Fate.CIRCUIT
    assert "encryption" in str(error)


def test_a_name_cannot_add_a_header(provider: Smtp, server: fakes.Server) -> None:
    error = failure(provider, to_name="Eve\r\nBcc: all@example.com")
    assert (error.fate, server.mails) == (Fate.REJECTED, [])


def test_an_address_cannot_add_a_command(provider: Smtp, server: fakes.Server) -> None:
    error = failure(provider, to_address="a@example.com>\r\nRCPT TO:<b@example.com")
    assert (error.fate, server.mails, server.connections) == (Fate.REJECTED, [], 0)


@pytest.mark.parametrize("url", ["", "mail.example.com", "http://mail", "smtp://", "smtp://m:port", "smtp://m?tls"])
def test_a_wrong_address_of_the_server_is_named(settings: Any, url: str) -> None:
    settings.MAIL_PROVIDER, settings.SMTP_URL = "smtp", url
    with pytest.raises(ImproperlyConfigured, match="SMTP_URL"):
        providers.provider_for_settings()
