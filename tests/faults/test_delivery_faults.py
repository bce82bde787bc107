"""The faults of delivery that are not a worker's death: lost and late reports, limits, pauses, a stopped process.

Each states a promise of docs/faults.md, which also says by which line it is kept.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.models import F
from django.db.models.functions import Now

from core import clock
from core.people import person_key
from notifications import (
    caps,
    composing,
    dispatch,
    episodes,
    holding,
    pausing,
    planning,
    providers,
    settling,
    suppression,
    tasks,
)
from notifications.models import (
    Message,
    MessageState,
    PersonDay,
    ProviderPause,
    Rule,
    SendAttempt,
    SuppressionReason,
)
from notifications.providers.console import Console
from notifications.providers.sendgrid import SendGrid
from tests.faults.test_sending_faults import all_arrive, counts, each_once, state
from tests.notifications import copies, shop
from tests.notifications.mailing import hours_later, ready, taken
from tests.notifications.shop import NOW
from tests.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def read_reports(fake) -> None:
    """Every report that the provider has made is posted and read."""
    fake.wait_until(lambda seen: seen["events"]["pending"] == 0)
    tasks.read_inbound()


@pytest.fixture
def here(environment, settings, monkeypatch) -> Iterator[None]:
    """Sending in this process, by the same provider."""
    settings.MAIL_PROVIDER, settings.SENDGRID_API_KEY = "sendgrid", environment["SENDGRID_API_KEY"]
    settings.SENDGRID_URL = environment["SENDGRID_URL"]
    ours = SendGrid(api_key=settings.SENDGRID_API_KEY, base_url=settings.SENDGRID_URL)
    monkeypatch.setattr(providers, "_provider", lambda name, *more: Console() if name == "console" else ours)
    yield
    ours.close()


def drain() -> dict[str, int]:
    return dict(dispatch.drain(dispatch.LANES).outcomes)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("policy", ["never_twice", "never_lost"])
def test_reports_that_come_20_hours_late_make_no_second_mail(fake, policy: str) -> None:
    fake.order(answers=[{"times": 1, "accept": True, "status": 500}], events={"hold": True})
    [message] = ready()
    Rule.objects.update(ambiguity_policy=policy)
    assert drain() == {"lost": 1}
    for _ in range(20):
        hours_later(message)
        settling.reap()
        assert drain() == {}
    assert state(message) == "unknown"
    fake.order(events={"hold": False})
    read_reports(fake)
    assert state(message) == "delivered"
    assert taken(fake.log()) == [str(message.pk)]


def test_a_worker_stopped_past_its_lease_gives_up_when_it_wakes(worker, fake) -> None:
    [message] = ready()
    with connection.cursor() as cursor:
        # The worker claims, begins its intent, and waits for this person: there it is stopped.
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"person:{message.person}"])
        worker.start(SEND_LEASE_SECONDS="2")
        tasks.drain.delay("normal")
        until(lambda: waits_for_a_lock(), "the worker has begun its intent")
        os.killpg(worker.group, signal.SIGSTOP)
        cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [f"person:{message.person}"])
        cursor.execute("SELECT pg_sleep(2.5)")  # the lease itself, by the database's clock
    os.killpg(worker.group, signal.SIGCONT)
    until(lambda: SendAttempt.objects.filter(outcome="not_sent").exists(), "it gave up")
    assert "slept past its lease" in SendAttempt.objects.get(outcome="not_sent").error
    assert Message.objects.get().attempts >= 1
    all_arrive([message])
    each_once([message], fake)


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")
        return bool(cursor.fetchone()[0])


def test_who_opts_out_during_the_request_gets_at_most_that_one(worker, fake) -> None:
    first, second = ready(2, name="Ada")
    fake.order(answers=[{"times": 1, "accept": True, "then": "hang"}])
    worker.start()
    tasks.drain.delay("normal")
    until(lambda: fake.state()["requests"] == 1, "one is with the provider")
    suppression.suppress(first.person, scope="all", reason=SuppressionReason.UNSUBSCRIBED, at=NOW)
    assert counts() == {"sending": 1, "suppressed": 1}
    worker.kill()
    assert len(fake.log()) == 1
    assert SendAttempt.objects.filter(message__in=[first, second]).count() == 1, "the one in flight is on record"


@pytest.mark.usefixtures("here")
def test_an_opt_out_that_is_being_committed_is_waited_for(fake) -> None:
    """The message comes to be when the opt-out has looked already for what it must take back."""
    person = person_key("ada@example.com")
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            suppression.suppress(person, scope="all", reason=SuppressionReason.UNSUBSCRIBED, at=NOW)
            drained = pool.submit(elsewhere, lambda: (ready(1, name="Ada"), drain())[1])
            until(lambda: drained.done() or waits_for_a_lock(), "the hand-over waits, or has not waited")
        assert drained.result() == {"suppressed": 1}
    assert fake.log() == []


def elsewhere(work: Callable[[], Any]) -> Any:
    """The work's result, in a thread that leaves no connection behind."""
    try:
        return work()
    finally:
        connections.close_all()


