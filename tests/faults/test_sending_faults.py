"""kill -9 of a real worker at each step of a hand-over: nothing is lost, nothing goes out twice."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.db.models.functions import Now

from config.celery import app
from notifications import settling, tasks
from notifications.models import InboundDelivery, Message, MessageState, SendAttempt
from tests import workers
from tests.fakes import sendgrid as fakes
from tests.notifications import shop
from tests.notifications.mailing import hours_later, ready, taken
from tests.waiting import until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]

MANY = settling.WITNESSES + 2


def counts() -> Counter[str]:
    return Counter(Message.objects.values_list("state", flat=True))


def state(message: Message) -> str:
    return Message.objects.get(pk=message.pk).state


def all_arrive(messages: list[Message]) -> None:
    until(delivered(len(messages)), "every message is delivered", seconds=40)


def delivered(count: int) -> Callable[[], bool]:
    """Whether so many are. Beat, which no test here starts, is stood in for: of reports that come many at a time only
    one in a while rings, and the rest wait for the clock.
    """
    rung_at = time.monotonic()

    def look() -> bool:
        nonlocal rung_at
        if time.monotonic() - rung_at > 1:
            tasks.read_inbound.delay()
            rung_at = time.monotonic()
        return counts()["delivered"] == count

    return look


def each_once(messages: list[Message], fake: fakes.Handle) -> None:
    assert sorted(taken(fake.log())) == sorted(str(message.pk) for message in messages)


def kill_amid_the_first_request(worker, fake: fakes.Handle, *, accept: bool, count: int = MANY) -> list[Message]:
    """The worker claimed all, decided to send the first, and dies while the provider keeps it waiting."""
    fake.order(answers=[{"times": 1, "accept": accept, "then": "hang"}])
    messages = ready(count)
    worker.start()
    tasks.drain.delay("normal")
    until(lambda: fake.state()["requests"] == 1, "the first request is with the provider")
    worker.kill()
    assert counts() == {"sending": 1, "claimed": count - 1}
    return messages


def test_killed_after_the_claim_each_is_sent_once_after_the_lease(worker, fake) -> None:
    messages = kill_amid_the_first_request(worker, fake, accept=True)
    for message in messages:
        hours_later(message)
    worker.start()
    tasks.reap.delay()
    tasks.drain.delay("normal")
    all_arrive(messages)
    each_once(messages, fake)


def test_killed_after_the_intent_the_witnesses_tell_and_exactly_one_is_sent(worker, fake) -> None:
    messages = kill_amid_the_first_request(worker, fake, accept=False)
    worker.start()
    for message in messages:
        hours_later(message)
    tasks.reap.delay()
    until(lambda: counts()["unknown"] == 1, "the one in flight is unknown")
    tasks.drain.delay("normal")
    until(delivered(len(messages) - 1), "the others are delivered")
    # The dead one's hour was made to pass; those that were handed over beside it go back with it.
    SendAttempt.objects.update(started_at=Now() - timedelta(hours=1))
    tasks.reap.delay()
    until(lambda: counts()["unknown"] == 0, "the witnesses have told")
    tasks.drain.delay("normal")
    all_arrive(messages)
    each_once(messages, fake)
    assert sorted(SendAttempt.objects.values_list("outcome", flat=True)) == ["accepted"] * MANY + ["unknown"]


def test_killed_amid_a_full_wave_leaves_no_more_than_that_unknown_and_the_reports_settle_it(worker, fake) -> None:
    calm = {"times": 31, "accept": True, "status": 202}  # waves of 1, 2, 4, 8 and 16
    fake.order(answers=[calm, {"times": 32, "accept": True, "then": "hang"}], events={"hold": True})
    messages = ready(64)
    worker.start()
    tasks.drain.delay("normal")
    until(lambda: fake.state()["requests"] == 63, "a full wave is with the provider")
    worker.kill()
    assert counts() == {"accepted": 31, "sending": 32, "claimed": 1}
    for message in messages:
        hours_later(message)
    fake.order(answers=[], events={"hold": False})
    worker.start()
    tasks.reap.delay()
    tasks.drain.delay("normal")
    all_arrive(messages)
    each_once(messages, fake)


def test_killed_after_the_202_the_report_settles_it_and_no_second_is_sent(worker, fake) -> None:
    fake.order(events={"hold": True})
    messages = kill_amid_the_first_request(worker, fake, accept=True)
    for message in messages:
        hours_later(message)
    worker.start()
    tasks.reap.delay()
    until(lambda: counts()["unknown"] == 1, "the one in flight is unknown")
    tasks.drain.delay("normal")
    until(lambda: counts()["accepted"] == len(messages) - 1, "the others are sent")
    fake.order(events={"hold": False})
    all_arrive(messages)
    each_once(messages, fake)


def test_a_task_that_comes_five_times_sends_each_once(worker, fake) -> None:
    messages = ready(MANY)
    for _ in range(5):
        tasks.drain.delay("normal")
        tasks.drain_all.delay()
    worker.start()
    all_arrive(messages)
    each_once(messages, fake)


def test_a_broker_that_forgot_everything_loses_nothing(worker, fake) -> None:
    messages = ready(MANY)
    tasks.drain.delay("normal")
    workers.empty_queues()
    worker.start()
    app.send_task(django_settings.CELERY_BEAT_SCHEDULE["send what is ready"]["task"])  # as beat does
    all_arrive(messages)
    each_once(messages, fake)


def test_dispatch_sends_with_the_broker_dead(fake, environment, celery_worker_process) -> None:
    messages = ready(3)
    command = [sys.executable, "manage.py", "dispatch", "--once"]
    nobody = {"BROKER_URL": "amqp://127.0.0.1:1//"}
    ended = subprocess.run(
        command,
        cwd=django_settings.BASE_DIR,
        env=workers.environment(**environment, **nobody),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "3 accepted" in ended.stdout
    each_once(messages, fake)


def test_a_report_reaches_the_message_through_the_worker_alone(worker, fake) -> None:
    [message] = ready()
    worker.start()
    tasks.drain.delay("normal")
    until(lambda: state(message) == MessageState.DELIVERED, "the report has been read")
    assert set(InboundDelivery.objects.values_list("state", flat=True)) == {"done"}
    assert shop.order_of("FH-1001").shipments.get().episodes.get().closed_at is None
