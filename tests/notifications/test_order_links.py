"""Who may open an order's page, for how long, and who learns nothing: links, look-up, browsers, the box."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import clock, crypto
from notifications import browsers, links, order_links, suppression
from notifications.models import LinkRevocation, LinkState, OrderLinkRequest, OutboxMail
from tests.notifications import shop
from tests.notifications.shop import NOW

pytestmark = pytest.mark.django_db

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _thursday_noon(settings):
    settings.MAIL_PROVIDER = "console"
    settings.SITE_URL = "http://testserver"
    with clock.frozen(NOW):
        yield


@pytest.fixture
def ada() -> Client:
    return Client(headers={"User-Agent": BROWSER})


@pytest.fixture
def time_passes(monkeypatch):
    """Signatures carry the real time: it is `by` after the test's beginning from now on, in the story as well."""
    real = signing.time.time()

    def pass_by(by: timedelta):
        monkeypatch.setattr(signing.time, "time", lambda: real + by.total_seconds())
        return clock.frozen(NOW + by)

    return pass_by


def path(order, *, how: str = links.LINK) -> str:
    return links.order_url(order, locale="en", how=how).removeprefix("http://testserver")


def ask(client: Client, number: str, email: str):
    return client.post("/en/orders/", {"number": number, "email": email})


def mailed_path() -> str:
    [url] = re.findall(r"http://testserver(/\S+)", OutboxMail.objects.first().text)
    return url


# --- How long a link opens ---


def test_a_link_asked_for_opens_for_a_quarter_of_an_hour_and_one_in_a_mail_for_weeks(ada, time_passes):
    order = shop.parcel().order
    asked, mailed = path(order, how=links.LOOKUP), path(order)
    with time_passes(timedelta(minutes=16)):
        assert ada.get(asked).status_code == 410
        assert ada.get(mailed).status_code == 200
    with time_passes(timedelta(days=61)):
        assert ada.get(mailed).status_code == 410


def test_the_browser_that_opened_it_may_come_back_for_a_day(ada, time_passes):
    order = shop.parcel().order
    asked = path(order, how=links.LOOKUP)
    cookie = ada.get(asked).cookies[browsers.COOKIE]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert order.number not in cookie.value
    with time_passes(20 * HOUR):
        assert ada.get(asked).status_code == 200, "the time of the link is over, this browser's is not"
        assert Client(headers={"User-Agent": BROWSER}).get(asked).status_code == 410
        listed = ada.get("/en/orders/").content.decode()
        [opened] = re.findall(r'<a class="btn btn-small" href="([^"]+)"', listed)
        assert ada.get(opened).status_code == 200
    with time_passes(25 * HOUR):
        assert ada.get(asked).status_code == 410, "coming back has not made the day longer"


def test_the_look_up_lists_what_this_browser_has_opened_and_closing_forgets_it(ada):
    order = shop.parcel().order
    other = shop.parcel("FH-2002", name="Bo").order
    ada.get(path(order))
    ada.get(path(other))
    page = ada.get("/en/orders/").content.decode()
    opened = re.findall(r'<a class="btn btn-small" href="([^"]+)"', page)
    assert [number in page for number in ("FH-1001", "FH-2002")] == [True, True]
    assert ada.get(opened[0]).status_code == 200
    assert ada.post(f"{path(other)}forget/").url == "/en/orders/?closed=1"
    page = ada.get("/en/orders/").content.decode()
    assert "FH-2002" not in page
    assert "FH-1001" in page
    assert "FH-1001" not in Client(headers={"User-Agent": BROWSER}).get("/en/orders/").content.decode()


def test_a_cookie_of_ones_own_making_opens_nothing(ada, time_passes):
    order = shop.parcel().order
    asked = path(order, how=links.LOOKUP)
    for value in ("x", crypto.sign("order", [[order.pk, 0, 1]]), "\x00" * 20, "a" * 5000):
        ada.cookies[browsers.COOKIE] = value
        with time_passes(HOUR):
            assert ada.get(asked).status_code == 410


def test_a_browser_keeps_at_most_five_orders(ada):
    orders = [shop.parcel(f"FH-{number}", name=f"N{number}").order for number in range(7)]
    for order in orders:
        ada.get(path(order))
    page = ada.get("/en/orders/").content.decode()
    assert [f"Order FH-{number}<" in page for number in range(7)] == [False, False, *[True] * 5]


