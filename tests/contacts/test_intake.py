from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.db import DataError, connection

from contacts import intake
from contacts.models import Coding, Contact
from notifications.intake import storing
from notifications.intake.facts import CustomerFact, LineFact, Placed
from notifications.models import Customer
from tests.contacts.conftest import NOW

FACTS = intake.Facts(
    source="email", external_id="T-1", email="ada@example.com", received_at=NOW, message="Where is my refund?"
)


@pytest.mark.django_db
def test_the_same_ticket_twice_is_one_contact(reasons, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as fired:
        first = intake.receive(FACTS, now=NOW)
        second = intake.receive(replace(FACTS, message="changed"), now=NOW)
    assert first == second
    assert Contact.objects.get().message == "Where is my refund?"
    assert Coding.objects.count() == len(fired) == 1


@pytest.mark.django_db
def test_the_same_id_in_another_source_is_another_contact():
    assert intake.receive(FACTS, now=NOW) != intake.receive(replace(FACTS, source="chat"), now=NOW)


@pytest.mark.django_db
def test_facts_without_an_id_are_always_new():
    nameless = replace(FACTS, external_id="")
    assert intake.receive(nameless, now=NOW) != intake.receive(nameless, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_one_ticket_received_at_once_is_one_contact(reasons):
    def run(_):
        try:
            return intake.receive(FACTS, now=NOW).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(run, range(12)))) == 1
    assert Coding.objects.count() == 1


@pytest.mark.django_db
def test_a_taken_reference_is_thrown_again(monkeypatch):
    thrown = iter(["C-222222", "C-222222", "C-333333"])
    monkeypatch.setattr(intake, "_reference", lambda: next(thrown))
    first = intake.receive(FACTS, now=NOW)
    second = intake.receive(replace(FACTS, external_id="T-2"), now=NOW)
    assert (first.reference, second.reference) == ("C-222222", "C-333333")


@pytest.mark.django_db
def test_references_are_easy_to_read_aloud():
    references = "".join(intake._reference()[2:] for _ in range(500))
    assert len(references) == 3000
    assert not set(references) & set("01OILU")


@pytest.mark.django_db
def test_what_the_database_refuses_leaves_nothing(reasons):
    with pytest.raises(DataError):
        intake.receive(replace(FACTS, order_number="9" * 61), now=NOW)


@pytest.mark.django_db
def test_what_no_phrase_speaks_for_stays_uncoded(reasons):
    assert not intake.receive(replace(FACTS, message="Hello there"), now=NOW).codings.exists()


@pytest.mark.django_db
def test_a_contact_and_an_order_of_one_person_have_one_key():
    contact = intake.receive(replace(FACTS, email=" Ada@Example.COM"), now=NOW)
    order = Placed(
        at=NOW,
        order_id="1",
        number="FH-1",
        customer=CustomerFact("1", "ada@example.com", "Ada"),
        lines=(LineFact("Lamp", 1),),
        promised_ship_by=None,
        promised_deliver_by=None,
        carrier="post",
        tracking_no="1",
    )
    storing.store([order], source="shop", now=NOW)
    assert contact.person == Customer.objects.get().person != ""


@pytest.mark.django_db
def test_a_caller_without_an_address_has_no_person():
    assert intake.receive(replace(FACTS, source="phone", email=""), now=NOW).person == ""
