"""Messages out, through the real adapter to a SendGrid on loopback, in every way that it can end."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.db import connection

from core import clock
from notifications import (
    composing,
    dispatch,
    episodes,
    intending,
    pausing,
    providers,
    recording,
    sending,
    settling,
    suppression,
)
from notifications.models import (
    InboundDelivery,
    Message,
    OutboxMail,
    ProviderPause,
    Rule,
    SendAttempt,
    SendOutcome,
    SuppressionReason,
)
from notifications.providers.base import DeliveryKind, ProviderEvent
from notifications.providers.sendgrid import SendGrid
from tests.fakes import sendgrid as fakes
from tests.notifications import mailing, shop
from tests.notifications.mailing import KEY, TIMES, drain, hours_later, ready, taken
from tests.notifications.shop import DAY, NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _thursday_noon():
    with clock.frozen(NOW):
        yield


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[fakes.Handle]:
    with fakes.running(log=mailing.log_of(tmp_path), api_key=KEY) as handle:
        yield handle


@pytest.fixture
def provider(fake: fakes.Handle, settings, monkeypatch) -> Iterator[SendGrid]:
    """The adapter with a test's patience, and the one that everything uses."""
    settings.MAIL_PROVIDER, settings.SENDGRID_API_KEY, settings.SENDGRID_URL = "sendgrid", KEY, fake.url
    ours = SendGrid(api_key=KEY, base_url=fake.url, times=TIMES)
    monkeypatch.setattr(providers, "_provider", lambda *arguments: ours)
    yield ours
    ours.close()


def report(message: Message, kind: DeliveryKind, *, attempt: int = 1, event_id: str = "e1", **more) -> ProviderEvent:
    return ProviderEvent(
        provider="sendgrid",
        event_id=event_id,
        kind=kind,
        at=NOW,
        message_id=str(message.pk),
        attempt=attempt,
        address="",
        **more,
    )


def states() -> list[str]:
    return list(Message.objects.order_by("pk").values_list("state", flat=True))


def outcomes() -> list[str]:
    return list(SendAttempt.objects.order_by("message", "n").values_list("outcome", flat=True))


def pause_is_over() -> None:
    ProviderPause.objects.update(until=NOW - 9999 * DAY)


@pytest.mark.usefixtures("provider")
def test_a_ready_message_is_sent_once(fake) -> None:
    [message] = ready()
    assert drain() == {"accepted": 1}
    assert drain() == {}
    [line] = fake.log()
    assert line["to"] == ["name1001@example.com"]
    assert line["custom_args"] == {"preempt_message_id": str(message.pk), "preempt_attempt": "1"}
    message.refresh_from_db()
    assert (message.state, message.sent_at, message.attempts) == ("accepted", NOW, 1)
    assert message.provider_msg_id == line["x_message_id"]
    assert outcomes() == ["accepted"]


@pytest.mark.usefixtures("provider")
def test_the_mail_can_be_unsubscribed_by_one_click(fake) -> None:
    ready()
    drain()
    headers = fake.log()[0]["headers"]
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "/u/" in headers["List-Unsubscribe"]


def test_the_oldest_goes_first_and_the_urgent_before_it(settings) -> None:
    settings.MAIL_PROVIDER = "console"
    older, newer, urgent = ready(3)
    Message.objects.filter(pk=newer.pk).update(not_before=NOW - timedelta(minutes=1))
    Message.objects.filter(pk=older.pk).update(not_before=NOW - timedelta(minutes=2))
    Message.objects.filter(pk=urgent.pk).update(lane="urgent")
    drain()
    sent = OutboxMail.objects.order_by("pk").values_list("message_id", flat=True)
    assert set(sent) == {urgent.pk, older.pk, newer.pk}
    epochs = Message.objects.order_by("send_attempts__pk").values_list("pk", flat=True)
    assert list(epochs) == [urgent.pk, older.pk, newer.pk]


@pytest.mark.usefixtures("provider")
def test_nothing_goes_out_before_its_time(fake) -> None:
    ready()
    Message.objects.update(not_before=NOW + timedelta(minutes=1))
    assert drain() == {}
    with clock.frozen(NOW + timedelta(minutes=1)):
        assert drain() == {"accepted": 1}


def test_delivered_between_claim_and_intent_is_stale(provider, fake) -> None:
    [message] = ready()
    one = mailing.claim_one(provider)
    shop.scan(message.episode.shipment, "delivered", NOW)
    assert sending.send(one, provider=provider) == "stale"
    assert (states(), fake.log()) == (["stale"], [])


def test_unsubscribed_between_claim_and_intent_is_suppressed(provider, fake) -> None:
    [message] = ready()
    one = mailing.claim_one(provider)
    taken_back = suppression.suppress(
        message.person, scope="promise_passed", reason=SuppressionReason.UNSUBSCRIBED, at=NOW
    )
    assert taken_back == 1
    assert sending.send(one, provider=provider) == "taken_back"
    assert (states(), fake.log()) == (["suppressed"], [])