def test_an_expired_link_is_renewed_by_one_press_to_the_orders_own_address(ada, time_passes):
    order = shop.parcel().order
    asked = path(order, how=links.LOOKUP)
    with time_passes(HOUR):
        page = ada.get(asked).content.decode()
        assert f'action="{asked}again/"' in page
        assert "FH-1001" in page
        assert "ada@example.com" not in page
        answer = ada.post(f"{asked}again/")
        assert b"is on its way to the address that it was placed with" in answer.content
        assert b"ada@example.com" not in answer.content
        assert order_links.send_waiting() == 1
        assert OutboxMail.objects.get().to_address == "ada@example.com"
        assert ada.get(mailed_path()).status_code == 200


# --- Stopping links ---


def test_the_customer_stops_every_link_to_an_order_in_every_browser(ada):
    order, other = shop.parcel().order, shop.parcel("FH-1002").order
    theirs, mine, another = path(order), path(order, how=links.LOOKUP), path(other)
    thief = Client(headers={"User-Agent": BROWSER})
    thief.get(theirs)
    assert ada.get(f"{mine}stop/").status_code == 200
    assert not LinkRevocation.objects.exists(), "a GET stops nothing: mail scanners follow links"
    done = ada.post(f"{mine}stop/", {"which": "order"})
    assert b"The links are stopped" in done.content
    for client in (ada, thief):
        closed = client.get(theirs)
        assert closed.status_code == 410
        assert b"This link was stopped" in closed.content
        assert b'href="/en/orders/?order=FH-1001"' in closed.content
    assert ada.get(another).status_code == 200
    assert ada.get(path(order)).status_code == 200, "a link made afterwards opens"
    assert thief.post(f"{theirs}again/").status_code == 410, "nor does a stopped link fetch a new one"


def test_the_customer_stops_the_links_to_all_their_orders_and_choices(ada):
    order, other, of_bo = shop.parcel().order, shop.parcel("FH-1002").order, shop.parcel("FH-2002", name="Bo").order
    choices = links.preferences_url(shop.person_of("Ada"), locale="en").removeprefix("http://testserver")
    paths = [path(one) for one in (order, other, of_bo)]
    assert ada.get(choices).status_code == 200
    ada.post(f"{paths[0]}stop/", {"which": "all"})
    assert [ada.get(one).status_code for one in [*paths, choices]] == [410, 410, 200, 410]


def test_a_signed_link_that_says_nonsense_is_a_broken_one(ada):
    order = shop.parcel().order
    for said in (
        None,
        1,
        [],
        [order.pk],
        [order.pk, "link"],
        ["x", "link", 0],
        [order.pk, "else", 0],
        [10**12, "link", 0],
    ):
        answer = ada.get(f"/en/orders/{crypto.sign('order', said)}/")
        assert answer.status_code == 404, said
        assert b"This link is not complete" in answer.content
    for token in ("a" * 10_000, "%00", "é", "..", "🌱"):
        assert ada.get(f"/en/orders/{token}/").status_code == 404


def test_no_page_behind_a_link_is_kept_found_or_named_to_others(ada):
    order = shop.parcel().order
    for page in (ada.get(path(order)), ada.get(f"{path(order)}stop/"), ada.get("/en/orders/x/")):
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in page.headers["X-Robots-Tag"]
        assert "no-store" in page.headers["Cache-Control"]


def test_a_signed_link_is_in_no_log_line(ada, caplog, time_passes):
    with caplog.at_level("DEBUG"):
        token = path(shop.parcel().order, how=links.LOOKUP)
        ada.get(token)
        with time_passes(25 * HOUR):
            ada.get(token)
            ada.post(f"{token}again/")
        ada.get("/en/orders/" + "b" * 60 + "/")
    assert token.split("/")[3] not in caplog.text
    assert "b" * 60 not in caplog.text


# --- The look-up ---


@pytest.mark.parametrize(
    "typed",
    [
        "FH-1001",
        "fh-1001",
        " # FH 1001 ",
        "#fh1001",
        "FH\u20111001",
        "F\u200bH-10\u00ad01\ufeff",
        "ＦＨ－１００１",
        "FH–1001\x00",
    ],
)
def test_a_number_is_found_however_it_is_written(ada, typed):
    shop.parcel()
    assert ask(ada, typed, " ADA@Example.com\u200b").status_code == 200
    assert order_links.send_waiting() == 1


