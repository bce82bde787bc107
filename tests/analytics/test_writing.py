"""Looks at pages, written beside the requests."""

import json
import os
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
from django.db import OperationalError, connection, transaction

from analytics import writing
from analytics.models import Event
from analytics.writing import Writer
from tests.analytics import history
from tests.analytics.history import ANNA, at
from tests.waiting import until


def row(**more) -> dict:
    return {"kind": "read", "at": at().isoformat(), "visitor": str(ANNA), "article_id": 1, **more}


@pytest.fixture
def writer(transactional_db, tmp_path):
    made = Writer(tmp_path, gather_seconds=0.05)
    yield made
    assert made.flush()


def test_rows_put_by_many_threads_are_all_written(writer):
    threads = [threading.Thread(target=lambda: [writer.put(row(article_id=n)) for n in range(300)]) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert writer.flush()
    assert Event.objects.count() == 1500
    # Many a transaction, not one each.
    assert Event.objects.values("txid").distinct().count() < 100


def test_rows_are_written_soon_though_nobody_asks(writer):
    writer.put(row(locale="en", data={"a": 1}))
    until(lambda: Event.objects.exists(), "the row is written")
    event = Event.objects.get()
    assert (event.kind, event.at, event.visitor, event.locale, event.data) == ("read", at(), ANNA, "en", {"a": 1})
    assert (event.person, event.topic, event.is_returning, event.variant_id) == ("", "", False, None)


def test_a_row_that_the_database_refuses_takes_no_other_with_it(writer, caplog):
    for number in range(7):
        writer.put(row(article_id=number, data={"query": "\0" if number == 3 else "x"}))
    assert writer.flush()
    assert sorted(Event.objects.values_list("article_id", flat=True)) == [0, 1, 2, 4, 5, 6]
    assert "an event was refused" in caplog.text


@pytest.mark.django_db
def test_rows_put_together_are_written_many_at_a_time_and_the_rest_at_the_end(django_assert_num_queries):
    with django_assert_num_queries(2), writing.together():
        for number in range(writing._BATCH + 3):
            writing.put(row(article_id=number))
    assert Event.objects.count() == writing._BATCH + 3
    with django_assert_num_queries(1):  # each by itself again
        writing.put(row())


@pytest.mark.django_db
def test_rows_put_together_are_written_though_what_put_them_failed():
    def fails():
        with writing.together():
            writing.put(row())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert Event.objects.count() == 1


def test_a_row_that_is_no_json_fails_where_it_is_made(writer):
    with pytest.raises(TypeError):
        writer.put(row(data=object()))


def test_rows_wait_for_the_database_and_are_written_once_it_is_back(writer, monkeypatch, caplog):
    fails = [True]

    def away(rows):
        if fails[0]:
            raise OperationalError("the server is away")
        return insert(rows)

    insert = writing._insert
    monkeypatch.setattr(writing, "_insert", away)
    writer.put(row())
    until(lambda: "events wait" in caplog.text, "the writer has tried")
    writer.put(row(article_id=2))
    fails[0] = False
    assert writer.flush()
    assert sorted(Event.objects.values_list("article_id", flat=True)) == [1, 2]


def test_a_batch_whose_commit_was_not_heard_of_is_not_written_twice(writer, monkeypatch):
    class Deaf(transaction.Atomic):
        def __exit__(self, *args):
            super().__exit__(*args)
            if transactions and transactions.pop():
                raise OperationalError("the connection was lost after COMMIT")

    transactions = [True]
    monkeypatch.setattr(writing, "transaction", SimpleNamespace(atomic=lambda: Deaf(None, True, False)))
    writer.put(row())
    assert writer.flush()
    assert not transactions
    assert Event.objects.count() == 1


def test_too_many_rows_are_dropped_and_said_so(transactional_db, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(writing, "_insert", lambda rows: None)
    writer = Writer(tmp_path, gather_seconds=0.3, most=10 * (len(json.dumps(row())) + 1))
    for _ in range(25):
        writer.put(row())
    assert writer.flush()
    writer.put(row())
    assert writer.flush()
    assert [record.rows for record in caplog.records if "dropped" in record.message] == [15]


def test_a_search_takes_the_topic_of_its_first_answer_without_a_query_of_its_own(db, django_assert_num_queries):
    refunds = history.article("Refund times", topic="refunds")
    with django_assert_num_queries(1):
        writing.put(row(kind="search", about=refunds.pk))
    writing.put(row(kind="search", about=999_999))
    assert list(Event.objects.order_by("id").values_list("topic", flat=True)) == ["refunds", ""]


_PROCESS = """
import os, sys, time
import django
django.setup()
from analytics import writing
writing.gather()
for number in range(50):
    writing.put({"kind": "read", "at": "2026-03-02T10:00:00Z", "visitor": sys.argv[1], "article_id": number})
if "fork" in sys.argv:
    if (child := os.fork()) == 0:
        writing.put({"kind": "read", "at": "2026-03-02T10:00:00Z", "visitor": sys.argv[1], "article_id": 99})
        sys.exit()
    os.waitpid(child, 0)
if "wait" in sys.argv:
    import signal
    signal.signal(signal.SIGTERM, lambda *args: sys.exit())  # as gunicorn's worker and runserver do
    print("ready", flush=True)
    time.sleep(60)
"""


def _process(*arguments: str) -> subprocess.Popen[str]:
    """A process of its own on the test's database."""
    settings = connection.settings_dict
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PREEMPT_DATABASE": settings["NAME"]}
    command = [sys.executable, "-c", _PROCESS, str(ANNA), *arguments]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)


@pytest.mark.faults
@pytest.mark.parametrize("arguments", [(), ("fork",)])
def test_what_waits_when_a_process_ends_is_written_once(transactional_db, arguments):
    process = _process(*arguments)
    process.communicate(timeout=60)
    assert process.returncode == 0
    written = list(Event.objects.order_by("article_id").values_list("article_id", flat=True))
    assert written == [*range(50), *([99] if arguments else [])]


@pytest.mark.faults
def test_what_waits_when_a_process_is_asked_to_stop_is_written(transactional_db):
    process = _process("wait")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert Event.objects.filter(visitor=ANNA).count() == 50