@pytest.mark.usefixtures("provider")
def test_who_unsubscribed_from_one_kind_still_hears_of_the_other(fake) -> None:
    [message] = ready()
    suppression.suppress(message.person, scope="shipped", reason=SuppressionReason.UNSUBSCRIBED, at=NOW)
    assert drain() == {"accepted": 1}


@pytest.mark.usefixtures("provider")
def test_a_suppressed_person_gets_nothing_of_any_later_episode(fake) -> None:
    [message] = ready()
    suppression.suppress(message.person, scope="all", reason=SuppressionReason.COMPLAINED, at=NOW)
    ready(first=1002, name="Name1001")
    assert drain() == {"suppressed": 1}
    assert (states(), fake.log()) == (["suppressed", "suppressed"], [])


@pytest.mark.usefixtures("provider")
def test_too_late_is_stale(fake) -> None:
    ready()
    with clock.frozen(NOW + 4 * DAY):
        assert drain() == {"stale": 1}
    assert Message.objects.get().state_reason == "too late to be of use"


@pytest.mark.usefixtures("provider")
def test_a_rule_switched_off_cancels_what_waits(fake) -> None:
    ready()
    Rule.objects.update(is_active=False)
    assert drain() == {"cancelled": 1}


@pytest.mark.usefixtures("provider")
def test_a_broken_template_fails_its_own_messages_only(fake) -> None:
    ready(2)
    broken = Rule.objects.create(
        key="broken", name="Broken", kind="promise_passed", template="no_such_mail", holdout_share=0
    )
    Message.objects.filter(pk=Message.objects.order_by("pk").first().pk).update(rule=broken)
    assert drain() == {"failed": 1, "accepted": 1}
    assert states() == ["failed", "accepted"]
    assert "no_such_mail" in Message.objects.get(state="failed").state_reason


def test_a_message_has_one_worker_at_a_time(provider) -> None:
    ready(3)
    assert len(sending.claim("normal", limit=2, provider=provider)) == 2
    assert len(sending.claim("normal", limit=9, provider=provider)) == 1
    assert sending.claim("normal", limit=9, provider=provider) == []


def test_a_claim_that_ran_out_belongs_to_the_next_worker(provider, fake) -> None:
    [message] = ready()
    first = mailing.claim_one(provider)
    hours_later(message)
    assert settling.reap().given_back == 1
    second = mailing.claim_one(provider)
    assert second.epoch == first.epoch + 1
    assert sending.send(first, provider=provider) == "taken_back"
    assert sending.send(second, provider=provider) == "accepted"
    assert len(fake.log()) == 1


def test_claims_given_back_are_ready_at_once(provider) -> None:
    ready(2)
    sending.give_back(sending.claim("normal", limit=2, provider=provider))
    assert states() == ["ready", "ready"]


@pytest.mark.usefixtures("provider")
def test_429_with_a_reset_pauses_everything_until_then(fake) -> None:
    ready(3)
    fake.order(answers=[{"times": 1, "status": 429, "reset_in": 120}])
    assert drain() == {"retry": 1}
    assert drain() == {}, "nothing before the reset"
    assert states() == ["ready", "ready", "ready"]
    assert fake.state()["requests"] == 1
    pause_is_over()
    for message in Message.objects.all():
        hours_later(message)
    assert drain() == {"accepted": 3}


@pytest.mark.usefixtures("provider")
def test_503_is_tried_again_after_a_while(fake) -> None:
    [message] = ready()
    fake.order(answers=[{"times": 1, "status": 503}])
    assert drain() == {"retry": 1}
    hours_later(message)
    assert drain() == {"accepted": 1}
    assert outcomes() == ["not_sent", "accepted"]
    assert [line["custom_args"]["preempt_attempt"] for line in fake.log()] == ["2"]


def test_a_provider_that_is_not_reached_is_tried_again(provider, fake, monkeypatch) -> None:
    [message] = ready()
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    elsewhere = SendGrid(api_key=KEY, base_url=f"http://127.0.0.1:{port}", times=TIMES)
    assert sending.send(mailing.claim_one(elsewhere), provider=elsewhere) == "retry"
    elsewhere.close()
    message.refresh_from_db()
    assert (message.state, message.retry_after is not None) == ("ready", True)
    hours_later(message)
    assert drain() == {"accepted": 1}
    assert outcomes() == ["not_sent", "accepted"]


