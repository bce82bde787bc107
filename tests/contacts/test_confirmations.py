"""The mail that says: it is here, and this is its reference."""

from __future__ import annotations

import smtplib
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from contacts import confirmations, tasks
from contacts.models import Confirmation, Contact
from core import brand, clock
from tests.contacts import samples
from tests.contacts.conftest import NOW
from tests.contacts.pages import WRITTEN, Customer

pytestmark = pytest.mark.django_db
OURS = "help@shop.example.org"


@pytest.fixture(autouse=True)
def _the_shop(settings):
    settings.MAIL_FROM, settings.SUPPORT_ADDRESS, settings.SHOP_NAME = "shop@shop.example.org", OURS, "Fernhill & Söhne"
    brand.forget()  # of the settings as they were


class Refusing(EmailBackend):
    """A mail system in some kind of trouble."""

    trouble: Exception = smtplib.SMTPConnectError(421, "closed for lunch")

    def send_messages(self, messages):
        raise self.trouble


class Suppressing(EmailBackend):
    def send_messages(self, messages):
        return 0


def write(locale: str = "en", **typed) -> Contact:
    customer = Customer()
    form = f"/{locale}/contact/"
    customer.press(customer.get(form), to=form, **{**WRITTEN, **typed})
    return Contact.objects.latest("pk")


def state(contact: Contact) -> tuple[str, str]:
    found = Confirmation.objects.get(contact=contact)
    return found.state, found.state_reason


def test_it_carries_the_reference_what_was_written_and_the_way_to_answer():
    contact = write(files=[samples.upload("lamp.jpg", samples.picture("JPEG"))])
    tasks.confirm()
    (sent,) = mail.outbox
    assert sent.to == ["ada@example.com"]
    assert contact.reference in sent.subject
    assert sent.reply_to[0].endswith(f"<{OURS}>")
    assert sent.extra_headers["Auto-Submitted"] == "auto-replied"
    html = sent.alternatives[0][0]
    for text in (sent.body, html):
        assert contact.reference in text
        assert "Where is my refund?" in text
        assert "lamp.jpg" in text
        assert "/en/orders/" in text
    assert "> Where is my refund?\n> I sent the lamp back." in sent.body
    assert "Fernhill & Söhne" in sent.body
    assert state(contact) == ("sent", "")


def test_it_is_a_real_mail_that_programs_can_read():
    write()
    tasks.confirm()
    message = mail.outbox[0].message()
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["Reply-To"]
    assert message.is_multipart()


def test_what_was_written_is_text_in_the_html_too():
    write(message="<script>alert(1)</script>", subject="<b>", name="<i>")
    tasks.confirm()
    html = mail.outbox[0].alternatives[0][0]
    assert "<script>" not in html
    assert "<b>" not in html
    assert "<i>" not in html


def test_it_is_in_the_customers_language():
    write(locale="es")
    tasks.confirm()
    assert 'lang="es"' in mail.outbox[0].alternatives[0][0]
    assert "/es/" in mail.outbox[0].body


def test_it_promises_a_time_only_where_the_shop_does(settings):
    write()
    tasks.confirm()
    settings.SUPPORT_ANSWERS_WITHIN = 24
    write(message="another")
    tasks.confirm()
    without, promised = (one.body for one in mail.outbox)
    assert "hours" not in without
    assert "We answer within 24 hours." in promised


def test_it_is_sent_once_however_often_the_task_runs():
    write()
    for _ in range(3):
        tasks.confirm()
    assert len(mail.outbox) == 1


def test_a_double_click_confirms_once():
    customer = Customer()
    page = customer.get()
    for _ in range(2):
        customer.press(page, **WRITTEN)
    tasks.confirm()
    assert len(mail.outbox) == 1


