"""The contact form as customers meet it, without JavaScript unless a test says otherwise."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import pytest

from contacts import events, visits
from contacts.models import Contact, FormVisit
from core import clock
from core.people import person_key
from tests.contacts.conftest import NOW
from tests.contacts.pages import FORM, WRITTEN, Customer

pytestmark = pytest.mark.django_db


@contextmanager
def listening(signal):
    heard = []

    def listen(*, event, **_):
        heard.append(event)

    signal.connect(listen)
    try:
        yield heard
    finally:
        signal.disconnect(listen)


def only(model):
    (row,) = model.objects.all()
    return row


def test_an_opened_form_is_a_visit_of_the_visitor(django_capture_on_commit_callbacks):
    customer = Customer()
    with listening(events.form_opened) as heard, django_capture_on_commit_callbacks(execute=True):
        page = customer.get()
    visit = only(FormVisit)
    assert page.response.status_code == 200
    assert str(visit.visitor) == customer.client.cookies["pv"].value
    assert [(event.form_id, event.visitor, event.locale) for event in heard] == [
        (str(visit.pk), str(visit.visitor), "en")
    ]


@pytest.mark.parametrize("headers", [{"User-Agent": "Googlebot/2.1"}, {"Sec-Purpose": "prefetch"}])
def test_a_robot_that_looks_at_the_form_leaves_no_visit(headers):
    Customer(**headers).get()
    assert not FormVisit.objects.exists()


def test_a_form_that_the_browser_fetched_ahead_still_sends():
    page = Customer(**{"Sec-Purpose": "prefetch"}).get()
    Customer().press(page, **WRITTEN)
    assert only(Contact).form_visit == only(FormVisit)


def test_a_sent_message_becomes_a_contact_and_the_customer_sees_its_reference(
    reasons, django_capture_on_commit_callbacks
):
    customer = Customer()
    page = customer.get()
    with listening(events.contact_received) as heard, django_capture_on_commit_callbacks(execute=True):
        sent = customer.press(page, **WRITTEN)
    contact = only(Contact)
    assert contact.reference in sent.text
    assert {name: getattr(contact, name) for name in WRITTEN} == WRITTEN
    assert (contact.source, contact.locale, contact.received_at) == ("form", "en", NOW)
    assert contact.person == person_key("ada@example.com")
    assert str(contact.visitor) == customer.client.cookies["pv"].value
    assert only(FormVisit).contact == contact
    assert contact.codings.get().reason.code == "refunds"
    (event,) = heard
    assert (event.contact_id, event.reason, event.topic, event.source) == (contact.pk, "refunds", "refunds", "form")


def test_only_address_and_message_are_needed():
    customer = Customer()
    customer.press(customer.get(), email="ada@example.com", message="Hello")
    assert only(Contact).message == "Hello"


def test_the_form_in_spanish_makes_a_spanish_contact():
    customer = Customer()
    customer.press(customer.get("/es/contact/"), to="/es/contact/", **WRITTEN)
    assert only(Contact).locale == "es"


def test_the_article_that_did_not_help_is_kept(article):
    failed = article("Refund times")
    customer = Customer()
    customer.press(customer.get(article=str(failed.pk)), **WRITTEN)
    assert only(Contact).after_article == failed


@pytest.mark.parametrize("given", ["", "0", "-1", "x", "1e9", "9" * 18, "9" * 40, "١", "1\x00"])
def test_an_article_that_does_not_exist_is_left_out(given):
    customer = Customer()
    page = customer.get(article=given)
    assert page.response.status_code == 200
    assert only(FormVisit).after_article is None


def test_what_was_searched_for_stands_in_the_subject():
    assert Customer().get(q=" lost\x00 parcel ").fields["subject"] == "lost parcel"


# --- Suggestions ---


def test_show_suggestions_gives_the_page_back_with_the_text_kept(article):
    article("Refund times")
    customer = Customer()
    page = customer.press(customer.get(), to="/en/contact/suggest/", **WRITTEN)
    assert "<bdi>Refund times</bdi>" in page.text, "it stands on Arabic pages too"
    assert {name: page.fields[name] for name in WRITTEN} == WRITTEN
    assert "field-bad" not in page.text
    assert not Contact.objects.exists()


def test_half_written_text_gets_suggestions_without_being_judged(article):
    article("Refund times")
    customer = Customer()
    page = customer.press(customer.get(), to="/en/contact/suggest/", subject="refund", email="not an address")
    assert page.suggestions
    assert page.fields["email"] == "not an address"
    assert "field-bad" not in page.text


def test_send_is_there_with_and_without_suggestions(article):
    article("Refund times")
    customer = Customer()
    empty = customer.get()
    with_suggestions = customer.press(empty, to="/en/contact/suggest/", **WRITTEN)
    for page in (empty, with_suggestions):
        own = [button for button in page.buttons if "btn-send" in (button.get("class") or "")]
        assert "formaction" not in own[0]  # the first button is what the Enter key presses
        assert "disabled" not in own[0]
    assert Contact.objects.count() == 0
    customer.press(with_suggestions)
    assert only(Contact).message == WRITTEN["message"]


def test_at_most_three_are_suggested(article):
    for number in range(5):
        article(f"Refund {number}")
    customer = Customer()
    page = customer.press(customer.get(), to="/en/contact/suggest/", **WRITTEN)
    assert len(page.suggestions) == 3
    assert len(only(FormVisit).shown) == 3


def test_htmx_gets_only_the_suggestions(article):
    article("Refund times")
    customer = Customer(**{"HX-Request": "true"})
    page = customer.press(customer.get(), to="/en/contact/suggest/", subject="refund", follow=False)
    assert "Refund times" in page.text
    assert "<html" not in page.text
    assert "<form" not in page.text


def test_nothing_typed_suggests_nothing_and_says_no_article_was_missed():
    customer = Customer()
    page = customer.press(customer.get(), to="/en/contact/suggest/")
    assert page.response.status_code == 200
    assert only(FormVisit).shown == []


def test_what_was_shown_is_kept_in_order_of_first_showing_and_told_once(article, django_capture_on_commit_callbacks):
    first, second = article("Refund times"), article("Lamp bulbs")
    customer = Customer()
    page = customer.get()
    with listening(events.suggestions_shown) as heard, django_capture_on_commit_callbacks(execute=True):
        customer.press(page, to="/en/contact/suggest/", subject="refund")
        customer.press(page, to="/en/contact/suggest/", subject="refund")
        customer.press(page, to="/en/contact/suggest/", subject="lamp")
    assert only(FormVisit).shown == [first.pk, second.pk]
    assert [event.shown for event in heard] == [(first.pk,), (second.pk,)]


def test_opening_a_suggestion_leads_to_the_article_and_is_taken_down(article):
    shown = article("Refund times")
    customer = Customer()
    page = customer.press(customer.get(), to="/en/contact/suggest/", **WRITTEN)
    opened = customer.client.get(page.suggestions[0])
    assert opened.status_code == 302
    assert opened.url == shown.get_absolute_url()
    assert only(FormVisit).opened == [shown.pk]


def test_an_article_that_was_not_suggested_is_not_taken_down_as_opened(article):
    shown, other = article("Refund times"), article("Lamp bulbs")
    customer = Customer()
    page = customer.press(customer.get(), to="/en/contact/suggest/", subject="refund")
    link = page.suggestions[0].replace(f"/suggested/{shown.pk}/", f"/suggested/{other.pk}/")
    assert customer.client.get(link).url == other.get_absolute_url()
    assert only(FormVisit).opened == []


def test_an_altered_link_still_leads_to_the_article(article):
    shown = article("Refund times")
    assert Customer().client.get(f"/en/contact/suggested/{shown.pk}/?form=x").url == shown.get_absolute_url()


def test_a_link_to_no_article_is_not_found():
    assert Customer().client.get("/en/contact/suggested/99999/?form=x").status_code == 404


# --- Answered ---


def test_answered_closes_the_form_and_keeps_a_way_to_a_person(article, django_capture_on_commit_callbacks):
    helped = article("Refund times", topic="refunds")
    customer = Customer()
    page = customer.press(customer.get(), to="/en/contact/suggest/", **WRITTEN)
    with listening(events.question_answered) as heard, django_capture_on_commit_callbacks(execute=True):
        done = customer.press(page, to="/en/contact/answered/", article=str(helped.pk))
        customer.press(page, to="/en/contact/answered/", article=str(helped.pk))
    visit = only(FormVisit)
    assert (visit.answered_by, visit.answered_at) == (helped, NOW)
    assert [(event.article_id, event.topic) for event in heard] == [(helped.pk, "refunds")]
    assert not Contact.objects.exists()
    assert {name: done.fields[name] for name in WRITTEN} == WRITTEN
    again = customer.press(done, to="/en/contact/suggest/")
    customer.press(again)
    assert only(Contact).message == WRITTEN["message"]
    assert only(FormVisit).answered_at == NOW  # they said yes and wrote all the same: both are facts


def test_answered_without_an_article_takes_the_topic_from_the_text(reasons, django_capture_on_commit_callbacks):
    customer = Customer()
    with listening(events.question_answered) as heard, django_capture_on_commit_callbacks(execute=True):
        customer.press(customer.get(), to="/en/contact/answered/", message="My order is late")
    assert [(event.article_id, event.topic) for event in heard] == [(None, "order_status")]


def test_answered_by_an_article_that_was_never_shown_names_none(article):
    other = article("Lamp bulbs")
    customer = Customer()
    customer.press(customer.get(), to="/en/contact/answered/", article=str(other.pk))
    assert only(FormVisit).answered_by is None


def test_a_forged_answer_counts_for_nothing():
    customer = Customer()
    done = customer.press(customer.get(), to="/en/contact/answered/", visit="forged", message="Hello")
    assert done.fields["message"] == "Hello"
    assert not FormVisit.objects.exclude(answered_at=None).exists()


def test_answered_after_sending_changes_nothing():
    customer = Customer()
    page = customer.get()
    customer.press(page, **WRITTEN)
    customer.press(page, to="/en/contact/answered/", **WRITTEN)
    assert only(FormVisit).answered_at is None


# --- Sending twice ---


def test_the_back_button_and_send_again_make_one_contact():
    customer = Customer()
    page = customer.get()
    first = customer.press(page, **WRITTEN)
    second = customer.press(page, **WRITTEN)
    reference = only(Contact).reference
    assert reference in first.text
    assert reference in second.text


def test_the_back_button_and_another_text_loses_nothing():
    customer = Customer()
    page = customer.get()
    customer.press(page, **WRITTEN)
    asked = customer.press(page, **{**WRITTEN, "message": "Something else"})
    assert asked.response.status_code == 409
    assert only(Contact).reference in asked.text
    assert asked.fields["message"] == "Something else"
    customer.press(asked)
    assert sorted(Contact.objects.values_list("message", flat=True)) == ["Something else", WRITTEN["message"]]


# --- Bad input ---


def test_a_forgotten_address_keeps_the_rest():
    customer = Customer()
    page = customer.press(customer.get(), **{**WRITTEN, "email": ""})
    assert page.response.status_code == 422
    assert "Write the e-mail address" in page.text
    assert page.fields["message"] == WRITTEN["message"]
    customer.press(page, email="ada@example.com")
    assert Contact.objects.count() == 1


def test_too_long_a_message_says_by_how_much_and_keeps_it():
    customer = Customer()
    page = customer.press(customer.get(), **{**WRITTEN, "message": "x" * 10_001})
    assert "10001 characters" in page.text.replace(",", "")
    assert page.fields["message"] == "x" * 10_001
    customer.press(page, message="x" * 10_000)
    assert len(only(Contact).message) == 10_000


def test_line_ends_of_browsers_count_once():
    customer = Customer()
    customer.press(customer.get(), **{**WRITTEN, "message": "a\r\n" * 5_000})
    assert only(Contact).message == ("a\n" * 5_000).strip()


def test_control_characters_go_without_a_word():
    customer = Customer()
    customer.press(customer.get(), **{**WRITTEN, "message": "one\x00\x08 two\x1b", "name": "A\x00da\u202e"})
    contact = only(Contact)
    assert (contact.message, contact.name) == ("one two", "A da")


@pytest.mark.parametrize("field", ["name", "email", "subject", "order_number"])
def test_a_smuggled_header_is_refused(field):
    customer = Customer()
    hostile = WRITTEN[field] + "\r\nBcc: everyone@example.com"
    page = customer.press(customer.get(), **{**WRITTEN, field: hostile})
    assert page.response.status_code == 422
    assert "on one line" in page.text
    assert not Contact.objects.exists()


def test_mark_up_is_shown_as_text():
    customer = Customer()
    page = customer.press(customer.get(), **{**WRITTEN, "email": "", "message": "<script>alert(1)</script>"})
    assert "<script>alert" not in page.text


def test_an_order_number_that_we_do_not_know_is_taken_as_written():
    customer = Customer()
    customer.press(customer.get(), **{**WRITTEN, "order_number": "no idea #12"})
    assert only(Contact).order_number == "no idea #12"


@pytest.mark.parametrize("token", ["", "x", "a:b:c"])
def test_a_lost_token_asks_for_one_more_press_and_keeps_the_text(token):
    customer = Customer()
    page = customer.press(customer.get(), **{**WRITTEN, "visit": token})
    assert page.response.status_code == 422
    assert "press Send again" in page.text
    customer.press(page)
    assert Contact.objects.count() == 1


def test_a_program_that_fills_in_every_field_sends_nothing_but_a_person_can_go_on():
    customer = Customer()
    page = customer.press(customer.get(), **WRITTEN, website="https://spam.example.com")
    assert page.response.status_code == 422
    assert not Contact.objects.exists()
    assert "press Send once more" in page.text
    customer.press(page)
    assert Contact.objects.count() == 1


def test_the_eleventh_message_in_ten_minutes_waits_and_keeps_its_text():
    customer = Customer()
    for number in range(10):
        customer.press(customer.get(), **{**WRITTEN, "message": f"number {number}"})
    refused = customer.press(customer.get(), **{**WRITTEN, "message": "number 10"})
    assert refused.response.status_code == 429
    assert refused.fields["message"] == "number 10"
    assert Contact.objects.count() == 10
    with clock.frozen(NOW + timedelta(minutes=10)):
        customer.press(refused)
    assert Contact.objects.count() == 11


def test_another_address_does_not_get_round_the_limit():
    customer = Customer()
    for number in range(11):
        customer.press(customer.get(), **{**WRITTEN, "email": f"ada{number}@example.com"})
    assert Contact.objects.count() == 10


def test_one_network_has_a_limit_too(monkeypatch):
    monkeypatch.setattr(visits, "_SENDS_PER_NETWORK", 3)
    for number in range(4):
        customer = Customer()
        customer.press(customer.get(), **{**WRITTEN, "email": f"ada{number}@example.com"})
    assert Contact.objects.count() == 3


def test_a_sent_page_with_an_altered_address_is_not_found():
    assert Customer().client.get("/en/contact/sent/nonsense/").status_code == 404


@pytest.mark.parametrize("path", ["suggest", "answered"])
def test_an_address_that_only_takes_posts_leads_a_reader_to_the_form(path):
    response = Customer().client.get(f"/en/contact/{path}/")
    assert (response.status_code, response.url) == (302, FORM)


def test_a_form_page_costs_a_handful_of_queries(django_assert_max_num_queries):
    customer = Customer()
    with django_assert_max_num_queries(8):
        customer.get()
