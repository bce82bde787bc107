"""Two providers: the second gets what the first provably does not have, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from core import clock
from notifications import answers, order_links, pausing, providers
from notifications.models import Message, OrderLinkRequest, ProviderPause, SendAttempt
from notifications.providers.sendgrid import SendGrid
from notifications.providers.smtp import Smtp, server_of
from tests.fakes import sendgrid as fakes
from tests.fakes import smtp
from tests.notifications.mailing import KEY, TIMES, drain, log_of, ready, taken
from tests.notifications.shop import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[fakes.Handle]:
    with fakes.running(log=log_of(tmp_path), api_key=KEY) as handle:
        yield handle


@pytest.fixture
def server() -> Iterator[smtp.Server]:
    with smtp.running() as running:
        yield running


@pytest.fixture(autouse=True)
def both(fake: fakes.Handle, server: smtp.Server, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """SendGrid first, a mail server behind it; a test may turn them round."""
    settings.MAIL_PROVIDER, settings.MAIL_FAILOVER = "sendgrid", "smtp"
    first = SendGrid(api_key=KEY, base_url=fake.url, times=TIMES)
    second = Smtp(server_of(server.url), connect=1, read=0.5)
    monkeypatch.setattr(providers, "_provider", lambda name, *more: first if name == "sendgrid" else second)
    monkeypatch.setattr(answers, "backoff", lambda tries: 60.0)  # nothing comes round again within a drain
    with clock.frozen(NOW):
        yield
    first.close()
    second.close()


def retry_at_once() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE notifications_message SET retry_after = NULL")


def attempts_of(message: Message) -> list[tuple[str, str]]:
    return list(SendAttempt.objects.filter(message=message).values_list("provider", "outcome"))


def test_while_the_first_is_paused_the_second_gets_what_is_ready(fake: fakes.Handle, server: smtp.Server) -> None:
    ready(2)
    pausing.pause("sendgrid", seconds=60, reason="429")
    assert drain() == {"accepted": 2}
    assert (len(server.mails), fake.log()) == (2, [])
    assert set(Message.objects.values_list("provider", flat=True)) == {"smtp"}


def test_what_the_first_refused_to_take_now_goes_to_the_second(fake: fakes.Handle, server: smtp.Server) -> None:
    fake.order(answers=[{"times": 1, "status": 503, "headers": {"Retry-After": "600"}}])
    [message] = ready()
    drain()
    retry_at_once()
    assert drain() == {"accepted": 1}
    assert attempts_of(message) == [("sendgrid", "not_sent"), ("smtp", "accepted")]
    assert (len(server.mails), fake.log()) == (1, [])


def test_what_the_first_may_have_never_goes_to_the_second(fake: fakes.Handle, server: smtp.Server) -> None:
    fake.order(answers=[{"times": 1, "accept": True, "status": 500}])
    [message] = ready()
    drain()
    pausing.open_circuit("sendgrid", seconds=60, reason="500")
    retry_at_once()
    assert drain() == {}
    assert attempts_of(message) == [("sendgrid", "unknown")]
    assert (len(server.mails), taken(fake.log())) == (0, [str(message.pk)])


def test_what_the_first_will_never_take_is_not_tried_on_the_second(fake: fakes.Handle, server: smtp.Server) -> None:
    fake.order(refuse_addresses=["name1001@example.com"])
    [message] = ready()
    drain()
    pausing.pause("sendgrid", seconds=60, reason="429")
    assert drain() == {}
    assert attempts_of(message) == [("sendgrid", "rejected")]
    assert server.mails == []


@pytest.mark.parametrize(("answer", "outcome"), [("450 4.2.1 greylisted", "retry"), ("550 no such user", "rejected")])
def test_recipients_that_a_mail_server_does_not_want_open_no_circuit(
    settings: Any, fake: fakes.Handle, server: smtp.Server, answer: str, outcome: str
) -> None:
    settings.MAIL_PROVIDER, settings.MAIL_FAILOVER = "smtp", "sendgrid"
    refused = pausing.PATIENCE + 1
    server.order("RCPT", answer, times=refused)
    ready(refused + 1)
    assert drain() == {outcome: refused, "accepted": 1}
    assert not ProviderPause.objects.filter(failures__gt=0).exists()
    assert (len(server.mails), server.connections, fake.log()) == (1, 1, [])


def test_a_mail_server_that_closes_again_and_again_is_spared(settings: Any, server: smtp.Server) -> None:
    settings.MAIL_PROVIDER, settings.MAIL_FAILOVER = "smtp", ""
    server.order("RCPT", "421 4.3.2 closing", times=100)
    ready(pausing.PATIENCE + 3)
    assert drain() == {"retry": pausing.PATIENCE}
    assert pausing.is_paused("smtp")


def test_a_refused_sender_pauses_the_server_and_gives_up_no_message(settings: Any, server: smtp.Server) -> None:
    settings.MAIL_PROVIDER, settings.MAIL_FAILOVER = "smtp", ""
    server.order("MAIL", "550 5.7.1 not your sender", times=100)
    ready(3)
    assert drain() == {"paused": 1}
    assert set(Message.objects.values_list("state", flat=True)) == {"ready"}


def test_an_order_link_to_a_greylist_waits_and_holds_up_no_other(settings: Any, server: smtp.Server) -> None:
    settings.MAIL_PROVIDER, settings.MAIL_FAILOVER = "smtp", ""
    server.order("RCPT", "450 4.2.1 greylisted")
    orders = [message.episode.shipment.order for message in ready(2)]
    for order in orders:
        order_links.request_again(order, locale="en")
    assert order_links.send_waiting() == 1
    assert sorted(OrderLinkRequest.objects.values_list("state", "tries")) == [("new", 1), ("sent", 0)]
    assert order_links.send_waiting() == 0, "its mailbox is given time, as with any mail"
    OrderLinkRequest.objects.update(retry_after=Now())
    assert order_links.send_waiting() == 1
