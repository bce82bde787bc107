"""The provider's reports back, from signed bytes to what they change."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client

from core import clock
from core.people import person_key
from notifications import delivery, dispatch, episodes, recording, suppression
from notifications.models import (
    DeliveryEvent,
    InboundDelivery,
    InboundSeen,
    Message,
    SendAttempt,
    Suppression,
)
from tests.fakes.sendgrid_events import Key
from tests.notifications import mailing, shop
from tests.notifications.shop import NOW

pytestmark = pytest.mark.django_db

URL = "/webhooks/sendgrid"


@pytest.fixture(autouse=True)
def _thursday_noon(settings):
    settings.MAIL_PROVIDER = "console"
    with clock.frozen(NOW):
        yield


@pytest.fixture
def key(settings) -> Key:
    key = Key(None)
    settings.SENDGRID_EVENT_PUBLIC_KEY = key.public
    return key


def row(message: Message, word: str = "delivered", *, event_id: str = "event-1", attempt: int = 1, **more) -> dict:
    return {
        "email": "name1001@example.com",
        "timestamp": int(NOW.timestamp()),
        "event": word,
        "sg_event_id": event_id,
        "sg_message_id": "xyz.filter-1",
        "preempt_message_id": str(message.pk),
        "preempt_attempt": str(attempt),
        **more,
    }


def post(body: bytes, *, key: Key | None, signature: str | None = None, client: Client | None = None) -> int:
    stamp = str(int(time.time()))
    headers = {"X-Twilio-Email-Event-Webhook-Timestamp": stamp}
    if key is not None:
        headers["X-Twilio-Email-Event-Webhook-Signature"] = signature or key.sign(stamp, body)
    client = client or Client(enforce_csrf_checks=True)
    return client.post(URL, body, content_type="application/json", headers=headers).status_code


def tell(key: Key, *rows: object) -> None:
    assert post(json.dumps(list(rows)).encode(), key=key) == 200
    delivery.read_inbound()


def sent() -> Message:
    [message] = mailing.ready()
    mailing.drain()
    return message


def state(message: Message) -> str:
    message.refresh_from_db()
    return message.state


def test_a_signed_report_is_stored_answered_and_then_read(key: Key, django_capture_on_commit_callbacks) -> None:
    message = sent()
    assert post(json.dumps([row(message)]).encode(), key=key) == 200
    assert InboundDelivery.objects.get().state == "new", "nothing is parsed before the answer"
    assert delivery.read_inbound() == 1
    assert (state(message), InboundDelivery.objects.get().state) == ("delivered", "done")
    assert delivery.read_inbound() == 0


def test_a_forged_or_missing_signature_or_no_key_is_401_and_stores_nothing(key: Key, settings) -> None:
    body = json.dumps([row(sent())]).encode()
    assert post(body, key=None) == 401
    assert post(body, key=Key(None)) == 401
    assert post(body, key=key, signature="bm8=") == 401
    assert post(body + b" ", key=key, signature=key.sign(str(int(time.time())), body)) == 401
    settings.SENDGRID_EVENT_PUBLIC_KEY = ""
    assert post(body, key=key) == 401
    assert not InboundDelivery.objects.exists()


def test_too_large_is_413_and_stores_nothing(key: Key) -> None:
    assert post(b"x" * (4 * 1024 * 1024 + 1), key=key) == 413
    assert not InboundDelivery.objects.exists()


def test_more_than_a_form_may_hold_is_still_read(key: Key) -> None:
    message = sent()
    rows = [row(message, event_id=f"event-{n}", filler="x" * 4000) for n in range(400)]
    assert post(json.dumps(rows).encode(), key=key) == 200
    delivery.read_inbound()
    assert DeliveryEvent.objects.count() == 400


def test_only_post_is_answered(client: Client) -> None:
    assert client.get(URL).status_code == 405


def test_the_same_report_100_times_is_one_event(key: Key) -> None:
    message = sent()
    body = json.dumps([row(message)]).encode()
    assert {post(body, key=key) for _ in range(100)} == {200}
    delivery.read_inbound()
    assert (InboundDelivery.objects.count(), InboundSeen.objects.count()) == (1, 1)
    assert DeliveryEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_report_100_times_at_once_is_one_event_and_no_second_mail(key: Key) -> None:
    message = sent()
    body = json.dumps([row(message)]).encode()

    def work(_: int) -> int:
        try:
            answer = post(body, key=key)
            delivery.read_inbound()
            return answer
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(work, range(100))) == {200}
    delivery.read_inbound()
    assert (InboundDelivery.objects.count(), DeliveryEvent.objects.count()) == (1, 1)
    assert (state(message), SendAttempt.objects.count()) == ("delivered", 1)


def test_an_event_repeated_in_another_report_counts_once(key: Key) -> None:
    message = sent()
    tell(key, row(message))
    tell(key, row(message), row(message, "open", event_id="event-2"))
    assert DeliveryEvent.objects.count() == 2


def test_a_message_never_goes_back_whatever_the_order_of_the_events(key: Key) -> None:
    message = sent()
    tell(key, row(message, "delivered"), row(message, "processed", event_id="event-2"))
    assert state(message) == "delivered"
    tell(key, row(message, "bounce", event_id="event-3", type="bounce", reason="550 no such user"))
    tell(key, row(message, "delivered", event_id="event-4"))
    assert state(message) == "bounced"
    assert message.state_reason == "550 no such user"


@pytest.mark.parametrize(
    ("word", "more", "reason"),
    [
        ("bounce", {"type": "bounce", "reason": "550 no such user"}, "bounced"),
        ("dropped", {"reason": "Bounced Address"}, "bounced"),
        ("spamreport", {}, "complained"),
        ("unsubscribe", {}, "unsubscribed"),
        ("group_unsubscribe", {}, "unsubscribed"),
    ],
)
def test_a_dead_address_or_a_complaint_suppresses_everything_to_it(
    key: Key, word: str, more: dict, reason: str
) -> None:
    message = sent()
    tell(key, row(message, word, **more))
    suppressed = Suppression.objects.get()
    assert (suppressed.person, suppressed.scope, suppressed.reason) == (message.person, "all", reason)
    tell(key, row(message, "delivered", event_id="event-2"))
    assert Suppression.objects.count() == 1, "a late delivery never lifts it"
    shop.parcel("FH-2", name="Name1001")
    episodes.sweep(now=NOW)
    assert dict(dispatch.drain(dispatch.LANES).outcomes) == {"suppressed": 1}


@pytest.mark.parametrize(
    ("word", "more"),
    [("bounce", {"type": "blocked", "reason": "554 full"}), ("dropped", {"reason": "Invalid SMTPAPI header"})],
)
def test_what_is_not_the_address_fault_suppresses_nobody(key: Key, word: str, more: dict) -> None:
    tell(key, row(sent(), word, **more))
    assert not Suppression.objects.exists()


def test_an_event_takes_back_what_waits_for_that_person(key: Key) -> None:
    message = sent()
    shop.parcel("FH-2", name="Name1001")
    episodes.sweep(now=NOW)
    tell(key, row(message, "spamreport"))
    waiting = Message.objects.exclude(pk=message.pk).get()
    assert (waiting.state, waiting.state_reason) == ("suppressed", "complained")


def test_an_event_of_a_mail_that_is_not_ours_still_suppresses_its_address(key: Key) -> None:
    event = row(sent(), "bounce", type="bounce")
    del event["preempt_message_id"], event["preempt_attempt"]
    tell(key, {**event, "email": "Else@Example.com"})
    assert Suppression.objects.get().person == person_key("else@example.com")
    assert DeliveryEvent.objects.get().message is None


def test_a_bad_row_never_blocks_its_siblings_and_a_person_is_told(key: Key) -> None:
    message = sent()
    tell(key, {"event": "delivered"}, "nonsense", row(message), None)
    assert state(message) == "delivered"
    inbound = InboundDelivery.objects.get()
    assert inbound.state == "quarantined"
    assert [line.partition(":")[0] for line in inbound.error.splitlines()] == ["row 0", "row 1", "row 3"]


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"[" * 100_000, b"{}", b"null", b"[{]"])
def test_a_poisoned_report_is_quarantined_and_the_next_one_is_read(key: Key, body: bytes) -> None:
    message = sent()
    assert post(body, key=key) == 200
    tell(key, row(message))
    assert list(InboundDelivery.objects.order_by("pk").values_list("state", flat=True)) == ["quarantined", "done"]
    assert state(message) == "delivered"


def test_three_failures_of_ours_quarantine_a_report(key: Key, monkeypatch) -> None:
    message = sent()
    post(json.dumps([row(message)]).encode(), key=key)
    monkeypatch.setattr(recording, "_take_in", lambda facts: 1 / 0)
    for tries in range(1, delivery.MOST_TRIES + 1):
        delivery.read_inbound()
        inbound = InboundDelivery.objects.get()
        assert (inbound.tries, inbound.state) == (tries, "quarantined" if tries == 3 else "new")
    assert "ZeroDivisionError" in inbound.error
    assert delivery.read_inbound() == 0


def test_an_unknown_word_is_kept_and_is_proof_that_the_provider_has_the_mail(key: Key) -> None:
    message = sent()
    tell(key, row(message, "teleported"))
    assert DeliveryEvent.objects.get().kind == "unknown"
    assert state(message) == "accepted"


def test_a_held_out_message_is_moved_by_nothing(key: Key) -> None:
    [message] = mailing.ready()
    Message.objects.update(state="held_out", arm="held_out")
    tell(key, row(message))
    assert state(message) == "held_out"


def test_suppressing_is_idempotent_and_nobody_is_nobody() -> None:
    assert suppression.suppress("", scope="all", reason="bounced", at=NOW) == 0
    for _ in range(2):
        suppression.suppress("p", scope="all", reason="bounced", at=NOW)
    assert Suppression.objects.count() == 1
