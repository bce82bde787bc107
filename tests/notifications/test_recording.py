"""Many reports of the provider at once mean what they mean one by one; readers never wait for each other in a ring."""

from __future__ import annotations

import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from core import clock
from notifications import delivery, recording
from notifications.models import DeliveryEvent, InboundDelivery, Message, SendAttempt, Suppression
from notifications.providers.base import DeliveryKind, ProviderEvent
from tests.notifications import mailing
from tests.notifications.shop import NOW
from tests.waiting import until

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _thursday_noon(settings):
    settings.MAIL_PROVIDER = "console"
    with clock.frozen(NOW):
        yield


def sent(count: int) -> list[Message]:
    messages = mailing.ready(count)
    mailing.drain()
    return messages


def event(
    event_id: str, message: Message | None, kind: DeliveryKind = DeliveryKind.DELIVERED, attempt: int | None = 1, **more
) -> ProviderEvent:
    message_id = str(message.pk) if message else None
    return ProviderEvent("sendgrid", event_id, kind, NOW, message_id, attempt, "else@example.com", **more)


def row(event_id: str, message: Message, word: str = "delivered") -> dict:
    return {
        "email": "else@example.com",
        "timestamp": int(NOW.timestamp()),
        "event": word,
        "sg_event_id": event_id,
        "preempt_message_id": str(message.pk),
        "preempt_attempt": "1",
    }


def told(*reports: list[dict]) -> None:
    for rows in reports:
        delivery.store("sendgrid", json.dumps(rows).encode(), headers={})


def outcome() -> list:
    """All that events change."""
    return [
        list(Message.objects.order_by("pk").values_list("pk", "state", "state_reason", "provider_msg_id", "sent_at")),
        list(SendAttempt.objects.order_by("message", "n").values_list("message", "n", "outcome", "provider_msg_id")),
        list(Suppression.objects.order_by("person").values_list("person", "scope", "reason", "at")),
        list(DeliveryEvent.objects.order_by("pk").values_list("event_id", "message", "attempt", "kind", "reason")),
    ]


def some_events(rng: random.Random, messages: list[Message]) -> list[ProviderEvent]:
    return [
        event(
            f"e{rng.randrange(9)}",
            rng.choice([*messages, messages[0], None]),
            rng.choice(list(DeliveryKind)),
            rng.choice([1, 1, 2, 2, 7, None]),
            reason=rng.choice(["", "550 no such user"]),
            provider_msg_id=rng.choice(["", "first", "second"]),
            permanent=rng.random() < 0.4,
        )
        for _ in range(10)
    ]


@pytest.mark.parametrize("seed", range(12))
def test_many_together_change_what_they_change_one_by_one(seed: int) -> None:
    rng = random.Random(seed)
    messages = sent(4)
    states = ["ready", "claimed", "sending", "unknown", "accepted", "delivered", "dropped", "failed", "held_out"]
    for message in messages:
        Message.objects.filter(pk=message.pk).update(state=rng.choice(states), sent_at=None)
        SendAttempt.objects.filter(message=message).update(outcome=rng.choice(["unknown", "accepted", "not_sent"]))
        SendAttempt.objects.create(message=message, n=2, outcome="unknown", provider="sendgrid")
    events = some_events(rng, messages)
    with transaction.atomic():
        for one in events:
            recording.record(one)
        one_by_one = outcome()
        transaction.set_rollback(True)
    assert recording.record_all(events) == []
    together = outcome()
    assert together[:3] == one_by_one[:3]
    assert sorted(together[3], key=str) == sorted(one_by_one[3], key=str)


def test_two_attempts_reported_at_once_are_a_duplicate_that_is_owned_up_to(caplog) -> None:
    [message] = sent(1)
    SendAttempt.objects.update(outcome="unknown")
    SendAttempt.objects.create(message=message, n=2, outcome="unknown", provider="sendgrid")
    recording.record_all([event("late", message, attempt=2), event("later", message, attempt=1)])
    assert dict(SendAttempt.objects.values_list("n", "outcome")) == {2: "accepted", 1: "duplicate"}
    assert [one.message for one in caplog.records if one.name == "preempt.sending"] == ["sent twice"]


def test_the_same_event_twice_in_one_reading_counts_once() -> None:
    first, second = sent(2)
    told([row("e1", first), row("e1", first)], [row("e2", second), row("e1", first)])
    assert delivery.read_inbound() == 2
    assert sorted(DeliveryEvent.objects.values_list("event_id", flat=True)) == ["e1", "e2"]
    assert set(InboundDelivery.objects.values_list("state", flat=True)) == {"done"}


