"""What customers and ops see: the order's page, the look-up, unsubscribing, the desk."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.core import signing
from django.test import Client

from core import clock, crypto
from notifications import episodes, events, links, order_links, suppression
from notifications.models import LinkState, Message, OrderLinkRequest, OutboxMail, Suppression
from tests.notifications import mailing, shop
from tests.notifications.shop import DAY, NOW

pytestmark = pytest.mark.django_db

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


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
def ops() -> Client:
    user = User.objects.create_user("olga", password="x", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="ops")[0])
    client = Client(headers={"User-Agent": BROWSER})
    client.force_login(user)
    return client


@pytest.fixture
def heard():
    """Events that this room told the rooms above."""
    told: list[object] = []

    def listen(sender: object, event: object, **more: object) -> None:
        told.append(event)

    for signal in (events.visitor_identified, events.order_page_viewed):
        signal.connect(listen, weak=False)
    yield told
    for signal in (events.visitor_identified, events.order_page_viewed):
        signal.disconnect(listen)


def late_parcel():
    shop.hold_out_nobody()
    shipment = shop.scan(shop.parcel(), "in_transit", NOW - 2 * DAY)
    episodes.sweep(now=NOW)
    return shipment


def path_of(url: str) -> str:
    return url.removeprefix("http://testserver")


# --- The order's page ---


def test_the_link_opens_the_order(ada: Client) -> None:
    shipment = late_parcel()
    page = ada.get(path_of(links.order_url(shipment.order, locale="en")))
    text = page.content.decode()
    assert page.status_code == 200
    for words in ("FH-1001", "Desk lamp", "Parcel Post", "PPFH-1001", "On its way", "This order is late"):
        assert words in text, words
    assert "no-store" in page.headers["Cache-Control"]


def test_the_page_speaks_the_language_of_its_address(ada: Client) -> None:
    url = path_of(links.order_url(late_parcel().order, locale="es"))
    assert url.startswith("/es/orders/")
    assert 'lang="es"' in ada.get(url).content.decode()


def test_every_state_of_a_parcel_has_a_page(ada: Client) -> None:
    for place, state in enumerate(shop.Shipment.state.field.choices):
        shipment = shop.scan(shop.parcel(f"FH-{place}"), state[0], NOW)
        assert ada.get(path_of(links.order_url(shipment.order, locale="en"))).status_code == 200
    cancelled = shop.parcel("FH-99", ship_by=None, deliver_by=None)
    shop.cancel(cancelled)
    assert b"was cancelled" in ada.get(path_of(links.order_url(cancelled.order, locale="en"))).content


def test_an_expired_link_offers_the_look_up(ada: Client, monkeypatch) -> None:
    url = path_of(links.order_url(late_parcel().order, locale="en"))
    monkeypatch.setattr(links, "ORDER_LINK_AGE", timedelta(seconds=-1))
    page = ada.get(url)
    assert page.status_code == 410
    assert 'href="/en/orders/"' in page.content.decode()


def test_an_altered_link_or_one_for_another_purpose_opens_nothing(ada: Client) -> None:
    order = late_parcel().order
    url = path_of(links.order_url(order, locale="en"))
    assert ada.get(url[:-2] + ("a" if url[-2] != "a" else "b") + "/").status_code == 404
    other = crypto.sign("unsubscribe", [order.pk, "link"])
    assert ada.get(f"/en/orders/{other}/").status_code == 404
    foreign = signing.dumps([order.pk, "link"], key="else", salt="preempt.order")
    assert ada.get(f"/en/orders/{foreign}/").status_code == 404


def test_opening_the_page_tells_who_the_visitor_is(ada: Client, heard, django_capture_on_commit_callbacks) -> None:
    shipment = late_parcel()
    person = shop.person_of("Ada")
    with django_capture_on_commit_callbacks(execute=True):
        ada.get(path_of(links.order_url(shipment.order, locale="en")))
        ada.get(path_of(links.order_url(shipment.order, locale="en", how="lookup")))
    identified = [event for event in heard if isinstance(event, events.VisitorIdentified)]
    viewed = [event for event in heard if isinstance(event, events.OrderPageViewed)]
    assert [(event.how, event.person, event.at) for event in identified] == [
        ("link", person, NOW),
        ("lookup", person, NOW),
    ]
    assert [(event.order_id, event.is_returning) for event in viewed] == [
        (shipment.order.pk, False),
        (shipment.order.pk, True),
    ]


def test_a_scanner_that_opens_the_link_is_nobody(heard, django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        page = Client(headers={"User-Agent": "LinkScanner bot/1.0"}).get(
            path_of(links.order_url(late_parcel().order, locale="en"))
        )
    assert page.status_code == 200
    assert heard == []


# --- The look-up ---


def ask(client: Client, number: str, email: str):
    return client.post("/en/orders/", {"number": number, "email": email})


def test_the_look_up_mails_the_link_and_the_link_opens(ada: Client) -> None:
    late_parcel()
    assert b"a link is on its way" in ask(ada, "fh-1001", " ADA@example.com ").content
    assert order_links.send_waiting() == 1
    mail = OutboxMail.objects.get()
    assert mail.to_address == "ada@example.com"
    [url] = re.findall(r"http://testserver/\S+", mail.text)
    assert b"FH-1001" in ada.get(path_of(url)).content


def test_the_answer_is_the_same_whether_or_not_the_order_exists(ada: Client) -> None:
    late_parcel()

    def answer(number: str, email: str) -> str:
        page = ask(ada, number, email).content.decode()
        page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)
        return page.replace(number, "NUMBER").replace(email, "ADDRESS")  # what was typed is said back

    right = answer("FH-1001", "ada@example.com")
    assert answer("FH-1001", "else@example.com") == right
    assert answer("FH-9999", "ada@example.com") == right
    order_links.send_waiting()
    assert OrderLinkRequest.objects.filter(state=LinkState.SENT).count() == 1


def test_asking_again_and_again_mails_once(ada: Client) -> None:
    late_parcel()
    for _ in range(3):
        ask(ada, "FH-1001", "ada@example.com")
        order_links.send_waiting()
    assert OutboxMail.objects.count() == 1


def test_too_many_tries_are_told_so(ada: Client) -> None:
    answers = [ask(ada, f"FH-{number}", "ada@example.com").status_code for number in range(12)]
    assert answers == [200] * 10 + [429] * 2


def test_a_form_that_is_not_filled_in_is_shown_again(ada: Client) -> None:
    assert ask(ada, "", "no address").status_code == 422


def test_a_link_is_not_sent_to_an_address_that_complained(ada: Client) -> None:
    late_parcel()
    suppression.suppress(shop.person_of("Ada"), scope="all", reason="complained", at=NOW)
    ask(ada, "FH-1001", "ada@example.com")
    order_links.send_waiting()
    assert OrderLinkRequest.objects.get().state == LinkState.REFUSED
    assert not OutboxMail.objects.exists()


def test_a_link_whose_answer_was_lost_is_never_sent_again(ada: Client, monkeypatch) -> None:
    late_parcel()
    ask(ada, "FH-1001", "ada@example.com")

    class Lost:
        name = "sendgrid"

        def deliver(self, mail: object) -> None:
            raise order_links.DeliveryError("lost", fate=order_links.Fate.UNKNOWN)

    monkeypatch.setattr(order_links, "provider_for_settings", Lost)
    assert order_links.send_waiting() == 0
    monkeypatch.undo()
    assert order_links.send_waiting() == 0
    assert OrderLinkRequest.objects.get().state == LinkState.SENDING


def test_a_link_that_was_not_sent_is_tried_again_for_an_hour(ada: Client, monkeypatch) -> None:
    late_parcel()
    ask(ada, "FH-1001", "ada@example.com")

    class Busy:
        name = "sendgrid"

        def deliver(self, mail: object) -> None:
            raise order_links.DeliveryError("busy", fate=order_links.Fate.BUSY)

    monkeypatch.setattr(order_links, "provider_for_settings", Busy)
    order_links.send_waiting()
    assert OrderLinkRequest.objects.get().state == LinkState.NEW
    with clock.frozen(NOW + timedelta(hours=2)):
        order_links.send_waiting()
    assert OrderLinkRequest.objects.get().state == LinkState.REFUSED


# --- Unsubscribing ---


def unsubscribe_path() -> str:
    return path_of(links.unsubscribe_url(shop.person_of("Ada"), scope="promise_passed", locale="en"))


def test_a_get_of_the_unsubscribe_link_changes_nothing(ada: Client) -> None:
    late_parcel()
    for client in (ada, Client(headers={"User-Agent": "mail scanner"})):
        page = client.get(unsubscribe_path())
        assert (page.status_code, b"<button" in page.content) == (200, True)
        assert client.head(unsubscribe_path()).status_code == 200
    assert not Suppression.objects.exists()
    assert Message.objects.get().state == "ready"


@pytest.mark.parametrize("body", [{}, {"List-Unsubscribe": "One-Click"}])
def test_a_post_stops_that_kind_and_takes_back_what_waits(body: dict) -> None:
    late_parcel()
    answer = Client(enforce_csrf_checks=True).post(unsubscribe_path(), body)
    assert answer.status_code == 200
    suppressed = Suppression.objects.get()
    assert (suppressed.scope, suppressed.reason) == ("delay_notices", "unsubscribed")
    assert Message.objects.get().state == "suppressed"
    assert Client().post(unsubscribe_path(), body).status_code == 200, "a second time is the same"


def test_the_unsubscribe_page_speaks_the_customers_language(ada: Client) -> None:
    late_parcel()
    url = path_of(links.unsubscribe_url(shop.person_of("Ada"), scope="not_handed_over", locale="es-MX"))
    assert 'lang="es"' in ada.get(url).content.decode()


def test_an_altered_unsubscribe_link_stops_nobody(ada: Client) -> None:
    late_parcel()
    assert ada.post("/u/nonsense/").status_code == 404
    assert not Suppression.objects.exists()


# --- The desk ---


def test_the_totals_by_state_add_up_and_the_filters_narrow(ops: Client) -> None:
    messages = mailing.ready(4)
    mailing.drain()
    Message.objects.filter(pk=messages[0].pk).update(state="held_out", arm="held_out")
    Message.objects.filter(pk=messages[1].pk).update(state="stale", state_reason="delivered")
    page = ops.get("/desk/messages/")
    totals = {str(total["text"]): total["count"] for total in page.context["totals"]}
    assert totals.pop("All") == sum(totals.values()) == 4
    text = page.content.decode()
    assert "the parcel had been delivered" in text
    assert "kept without this message" in text
    narrowed = ops.get("/desk/messages/", {"arm": "held_out", "rule": "promise-passed", "state": "held_out"})
    assert len(narrowed.context["messages"]) == 1
    assert len(ops.get("/desk/messages/", {"find": "fh-1003"}).context["messages"]) == 1
    assert len(ops.get("/desk/messages/", {"arm": "nonsense"}).context["messages"]) == 4


def test_the_list_of_messages_needs_a_fixed_number_of_queries(ops: Client, django_assert_max_num_queries) -> None:
    mailing.ready(30)
    with django_assert_max_num_queries(14):
        ops.get("/desk/messages/")


def test_a_message_shows_its_attempts_and_reports(ops: Client) -> None:
    [message] = mailing.ready()
    mailing.drain()
    text = ops.get(f"/desk/messages/{message.pk}/").content.decode()
    assert "FH-1001" in text
    assert "the provider took it" in text
    assert "Read the mail" in text


def test_a_mail_in_the_outbox_can_be_read_and_is_shut_in(ops: Client) -> None:
    mailing.ready(2)
    mailing.drain()
    first, second = OutboxMail.objects.all()
    page = ops.get("/desk/outbox/")
    assert page.context["mail"]["pk"] == first.pk, "the newest is open"
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    assert second.subject in ops.get(f"/desk/outbox/{second.pk}/").content.decode()
    raw = ops.get(f"/desk/outbox/{second.pk}/html")
    assert raw.content.decode() == second.html
    policy = raw.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script" not in policy
    assert raw.headers["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.parametrize("path", ["messages/", "outbox/"])
def test_the_desk_is_for_staff(ada: Client, path: str) -> None:
    assert ada.get(f"/desk/{path}").status_code == 302
    writer = User.objects.create_user("wanda", password="x", is_staff=True)
    writer.groups.add(Group.objects.get_or_create(name="writer")[0])
    ada.force_login(writer)
    assert ada.get(f"/desk/{path}").status_code == 403


def test_what_needs_a_person_is_told_above_the_list(ops: Client) -> None:
    mailing.ready()
    assert b"Somebody should look at this" not in ops.get("/desk/messages/").content
    Message.objects.update(state="unknown")
    assert b"1 message may or may not have been sent" in ops.get("/desk/messages/").content
