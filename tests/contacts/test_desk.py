from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from contacts import coding, intake
from contacts.models import Coding, FormVisit
from tests.contacts.conftest import NOW

pytestmark = pytest.mark.django_db


def receive(external_id: str, message: str = "Where is my refund?", *, at: datetime = NOW, **facts):
    facts = {"source": "email", "email": "ada@example.com", "subject": "", **facts}
    return intake.receive(intake.Facts(external_id=external_id, message=message, received_at=at, **facts), now=NOW)


@pytest.fixture
def desk(staff):
    client = Client()
    client.force_login(staff("ops"))
    return client


def listed(client: Client, **query: str) -> list[str]:
    response = client.get(reverse("desk:contacts"), query)
    assert response.status_code == 200
    return [row.subject for row in response.context["contacts"]]


@pytest.mark.parametrize("role", ["ops", "analyst", "admin"])
def test_those_who_look_after_contacts_may_see_them(staff, role):
    client = Client()
    client.force_login(staff(role))
    contact = receive("1")
    assert client.get(reverse("desk:contacts")).status_code == 200
    assert client.get(reverse("desk:contact", args=[contact.pk])).status_code == 200


@pytest.mark.parametrize("role", ["writer", "reviewer"])
def test_others_on_the_desk_may_not(staff, role):
    client = Client()
    client.force_login(staff(role))
    contact = receive("1")
    address = reverse("desk:contact", args=[contact.pk])
    assert client.get(reverse("desk:contacts")).status_code == 403
    assert client.get(address).status_code == 403
    assert client.post(address, {"reason": "refunds"}).status_code == 403
    assert not Coding.objects.exists()


def test_a_stranger_is_sent_to_the_sign_in():
    contact = receive("1")
    for address in (reverse("desk:contacts"), reverse("desk:contact", args=[contact.pk])):
        response = Client().get(address)
        assert response.status_code == 302
        assert response.url.startswith(reverse("desk:sign-in"))


def test_the_newest_comes_first_and_can_come_last(desk):
    receive("1", subject="old", at=NOW - timedelta(days=1))
    receive("2", subject="new")
    assert listed(desk) == ["new", "old"]
    assert listed(desk, sort="received") == ["old", "new"]


def test_a_topic_holds_the_contacts_of_its_children(desk, reasons):
    receive("1", "it is late", subject="late")
    receive("2", "delivery", subject="delivery")
    receive("3", "refund", subject="refund")
    receive("4", "hello", subject="hello")
    assert listed(desk, reason="order_status") == ["delivery", "late"]
    assert listed(desk, reason="late") == ["late"]
    assert listed(desk, reason="uncoded") == ["hello"]
    assert listed(desk, reason="no such") == ["hello", "refund", "delivery", "late"]


def test_the_totals_count_by_topic_within_the_other_filters(desk, reasons):
    receive("1", "it is late")
    receive("2", "delivery")
    receive("3", "refund")
    receive("4", "hello")
    receive("5", "refund", source="chat")
    response = desk.get(reverse("desk:contacts"), {"source": "email"})
    assert [(total.text, total.count) for total in response.context["totals"]] == [
        ("Order status", 2),
        ("Refunds", 1),
        ("Uncoded", 1),
    ]
    narrower = desk.get(reverse("desk:contacts") + response.context["totals"][0].url)
    assert [row.source for row in narrower.context["contacts"]] == ["E-mail", "E-mail"]