@pytest.mark.usefixtures("provider")
def test_400_fails_and_is_not_tried_again(fake) -> None:
    ready(2)
    fake.order(refuse_addresses=["name1001@example.com"])
    assert drain() == {"rejected": 1, "accepted": 1}
    assert drain() == {}
    failed = Message.objects.get(state="failed")
    assert "name1001" not in failed.state_reason, "no address in what is stored"
    assert SendAttempt.objects.get(message=failed).outcome == SendOutcome.REJECTED


@pytest.mark.usefixtures("provider")
def test_401_opens_the_circuit_and_gives_the_attempt_back(fake) -> None:
    ready(3)
    fake.order(answers=[{"times": 1, "status": 401}])
    assert drain() == {"paused": 1}
    assert fake.state()["requests"] == 1, "the rest of the batch was not tried"
    assert states() == ["ready", "ready", "ready"]
    assert set(Message.objects.values_list("attempts", flat=True)) == {0}
    assert drain() == {}
    pause_is_over()
    assert drain() == {"accepted": 3}


@pytest.mark.usefixtures("provider")
def test_a_provider_that_fails_and_fails_gets_a_pause_and_then_one_probe(fake) -> None:
    ready(12)
    fake.order(answers=[{"times": 99, "status": 500}])
    assert drain() == {"lost": pausing.PATIENCE}
    assert states().count("ready") == 12 - pausing.PATIENCE, "the rest keep their attempts"
    pause_is_over()
    assert drain() == {"lost": 1}, "one probe"
    pause_is_over()
    fake.order(answers=[])
    assert drain() == {"accepted": 12 - pausing.PATIENCE - 1}
    assert ProviderPause.objects.get().failures == 0


@pytest.mark.usefixtures("provider")
def test_a_lost_answer_is_unknown_and_never_sent_again_by_itself(fake) -> None:
    [message] = ready()
    fake.order(answers=[{"times": 1, "accept": True, "then": "hang"}])
    assert drain() == {"lost": 1}
    hours_later(message)
    settling.reap()
    assert drain() == {}
    assert (states(), outcomes(), len(fake.log())) == (["unknown"], ["unknown"], 1)


@pytest.mark.usefixtures("provider")
def test_any_event_of_the_provider_settles_an_unknown(fake) -> None:
    [message] = ready()
    fake.order(answers=[{"times": 1, "accept": True, "status": 500}])
    drain()
    recording.record(report(message, DeliveryKind.PROCESSED))
    assert (states(), outcomes()) == (["accepted"], ["accepted"])
    recording.record(report(message, DeliveryKind.DELIVERED, event_id="e2"))
    assert states() == ["delivered"]


@pytest.mark.usefixtures("provider")
def test_with_witnesses_an_unknown_is_sent_again_and_arrives_once(fake) -> None:
    fake.order(answers=[{"times": 1, "status": 500}])
    [message, *others] = ready(1 + settling.WITNESSES)
    assert drain() == {"lost": 1, "accepted": settling.WITNESSES}
    for place, other in enumerate(others):
        recording.record(report(other, DeliveryKind.DELIVERED, event_id=f"o{place}"))
    assert settling.reap().resent == 0, "too early"
    hours_later(message)
    assert settling.reap().resent == 1
    assert drain() == {"accepted": 1}
    assert sorted(taken(fake.log())) == sorted(str(one.pk) for one in [message, *others])


@pytest.mark.usefixtures("provider")
def test_without_enough_witnesses_an_unknown_stays_so(fake) -> None:
    fake.order(answers=[{"times": 1, "status": 500}])
    [message, *others] = ready(settling.WITNESSES)
    drain()
    for place, other in enumerate(others):
        recording.record(report(other, DeliveryKind.DELIVERED, event_id=f"o{place}"))
    hours_later(message)
    assert settling.reap().resent == 0
    assert Message.objects.get(pk=message.pk).state == "unknown"


@pytest.mark.usefixtures("provider")
def test_no_witness_counts_while_a_report_of_the_provider_is_unread(fake) -> None:
    fake.order(answers=[{"times": 1, "accept": True, "status": 500}])
    [message, *others] = ready(1 + settling.WITNESSES)
    drain()
    for place, other in enumerate(others):
        recording.record(report(other, DeliveryKind.DELIVERED, event_id=f"o{place}"))
    hours_later(message)
    unread = InboundDelivery.objects.create(source="sendgrid", body=b"[]", sha256="0" * 64, state="quarantined")
    assert settling.reap().resent == 0, "what is unread may be about this very message"
    InboundDelivery.objects.filter(pk=unread.pk).update(state="done")
    assert settling.reap().resent == 1


@pytest.mark.parametrize(("policy", "state", "mails"), [("never_twice", "failed", 0), ("never_lost", "accepted", 1)])
@pytest.mark.usefixtures("provider")
def test_at_the_deadline_the_rule_decides(fake, policy: str, state: str, mails: int) -> None:
    fake.order(answers=[{"times": 1, "status": 500}])
    [message] = ready()
    Rule.objects.update(ambiguity_policy=policy)
    drain()
    for _ in range(25):
        hours_later(message)
    settling.reap()
    drain()
    assert (states(), len(fake.log())) == ([state], mails)