@pytest.mark.usefixtures("here")
def test_a_pause_waits_for_the_hand_over_that_is_being_decided(fake, monkeypatch) -> None:
    ready()
    is_deciding, may_decide = threading.Event(), threading.Event()
    compose = composing.compose

    def slowly(*arguments: Any, **more: Any) -> Any:
        is_deciding.set()
        assert may_decide.wait(20)
        return compose(*arguments, **more)

    monkeypatch.setattr(composing, "compose", slowly)
    with ThreadPoolExecutor(2) as pool:
        drained = pool.submit(elsewhere, drain)
        assert is_deciding.wait(20)
        paused = pool.submit(elsewhere, lambda: holding.pause("all", reason="wrong wording", by=None, at=NOW))
        until(lambda: paused.done() or waits_for_a_lock(), "the pause waits, or has not waited")
        begun_before_it_returned = not paused.done()
        may_decide.set()
        assert paused.result()
        assert drained.result() == {"accepted": 1}
    assert begun_before_it_returned


@pytest.mark.usefixtures("here")
def test_after_a_429_nothing_goes_before_its_time_and_the_urgent_first(fake) -> None:
    messages = ready(4)
    urgent = messages[-1]
    Message.objects.filter(pk=urgent.pk).update(lane="urgent", not_before=NOW)
    fake.order(answers=[{"times": 1, "status": 429, "reset_in": 600}])
    assert drain() == {"retry": 1}
    assert drain() == {}
    assert fake.state()["requests"] == 1
    ProviderPause.objects.update(until=Now())
    Message.objects.update(retry_after=None)
    assert drain() == {"accepted": 4}
    assert taken(fake.log())[0] == str(urgent.pk)


@pytest.mark.usefixtures("here")
def test_an_hour_of_500_uses_up_a_few_and_then_the_rest_drain(fake) -> None:
    messages = ready(14)
    fake.order(answers=[{"times": 9999, "status": 500}])
    drain()
    for _ in range(4):  # four pauses end within the hour; one message tries each time
        ProviderPause.objects.update(until=Now())
        assert drain() == {"lost": 1}
    assert fake.state()["requests"] == 9
    assert set(Message.objects.filter(state="ready").values_list("attempts", flat=True)) == {0}
    fake.order(answers=[])
    ProviderPause.objects.update(until=Now())
    assert drain() == {"accepted": len(messages) - 9}


@pytest.mark.usefixtures("here")
def test_a_half_open_circuit_lets_one_of_many_workers_through(fake, monkeypatch) -> None:
    monkeypatch.setattr(dispatch, "BATCH", 5)  # so that there is something to claim for each of them
    ready(30)
    ProviderPause.objects.create(provider="sendgrid", until=Now(), reason="500", failures=5)
    fake.order(answers=[{"times": 9999, "status": 500}], latency_ms=300)

    def work(_: int) -> None:
        drain()
        connections.close_all()

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(work, range(5)))
    assert fake.state()["requests"] == 1


def test_a_probe_whose_worker_died_is_waited_for_no_longer_than_a_request_may_take() -> None:
    longest = 20.0
    ProviderPause.objects.create(provider="sendgrid", until=Now(), reason="500", failures=pausing.PATIENCE)
    assert pausing.admit("sendgrid", 9, longest=longest) == 1
    left = ProviderPause.objects.annotate(left=F("probe_until") - Now()).get().left
    assert left <= timedelta(seconds=longest + 1)
    assert pausing.admit("sendgrid", 9, longest=longest) == 0
    ProviderPause.objects.update(probe_until=Now() - timedelta(seconds=1))
    assert (pausing.is_paused("sendgrid"), pausing.admit("sendgrid", 9, longest=longest)) == (False, 1)


