"""What ops do with an order: find it, see why, promise an update, stop its links. Others may look, or not even that."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from contacts.models import Contact
from core import clock
from core.models import AuditEntry
from core.people import person_key
from notifications import episodes, links, next_updates, notes, suppression, tracking
from notifications.models import Customer, ExpectedDate, LinkRevocation, NextUpdate, OrderNote, Shipment
from notifications.views import desk_orders
from tests.notifications import mailing, shop
from tests.notifications.shop import DAY, NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _thursday_noon(settings):
    settings.SITE_URL = "http://testserver"
    with clock.frozen(NOW):
        yield


def staff(role: str) -> Client:
    user = User.objects.create_user(f"a-{role}", password="x", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def ops() -> Client:
    return staff("ops")


def find(client: Client, words: str):
    return client.get("/desk/orders/", {"find": words})


def test_an_order_is_found_by_its_number_however_written_and_by_its_customer(ops):
    order = shop.parcel().order
    for words in ("fh-1001", " #FH 1001", "ADA@example.com "):
        assert find(ops, words).url == f"/desk/orders/{order.pk}/", words
    shop.parcel("FH-1002")
    page = find(ops, "ada@example.com").content.decode()
    assert "FH-1001" in page
    assert "FH-1002" in page
    for words in ("FH-9", "bo@example.com", "#", "x" * 10_000, "a\x00b", "' & | !", "\U0001f4e6"):
        answer = find(ops, words)
        assert answer.status_code == 200, words
        assert b"FH-1001" not in answer.content, words


def numbers(answer) -> list[str]:
    return [order.number for order in answer.context["found"]]


def test_an_order_is_found_by_a_tracking_number_the_beginning_of_its_number_and_a_name(ops):
    order = shop.parcel("FH-1001").order
    shop.parcel("FH-2002", name="Bo")
    Customer.objects.filter(external_id="ada").update(last_name="Núñez de la Torre")
    for words in ("PPFH-1001", "pp fh 1001", "fh-10", "ada", "Torre ad", "núñez"):
        assert find(ops, words).url == f"/desk/orders/{order.pk}/", words
    assert numbers(find(ops, "fh")) == [], "two letters without a figure are no number"
    assert numbers(find(ops, "ada bo")) == []


def test_the_list_is_narrowed_by_trouble_state_source_promise_and_what_we_owe(ops):
    late, on_its_way, fine = shop.parcel("FH-1"), shop.parcel("FH-2", deliver_by=NOW + 5 * DAY), shop.parcel("FH-3")
    shop.scan(on_its_way, "in_transit", NOW - DAY)
    shop.scan(fine, "delivered", NOW - DAY)
    episodes.sweep(now=NOW)
    next_updates.promise(on_its_way.order, due_at=NOW + DAY, note="", by=None, now=NOW)
    assert late.order.number == "FH-1"

    def shown(**query: str) -> set[str]:
        return set(numbers(ops.get("/desk/orders/", query)))

    assert shown() == {"FH-1", "FH-2", "FH-3"}
    assert shown(trouble="any") == shown(trouble="promise_passed") == {"FH-1"}
    assert shown(trouble="likely_lost") == set()
    assert shown(state="in_transit") == {"FH-2"}
    assert shown(source="test") == {"FH-1", "FH-2", "FH-3"}
    assert shown(promised_from="2026-03-06") == {"FH-2"}
    assert shown(promised_from="2026-03-06", promised_to="2026-03-09") == set()
    assert shown(promised_to="2026-03-10") == {"FH-1", "FH-2", "FH-3"}, "the last day counts"
    assert shown(owed="any") == {"FH-2"}
    assert shown(owed="overdue") == set()
    with clock.frozen(NOW + 2 * DAY):
        assert shown(owed="overdue") == {"FH-2"}
    assert shown(trouble="none of these", state="?", promised_from="yesterday", page="-1") == {"FH-1", "FH-2", "FH-3"}


def test_the_list_has_pages_and_asks_as_much_for_a_page_as_for_a_row(ops, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(desk_orders, "PAGE", 2)
    for number in range(5):
        shop.parcel(f"FH-{number}", placed_at=NOW - number * DAY)
    with django_assert_max_num_queries(12):
        first = ops.get("/desk/orders/")
    assert numbers(first) == ["FH-0", "FH-1"]
    assert b"?page=2" in first.content
    assert numbers(ops.get("/desk/orders/", {"page": "3"})) == ["FH-4"]
    assert numbers(ops.get("/desk/orders/", {"page": "9" * 50})) == ["FH-0", "FH-1"]
    assert b"Nothing found" in ops.get("/desk/orders/", {"page": "9"}).content


def test_the_order_shows_why_nobody_was_written_to(ops):
    shop.rules(holdout_share=0.0)
    shipment = shop.parcel(email="")
    episodes.sweep(now=NOW)
    page = ops.get(f"/desk/orders/{shipment.order_id}/").content.decode()
    assert "the source gave no e-mail address" in page
    assert "Not made" in page


def test_the_order_shows_what_a_carrier_said_why_and_which_days_it_named(ops):
    shipment = shop.parcel()
    scan = tracking.Scan(state="exception", at=NOW - 30 * DAY, text="Held", reason="customs")
    tracking.record(shipment, scan, now=NOW)
    for days in (2, 4):
        ExpectedDate.objects.create(
            shipment=shipment, expected_by=NOW + days * DAY, said_at=NOW - DAY / days, recorded_at=NOW
        )
    Shipment.objects.update(expected_by=NOW + 4 * DAY)
    page = ops.get(f"/desk/orders/{shipment.order_id}/").content.decode()
    for words in (
        "Customs",
        "before the order was placed",
        "expects it by 9 Mar 2026",
        "after the promised day",
        "2 days were named",
    ):
        assert words in page, words


def test_a_note_stays_with_author_and_time_and_its_text_is_in_no_log(ops):
    order = shop.parcel().order
    url = f"/desk/orders/{order.pk}/note/"
    assert ops.post(url, {"text": " Rang her:\nshe is away <b> "}).status_code == 302
    page = ops.get(f"/desk/orders/{order.pk}/").content.decode()
    assert "Rang her:<br>she is away &lt;b&gt;" in page
    assert "a-ops, 5 Mar 2026, 12:00" in page
    [entry] = AuditEntry.objects.all()
    assert (entry.action, entry.label, entry.detail) == ("order.note_added", order.number, {})
    for text in ("", "  ", "x" * 4001):
        assert ops.post(url, {"text": text}).status_code == 422
    assert "x" * 4001 in ops.post(url, {"text": "x" * 4001}).content.decode(), "what was typed is there still"
    assert OrderNote.objects.count() == 1


def test_the_order_leads_to_the_customers_contacts_and_other_orders(ops):
    order, other = shop.parcel().order, shop.parcel("FH-1002").order
    for number, email, subject in (
        ("fh-1001", "bo@x.org", "On it"),
        ("", "ada@example.com", "On else"),
        ("", "", "No"),
    ):
        Contact.objects.create(
            reference=subject, source="form", person=person_key(email), subject=subject, message="m",
            order_number=number, locale="en", received_at=NOW,
        )  # fmt: skip
    page = ops.get(f"/desk/orders/{order.pk}/")
    assert f'href="/desk/orders/{other.pk}/"' in page.content.decode()
    url = page.context["contacts_page"]
    for headers in ({}, {"HX-Request": "true"}):
        answer = ops.get(url, headers=headers).content.decode()
        assert answer.index("About this order") < answer.index("On it") < answer.index("About something else")
        assert "On else" in answer
        assert "No<" not in answer
        assert ("<html" in answer) is (not headers)
    assert "not asked us anything" in ops.get("/desk/contacts/of/").content.decode()
    assert "not asked us anything" in ops.get("/desk/contacts/of/?person=x&order=" + "9" * 99).content.decode()


def test_the_order_shows_facts_troubles_messages_and_why(ops):
    [message] = mailing.ready()
    suppression.suppress(message.person, scope="all", reason="bounced", at=NOW)
    order = message.episode.shipment.order
    page = ops.get(f"/desk/orders/{order.pk}/").content.decode()
    for words in (
        order.number,
        order.customer.email,
        "Not delivered by the promised day",
        "goes on",
        "the address does not exist",
        "No scan yet",
    ):
        assert words in page, words
    assert ops.get("/desk/orders/999999/").status_code == 404


def test_ops_promise_an_update_and_take_it_down_as_kept(ops):
    order = shop.parcel().order
    url = f"/desk/orders/{order.pk}/next-update/"
    assert ops.post(url, {"due_at": "2026-03-06T18:00", "note": " We are\n searching. "}).status_code == 302
    made = NextUpdate.objects.get()
    assert (made.due_at.isoformat(), made.note, made.made_by.username) == (
        "2026-03-06T18:00:00+00:00",
        "We are searching.",
        "a-ops",
    )
    assert order.number in ops.get("/desk/orders/").content.decode()
    with clock.frozen(NOW + 3 * DAY):
        assert "Owed since 6 Mar 2026, 18:00" in ops.get(f"/desk/orders/{order.pk}/").content.decode()
        assert "1 promised update is overdue" in ops.get("/desk/orders/").content.decode()
        assert order.number in ops.get("/desk/orders/owed/").content.decode()
        assert "1 promised update is overdue" in ops.get("/desk/").content.decode()
        ops.post(url, {"done": "1"})
    made.refresh_from_db()
    assert made.closed_at == NOW + 3 * DAY


@pytest.mark.parametrize("due_at", ["", "soon", "2026-03-05T11:00", "2026-99-99T00:00", "9" * 5000])
def test_a_promise_that_cannot_be_is_refused_with_the_text_kept(ops, due_at):
    order = shop.parcel().order
    answer = ops.post(f"/desk/orders/{order.pk}/next-update/", {"due_at": due_at, "note": "We are searching."})
    assert answer.status_code == 422
    assert b"We are searching." in answer.content
    assert not NextUpdate.objects.exists()


def test_ops_stop_the_links_of_an_order_and_of_a_customer(ops):
    order, other = shop.parcel().order, shop.parcel("FH-1002").order
    paths = [links.order_url(one, locale="en").removeprefix("http://testserver") for one in (order, other)]

    def opens() -> list[int]:
        return [Client().get(path).status_code for path in paths]

    ops.post(f"/desk/orders/{order.pk}/stop-links/", {"which": "order"})
    assert opens() == [410, 200]
    ops.post(f"/desk/orders/{order.pk}/stop-links/", {"which": "all"})
    assert opens() == [410, 410]
    assert {(one.by.username, one.is_by_customer) for one in LinkRevocation.objects.all()} == {("a-ops", False)}
    assert "a-ops" in ops.get(f"/desk/orders/{order.pk}/").content.decode()


def test_analysts_look_and_do_not_touch_and_writers_do_neither():
    order = shop.parcel().order
    next_updates.promise(order, due_at=NOW + DAY, note="", by=None, now=NOW)
    analyst, writer = staff("analyst"), staff("writer")
    page = analyst.get(f"/desk/orders/{order.pk}/")
    assert page.status_code == 200
    assert b"Stop all links" not in page.content
    for act in ("next-update", "stop-links", "note"):
        assert analyst.post(f"/desk/orders/{order.pk}/{act}/", {"done": "1", "text": "x"}).status_code == 403
    assert writer.get("/desk/orders/").status_code == 403
    assert b"/desk/orders/" not in writer.get("/desk/articles/").content
    assert Client().get("/desk/orders/").status_code == 302
    assert not LinkRevocation.objects.exists()


def test_analysts_see_no_names_no_addresses_and_no_notes():
    [message] = mailing.ready(name="Ada")
    order = message.episode.shipment.order
    Customer.objects.update(last_name="Lovelace")
    notes.add(order, "She is away", by=User.objects.create_user("olga"), now=NOW)
    next_updates.promise(order, due_at=NOW + DAY, note="We search.", by=None, now=NOW)
    analyst, ops = staff("analyst"), staff("ops")
    personal = ("Ada", "Lovelace", "ada@example.com", "She is away")
    for path in ("/desk/orders/", f"/desk/orders/{order.pk}/", "/desk/orders/owed/", "/desk/messages/"):
        page = analyst.get(path).content.decode()
        assert order.number in page, path
        assert [word for word in personal if word in page] == [], path
    page = ops.get(f"/desk/orders/{order.pk}/").content.decode()
    assert [word for word in personal if word not in page] == []
    assert "Ada" in ops.get("/desk/messages/").content.decode()
    for words in ("ada@example.com", "lovelace"):
        assert find(analyst, words).status_code == 200, words
    assert "by ops and administrators only" in find(analyst, "ada@example.com").content.decode()
    assert find(analyst, order.number).url == f"/desk/orders/{order.pk}/"
    assert message.person
