"""Files with a message: real files, in a folder of the test's own."""

from __future__ import annotations

import os
import shutil
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from contacts import attachments, tasks, uploading
from contacts.models import Attachment, Contact, FormVisit
from core import clock
from tests.contacts import samples
from tests.contacts.conftest import NOW
from tests.contacts.pages import WRITTEN, Customer
from tests.contacts.samples import MB, upload

pytestmark = pytest.mark.django_db
committed = pytest.mark.django_db(transaction=True)  # bytes go after the commit that takes their row away
PHOTO = samples.picture("JPEG")


def photo(name: str = "lamp.jpg", content: bytes = PHOTO):
    return upload(name, content, "image/jpeg")


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []


def names(contact: Contact) -> list[str]:
    return sorted(contact.attachments.values_list("name", flat=True))


def test_files_come_with_the_message_and_keep_their_bytes(attachments_dir):
    customer = Customer()
    customer.press(customer.get(), **WRITTEN, files=[photo(), upload("bill.pdf", samples.PDF)])
    contact = Contact.objects.get()
    assert names(contact) == ["bill.pdf", "lamp.jpg"]
    stored = contact.attachments.get(name="lamp.jpg")
    path = attachments.path_of(stored.pk)
    assert path.read_bytes() == PHOTO
    assert (stored.content_type, stored.size) == ("image/jpeg", len(PHOTO))
    assert "lamp" not in str(path)
    assert path.stat().st_mode & 0o077 == 0
    assert attachments_dir.stat().st_mode & 0o077 == 0


def test_a_file_survives_a_forgotten_address_and_is_not_asked_for_again():
    customer = Customer()
    page = customer.press(customer.get(), **{**WRITTEN, "email": ""}, files=[photo()])
    assert page.response.status_code == 422
    assert page.kept == ["lamp.jpg"]
    customer.press(page, email="ada@example.com")
    assert names(Contact.objects.get()) == ["lamp.jpg"]


@committed
def test_a_kept_file_can_be_removed_and_the_text_stays(attachments_dir):
    customer = Customer()
    page = customer.press(customer.get(), **{**WRITTEN, "email": ""}, files=[photo(), photo("b.jpg", PHOTO + b"2")])
    (first, _) = page.fields["kept"]
    page = customer.press(page, to="/en/contact/files/", remove=first)
    assert len(page.kept) == 1
    assert page.fields["message"] == WRITTEN["message"]
    customer.press(page, email="ada@example.com")
    assert len(names(Contact.objects.get())) == 1
    assert len(files_in(attachments_dir)) == 1


def test_somebody_elses_file_cannot_be_removed_or_taken_over():
    ada, bo = Customer(), Customer()
    page = ada.press(ada.get(), **{**WRITTEN, "email": ""}, files=[photo()])
    (hers,) = page.fields["kept"]
    bo.press(bo.get(), to="/en/contact/files/", remove=hers)
    bo.press(bo.get(), **{**WRITTEN, "email": "bo@example.com"}, kept=[hers])
    assert not Contact.objects.exists(), "a file that is not his is missing from his form"
    ada.press(page, email="ada@example.com")
    assert names(Contact.objects.get()) == ["lamp.jpg"]


def test_htmx_brings_a_file_and_gets_only_its_part_of_the_page():
    customer = Customer(**{"HX-Request": "true"})
    page = Customer().get()
    part = customer.press(page, to="/en/contact/files/", files=[photo()], follow=False)
    assert part.kept == ["lamp.jpg"]
    assert "<html" not in part.text
    Customer().press(page, **WRITTEN, kept=part.fields["kept"])
    assert names(Contact.objects.get()) == ["lamp.jpg"]


@pytest.mark.parametrize("to", ["/en/contact/suggest/", "/en/contact/answered/"])
def test_files_wait_while_somebody_reads_or_changes_their_mind(to):
    customer = Customer()
    page = customer.press(customer.get(), to=to, **WRITTEN, files=[photo()])
    page = customer.press(page, to="/en/contact/suggest/")
    assert page.kept == ["lamp.jpg"]
    customer.press(page)
    assert names(Contact.objects.get()) == ["lamp.jpg"]


