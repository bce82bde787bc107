"""The demo's provider keeps what it "sends", each hand-over once."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from django.db import connection

from core import clock
from notifications.models.outreach import OutboxMail
from notifications.providers.base import Accepted, DeliveryError, Fate, Mail
from notifications.providers.console import Console

MESSAGE = "0194f1a0-0000-7000-8000-000000000001"


def a_mail(*, attempt: int = 1) -> Mail:
    return Mail(
        message_id=MESSAGE,
        attempt=attempt,
        to_address="ana@example.com",
        to_name="Ana",
        from_address="help@shop.example.com",
        from_name="Fernhill & Co",
        subject="Your order is late",
        text="Hello Ana",
        html="<p>Hello Ana</p>",
        headers={"List-Unsubscribe": "<https://shop.example.com/u/1>"},
    )


@pytest.mark.django_db
def test_a_mail_lies_in_the_outbox_as_it_was_handed_over_at_the_storys_time() -> None:
    at = datetime(2017, 11, 22, 9, 0, tzinfo=UTC)
    with clock.frozen(at):
        accepted = Console().deliver(a_mail())
    row = OutboxMail.objects.get()
    assert accepted == Accepted(f"console-{MESSAGE}-1")
    assert (row.message_id, row.attempt, row.sent_at) == (uuid.UUID(MESSAGE), 1, at)
    assert (row.to_address, row.subject) == ("ana@example.com", "Your order is late")
    assert (row.text, row.html) == ("Hello Ana", "<p>Hello Ana</p>")
    assert row.headers == {"List-Unsubscribe": "<https://shop.example.com/u/1>"}


@pytest.mark.django_db
def test_the_same_attempt_twice_is_one_mail_and_a_new_attempt_is_another() -> None:
    provider = Console()
    assert provider.deliver(a_mail()) == provider.deliver(a_mail())
    provider.deliver(a_mail(attempt=2))
    assert sorted(OutboxMail.objects.values_list("attempt", flat=True)) == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_does_not_answer_leaves_the_mail_unknown() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE notifications_outboxmail RENAME TO away")
    try:
        with pytest.raises(DeliveryError) as caught:
            Console().deliver(a_mail())
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO notifications_outboxmail")
    assert caught.value.fate is Fate.UNKNOWN
