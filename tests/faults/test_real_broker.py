"""BROKER_URL on a real RabbitMQ with quorum queues: tasks outlive worker and node, and the faults of delivery where a
broker has a part come out as they do on pgmq.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db.models.functions import Now
from kombu import Connection, Exchange, Queue

from config import embedded
from notifications import pausing, tasks
from notifications.models import Message, ProviderPause
from tests import rabbitmq, workers
from tests.faults import test_delivery_faults as delivery
from tests.faults import test_sending_faults as sending
from tests.faults.test_sending_faults import all_arrive, each_once
from tests.notifications.mailing import ready, taken
from tests.notifications.shop import NOW
from tests.waiting import until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not rabbitmq.IS_INSTALLED, reason=rabbitmq.WHY_NOT),
]


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rabbitmq.Node]:
    """One for all: it takes longer to start than most of these tests take."""
    node = rabbitmq.Node(tmp_path_factory.mktemp("rabbitmq"))
    try:
        node.start()
        yield node
    finally:
        node.kill()


@pytest.fixture
def url(node: rabbitmq.Node, transactional_db: None) -> Iterator[str]:
    """The node's address, with nothing in its queue, as the broker of this process too."""
    with workers.published_to(node.url):
        workers.empty_queues()
        yield node.url


@pytest.fixture
def environment(environment: dict[str, str], url: str) -> dict[str, str]:
    """Of the workers that the fault suite starts."""
    return {**environment, "BROKER_URL": url}


def words(path: Path) -> list[str]:
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


def test_task_of_a_killed_child_is_done_again_through_rabbitmq(url, celery_worker_process, tmp_path):
    from tests import tasks

    notes, gate = tmp_path / "notes", tmp_path / "gate"
    celery_worker_process.start(concurrency=1, BROKER_URL=url)
    tasks.hold.delay(str(notes), "held", str(gate))
    until(lambda: words(notes) == ["held"], "the child is at work")
    os.kill(int(notes.read_text().split()[1]), signal.SIGKILL)
    until(lambda: words(notes) == ["held", "held"], "another child has begun anew")
    gate.touch()
    until(lambda: words(notes)[-1] == "held-done", "it is done")


def test_task_published_while_no_worker_lives_waits_in_a_quorum_queue(url, celery_worker_process, tmp_path):
    notes = tmp_path / "notes"
    # From a process that knows no more than BROKER_URL, as a web server does.
    code = f"import django; django.setup(); from tests import tasks; tasks.note.delay({str(notes)!r}, 'meanwhile')"
    subprocess.run(
        [sys.executable, "-c", code], cwd=embedded.REPOSITORY, env=workers.environment(BROKER_URL=url), check=True
    )
    with Connection(url) as asked:
        # RabbitMQ refuses this declaration where the queue is there with another type.
        queue = Queue("preempt", Exchange("preempt"), "preempt", queue_arguments={"x-queue-type": "quorum"})
        queue(asked.default_channel).queue_declare()
    celery_worker_process.start(BROKER_URL=url)
    until(lambda: words(notes) == ["meanwhile"], "the note is there")


# The tests of faults 1, 2, 3, 7, 9, 10, 20, 23 and 35 themselves, with a worker that has this broker.
test_fault_1 = sending.test_killed_after_the_claim_each_is_sent_once_after_the_lease
test_fault_2 = sending.test_killed_after_the_intent_the_witnesses_tell_and_exactly_one_is_sent
test_fault_3 = sending.test_killed_after_the_202_the_report_settles_it_and_no_second_is_sent
test_fault_7 = delivery.test_a_worker_stopped_past_its_lease_gives_up_when_it_wakes
test_fault_9 = sending.test_a_broker_that_forgot_everything_loses_nothing
test_fault_10 = sending.test_a_task_that_comes_five_times_sends_each_once
test_fault_20 = delivery.test_a_database_that_restarts_amid_the_finish_leaves_unknown_and_the_report_tells
test_fault_23 = delivery.test_nothing_begins_after_a_pause_and_resuming_skips_and_repeats_none
test_fault_35 = delivery.test_an_urgent_one_passes_a_campaign_that_is_under_way


# Faults 8, 16 and 17 need no worker on pgmq, where drain() is called; here the broker rings for it.


def test_two_processes_that_are_rung_for_the_same_rows_send_each_once(worker, fake) -> None:
    fake.order(latency_ms=5)
    messages = ready(20)
    for _ in range(6):
        tasks.drain.delay("normal")
    worker.start(concurrency=2)
    all_arrive(messages)
    each_once(messages, fake)


def test_rings_after_a_429_send_nothing_before_its_time_and_then_the_urgent_first(worker, fake) -> None:
    messages = ready(4)
    urgent = messages[-1]
    Message.objects.filter(pk=urgent.pk).update(lane="urgent", not_before=NOW)
    fake.order(answers=[{"times": 1, "status": 429, "reset_in": 600}])
    worker.start()
    tasks.drain_all.delay()
    until(lambda: done(worker) == 1, "the worker has given up for now")
    tasks.drain_all.delay()
    until(lambda: done(worker) == 2, "it has been rung for in vain")
    assert fake.state()["requests"] == 1
    ProviderPause.objects.update(until=Now())
    Message.objects.update(retry_after=None)
    tasks.drain_all.delay()
    all_arrive(messages)
    assert taken(fake.log())[0] == str(urgent.pk)
    each_once(messages, fake)


def test_rings_in_an_hour_of_500_use_up_a_few_and_then_the_rest_drain(worker, fake) -> None:
    messages = ready(pausing.PATIENCE + 4)
    fake.order(answers=[{"times": 9999, "status": 500}])
    worker.start()
    for _ in range(3):
        tasks.drain_all.delay()
    until(lambda: done(worker) == 3, "it has been rung for three times")
    assert fake.state()["requests"] == pausing.PATIENCE
    kept = list(Message.objects.filter(state="ready", attempts=0))
    assert len(kept) == len(messages) - pausing.PATIENCE
    fake.order(answers=[])
    ProviderPause.objects.update(until=Now())
    tasks.drain_all.delay()
    until(lambda: not Message.objects.filter(state__in=["ready", "claimed", "sending"]).exists(), "the rest is out")
    each_once(kept, fake)


def done(worker) -> int:
    """How many rings the worker has answered."""
    return sum("drain_all" in line and "succeeded" in line for line in worker.log.read_text().splitlines())