@pytest.mark.usefixtures("here")
def test_one_bad_address_in_a_hundred_fails_alone(fake) -> None:
    messages = ready(100)
    Message.objects.update(lane="campaign")
    fake.order(refuse_addresses=["name1042@example.com"])
    outcomes = Counter(drain())
    assert outcomes == {"accepted": 99, "rejected": 1}
    bad = Message.objects.get(state="failed")
    assert "name1042@example.com" not in bad.state_reason
    assert sorted(taken(fake.log())) == sorted(str(one.pk) for one in messages if one.pk != bad.pk)
    assert fake.state()["requests"] < 2 * 7 + 2, "halved, not tried one by one"
    assert set(SendAttempt.objects.values_list("n", flat=True)) == {1}


@pytest.mark.parametrize("wrong_by", [7200, -7200])
def test_a_worker_whose_clock_is_wrong_changes_nothing(worker, fake, wrong_by: int) -> None:
    due, tomorrow, useful, useless = ready(4)
    Message.objects.filter(pk=tomorrow.pk).update(not_before=NOW + timedelta(hours=1))
    Message.objects.filter(pk=useful.pk).update(expires_at=NOW + timedelta(hours=1))
    Message.objects.filter(pk=useless.pk).update(expires_at=NOW - timedelta(hours=1))
    worker.start(include="tests.wrong_clock", PREEMPT_TEST_CLOCK_WRONG_BY=str(wrong_by))
    tasks.drain.delay("normal")
    until(lambda: state(useful) == "delivered" and state(due) == "delivered", "those that are due arrive")
    until(lambda: state(useless) == "stale", "what is too late is not sent")
    assert state(tomorrow) == "ready"


def test_a_database_that_restarts_amid_the_finish_leaves_unknown_and_the_report_tells(worker, fake, own_server) -> None:
    fake.order(latency_ms=700, events={"hold": True})
    [message] = ready()
    worker.start(**own_server.environment)
    tasks.drain.delay("normal")
    until(lambda: state(message) == "sending", "the request is on its way")
    own_server.restart()
    until(lambda: len(fake.log()) == 1, "the provider has it")
    assert state(message) == "sending"
    hours_later(message)
    settling.reap()
    assert state(message) == "unknown"
    fake.order(events={"hold": False})
    until(lambda: state(message) == "delivered" or (read_reports(fake) or False), "the report has told")
    worker.kill()
    assert taken(fake.log()) == [str(message.pk)]


@pytest.mark.usefixtures("here")
def test_when_the_clocks_change_nobody_is_written_to_at_night_and_nobody_is_forgotten(settings, tmp_path: Path) -> None:
    settings.QUIET_HOURS = (datetime.min.time().replace(hour=21), datetime.min.time().replace(hour=8))
    settings.MAIL_PROVIDER = "console"
    [message] = ready()
    message.customer.time_zone = ""  # the shop's counts: London, where clocks go forward on 29 March 2026 at 1:00 UTC
    message.customer.save()
    moments = [datetime(2026, 3, 28, 22, 30, tzinfo=UTC) + step * timedelta(minutes=30) for step in range(30)]
    Message.objects.update(not_before=moments[0], expires_at=moments[-1] + timedelta(days=1))
    sent = None
    for moment in moments:
        clock.set_for_all(tmp_path / "clock.json", moment)
        if drain().get("accepted"):
            sent = moment
            break
    assert sent == datetime(2026, 3, 29, 7, 0, tzinfo=UTC), "8:00 in London is 7:00 now, not 8:00"


@pytest.mark.usefixtures("story")
def test_twenty_workers_at_once_never_go_over_the_cap() -> None:
    person, day = person_key("ada@example.com"), NOW.date()
    start = threading.Barrier(20)

    def take(_: int) -> bool:
        start.wait()
        try:
            return caps.take(person, day, most=3)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(take, range(20))) == 3
    assert PersonDay.objects.get().count == 3


@pytest.mark.usefixtures("here")
def test_who_has_had_enough_today_gets_no_more_but_for_what_the_law_wants(settings, fake) -> None:
    settings.MESSAGES_PER_DAY = 2
    messages = ready(4, name="Ada")
    legal = Rule.objects.create(
        key="legal", name="Legal", kind="promise_passed", template="delay_promise_passed", holdout_share=0,
        is_legal_notice=True,
    )  # fmt: skip
    Message.objects.filter(pk=messages[-1].pk).update(rule=legal)
    assert drain() == {"accepted": 3, "capped": 1}
    assert Message.objects.get(state="capped").state_reason == "this person has had enough messages on that day"
    assert state(messages[-1]) == "accepted"


