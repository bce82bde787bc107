"""The embedded broker: nothing lost, nobody waiting, no second configuration."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection
from kombu import Connection, Exchange, Queue

from config import broker
from tests import workers
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def clean_broker(transactional_db):
    workers.empty_queues()
    yield
    workers.forget_broker()
    with connection.cursor() as cursor:
        cursor.execute("select pgmq.drop_queue(queue_name) from pgmq.meta")
    broker._known.clear()


def connect(**options) -> Connection:
    """As Celery does, but never polling in a test's time: what comes, comes by a wake-up."""
    defaults = {"use_notify": True, "wait_time_seconds": 0, "polling_interval": 600, "pool_size": 4}
    return Connection("pgmq://", transport="config.broker:Transport", transport_options={**defaults, **options})


def queue(name: str = "letters") -> Queue:
    return Queue(name, Exchange(name), routing_key=name)


def publish(at: Connection, word: str, to: Queue | None = None) -> None:
    to = to or queue()
    at.Producer().publish({"word": word}, exchange=to.exchange, routing_key=to.routing_key, declare=[to])


def test_eight_threads_publish_to_a_queue_that_is_not_there_yet():
    start = threading.Barrier(8)

    def one(number: int) -> None:
        with connect() as at:
            start.wait()
            publish(at, str(number))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(one, range(8)))
    with connection.cursor() as cursor:
        cursor.execute("select count(*), count(distinct message ->> 'body') from pgmq.q_letters")
        assert cursor.fetchone() == (8, 8)


def test_publish_waits_for_no_reader_of_the_queue():
    with connect() as at:
        publish(at, "first")
    broker._known.clear()  # as in a new process
    with psycopg.connect(broker.conninfo()) as reader, connect() as at:
        reader.execute("select * from pgmq.q_letters")  # holds a lock until its transaction ends
        at.Producer()
        at.transport._get_pgmq_client().pool.kwargs["options"] = "-c lock_timeout=1000"
        publish(at, "second")
        assert at.SimpleQueue(queue()).qsize() == 2


def draining(at: Connection) -> threading.Thread:
    """Waits for one message, without a time-out: the next look into the queue is ten minutes off."""
    thread = threading.Thread(target=at.drain_events, daemon=True)
    thread.start()
    return thread


def test_waiting_consumer_is_woken_by_a_publish():
    heard: list[str] = []

    def take(body, message) -> None:
        heard.append(body["word"])
        message.ack()

    with connect() as at, connect() as other, at.Consumer(queue(), callbacks=[take]):
        waiting = draining(at)
        until(lambda: at.transport._notify_waiter is not None, "it listens")
        publish(other, "wake up")
        until(lambda: not waiting.is_alive(), "it was woken")
    assert heard == ["wake up"]


def test_full_prefetch_window_goes_on_at_the_next_acknowledgement():
    taken = []
    with (
        connect() as at,
        at.Consumer(queue(), callbacks=[lambda _body, message: taken.append(message)]) as consumer,
    ):
        consumer.qos(prefetch_count=1)
        publish(at, "first")
        publish(at, "second")
        at.drain_events(timeout=20)
        assert len(taken) == 1
        waiting = draining(at)
        waiting.join(0.3)
        assert waiting.is_alive(), "it takes no more than one"
        taken[0].ack()
        until(lambda: not waiting.is_alive(), "it goes on")
    assert len(taken) == 2


def test_message_of_a_consumer_that_vanished_comes_again():
    seen = []
    with connect(visibility_timeout=1) as at:
        publish(at, "precious")
        consumer = at.Consumer(queue(), callbacks=[lambda body, _message: seen.append(body["word"])])
        with consumer:
            at.drain_events(timeout=20)
    with (
        connect(visibility_timeout=1, polling_interval=0.1) as at,
        at.Consumer(queue(), callbacks=[lambda body, message: (seen.append(body["word"]), message.ack())]),
    ):
        at.drain_events(timeout=20)
    assert seen == ["precious", "precious"]


def test_broker_follows_djangos_database_whatever_the_environment_says(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@nowhere.invalid/none")
    monkeypatch.setenv("PG_HOST", "nowhere.invalid")
    monkeypatch.setenv("PG_DATABASE", "none")
    with connect() as at:
        publish(at, "here")
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from pgmq.q_letters")
        assert cursor.fetchone() == (1,)


def test_publish_survives_a_server_that_dropped_the_connection():
    with connect() as at:
        publish(at, "first")
        with connection.cursor() as cursor:
            cursor.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
        publish(at, "second")
        assert at.SimpleQueue(queue()).qsize() == 2
    # Django's pool would find each connection that earlier tests left in it dead, after a longer pause each time.
    connection.close()
    connection.close_pool()


def test_missing_tables_say_what_to_run(monkeypatch):
    with connection.cursor() as cursor:
        cursor.execute("alter schema pgmq rename to pgmq_away")
    try:
        with pytest.raises(broker.BrokerNotReady, match="migrate"):
            connect().connect()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("alter schema pgmq_away rename to pgmq")
