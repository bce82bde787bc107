"""The sender check on the desk and on a terminal, and the rates beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from core import clock
from core.roles import ANALYST, OPS
from notifications import tasks
from notifications.models import CheckState, DeliveryEvent, Message, MessageState, SenderCheck
from notifications.sender import mailboxes, rates, runs
from notifications.sender.asked import domain_of, sender_of_settings
from notifications.sender.rates import Rate, Standing
from tests.config.staff import make
from tests.fakes import dns
from tests.fakes.dns import text
from tests.notifications.mailing import drain, ready
from tests.notifications.sender.zones import DOMAIN, smtp_zone
from tests.notifications.shop import DAY, NOW

pytestmark = pytest.mark.django_db
PAGE, CHECK = "/desk/sender/", "/desk/sender/check/"


@pytest.fixture(autouse=True)
def _thursday_noon() -> Iterator[None]:
    with clock.frozen(NOW):
        yield


@pytest.fixture
def server(settings: Any) -> Iterator[dns.Server]:
    settings.MAIL_FROM, settings.SITE_URL = f"help@{DOMAIN}", "https://help.example.com"
    settings.MAIL_PROVIDER, settings.MAIL_FAILOVER, settings.SMTP_URL = "smtp", "", "smtp://mail.example.com"
    settings.DKIM_SELECTORS = ["k1"]
    with dns.running(smtp_zone()) as running:
        settings.DNS_SERVERS = [running.address]
        yield running


@pytest.fixture
def ops() -> Client:
    client = Client()
    client.force_login(make("ops", OPS))
    return client


@pytest.fixture
def in_the_background(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What was handed to the worker, which does it when the test says so."""
    asked: list[int] = []
    monkeypatch.setattr(tasks.check_sender, "delay", asked.append)
    return asked