def test_nothing_begins_after_a_pause_and_resuming_skips_and_repeats_none(worker, fake) -> None:
    fake.order(latency_ms=20)
    messages = ready(30)
    worker.start()
    tasks.drain.delay("normal")
    until(lambda: len(fake.log()) >= 5, "it is under way")
    holding.pause("all", reason="wrong wording", by=None, at=NOW)
    begun = SendAttempt.objects.count()
    until(lambda: not Message.objects.filter(state__in=["claimed", "sending"]).exists(), "what was under way ends")
    tasks.drain.delay("normal")
    tasks.drain_all.delay()
    until(lambda: worker.log.read_text().count("succeeded") >= 2, "the worker has been asked again")
    assert SendAttempt.objects.count() == begun
    assert begun < 30
    holding.resume("all", by=None)  # and rings
    until(lambda: not Message.objects.filter(sent_at=None).exists(), "the rest goes out")
    each_once(messages, fake)


@pytest.mark.usefixtures("here")
def test_a_pause_holds_a_hundred_thousand_and_lets_go_of_all(fake) -> None:
    [message] = ready()
    copies.copy(
        Message,
        message.pk,
        {"id": "gen_random_uuid()", "dedupe_key": "md5(n::text)"},
        count=100_000,
    )
    holding.pause("all", reason="wrong wording", by=None, at=NOW)
    assert drain() == {}
    assert not SendAttempt.objects.exists()
    holding.resume("all", by=None)
    assert dispatch.drain(["normal"], budget=0).outcomes == {"accepted": 1}
    assert holding.waiting()["normal"] == 100_000, "what was claimed beside it has been given back"


@pytest.mark.usefixtures("here")
def test_a_rule_edited_mid_episode_writes_to_nobody_again(fake) -> None:
    [message] = ready()
    assert drain() == {"accepted": 1}
    Rule.objects.update(name="Another name", template="delay_not_handed_over", lane="urgent", is_for_any_hour=True)
    edited = Rule.objects.get(kind="promise_passed")
    assert planning.dedupe_key(edited, message.episode, person=message.person) == message.dedupe_key
    message.episode.shipment.check_at = NOW
    message.episode.shipment.save()
    episodes.sweep(now=NOW)
    assert drain() == {}
    assert len(fake.log()) == 1


@pytest.mark.usefixtures("here")
def test_a_held_out_customer_is_held_out_with_both_orders_and_still_told_what_the_law_wants(fake) -> None:
    shop.rules(holdout_share=1.0)
    Rule.objects.create(
        key="legal", name="Legal", kind="promise_passed", template="delay_promise_passed", holdout_share=1.0,
        is_legal_notice=True,
    )  # fmt: skip
    for number in ("FH-1", "FH-2"):
        shop.parcel(number, name="Ada")
    episodes.sweep(now=NOW)
    assert sorted(Message.objects.values_list("rule__key", "arm")) == [
        ("legal", "notify"),
        ("legal", "notify"),
        ("promise-passed", "held_out"),
        ("promise-passed", "held_out"),
    ]
    assert drain() == {"accepted": 2}


@pytest.mark.usefixtures("here")
def test_a_disk_that_is_full_at_the_intent_means_no_request(fake) -> None:
    [message] = ready()
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;"
            "CREATE TRIGGER full_disk BEFORE INSERT ON notifications_sendattempt EXECUTE FUNCTION full_disk()"
        )
        try:
            assert drain() == {"failed": 1}
        finally:
            cursor.execute("DROP FUNCTION full_disk CASCADE")
    assert (fake.state()["requests"], state(message)) == (0, "claimed")
    hours_later(message)
    settling.reap()
    assert drain() == {"accepted": 1}


def test_an_urgent_one_passes_a_campaign_that_is_under_way(worker, fake) -> None:
    fake.order(latency_ms=200)
    messages = ready(250)  # several claims' worth, a dozen waves of requests
    urgent = messages[-1]
    Message.objects.exclude(pk=urgent.pk).update(lane="normal")
    Message.objects.filter(pk=urgent.pk).update(lane="urgent", not_before=NOW + timedelta(days=1))
    worker.start()
    tasks.drain.delay("normal")
    until(lambda: len(fake.log()) >= 5, "the one worker is busy with the others")
    Message.objects.filter(pk=urgent.pk).update(not_before=NOW)
    until(lambda: Message.objects.get(pk=urgent.pk).sent_at is not None, "the urgent one is out")
    assert Message.objects.filter(state=MessageState.READY).exists(), "before the others are"