def test_a_mail_system_that_takes_nothing_now_gets_it_later(settings):
    good = settings.EMAIL_BACKEND
    first, second = write(), write(message="another")
    settings.EMAIL_BACKEND = f"{__name__}.Refusing"
    tasks.confirm()
    assert state(first)[0] == state(second)[0] == "waiting"
    assert "closed for lunch" in state(first)[1]
    settings.EMAIL_BACKEND = good
    tasks.confirm()
    assert state(first) == state(second) == ("sent", "")


@pytest.mark.parametrize("trouble", [smtplib.SMTPServerDisconnected("gone"), TimeoutError("slow")], ids=repr)
def test_where_nobody_can_tell_it_is_never_sent_again(settings, monkeypatch, trouble):
    good = settings.EMAIL_BACKEND
    monkeypatch.setattr(Refusing, "trouble", trouble)
    contact = write()
    settings.EMAIL_BACKEND = f"{__name__}.Refusing"
    tasks.confirm()
    assert state(contact)[0] == "failed"
    settings.EMAIL_BACKEND = good
    tasks.confirm()
    assert mail.outbox == []


def test_a_worker_that_died_over_it_leaves_it_unsent_and_visible():
    contact = write()
    Confirmation.objects.update(state="sending")
    tasks.confirm()
    assert mail.outbox == []
    assert state(contact)[0] == "sending"


def test_an_address_that_we_must_not_write_to_is_skipped(settings):
    settings.EMAIL_BACKEND = f"{__name__}.Suppressing"
    contact = write()
    tasks.confirm()
    assert state(contact) == ("skipped", "we must not write to this address")


@pytest.mark.parametrize("name", ["help", "HELP", "help+orders", "shop"])
def test_our_own_addresses_are_never_confirmed_to(name):
    contact = write(email=f"{name}@shop.example.org")
    tasks.confirm()
    assert mail.outbox == []
    assert state(contact) == ("skipped", "it is our own address")


def test_nobodys_mailbox_is_flooded_by_the_form():
    for number in range(5):
        write(message=f"number {number}")
    tasks.confirm()
    assert len(mail.outbox) == 3
    assert Contact.objects.count() == 5
    with clock.frozen(NOW + timedelta(hours=1)):
        write(message="an hour later")
        tasks.confirm()
    assert len(mail.outbox) == 4


def test_one_network_cannot_have_everybody_written_to(monkeypatch):
    monkeypatch.setattr(confirmations, "_PER_NETWORK", 2)
    for number in range(4):
        write(email=f"p{number}@example.com")
    tasks.confirm()
    assert len(mail.outbox) == 2


def test_what_could_not_be_sent_for_a_day_is_not_sent_any_more():
    contact = write()
    with clock.frozen(NOW + timedelta(days=1, seconds=1)):
        tasks.confirm()
    assert mail.outbox == []
    assert state(contact) == ("skipped", "too late")


def test_the_page_after_send_says_what_is_true(settings):
    customer = Customer()
    assert "We also send it" in customer.press(customer.get(), **WRITTEN).text
    other = Customer()
    assert "We also send it" not in other.press(other.get(), **{**WRITTEN, "email": OURS}).text


@pytest.mark.django_db(transaction=True)
def test_a_worker_confirms_soon_after_the_message(celery_worker_process, settings):
    """By the doorbell, over the real broker and worker; the worker's own settings deliver to the outbox table."""
    from notifications.models import OutboxMail
    from tests.waiting import until

    celery_worker_process.start()
    with clock.frozen(datetime.now(UTC)):  # the worker lives in real time
        contact = write()
    row = until(lambda: OutboxMail.objects.first(), "the confirmation is in the outbox")
    assert contact.reference in row.subject


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_keeps_no_message_out(monkeypatch: pytest.MonkeyPatch):
    def away(*args: object, **kwargs: object) -> None:
        raise ConnectionRefusedError("no broker")

    monkeypatch.setattr(tasks.confirm, "apply_async", away)
    customer = Customer()
    page = customer.press(customer.get(), **WRITTEN)
    assert page.response.status_code == 200
    assert Confirmation.objects.get().contact == Contact.objects.get()
