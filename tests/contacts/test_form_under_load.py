"""Presses at the same moment, on real connections, and input that nobody typed by hand."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.models import Attachment, Confirmation, Contact, FormVisit
from core import clock
from tests.contacts import samples
from tests.contacts.conftest import NOW
from tests.contacts.pages import FORM, WRITTEN, Customer

AT_ONCE = 6


def at_once(action):
    """The results of `action(number)` run by six threads that start together, each on a connection of its own."""
    barrier = Barrier(AT_ONCE, timeout=20)

    def run(number: int):
        try:
            with clock.frozen(NOW):
                barrier.wait()
                return action(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(run, range(AT_ONCE)))


@pytest.mark.django_db(transaction=True)
def test_send_pressed_six_times_at_once_makes_one_contact(reasons):
    page = Customer().get()
    answers = at_once(lambda _: Customer().press(page, **WRITTEN).text)
    contact = Contact.objects.get()
    assert FormVisit.objects.get().contact == contact
    assert contact.codings.count() == 1
    assert all(contact.reference in answer for answer in answers)


@pytest.mark.django_db(transaction=True)
def test_send_with_a_file_pressed_six_times_at_once_keeps_it_once(attachments_dir):
    page = Customer().get()
    at_once(lambda _: Customer().press(page, **WRITTEN, files=[samples.upload("a.pdf", samples.PDF)]))
    assert [one.name for one in Contact.objects.get().attachments.all()] == ["a.pdf"]
    assert Attachment.objects.count() == 1
    assert len([path for path in attachments_dir.rglob("*") if path.is_file()]) == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_text_out_of_six_tabs_at_once_makes_one_contact():
    customer = Customer()
    pages = [customer.get() for _ in range(AT_ONCE)]
    at_once(lambda number: Customer().press(pages[number], **WRITTEN))
    assert Contact.objects.count() == 1
    assert Confirmation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_send_of_a_form_that_has_no_row_yet_makes_one_contact(reasons):
    page = Customer(**{"Sec-Purpose": "prefetch"}).get()
    at_once(lambda _: Customer().press(page, **WRITTEN))
    assert Contact.objects.count() == FormVisit.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_six_people_at_once_make_six_contacts_with_six_references():
    pages = [Customer().get() for _ in range(AT_ONCE)]
    at_once(lambda number: Customer().press(pages[number], **{**WRITTEN, "email": f"p{number}@example.com"}))
    assert Contact.objects.values("reference").distinct().count() == AT_ONCE


@pytest.mark.django_db(transaction=True)
def test_suggestions_asked_for_at_once_are_all_kept(article):
    words = ["alder", "birch", "cedar", "dogwood", "elder", "fennel"]
    shown = {article(f"{word} care").pk for word in words}
    page = Customer().get()
    at_once(lambda number: Customer().press(page, to="/en/contact/suggest/", subject=words[number]))
    kept = FormVisit.objects.get().shown
    assert sorted(kept) == sorted(set(kept)), "none twice"
    assert set(kept) == shown


any_text = st.text(st.characters(codec="utf-8"), max_size=300)


@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.fixed_dictionaries({}, optional=dict.fromkeys([*WRITTEN, "visit", "website", "article"], any_text)))
@pytest.mark.parametrize("to", [FORM, "/en/contact/suggest/", "/en/contact/answered/"])
def test_no_input_breaks_a_page(to, fields):
    customer = Customer()
    response = customer.client.post(to, {**customer.get().fields, **WRITTEN, **fields})
    assert response.status_code in (200, 302, 409, 422, 429)


@pytest.mark.django_db
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.fixed_dictionaries({}, optional=dict.fromkeys(["q", "article"], any_text)), token=any_text)
def test_no_address_breaks_a_page(query, token):
    customer = Customer()
    assert customer.client.get(FORM, query).status_code == 200
    assert customer.client.get("/en/contact/suggested/1/", {"form": token}).status_code == 404