# --- What is refused, and that nothing else is lost ---


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("bomb.png", samples.png_bomb(), "more than 64 million pixels"),
        ("bomb.webp", samples.webp_bomb(), "more than 64 million pixels"),
        ("page.jpg", b"MZ" + b"\0" * 500, "not a kind of file that we can open"),
        ("cut.png", samples.picture()[:20], "damaged"),
        ("empty.txt", b"", "is empty"),
        ("film.mov", b"\0" * (10 * MB + 1), "larger than 10 MB"),
    ],
)
def test_a_refused_file_is_named_and_nothing_else_is_lost(name, content, said, attachments_dir):
    customer = Customer()
    page = customer.press(customer.get(), **WRITTEN, files=[photo(), upload(name, content)])
    assert page.response.status_code == 422
    assert said in page.text
    assert name in page.text
    assert {field: page.fields[field] for field in WRITTEN} == WRITTEN
    assert page.kept == ["lamp.jpg"]
    assert not Contact.objects.exists()
    customer.press(page)
    assert names(Contact.objects.get()) == ["lamp.jpg"]
    assert len(files_in(attachments_dir)) == 1


def test_the_sixth_file_is_one_too_many():
    customer = Customer()
    files = [photo(f"{number}.jpg", PHOTO + bytes([number])) for number in range(6)]
    page = customer.press(customer.get(), **WRITTEN, files=files)
    assert len(page.kept) == 5
    assert "5.jpg is one file too many" in page.text
    page = customer.press(page, files=[photo("7.jpg", PHOTO + b"7")])
    assert "7.jpg is one file too many" in page.text
    customer.press(page)
    assert len(names(Contact.objects.get())) == 5


def test_files_have_a_limit_together_also_over_several_posts():
    customer = Customer()
    big = [photo(f"{number}.jpg", PHOTO + bytes([number]) * (9 * MB)) for number in range(3)]
    page = customer.press(customer.get(), **WRITTEN, files=big)
    assert "With 2.jpg the files are larger than 25 MB together" in page.text
    assert len(page.kept) == 2
    big[2].seek(0)
    page = customer.press(page, files=[big[2]])
    assert "With 2.jpg" in page.text
    customer.press(page)
    assert len(names(Contact.objects.get())) == 2


def test_limits_are_the_shops(settings):
    settings.ATTACHMENTS_MAX, settings.ATTACHMENT_MAX_MB = 1, 1
    customer = Customer()
    page = customer.press(customer.get(), **WRITTEN, files=[upload("a.txt", b"a" * (MB + 1)), upload("b.txt", b"b")])
    assert "larger than 1 MB" in page.text
    assert page.kept == ["b.txt"]


def test_a_full_disk_says_so_and_the_message_gets_through(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 10**6))
    customer = Customer()
    page = customer.press(customer.get(), **WRITTEN, files=[photo()])
    assert "the trouble is on our side" in page.text
    customer.press(page)
    assert Contact.objects.count() == 1


def test_a_folder_that_cannot_be_written_costs_the_file_only(attachments_dir):
    attachments_dir.parent.mkdir(exist_ok=True)
    attachments_dir.write_text("a file where the folder should be")
    customer = Customer()
    page = customer.press(customer.get(), **WRITTEN, files=[photo()])
    assert "the trouble is on our side" in page.text
    customer.press(page)
    assert Contact.objects.count() == 1


def test_too_many_uploads_in_a_short_time_wait(monkeypatch):
    monkeypatch.setattr(attachments, "_PER_VISITOR", 2)
    customer = Customer()
    page = customer.get()
    for number in range(3):
        page = customer.press(page, to="/en/contact/files/", files=[photo(f"{number}.jpg", PHOTO + bytes([number]))])
    assert "2.jpg was not taken" in page.text
    assert len(page.kept) == 2
    with clock.frozen(NOW + timedelta(minutes=10)):
        page = customer.press(page, to="/en/contact/files/", files=[photo("2.jpg", PHOTO + b"2")])
    assert len(page.kept) == 3


def test_mark_up_in_a_name_is_shown_as_text():
    customer = Customer()
    page = customer.press(customer.get(), **{**WRITTEN, "email": ""}, files=[photo("<img src=x onerror=alert(1)>.jpg")])
    assert "<img src=x" not in page.text


