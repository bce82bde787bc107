"""Other sites are asked politely, told as broken on the second day, and never a way into our own network."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db.models.functions import Now

from core import clock
from kb.linking import checking, fetching
from kb.linking.fetching import Rule
from kb.models import ArticleLink

pytestmark = pytest.mark.django_db


class Site(BaseHTTPRequestHandler):
    """Answers by the path: /404, /to/<path>, /get-only, /drip …"""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked[self.command, path] += 1
        self.server.agents.add(self.headers["User-Agent"])
        self.server.at.append(time.monotonic())
        if path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to"))
        elif path.startswith("/away/"):
            self.send_response(301)
            self.send_header("Location", self.path.removeprefix("/away/"))
        elif path == "/round":
            self.send_response(302)
            self.send_header("Location", "/round?again")
        elif path == "/get-only":
            self.send_response(200 if self.command == "GET" else 405)
        elif path == "/drip":
            for sign in b"HTTP/1.0 200 OK\r\n" + b"X: " + b"x" * 400:
                self.wfile.write(bytes([sign]))
                self.wfile.flush()
                time.sleep(0.02)
            return
        elif path.removeprefix("/").isdigit():
            self.send_response(int(path.removeprefix("/")))
        else:
            self.send_response(200)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def site():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.asked, server.agents, server.at = Counter(), set(), []
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def inside(site):
    """The product's rule, but for the one host that is the test's own."""
    return Rule(is_allowed=lambda address: address == "127.0.0.1", ports=range(1, 65536))


def ask(url: str, rule: Rule) -> tuple[int | None, str]:
    answer = fetching.ask(url, rule=rule, agent="test")
    return answer.status, answer.trouble


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/", (200, "")),
        ("/204", (204, "")),
        ("/404", (404, "answered")),
        ("/500", (500, "answered")),
        ("/403", (403, "guarded")),
        ("/429", (429, "guarded")),
        ("/get-only", (200, "")),
        ("/to/to/to/", (200, "")),
        ("/to/404", (404, "answered")),
        ("/round", (None, "roundabout")),
        ("/away/ftp://127.0.0.1/", (None, "bad_address")),
        ("/away/javascript:alert(1)", (None, "bad_address")),
        ("/é ü?q=ü", (200, "")),
    ],
)
def test_what_comes_of_an_address(site, inside, path, answer):
    assert ask(site.url + path, inside) == answer


def test_a_good_answer_to_head_is_enough(site, inside):
    ask(f"{site.url}/page", inside)
    assert site.asked == {("HEAD", "/page"): 1}


@pytest.mark.parametrize(
    "url",
    ["", "x", "http://", "http:///a", "ftp://example.com/", "file:///etc/passwd", "http://[::1", "http://a:99999/",
     "http://exa mple.com/", "http://example.com:22/", "http://example.com:6379/", "gopher://example.com/"],
)  # fmt: skip
def test_what_is_no_address_of_the_web_is_not_asked(url):
    assert ask(url, Rule()) == (None, "bad_address")


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "10.0.0.1",
     "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]",
     "[2002:7f00:1::]", "[fec0::1]", "224.0.0.1", "255.255.255.255", "user:pass@127.0.0.1"],
)  # fmt: skip
def test_no_address_inside_a_network_is_connected_to(host, monkeypatch):
    def refuse(*_args, **_more):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket, "create_connection", refuse)
    status, trouble = ask(f"http://{host}/", Rule())
    assert status is None
    assert trouble in ("inside", "no_host", "bad_address")


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "93.184.215.14"])
def test_addresses_of_the_internet_are_allowed(address):
    assert fetching.is_public(address)


def test_a_redirect_into_the_network_is_not_followed(site, monkeypatch):
    """A public site (the test's own stands for it) sends us to a private address."""
    rule = Rule(is_allowed=fetching.is_public, free=(f"127.0.0.1:{site.server_port}",))
    assert ask(f"{site.url}/away/http://169.254.169.254/latest/meta-data", rule) == (None, "inside")
    assert ask(f"{site.url}/away/http://localhost/", rule) == (None, "inside")


def test_a_name_that_answers_otherwise_the_second_time_gains_nothing(site, monkeypatch):
    """DNS rebinding: the address that was looked at is the one that is connected to."""
    answers = iter(["93.184.215.14", "127.0.0.1", "127.0.0.1"])
    tried = []

    def resolve(host, port, *args, **more):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(address, *args, **more):
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    answer = fetching._ask_once(
        "http://rebound.example.com/", "HEAD", rule=Rule(), agent="t", deadline=time.monotonic() + 5
    )
    assert answer == fetching.Answer(None, "refused")
    assert tried == [("93.184.215.14", 80)]


def test_a_name_with_one_public_and_one_private_address_is_refused(monkeypatch):
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("93.184.215.14", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: both)
    assert ask("http://two.example.com/", Rule()) == (None, "inside")


def test_a_site_that_drips_its_answer_holds_nobody_up(site, inside, monkeypatch):
    monkeypatch.setattr(fetching, "_ALL_SECONDS", 0.5)
    assert ask(f"{site.url}/drip", inside) == (None, "no_answer")


def test_a_port_where_nobody_listens_is_refused(inside):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert ask(f"http://127.0.0.1:{port}/", inside) == (None, "refused")


def test_a_name_that_nobody_has_is_no_host(monkeypatch):
    def unknown(*_args, **_more):
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert ask("http://gone.example.com/", Rule()) == (None, "no_host")


def run(rule: Rule, **more: object) -> int:
    return checking.run(rule=rule, pause=0.0, **more)


def all_due() -> None:
    ArticleLink.objects.update(next_check_at=Now())


def states() -> dict[str, str]:
    return {link.address.rpartition("/")[2]: link.state for link in ArticleLink.objects.all()}


def test_a_link_is_broken_after_failures_on_two_days_and_mended_by_one_success(site, inside, write):
    write("Guide", f"[x]({site.url}/404) [y]({site.url}/fine) [z]({site.url}/403)")
    assert run(inside) == 3
    assert states() == {"404": "failing", "fine": "ok", "403": "unsure"}
    assert run(inside) == 0, "nothing is due so soon"
    all_due()
    run(inside)
    assert states()["404"] == "failing", "the same day is no second day"
    with clock.shifted(clock.shift() + timedelta(days=1)), clock.frozen(clock.now() + timedelta(days=1)):
        all_due()
        run(inside)
        link = ArticleLink.objects.get(address__endswith="/404")
        assert (link.state, link.trouble, link.status) == ("broken", "answered", 404)
        assert str(link.failed_on) == "2026-03-02"
    ArticleLink.objects.filter(state="broken").update(address=f"{site.url}/mended")
    all_due()
    run(inside)
    assert states()["mended"] == "ok"
    assert ArticleLink.objects.get(address__endswith="/mended").failed_on is None


def test_an_address_in_many_articles_is_asked_once(site, inside, write):
    for number in range(5):
        write(f"Guide {number}", f"[x]({site.url}/same)")
    run(inside)
    assert site.asked == {("HEAD", "/same"): 1}
    assert set(ArticleLink.objects.values_list("state", flat=True)) == {"ok"}
    assert site.agents == {"Mozilla/5.0 (compatible; PreemptLinkBot/1.0; +http://localhost:8000)"}


def test_one_host_is_asked_one_after_the_other_with_a_pause(site, inside, write):
    write("Guide", " ".join(f"[x]({site.url}/{letter})" for letter in "abc"))
    checking.run(rule=inside, pause=0.1)
    assert all(later - earlier >= 0.1 for earlier, later in zip(site.at, site.at[1:], strict=False))


def test_a_site_that_has_had_enough_of_us_is_left_alone(site, inside, write):
    write("Guide", f"[x]({site.url}/429) [y]({site.url}/500)")
    run(inside)
    assert states() == {"429": "unsure", "500": "unchecked"}
    assert ArticleLink.objects.get(address__endswith="/500").next_check_at is not None


def test_two_workers_never_ask_the_same(site, inside, write):
    write("Guide", f"[x]({site.url}/one)")
    assert checking._claim() == [f"{site.url}/one"]
    assert checking._claim() == []


def test_our_own_pages_and_pictures_are_asked_where_the_site_is(site, write, settings):
    settings.SITE_URL = site.url
    write("Guide", "[x](/en/contact/) ![y](/404)")
    assert checking.run(pause=0.0) == 2
    assert set(states().values()) == {"ok", "failing"}


def test_where_nothing_can_be_reached_nothing_is_told_as_failing(write, monkeypatch):
    def unknown(*_args, **_more):
        raise socket.gaierror("no network")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    write("Guide", " ".join(f"[x](https://{name}.example.com/)" for name in "abc"))
    assert run(Rule()) == 0
    assert set(ArticleLink.objects.values_list("state", flat=True)) == {"unchecked"}
