"""The SendGrid adapter against a SendGrid on loopback, in every way that a hand-over can end."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from notifications import providers
from notifications.providers.base import Accepted, DeliveryError, Fate, Mail
from notifications.providers.console import Console
from notifications.providers.posting import Times
from notifications.providers.sendgrid import SendGrid, payload
from tests.fakes import sendgrid as fakes

KEY = "SG.test.key"
# Short enough for a test, long enough for a machine under load.
TIMES = Times(connect=1, write=0.5, read=1)
LARGE = "x" * 40_000_000  # more than the kernel buffers between two sockets


def a_mail(**changes: Any) -> Mail:
    mail = Mail(
        message_id=str(uuid.uuid4()),
        attempt=1,
        to_address="ana@example.com",
        to_name="Ana Ruiz",
        from_address="help@shop.example.com",
        from_name="Fernhill & Co",
        subject="Your order 1042 is late",
        text="Hello Ana",
        html="<p>Hello Ana</p>",
        headers={"List-Unsubscribe": "<https://shop.example.com/u/1>"},
        categories=("delay_promise_passed",),
    )
    return dataclasses.replace(mail, **changes)


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[fakes.Handle]:
    with fakes.running(log=tmp_path / "log.jsonl", api_key=KEY) as handle:
        yield handle


@contextlib.contextmanager
def provider_at(url: str, *, key: str = KEY, times: Times = TIMES) -> Iterator[SendGrid]:
    provider = SendGrid(api_key=key, base_url=url, times=times)
    try:
        yield provider
    finally:
        provider.close()


@pytest.fixture
def provider(fake: fakes.Handle) -> Iterator[SendGrid]:
    with provider_at(fake.url) as made:
        yield made


def failure(provider: SendGrid, mail: Mail) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        provider.deliver(mail)
    return caught.value


# --- accepted ---------------------------------------------------------------


def test_an_accepted_mail_stands_in_the_providers_log_with_our_ids_and_no_more_of_ours(
    fake: fakes.Handle, provider: SendGrid
) -> None:
    mail = a_mail(attempt=3)
    accepted = provider.deliver(mail)
    (line,) = fake.log()
    assert accepted == Accepted(provider_msg_id=line["x_message_id"])
    assert line["to"] == ["ana@example.com"]
    assert line["subject"] == "Your order 1042 is late"
    assert line["custom_args"] == {"preempt_message_id": mail.message_id, "preempt_attempt": "3"}
    assert line["headers"] == {"List-Unsubscribe": "<https://shop.example.com/u/1>"}
    assert line["categories"] == ["delay_promise_passed"]


def test_a_mail_without_names_html_headers_and_categories_is_taken(fake: fakes.Handle, provider: SendGrid) -> None:
    provider.deliver(a_mail(to_name="", from_name="", html="", headers={}, categories=()))
    assert len(fake.log()) == 1


def test_text_comes_before_html_and_tracking_stays_off() -> None:
    request = payload(a_mail())
    assert [part["type"] for part in request["content"]] == ["text/plain", "text/html"]
    assert request["personalizations"][0]["to"] == [{"email": "ana@example.com", "name": "Ana Ruiz"}]
    assert request["tracking_settings"] == {
        "click_tracking": {"enable": False, "enable_text": False},
        "subscription_tracking": {"enable": False},
    }


def test_an_address_is_never_taken_apart_for_a_name() -> None:
    (to,) = payload(a_mail(to_name="", to_address="ana(home)@example.com"))["personalizations"][0]["to"]
    assert to == {"email": "ana(home)@example.com"}


def test_mails_share_one_connection(fake: fakes.Handle, provider: SendGrid) -> None:
    before = fake.state()["connections"]
    for _ in range(5):
        provider.deliver(a_mail())
    assert fake.state()["connections"] - before == 2  # one for five mails, one for asking


def test_many_threads_hand_over_each_mail_once(fake: fakes.Handle, provider: SendGrid) -> None:
    mails = [a_mail(to_address=f"p{n}@example.com") for n in range(100)]
    with ThreadPoolExecutor(8) as pool:
        accepted = list(pool.map(provider.deliver, mails))
    by_message = {line["custom_args"]["preempt_message_id"]: line for line in fake.log()}
    assert len(fake.log()) == len(by_message) == 100
    for mail, answer in zip(mails, accepted, strict=True):
        assert by_message[mail.message_id]["x_message_id"] == answer.provider_msg_id
        assert by_message[mail.message_id]["to"] == [mail.to_address]


def test_a_slow_answer_within_the_time_out_counts(fake: fakes.Handle, provider: SendGrid) -> None:
    fake.order(latency_ms=200)
    provider.deliver(a_mail())
    assert len(fake.log()) == 1


# --- refused ----------------------------------------------------------------


def test_a_bad_recipient_is_rejected_for_good_and_the_next_mail_passes(fake: fakes.Handle, provider: SendGrid) -> None:
    fake.order(refuse_addresses=["ana@example.com"])
    error = failure(provider, a_mail())
    assert (error.fate, error.permanent) == (Fate.REJECTED, True)
    assert "personalizations.0.to.0.email" in str(error)
    assert "ana@example.com" not in str(error)
    provider.deliver(a_mail(to_address="bo@example.com"))
    assert [line["to"] for line in fake.log()] == [["bo@example.com"]]


def test_a_broken_address_and_a_reserved_header_are_rejected(fake: fakes.Handle, provider: SendGrid) -> None:
    assert failure(provider, a_mail(to_address="no address")).fate is Fate.REJECTED
    assert failure(provider, a_mail(headers={"Reply-To": "x@example.com"})).fate is Fate.REJECTED
    assert fake.log() == []


def test_a_text_that_begins_with_an_api_key_never_leaves(fake: fakes.Handle, provider: SendGrid) -> None:
    error = failure(provider, a_mail(text="SG.abc.def is our key"))
    assert error.fate is Fate.REJECTED
    assert "SG.abc" not in str(error)
    assert fake.state()["requests"] == 0


def test_a_wrong_key_opens_the_circuit(fake: fakes.Handle) -> None:
    with provider_at(fake.url, key="SG.other") as stranger:
        error = failure(stranger, a_mail())
    assert (error.fate, error.permanent) == (Fate.CIRCUIT, False)
    assert "SG.other" not in str(error)


@pytest.mark.parametrize(
    ("status", "fate"),
    [
        (403, Fate.CIRCUIT),
        (404, Fate.CIRCUIT),
        (301, Fate.CIRCUIT),
        (413, Fate.TOO_LARGE),
        (400, Fate.REJECTED),
        (429, Fate.BUSY),
        (503, Fate.BUSY),
        (500, Fate.UNKNOWN),
        (502, Fate.UNKNOWN),
        (504, Fate.UNKNOWN),
        (200, Fate.UNKNOWN),
        (408, Fate.UNKNOWN),
    ],
)
def test_every_answer_has_its_fate(fake: fakes.Handle, provider: SendGrid, status: int, fate: Fate) -> None:
    fake.order(answers=[{"status": status}])
    error = failure(provider, a_mail())
    assert error.fate is fate
    assert f"answered {status}" in str(error)
    provider.deliver(a_mail())
    assert len(fake.log()) == 1


def test_a_mail_that_is_really_too_large_says_so(tmp_path: Path) -> None:
    with fakes.running(log=tmp_path / "small", largest=1000) as fake, provider_at(fake.url) as provider:
        assert failure(provider, a_mail(text="x" * 2000)).fate is Fate.TOO_LARGE


def test_an_hour_of_500_can_hide_an_accepted_mail(fake: fakes.Handle, provider: SendGrid) -> None:
    fake.order(answers=[{"times": 3, "status": 500}, {"status": 500, "accept": True}])
    assert [failure(provider, a_mail()).fate for _ in range(4)] == [Fate.UNKNOWN] * 4
    assert len(fake.log()) == 1


def test_an_error_page_of_some_proxy_is_told_short_and_in_one_line(fake: fakes.Handle, provider: SendGrid) -> None:
    fake.order(answers=[{"status": 502, "body": "<html>\n<h1>Bad gateway</h1>\n" + "x" * 100_000}])
    text = str(failure(provider, a_mail()))
    assert "Bad gateway" in text
    assert "\n" not in text
    assert len(text) < 300


# --- busy -------------------------------------------------------------------


def test_429_tells_the_seconds_to_the_reset_by_the_providers_own_clock(fake: fakes.Handle, provider: SendGrid) -> None:
    fake.order(answers=[{"status": 429, "reset_in": 30}])
    error = failure(provider, a_mail())
    assert error.fate is Fate.BUSY
    assert error.retry_after in (29.0, 30.0)  # 29 if a second passed between the two headers


DATE = "Fri, 01 Dec 2017 10:00:00 GMT"  # years from this machine's clock: only the difference counts
TEN = 1512122400


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"X-RateLimit-Reset": str(TEN + 45)}, 45),
        ({"X-RateLimit-Reset": str(TEN)}, 0),
        ({"X-RateLimit-Reset": str(TEN + 10**6)}, 3600),
        ({"X-RateLimit-Reset": str(TEN - 5)}, None),
        ({"X-RateLimit-Reset": "soon"}, None),
        ({"X-RateLimit-Reset": "9" * 40}, None),
        ({"Retry-After": "12"}, 12),
        ({"Retry-After": "12", "X-RateLimit-Reset": str(TEN + 45)}, 12),
        ({"Retry-After": "Fri, 01 Dec 2017 10:01:00 GMT"}, 60),
        ({"Retry-After": "later"}, None),
        ({"Date": "yesterday", "X-RateLimit-Reset": str(TEN + 45)}, None),
        ({}, None),
    ],
)
def test_the_moment_to_come_back_is_read_or_left_open(
    fake: fakes.Handle, provider: SendGrid, headers: dict[str, str], seconds: float | None
) -> None:
    for status in (429, 503):
        fake.order(answers=[{"status": status, "headers": {"Date": DATE, **headers}}])
        error = failure(provider, a_mail())
        assert (error.fate, error.retry_after) == (Fate.BUSY, seconds)


# --- no answer: may have been handed over -----------------------------------


@pytest.mark.parametrize("accept", [True, False], ids=["accepted", "not accepted"])
@pytest.mark.parametrize("then", ["hang", "reset"])
def test_no_answer_after_the_whole_request_is_unknown_and_is_never_tried_again(
    fake: fakes.Handle, provider: SendGrid, then: str, accept: bool
) -> None:
    fake.order(answers=[{"then": then, "accept": accept}])
    error = failure(provider, a_mail())
    assert (error.fate, error.permanent, error.retry_after) == (Fate.UNKNOWN, False, None)
    assert fake.state()["requests"] == 1
    assert len(fake.log()) == accept


def test_a_small_mail_cut_off_by_a_reset_is_unknown_for_the_kernel_had_taken_it(
    fake: fakes.Handle, provider: SendGrid
) -> None:
    fake.order(answers=[{"then": "reset_before_body"}])
    # Whether the reset overtakes the body is a race that this machine cannot see from the outside.
    assert failure(provider, a_mail()).fate in (Fate.UNKNOWN, Fate.NOT_SENT)
    assert fake.log() == []


# --- provably not handed over -----------------------------------------------


def test_a_large_mail_cut_off_in_the_middle_was_not_sent(fake: fakes.Handle, provider: SendGrid) -> None:
    fake.order(answers=[{"then": "reset_before_body"}])
    error = failure(provider, a_mail(text=LARGE))
    assert (error.fate, error.permanent) == (Fate.NOT_SENT, False)
    provider.deliver(a_mail())
    assert len(fake.log()) == 1


def test_a_refused_connection_was_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with provider_at(f"http://127.0.0.1:{port}") as provider:
        assert failure(provider, a_mail()).fate is Fate.NOT_SENT


def test_a_name_that_does_not_resolve_was_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_name(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    # The one thing replaced: a test must not ask the network's name servers.
    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    with provider_at("http://mail.invalid") as provider:
        assert failure(provider, a_mail()).fate is Fate.NOT_SENT


def test_a_server_that_lets_nobody_in_was_not_sent() -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):  # more than the queue holds
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        times = Times(connect=0.3, write=1, read=1)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        provider = stack.enter_context(provider_at(url, times=times))
        error = failure(provider, a_mail())
    assert error.fate is Fate.NOT_SENT
    assert "timed out" in str(error)


@contextlib.contextmanager
def speaking(*talks: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that treats its first connection by the first of `talks`, and so on; yields its URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for talk in talks:
                connection, _ = server.accept()
                with connection:
                    talk(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join(10)
        assert not thread.is_alive()


def read_head(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(1024)
    return data


def read_request(connection: socket.socket) -> bytes:
    """All of it. Returns the head."""
    head, _, body = read_head(connection).partition(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < size:
        body += connection.recv(65536)
    return head


def test_a_broken_tls_handshake_was_not_sent() -> None:
    def plain(connection: socket.socket) -> None:
        connection.recv(1024)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with speaking(plain) as url, provider_at(url.replace("http://", "https://")) as provider:
        error = failure(provider, a_mail())
    assert error.fate is Fate.NOT_SENT
    assert "SSL" in str(error)


def test_a_server_that_stops_reading_was_not_sent() -> None:
    done = threading.Event()

    def stop_reading(connection: socket.socket) -> None:
        read_head(connection)
        done.wait(10)

    with speaking(stop_reading) as url, provider_at(url) as provider:
        error = failure(provider, a_mail(text=LARGE))
        done.set()
    assert error.fate is Fate.NOT_SENT
    assert "timed out" in str(error)


def test_a_500_that_comes_before_the_whole_request_was_not_sent() -> None:
    def too_early(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")

    with speaking(too_early) as url, provider_at(url) as provider:
        assert failure(provider, a_mail(text=LARGE)).fate is Fate.NOT_SENT


def test_a_202_counts_even_if_the_connection_breaks_right_after_it() -> None:
    def cut_short(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 202 Accepted\r\nX-Message-Id: abc\r\nContent-Length: 99\r\n\r\nx")

    with speaking(cut_short) as url, provider_at(url) as provider:
        assert provider.deliver(a_mail()) == Accepted("abc")


def test_an_answer_that_is_no_http_is_unknown() -> None:
    def nonsense(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"hello\r\n\r\n")

    with speaking(nonsense) as url, provider_at(url) as provider:
        assert failure(provider, a_mail()).fate is Fate.UNKNOWN


def test_a_connection_that_the_server_closed_between_two_mails_is_not_used_again() -> None:
    def one_mail(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 202 Accepted\r\nX-Message-Id: abc\r\nContent-Length: 0\r\n\r\n")

    closed = threading.Event()

    def one_and_close(connection: socket.socket) -> None:
        one_mail(connection)
        connection.shutdown(socket.SHUT_RDWR)
        closed.set()

    with speaking(one_and_close, one_mail) as url, provider_at(url) as provider:
        provider.deliver(a_mail())
        assert closed.wait(5)
        assert provider.deliver(a_mail()) == Accepted("abc")


def test_a_proxy_of_the_environment_is_asked_and_its_refusal_means_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    heads: list[bytes] = []

    def takes(connection: socket.socket) -> None:
        heads.append(read_request(connection).partition(b"\r\n")[0])
        connection.sendall(b"HTTP/1.1 202 Accepted\r\nX-Message-Id: abc\r\nContent-Length: 0\r\n\r\n")

    def refuses(connection: socket.socket) -> None:
        heads.append(read_head(connection))
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    with speaking(takes, refuses) as url:
        for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", url)
        monkeypatch.setenv("https_proxy", url.replace("http://", "http://ana:secret@"))
        with provider_at("http://mail.example.com") as plain:
            assert plain.deliver(a_mail()) == Accepted("abc")
        with provider_at("https://mail.example.com") as tunnelled:
            assert failure(tunnelled, a_mail()).fate is Fate.NOT_SENT
    assert heads[0] == b"POST http://mail.example.com/v3/mail/send HTTP/1.1"
    assert heads[1].startswith(b"CONNECT mail.example.com:443 HTTP/1.")
    assert b"Proxy-Authorization: Basic YW5hOnNlY3JldA==" in heads[1]


def test_a_proxy_that_cannot_be_spoken_to_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1080")
    with pytest.raises(ValueError, match="socks5"):
        SendGrid(api_key=KEY, base_url="https://mail.example.com")


# --- choosing ---------------------------------------------------------------


def test_the_settings_choose_the_provider(settings: Any) -> None:
    settings.MAIL_PROVIDER = "console"
    assert isinstance(providers.provider_for_settings(), Console)
    settings.MAIL_PROVIDER, settings.SENDGRID_API_KEY = "sendgrid", KEY
    chosen = providers.provider_for_settings()
    assert chosen.name == "sendgrid"
    assert providers.provider_for_settings() is chosen


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"MAIL_PROVIDER": "pigeon"}, ["MAIL_PROVIDER", "'pigeon'", "console, sendgrid"]),
        ({"MAIL_PROVIDER": "sendgrid", "SENDGRID_API_KEY": ""}, ["SENDGRID_API_KEY", "empty"]),
        (
            {"MAIL_PROVIDER": "sendgrid", "SENDGRID_API_KEY": "SG.a\nX: y"},
            ["SENDGRID_API_KEY", "line breaks"],
        ),
        (
            {"MAIL_PROVIDER": "sendgrid", "SENDGRID_API_KEY": KEY, "SENDGRID_URL": "api.example.com"},
            ["SENDGRID_URL", "https://"],
        ),
    ],
)
def test_a_wrong_setting_is_named(settings: Any, changes: dict[str, str], words: list[str]) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)
    with pytest.raises(ImproperlyConfigured) as caught:
        providers.provider_for_settings()
    for word in words:
        assert word in str(caught.value)
    assert "X: y" not in str(caught.value)