@pytest.mark.usefixtures("provider")
def test_a_late_event_of_a_superseded_attempt_is_counted_as_a_duplicate(fake) -> None:
    [message] = ready()
    Rule.objects.update(ambiguity_policy="never_lost")
    fake.order(answers=[{"times": 1, "accept": True, "status": 500}])
    drain()
    for _ in range(25):
        hours_later(message)
    settling.reap()
    assert drain() == {"accepted": 1}
    recording.record(report(message, DeliveryKind.DELIVERED, attempt=2, event_id="e2"))
    recording.record(report(message, DeliveryKind.DELIVERED, attempt=1, event_id="e1"))
    assert (states(), outcomes()) == (["delivered"], ["duplicate", "accepted"])
    assert len(fake.log()) == 2


@pytest.mark.usefixtures("provider")
def test_an_event_that_comes_before_the_next_attempt_prevents_it(fake) -> None:
    [message] = ready()
    Rule.objects.update(ambiguity_policy="never_lost")
    fake.order(answers=[{"times": 1, "accept": True, "status": 500}])
    drain()
    for _ in range(25):
        hours_later(message)
    settling.reap()
    recording.record(report(message, DeliveryKind.DELIVERED))
    assert drain() == {}
    assert (states(), len(fake.log())) == (["delivered"], 1)


def test_a_worker_that_slept_past_its_lease_posts_nothing(provider, fake, monkeypatch) -> None:
    ready()
    one = mailing.claim_one(provider)
    monkeypatch.setattr(intending, "time", SimpleNamespace(monotonic=lambda: 1000.0))
    monkeypatch.setattr(sending, "time", SimpleNamespace(monotonic=lambda: 1000.0 + 61))
    assert sending.send(one, provider=provider) == "retry"
    assert (fake.log(), outcomes()) == ([], ["not_sent"])


def test_the_console_can_be_asked_what_became_of_a_mail(settings) -> None:
    settings.MAIL_PROVIDER = "console"
    console = providers.provider_for_settings()
    [first, second] = ready(2)
    for one in sending.claim("normal", limit=2, provider=console):
        intent = intending.intend(one, provider=console)
        if one.message_id == first.pk:
            console.deliver(intent.mail)
    for message in (first, second):
        hours_later(message)
    settled = settling.reap()
    assert (settled.lost, settled.found, settled.resent) == (2, 1, 1)
    drain()
    assert states() == ["accepted", "accepted"]
    assert sorted(OutboxMail.objects.values_list("message_id", flat=True)) == sorted([first.pk, second.pk])


def test_a_fault_of_ours_with_one_message_does_not_stop_the_others(settings, monkeypatch) -> None:
    settings.MAIL_PROVIDER = "console"
    first, _ = ready(2)
    compose = composing.compose

    def breaks(message: Message, **more):
        if message.pk == first.pk:
            raise ZeroDivisionError
        return compose(message, **more)

    monkeypatch.setattr(composing, "compose", breaks)
    assert drain() == {"failed": 1, "accepted": 1}
    assert states() == ["claimed", "accepted"], "its lease will run out, and it will be tried again"


@pytest.mark.usefixtures("provider")
def test_a_drain_that_is_out_of_time_gives_the_rest_back(fake) -> None:
    ready(3)
    drained = dispatch.drain(dispatch.LANES, budget=0.0)
    assert (dict(drained.outcomes), drained.is_more) == ({"accepted": 1}, True)
    assert states() == ["accepted", "ready", "ready"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("provider")
def test_five_dispatchers_at_once_send_each_message_once(fake) -> None:
    messages = ready(40)

    def work() -> None:
        with clock.frozen(NOW):
            drain()
        connection.close()

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda _: work(), range(5)))
    assert sorted(taken(fake.log())) == sorted(str(message.pk) for message in messages)
    assert set(states()) == {"accepted"}


@pytest.mark.usefixtures("provider")
def test_the_words_of_a_spanish_customer_are_spanish(fake) -> None:
    ready(locale="es")
    drain()
    assert "pedido" in fake.log()[0]["subject"]


@pytest.mark.usefixtures("provider")
def test_an_old_episode_of_the_same_parcel_is_not_told(fake) -> None:
    """The episode closed while the message waited; another one is open."""
    ready()
    message = Message.objects.select_related("episode__shipment").get()
    message.episode.closed_at, message.episode.close_reason = NOW, "new_promise"
    message.episode.save()
    assert episodes.sweep(now=NOW).opened == 0
    assert drain() == {"stale": 1}