def test_text_source_and_days_narrow_the_list(desk, settings):
    settings.SHOP_TIME_ZONE = "Europe/Madrid"  # one hour ahead of UTC
    receive("1", subject="first", order_number="FH-1", at=datetime.fromisoformat("2026-02-27T22:59Z"))
    receive(
        "2", subject="second", source="chat", email="bo@example.com", at=datetime.fromisoformat("2026-02-27T23:00Z")
    )
    third = receive("3", "the vase 100%_broken", subject="third", at=datetime.fromisoformat("2026-02-28T23:00Z"))
    assert listed(desk, q="BO@exam") == ["second"]
    assert listed(desk, q="fh-1") == ["first"]
    assert listed(desk, q="100%_") == ["third"]
    assert listed(desk, q=third.reference.lower()) == ["third"]
    assert listed(desk, source="chat") == ["second"]
    assert listed(desk, since="2026-02-28", until="2026-02-28") == ["second"]
    assert listed(desk, since="2026-02-28") == ["third", "second"]
    assert listed(desk, until="2026-02-27") == ["first"]


@pytest.mark.parametrize(
    "query",
    [
        {"since": "yesterday"},
        {"until": "9999-12-31"},
        {"since": "0001-01-01"},
        {"page": "x"},
        {"page": "99"},
        {"q": "\x00"},
        {"source": "fax"},
        {"sort": "-"},
    ],
)
def test_a_filter_that_makes_no_sense_narrows_nothing(desk, query):
    receive("1", subject="only")
    assert listed(desk, **query) == ["only"]


def test_the_list_costs_the_same_for_one_row_and_for_a_page(desk, reasons, django_assert_num_queries):
    receive("first", "it is late")
    with django_assert_num_queries(8):  # session, user, roles, tree, count, rows, totals, the oldest
        listed(desk)
    for number in range(60):
        receive(str(number), "refund" if number % 2 else "hello")
    with django_assert_num_queries(8):
        assert len(listed(desk)) == 50


def test_one_contact_shows_what_was_written_what_was_suggested_and_its_reasons(desk, reasons, article):
    opened, ignored, failed = article("Refund times"), article("Lamp bulbs"), article("Money back")
    contact = receive("1", "<b>refund</b>", order_number="FH 1&2", after_article_id=failed.pk)
    FormVisit.objects.create(opened_at=NOW, shown=[ignored.pk, opened.pk], opened=[opened.pk], contact=contact)
    page = desk.get(reverse("desk:contact", args=[contact.pk]))
    text = page.content.decode()
    assert "&lt;b&gt;refund&lt;/b&gt;" in text
    assert [(one.title, one.is_opened) for one in page.context["suggested"]] == [
        ("Lamp bulbs", False),
        ("Refund times", True),
    ]
    assert "?find=FH%201%262" in text
    assert failed.slug in text
    assert "by rule" in text


def test_another_reason_is_a_coding_of_its_own_and_the_newest_counts(desk, reasons):
    contact = receive("1", "refund", subject="about")
    address = reverse("desk:contact", args=[contact.pk])
    page = desk.post(address, {"reason": "late"}, follow=True)
    assert "The reason is now “Late”" in page.content.decode()
    assert [(one.reason.code, one.coder, one.confidence) for one in contact.codings.all()] == [
        ("late", "person", 1.0),
        ("refunds", "rule", pytest.approx(0.632, abs=0.001)),
    ]
    assert contact.codings.first().by.username == "ops"
    assert listed(desk, reason="late") == ["about"]
    assert listed(desk, reason="refunds") == []


@pytest.mark.parametrize("reason", ["", "no-such"])
def test_no_reason_changes_nothing(desk, reasons, reason):
    contact = receive("1", "refund")
    page = desk.post(reverse("desk:contact", args=[contact.pk]), {"reason": reason})
    assert page.status_code == 422
    assert contact.codings.count() == 1


def test_a_colleague_who_left_is_no_trouble(desk, reasons, staff):
    contact = receive("1", "hello")
    leaver = staff("analyst")
    coding.by_person(contact, code="refunds", by=leaver, now=NOW)
    leaver.delete()
    assert "by a former colleague" in desk.get(reverse("desk:contact", args=[contact.pk])).content.decode()


def test_a_contact_that_does_not_exist_is_not_found(desk):
    assert desk.get(reverse("desk:contact", args=[12345])).status_code == 404