def test_an_upload_that_nobody_would_wait_for_is_cut_off_and_the_text_before_it_is_kept(attachments_dir, monkeypatch):
    monkeypatch.setattr(uploading, "_MOST_READ", MB)
    customer = Customer()
    page = customer.press(customer.get(), **WRITTEN, files=[upload("film.mov", b"a" * (2 * MB)), photo()])
    assert page.response.status_code == 422
    assert "film.mov is larger than 10 MB" in page.text
    assert page.fields["message"] == WRITTEN["message"]
    assert files_in(attachments_dir) == []


def test_a_file_in_a_field_of_another_name_is_not_kept(attachments_dir):
    customer = Customer()
    page = customer.press(customer.get(), **WRITTEN, avatar=photo())
    assert page.response.status_code == 422
    assert files_in(attachments_dir) == []


def test_more_text_than_we_read_is_answered_in_words():
    customer = Customer()
    page = customer.press(customer.get(), **{**WRITTEN, "message": "x" * (2 * MB)})
    assert page.response.status_code == 413
    assert "Go back with your browser" in page.text
    assert not Contact.objects.exists()


def test_a_body_that_was_cut_off_is_answered_in_words():
    answer = Client().post("/en/contact/", b"--x\r\nbroken", content_type="multipart/form-data; boundary=")
    assert answer.status_code == 400
    assert "only in part" in answer.content.decode()


# --- Sent twice ---


@committed
def test_a_double_click_with_files_makes_one_contact_with_each_file_once(attachments_dir):
    customer = Customer()
    page = customer.get()
    for _ in range(2):
        customer.press(page, **WRITTEN, files=[photo(), upload("bill.pdf", samples.PDF)])
    assert names(Contact.objects.get()) == ["bill.pdf", "lamp.jpg"]
    assert len(files_in(attachments_dir)) == 2


def test_back_and_the_same_text_with_one_more_file_adds_it_to_the_contact():
    customer = Customer()
    page = customer.get()
    customer.press(page, **WRITTEN, files=[photo()])
    customer.press(page, **WRITTEN, files=[photo(), photo("second.jpg", PHOTO + b"2")])
    assert names(Contact.objects.get()) == ["lamp.jpg", "second.jpg"]


def test_back_and_another_text_takes_its_files_along():
    customer = Customer()
    page = customer.get()
    customer.press(page, **WRITTEN, files=[photo()])
    asked = customer.press(page, **{**WRITTEN, "message": "Something else"}, files=[photo()])
    assert asked.response.status_code == 409
    assert asked.kept == ["lamp.jpg"]
    customer.press(asked)
    assert [names(contact) for contact in Contact.objects.order_by("pk")] == [["lamp.jpg"], ["lamp.jpg"]]


def test_two_tabs_with_the_same_text_make_one_contact_with_the_files_of_both():
    customer = Customer()
    tabs = [customer.get(), customer.get()]
    first = customer.press(tabs[0], **WRITTEN, files=[photo()])
    second = customer.press(tabs[1], **WRITTEN, files=[photo(), photo("other.jpg", PHOTO + b"2")])
    contact = Contact.objects.get()
    assert contact.reference in first.text
    assert contact.reference in second.text
    assert names(contact) == ["lamp.jpg", "other.jpg"]


def test_the_same_words_a_day_later_are_a_new_contact():
    customer = Customer()
    customer.press(customer.get(), **WRITTEN)
    with clock.frozen(NOW + timedelta(days=1)):
        customer.press(customer.get(), **WRITTEN)
    assert Contact.objects.count() == 2


def test_the_same_words_of_another_person_are_another_contact():
    for email in ("ada@example.com", "bo@example.com"):
        customer = Customer()
        customer.press(customer.get(), **{**WRITTEN, "email": email})
    assert Contact.objects.count() == 2


# --- How long files stay ---