def command(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("check_sender", *arguments, stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_the_command_says_it_in_words_and_ends_with_0(server: dns.Server) -> None:
    code, said = command()
    assert code == 0, said
    assert said.startswith("Mailbox providers can check that this mail is yours.\n")
    assert "SPF look-ups: ok" in said


def test_the_command_ends_with_1_for_a_problem_and_says_what_to_publish(server: dns.Server) -> None:
    del server.zone["_dmarc.shop.example.com", "TXT"]
    code, said = command()
    assert (code, "no DMARC record" in said) == (1, True)
    assert '    TXT "v=DMARC1; p=none; rua=mailto:dmarc-reports@shop.example.com"\n' in said
    code, said = command("--json")
    found = json.loads(said)
    assert (code, found["level"], found["address"]) == (1, "problem", f"help@{DOMAIN}")
    assert {one["level"] for one in found["findings"]} == {"fine", "problem", "note"}


def test_the_command_ends_with_2_where_dns_is_silent_or_the_address_is_none(server: dns.Server) -> None:
    server.zone["_dmarc.shop.example.com", "TXT"] = [dns.SERVFAIL]
    assert command()[0] == 2
    with pytest.raises(CommandError, match="no e-mail address") as caught:
        call_command("check_sender", "--from", "nobody")
    assert caught.value.returncode == 2


def test_another_from_address_can_be_asked_about(server: dns.Server) -> None:
    code, said = command("--from", "hello@other.example")
    assert (code, "other.example has no SPF record" in said) == (1, True)


@pytest.mark.parametrize(
    "address", ["", "x", "@example.com", "a@", "a b@example.com", "a@-", "a@exa mple.com", "a@localhost"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"no e-mail address|no domain"):
        domain_of(address)


def test_the_settings_say_who_sends(settings: Any) -> None:
    settings.MAIL_FROM, settings.MAIL_PROVIDER, settings.MAIL_FAILOVER = "help@Exämple.com", "sendgrid", ""
    settings.DKIM_SELECTORS, settings.MAIL_RETURN_PATH = ["own"], ""
    found = sender_of_settings()
    assert (found.domain, found.selectors, found.is_return_path_told) == (
        "xn--exmple-cua.com",
        ("own", "s1", "s2"),
        False,
    )
    settings.MAIL_RETURN_PATH = "em1.example.com."
    assert (sender_of_settings().return_path, sender_of_settings().is_return_path_told) == ("em1.example.com", True)


def test_the_page_asks_in_the_background_and_keeps_the_result(
    ops: Client, server: dns.Server, in_the_background: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    assert b"Not looked at yet" in ops.get(PAGE).content
    with django_capture_on_commit_callbacks(execute=True):
        assert ops.post(CHECK).status_code == 302
    assert server.asked.total() == 0
    page = ops.get(PAGE).content.decode()
    assert "0 of 6 parts asked" in page
    assert 'hx-get="/desk/sender/"' in page
    part = ops.get(PAGE, headers={"HX-Request": "true"})
    assert ("HX-Refresh" in part.headers, "<h1>" in part.content.decode()) == (False, False)
    [pk] = in_the_background
    tasks.check_sender(pk)
    assert ops.get(PAGE, headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    page = ops.get(PAGE).content.decode()
    assert "Mailbox providers can check that this mail is yours." in page
    assert "5 Mar 2026, 12:00" in page
    asked = server.asked.total()
    tasks.check_sender(pk)  # a task that comes twice asks once
    ops.get(PAGE)
    assert server.asked.total() == asked


def test_only_one_check_is_under_way_and_a_dead_one_is_taken_over(ops: Client, in_the_background: list[int]) -> None:
    ops.post(CHECK)
    ops.post(CHECK)
    [check] = SenderCheck.objects.all()
    with clock.frozen(NOW + timedelta(minutes=6)):
        assert "No worker has ended this check" in ops.get(PAGE).content.decode()
        ops.post(CHECK)
    check.refresh_from_db()
    assert check.state == CheckState.FAILED
    assert SenderCheck.objects.filter(state__in=runs.OPEN).count() == 1


def test_the_button_is_limited(ops: Client, in_the_background: list[int]) -> None:
    for _ in range(runs.MOST):
        ops.post(CHECK)
        SenderCheck.objects.update(state=CheckState.DONE, report={"address": "a@b.c", "providers": [], "findings": []})
    assert "Asked often lately" in ops.post(CHECK, follow=True).content.decode()
    assert SenderCheck.objects.count() == runs.MOST


def test_an_analyst_sees_the_page_and_has_no_button(server: dns.Server) -> None:
    client = Client()
    client.force_login(make("ana", ANALYST))
    assert CHECK not in client.get(PAGE).content.decode()
    assert client.post(CHECK).status_code == 403


def test_a_wrong_setting_is_said_on_the_page(ops: Client, settings: Any, in_the_background: list[int]) -> None:
    settings.MAIL_FROM = "nonsense"
    ops.post(CHECK)
    tasks.check_sender(SenderCheck.objects.get().pk)
    assert "&#x27;nonsense&#x27; is no e-mail address" in ops.get(PAGE).content.decode()


def test_hostile_records_are_text_on_the_page(ops: Client, server: dns.Server, in_the_background: list[int]) -> None:
    server.zone["_dmarc.shop.example.com", "TXT"] = [text("v=DMARC1; p=<script>alert(1)</script>" + "x" * 10_000)]
    server.zone[DOMAIN, "TXT"] = [text('v=spf1 include:"><img src=x onerror=alert(1)> ~all')]
    ops.post(CHECK)
    tasks.check_sender(SenderCheck.objects.get().pk)
    page = ops.get(PAGE).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "p=&lt;script&gt;alert" in page
    assert "x" * 1_000 not in page


def test_our_own_mails_are_made_anew_for_their_headers(ops: Client, server: dns.Server) -> None:
    ready(2)
    assert "Both headers of RFC 8058 are in 2 mails" in command()[1].replace("\n    ", " ")


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("Ada@Gmail.com", "gmail"),
        ("a@googlemail.com", "gmail"),
        ("a@hotmail.co.uk", "microsoft"),
        ("a@live.com", "microsoft"),
        ("a@yahoo.com.br", "yahoo"),
        ("a@ymail.com", "yahoo"),
        ("a@me.com", "icloud"),
        ("a@gmx.de", "gmx"),
        ("a@web.de", "gmx"),
        ("a@shop.example.com", "rest"),
        ("a@yahoo.shop.example.com", "rest"),
        ("a@notgmail.com", "rest"),
        ("", ""),
    ],
)
def test_the_group_of_an_address(address: str, group: str) -> None:
    assert mailboxes.group_of(address) == group
    assert len(group) <= 12


def test_the_group_is_noted_at_the_hand_over_and_outlives_the_address() -> None:
    [message] = ready(email="ada@yahoo.fr")
    drain()
    message.refresh_from_db()
    assert (message.state, message.mailbox) == (MessageState.ACCEPTED, "yahoo")
    message.customer.email = ""
    message.customer.save()
    assert [(row.name, row.bounces) for row in rates.by_mailbox(now=NOW)] == [("Yahoo and AOL", Rate(0, 1))]


@pytest.mark.parametrize(
    ("count", "of", "standing"),
    [
        (0, 0, Standing.TOO_FEW),
        (0, 1_000, Standing.TOO_FEW),  # up to 0.38 %
        (0, 2_000, Standing.UNDER),
        (1, 300, Standing.TOO_FEW),
        (3, 300, Standing.TOO_FEW),
        (3, 1_204, Standing.TOO_FEW),  # 0.08 % to 0.73 %
        (3, 900, Standing.OVER),  # from 0.11 %
        (20, 10_000, Standing.NEAR),
        (40, 10_000, Standing.OVER),
        (5, 10_000, Standing.UNDER),
    ],
)
def test_a_complaint_rate_is_judged_only_where_there_are_enough(count: int, of: int, standing: Standing) -> None:
    assert Rate(count, of).standing is standing


def test_the_interval_is_wilsons() -> None:
    """Newcombe 1998, table I: 81 of 263 is 0.2553 to 0.3662; 15 of 148: 0.0624 to 0.1605."""
    assert Rate(81, 263).interval == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert Rate(15, 148).interval == pytest.approx((0.0624, 0.1605), abs=5e-5)


def test_rates_have_their_denominators_and_add_up(ops: Client) -> None:
    messages = ready(6)
    shape = [
        ("gmail", "delivered"), ("gmail", "bounced"), ("yahoo", "delivered"), ("yahoo", "delivered"),
        ("yahoo", "accepted"), ("rest", "failed"),
    ]  # fmt: skip
    for message, (mailbox, state) in zip(messages, shape, strict=True):
        Message.objects.filter(pk=message.pk).update(mailbox=mailbox, state=state, eligible_at=NOW - DAY)
    for number in range(2):  # the same complaint told twice
        DeliveryEvent.objects.create(
            provider="sendgrid", event_id=str(number), message=messages[2], kind="complained", at=NOW
        )
    gmail, yahoo, whole = sorted(rates.by_mailbox(now=NOW), key=lambda row: row.bounces.of)
    assert (gmail.bounces, gmail.complaints) == (Rate(1, 2), None)
    assert (yahoo.bounces, yahoo.complaints) == (Rate(0, 3), Rate(1, 2))
    assert (whole.key, whole.bounces, whole.complaints) == ("all", Rate(1, 5), Rate(1, 2))  # Gmail tells nothing
    page = ops.get(PAGE).content.decode()
    assert "1 of 2 delivered" in page
    assert "It tells no sender" in page
    assert "Too few to say" in page
    assert rates.by_mailbox(now=NOW + 40 * DAY) == []