@pytest.mark.parametrize(
    ("number", "email"),
    [
        ("", ""),
        ("#", "ada@example.com"),
        ("FH-1001", "nobody"),
        ("x" * 10_000, "ada@example.com"),
        ("FH-1001", "a" * 10_000 + "@example.com"),
        ("FH-1001", "ada@example.com, bo@example.com"),
        ("FH-1001", "ada@example.com\r\nBcc: bo@example.com"),
    ],
)
def test_what_cannot_be_right_is_said_and_mails_nobody(ada, number, email):
    shop.parcel()
    answer = ask(ada, number, email)
    assert answer.status_code == 422
    assert b'aria-invalid="true"' in answer.content
    assert len(answer.content) < 20_000
    assert not OrderLinkRequest.objects.exists()


def test_the_site_does_the_same_whether_or_not_there_is_such_an_order(ada):
    shop.parcel()
    ada.get("/en/orders/")  # so that it is no new visitor

    def work(number: str, email: str) -> list[str]:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            ask(ada, number, email)
        return [re.sub(r"'[^']*'", "?", query["sql"]) for query in asked.captured_queries]

    right = work("FH-1001", "ada@example.com")
    assert work("FH-9999", "ada@example.com") == right
    assert work("FH-1001", "bo@example.com") == right


def test_a_number_or_address_asked_for_by_many_mails_no_more_and_nobody_is_told(settings):
    shop.parcel()
    answers = set()
    for place in range(15):
        client = Client(headers={"User-Agent": BROWSER}, REMOTE_ADDR=f"192.0.2.{place}")
        page = ask(client, "FH-1001", "ada@example.com").content.decode()
        answers.add(re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page))
    assert len(answers) == 1
    assert OrderLinkRequest.objects.filter(state=LinkState.REFUSED, state_reason="asked for too often").count() == 5


def test_a_link_is_mailed_to_who_wants_no_other_mail(ada):
    shop.parcel()
    suppression.suppress(shop.person_of("Ada"), scope="all", reason="unsubscribed", at=NOW)
    ask(ada, "FH-1001", "ada@example.com")
    assert order_links.send_waiting() == 1


def test_what_was_typed_for_no_order_is_forgotten_after_a_day(ada):
    ask(ada, "FH-9999", "ada@example.com")
    order_links.send_waiting()
    assert OrderLinkRequest.objects.get().state == LinkState.REFUSED
    with clock.frozen(NOW + 25 * HOUR):
        order_links.send_waiting()
    assert not OrderLinkRequest.objects.exists()


def test_the_link_in_an_address_fills_in_the_number(ada):
    page = ada.get("/en/orders/", {"order": " #FH-1001<script>"}).content.decode()
    assert 'value="FH-1001&lt;script&gt;"' in page


# --- The box in another page ---


def box(client: Client, **fields: str):
    return client.post("/en/orders/box/", fields, headers={"HX-Request": "true"}).content.decode()


def test_the_box_mails_only_when_its_button_is_pressed(ada):
    shop.parcel()
    offered = box(ada, number="fh1001", email="ada@example.com")
    assert "Mail me the status link" in offered
    assert not OrderLinkRequest.objects.exists()
    assert "FH-1001" not in offered, "nothing of the order"
    sent = box(ada, number="fh1001", email="ada@example.com", send="1")
    assert "we have just mailed its link" in sent
    assert order_links.send_waiting() == 1


def test_the_box_says_the_same_of_an_order_that_does_not_exist(ada):
    shop.parcel()
    for send in ({}, {"send": "1"}):
        right = box(ada, number="FH-1001", email="ada@example.com", **send)
        wrong = box(ada, number="FH-9999", email="ada@example.com", **send)
        assert wrong.replace("FH-9999", "FH-1001") == right


def test_the_box_shows_an_order_that_this_browser_has_opened(ada):
    order = shop.scan(shop.parcel(), "out_for_delivery").order
    ada.get(path(order))
    shown = box(ada, order_number="#fh-1001")
    assert "Out for delivery" in shown
    assert "Expected: today, the carrier says" in shown
    assert "Out for delivery" not in box(Client(headers={"User-Agent": BROWSER}), order_number="#fh-1001")
    links.revoke_order(order, at=NOW, by=None)
    assert "Out for delivery" not in box(ada, order_number="#fh-1001")


def test_the_box_without_javascript_is_a_page(ada):
    answer = ada.post("/en/orders/box/", {"number": "FH-1", "email": "ada@example.com", "send": "1"})
    assert b"<!doctype html>" in answer.content
    assert ada.post("/en/orders/box/", {"number": "FH-1", "email": "no", "send": "1"}).status_code == 422
    assert "too long" in box(ada, number="x" * 10_000, email="ada@example.com", send="1")
    assert "where your order is" in box(ada)