@committed
def test_files_of_a_form_that_nobody_sent_go_after_a_day(attachments_dir):
    customer = Customer()
    page = customer.press(customer.get(), **{**WRITTEN, "email": ""}, files=[photo()])
    with clock.frozen(NOW + timedelta(hours=23)):
        tasks.sweep_attachments()
    assert Attachment.objects.count() == len(files_in(attachments_dir)) == 1
    with clock.frozen(NOW + timedelta(hours=25)):
        tasks.sweep_attachments()
        assert not Attachment.objects.exists()
        assert files_in(attachments_dir) == []
        asked = customer.press(page, email="ada@example.com")
        assert "no longer with your message" in asked.text
        assert asked.fields["message"] == WRITTEN["message"]
        customer.press(asked)
    assert Contact.objects.count() == 1


def test_sent_files_stay_for_as_long_as_their_contact_and_go_with_it(attachments_dir):
    customer = Customer()
    customer.press(customer.get(), **WRITTEN, files=[photo()])
    attachments.sweep(now=NOW + timedelta(days=400))
    (path,) = files_in(attachments_dir)
    Contact.objects.all().delete()
    assert not Attachment.objects.exists()
    attachments.sweep(now=NOW)
    assert path.exists(), "bytes this young may be about to get their row"
    an_hour_ago = time.time() - 3700
    os.utime(path, (an_hour_ago, an_hour_ago))
    assert attachments.sweep(now=NOW) == 1
    assert not path.exists()


def test_a_sweep_of_nothing_is_nothing():
    assert attachments.sweep(now=NOW) == 0


# --- The desk ---


def test_the_desk_saves_a_file_and_never_shows_it_as_a_page(staff):
    customer = Customer()
    customer.press(customer.get(), **WRITTEN, files=[upload("naïve <b>.html", b"<script>alert(1)</script>")])
    contact = Contact.objects.get()
    desk = Client()
    desk.force_login(staff("ops"))
    page = desk.get(reverse("desk:contact", args=[contact.pk])).content.decode()
    stored = contact.attachments.get()
    address = reverse("desk:contact-attachment", args=[contact.pk, stored.pk])
    assert address in page
    answer = desk.get(address)
    assert b"".join(answer.streaming_content) == b"<script>alert(1)</script>"
    assert answer["Content-Type"] == "text/plain"
    assert answer["Content-Disposition"].startswith("attachment;")
    assert ".html.txt" in answer["Content-Disposition"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "no-store" in answer["Cache-Control"]


def test_only_those_who_look_after_contacts_get_files(staff):
    customer = Customer()
    customer.press(customer.get(), **WRITTEN, files=[photo()])
    contact = Contact.objects.get()
    address = reverse("desk:contact-attachment", args=[contact.pk, contact.attachments.get().pk])
    assert Client().get(address).status_code == 302
    writer = Client()
    writer.force_login(staff("writer"))
    assert writer.get(address).status_code == 403
    assert customer.client.get(address).status_code == 302


def test_a_file_is_found_under_its_own_contact_only_and_not_while_unsent(staff):
    customer = Customer()
    customer.press(customer.get(), **WRITTEN, files=[photo()])
    customer.press(customer.get(), **{**WRITTEN, "email": ""}, files=[photo()])
    contact = Contact.objects.get()
    desk = Client()
    desk.force_login(staff("ops"))
    unsent = Attachment.objects.get(contact=None)
    assert desk.get(reverse("desk:contact-attachment", args=[contact.pk, unsent.pk])).status_code == 404
    sent = contact.attachments.get()
    assert desk.get(reverse("desk:contact-attachment", args=[contact.pk + 1, sent.pk])).status_code == 404
    attachments.path_of(sent.pk).unlink()
    assert desk.get(reverse("desk:contact-attachment", args=[contact.pk, sent.pk])).status_code == 404


# --- Without a cookie ---


def test_the_form_needs_no_csrf_cookie_and_a_foreign_page_cannot_send(django_user_model):
    customer = Customer()
    customer.client.handler.enforce_csrf_checks = True
    page = customer.get()
    stranger = Customer(**{"Sec-Fetch-Site": "cross-site"})
    stranger.client.handler.enforce_csrf_checks = True
    asked = stranger.press(page, **WRITTEN)
    assert asked.response.status_code == 422
    assert asked.fields["message"] == WRITTEN["message"]
    assert not Contact.objects.exists()
    assert FormVisit.objects.filter(contact=None).count() == 2
    customer.press(page, **WRITTEN)
    assert Contact.objects.count() == 1