def test_an_event_that_is_known_changes_nothing_when_it_comes_again() -> None:
    [message] = sent(1)
    told([row("e1", message, "unsubscribe")])
    delivery.read_inbound()
    Suppression.objects.all().delete()  # as the person may ask for
    told([row("e1", message, "unsubscribe"), row("e2", message)])
    delivery.read_inbound()
    assert not Suppression.objects.exists()
    assert DeliveryEvent.objects.count() == 2


def test_what_breaks_a_reading_harms_none_of_the_others(monkeypatch) -> None:
    messages = sent(6)
    take_in = recording._take_in
    broken = {"e3"}

    def break_on_some(facts):
        assert not broken & {fact.event.event_id for fact in facts}
        return take_in(facts)

    monkeypatch.setattr(recording, "_take_in", break_on_some)
    told(*([row(f"e{n}", one), row(f"also-{n}", one, "open")] for n, one in enumerate(messages)))
    for tries in range(1, delivery.MOST_TRIES + 1):
        delivery.read_inbound()
        assert DeliveryEvent.objects.count() == 11, "all but that one, its sibling in the same report too"
        poisoned = InboundDelivery.objects.exclude(state="done").get()
        assert (poisoned.tries, poisoned.state) == (tries, "quarantined" if tries == 3 else "new")
    assert "AssertionError" in poisoned.error


def test_the_queries_are_as_many_for_a_hundred_events_as_for_ten() -> None:
    messages = sent(20)
    counts = []
    for size in (5, 20):
        told(
            *(
                [row(f"{size}-{one.pk}-{word}", one, word) for word in ("processed", "delivered", "spamreport")]
                for one in messages[:size]
            )
        )
        with CaptureQueriesContext(
            connection,
        ) as asked:
            delivery.read_inbound()
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert DeliveryEvent.objects.count() == 75


def test_no_more_is_read_together_than_is_wise(monkeypatch) -> None:
    messages = sent(3)
    told(*([row(f"e{n}", one)] for n, one in enumerate(messages)))
    monkeypatch.setattr(delivery, "MOST_BYTES", 1)
    assert [len(delivery._choose(after=after)) for after in (0, 10**9)] == [1, 0], "one at least"
    assert delivery.read_inbound() == 3
    assert DeliveryEvent.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_a_message_that_somebody_holds_keeps_only_its_own_report_waiting() -> None:
    held, free, also = sent(3)
    told([row("e1", held), row("e2", free)], [row("e3", also)])

    def read() -> None:
        delivery.read_inbound()
        connections.close_all()

    reader = threading.Thread(target=read)
    with transaction.atomic():
        Message.objects.select_for_update().get(pk=held.pk)
        reader.start()
        until(lambda: _seen() == {"e2", "e3"}, "what is free is taken in")
        assert list(InboundDelivery.objects.order_by("pk").values_list("state", flat=True)) == ["new", "done"]
    reader.join(20)
    assert set(InboundDelivery.objects.values_list("state", flat=True)) == {"done"}
    assert set(Message.objects.values_list("state", flat=True)) == {"delivered"}


def _seen() -> set[str]:
    return set(DeliveryEvent.objects.values_list("event_id", flat=True))


@pytest.mark.django_db(transaction=True)
def test_readers_at_once_take_in_each_event_once_and_none_gives_up(monkeypatch) -> None:
    """Each report names the same people and messages in another order; some of their events are the same."""
    messages = sent(8)
    rng = random.Random(5)
    monkeypatch.setattr(delivery, "MOST_CALLS", 3)
    rows = [row(f"{word}-{one.pk}", one, word) for one in messages for word in ("delivered", "spamreport", "open")]
    foreign = [
        {**row(f"foreign-{n}", messages[0], "spamreport"), "preempt_message_id": "", "email": f"{n}@example.com"}
        for n in range(6)
    ]
    reports = [rng.sample(rows + foreign, 12) for _ in range(60)]
    told(*reports)
    broken: list[str] = []
    monkeypatch.setattr(delivery.logger, "warning", lambda *said, **more: broken.append(str(more)))
    monkeypatch.setattr(delivery.logger, "error", lambda *said, **more: broken.append(str(more)))

    def read(_: int) -> None:
        delivery.read_inbound()
        connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read, range(8)))
    assert broken == []
    assert _seen() == {one["sg_event_id"] for report in reports for one in report}
    assert set(InboundDelivery.objects.values_list("state", "tries")) == {("done", 0)}
    assert Suppression.objects.count() == len(messages) + len(foreign)
