"""The index against the database: what is searched is what is published, whatever happens to a writer."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models.functions import Now

from config import embedded
from kb import publishing, search, selectors, tasks
from kb.models import Article, Draft, IndexChange
from kb.publishing import Text
from kb.search import indexing, query
from kb.search.engine import IndexDamaged
from tests import workers
from tests.waiting import until

pytestmark = pytest.mark.django_db


def titles(text: str, locale: str = "en") -> list[str]:
    return [result.title for result in query.find(text, locale=locale, k=20).results]


def rewrite(article: Article, title: str, body: str = "Some text.") -> None:
    draft = Draft.objects.get(article=article)
    publishing.save_draft(article, Text(title, "", body), version=draft.version, by=None)
    publishing.publish(article, by=None, ring=False)


def test_a_published_article_is_found_once_the_changes_are_applied(write):
    indexing.rebuild()
    write("Customs duties")
    assert titles("customs") == []
    indexing.apply_changes()
    assert titles("customs") == ["Customs duties"]
    assert not indexing.verify()


def test_an_unpublished_article_vanishes_at_once(write):
    article = write("Customs duties")
    indexing.rebuild()
    publishing.archive(article, by=None)
    assert titles("customs") == []
    assert query.find("customs", locale="en").total == 0


def test_nothing_unpublished_is_ever_in_the_index(write):
    write("Customs draft", publish=False)
    article = write("Customs duties")
    indexing.rebuild()
    publishing.archive(article, by=None)
    indexing.apply_changes()
    assert sum(search.engine().stats().documents.values()) == 0
    assert not indexing.verify()


def test_a_changed_article_is_found_by_its_new_words_only(write):
    article = write("Customs duties")
    indexing.rebuild()
    rewrite(article, "Import taxes")
    indexing.apply_changes()
    assert titles("customs") == []
    assert titles("taxes") == ["Import taxes"]


def test_a_draft_is_not_searched(write):
    article = write("Customs duties")
    indexing.rebuild()
    publishing.save_draft(article, Text("Secret", "", "x"), version=1, by=None)
    indexing.apply_changes()
    assert titles("secret") == []


def test_each_language_finds_its_own(write):
    write("My parcel is late")
    write("Mi paquete se retrasa", locale="es")
    indexing.rebuild()
    assert titles("paquete", "es") == ["Mi paquete se retrasa"]
    assert titles("paquete", "en") == ["Mi paquete se retrasa"]  # there is no other
    assert titles("late", "en") == ["My parcel is late"]


def test_while_there_is_no_index_the_database_answers(write):
    write("Customs duties")
    assert titles("customs") == ["Customs duties"]


def test_while_the_index_is_damaged_the_database_answers(write, index_folder):
    write("Customs duties")
    indexing.rebuild()
    search.engine().close()
    next(index_folder.glob("g*/en/*.seg")).write_bytes(b"rubbish")
    assert titles("customs") == ["Customs duties"]
    indexing.apply_changes()
    assert not indexing.verify()


def test_a_damaged_index_is_made_anew_by_the_worker(write, index_folder):
    write("Customs duties")
    indexing.rebuild()
    search.engine().close()
    (index_folder / "current").write_text("g999999")
    indexing.apply_changes()
    assert titles("customs") == ["Customs duties"]


def test_an_index_older_than_the_outbox_reaches_is_made_anew(write, index_folder):
    article = write("Customs duties")
    indexing.rebuild()
    rewrite(article, "Import taxes")
    IndexChange.objects.all().delete()  # as after seven days
    long_ago = time.time() - timedelta(days=4).total_seconds()
    for manifest in index_folder.glob("g*/manifest.json"):
        os.utime(manifest, (long_ago, long_ago))
    indexing.apply_changes()
    assert titles("taxes") == ["Import taxes"]


def test_the_outbox_keeps_a_week(write):
    write("Customs duties")
    indexing.rebuild()
    IndexChange.objects.update(at=Now() - timedelta(days=8))
    write("Import taxes")
    indexing.apply_changes()
    assert IndexChange.objects.count() == 1


def test_nothing_new_makes_no_generation(write):
    write("Customs duties")
    generation = indexing.rebuild()
    assert indexing.apply_changes() == generation
    assert indexing.apply_changes() == generation


@pytest.mark.django_db(transaction=True)
def test_a_change_that_commits_late_is_not_missed(write):
    """The slow transaction takes its ids first and commits last; a reader that went by ids would pass it over."""
    indexing.rebuild()
    slow = write("Slow article", publish=False)
    fast = write("Fast article", publish=False)
    has_written, may_commit = threading.Event(), threading.Event()

    def publish_slowly() -> None:
        with transaction.atomic():
            publishing.publish(slow, by=None, ring=False)
            has_written.set()
            may_commit.wait(20)
        connection.close()

    thread = threading.Thread(target=publish_slowly)
    thread.start()
    has_written.wait(20)
    publishing.publish(fast, by=None, ring=False)
    indexing.apply_changes()
    assert titles("article") == ["Fast article"]
    may_commit.set()
    thread.join()
    indexing.apply_changes()
    assert set(titles("article")) == {"Fast article", "Slow article"}


# One that has imported everything forks writers, one for each line that it is given, and says who each is.
WRITERS = """
import os, sys
sys.path.insert(0, "")
import django; django.setup()
from django.conf import settings
from django.db import transaction
settings.SEARCH_INDEX_DIR = sys.argv[1]
from kb.models import Article
from kb.search import indexing

def write_forever():
    while True:
        for article in Article.objects.published():
            with transaction.atomic():
                Article.objects.filter(pk=article.pk).update(version=article.version + 1)
                indexing.IndexChange.objects.create(article_id=article.pk)
            indexing.apply_changes()
        indexing.rebuild()

for line in sys.stdin:
    if not (writer := os.fork()):
        write_forever()
    print(writer, flush=True)
    _, status = os.waitpid(writer, 0)
    print("killed by", os.WTERMSIG(status), flush=True)
"""


def python(code: str, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *args],
        cwd=embedded.REPOSITORY,
        env=workers.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        process_group=0,
        text=True,
    )


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_a_writer_killed_at_any_moment_leaves_an_index_that_works(write, index_folder):
    for number in range(12):
        write(f"Customs duties {number}", "Everything about customs. " * 30)
    indexing.rebuild()
    rng = random.Random(5)
    parent = python(WRITERS, str(index_folder))
    try:
        for _round in range(5):
            before = search.engine().generation()
            parent.stdin.write("one more\n")
            parent.stdin.flush()
            writer = int(parent.stdout.readline())
            until(lambda before=before: search.engine().generation() > before, "the writer has committed")
            time.sleep(rng.uniform(0, 0.15))  # not a wait for anything: the moment of the kill is drawn at random
            os.kill(writer, signal.SIGKILL)
            assert parent.stdout.readline() == "killed by 9\n"
            assert len(titles("customs")) == 12
            indexing.apply_changes()
            assert not indexing.verify()
    finally:
        os.killpg(parent.pid, signal.SIGKILL)
        parent.communicate()
    assert not list(index_folder.glob("commit-*"))


SEARCH = """
import sys
sys.path.insert(0, "")
import django; django.setup()
from django.conf import settings
settings.SEARCH_INDEX_DIR = sys.argv[1]
from kb.search import query
for line in sys.stdin:
    print(len(query.find(line, locale="en").results), flush=True)
"""


@pytest.mark.django_db(transaction=True)
def test_another_process_sees_the_new_generation_at_its_next_search(write, index_folder):
    write("Customs duties")
    indexing.rebuild()
    reader = subprocess.Popen(
        [sys.executable, "-c", SEARCH, str(index_folder)],
        cwd=embedded.REPOSITORY,
        env=workers.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with reader:
        for found in (1, 2, 3):
            reader.stdin.write("customs\n")
            reader.stdin.flush()
            assert int(reader.stdout.readline()) == found
            write(f"Customs again {found}")
            indexing.apply_changes()
        reader.stdin.close()


@pytest.mark.django_db(transaction=True)
def test_two_writers_of_a_host_take_turns(write):
    indexing.rebuild()
    failures = []

    def work(number: int) -> None:
        try:
            for part in range(4):
                write(f"Customs {number} {part}")
                indexing.apply_changes()
        except Exception as error:  # noqa: BLE001  whatever it is, the test fails
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[number]) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert not indexing.verify()
    assert query.find("customs", locale="en").total == 12


def test_the_command_tells_whether_index_and_database_agree(write, capsys, index_folder):
    with pytest.raises(CommandError, match="search_index rebuild"):
        call_command("search_index", "verify")
    write("Customs duties")
    call_command("search_index", "rebuild")
    assert "1 of 1 articles" in capsys.readouterr().out
    call_command("search_index", "verify")
    assert "holds what is published" in capsys.readouterr().out
    article = write("Import taxes")
    with pytest.raises(SystemExit):
        call_command("search_index", "verify")
    assert f"1 published, but not in the index: article {article.pk}" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        call_command("search_index", "verify", "--json")
    assert json.loads(capsys.readouterr().out) == {"missing": [article.pk], "stale": [], "ghost": []}
    call_command("search_index", "stats", "--json")
    stats = json.loads(capsys.readouterr().out)
    assert stats["documents"] == {"en": 1}
    assert (stats["lag_articles"], stats["segments"], stats["has_indexer"]) == (1, 1, False)
    call_command("search_index", "stats")
    assert "1 en" in capsys.readouterr().out


def test_lag_counts_what_the_index_lacks_and_since_when(write):
    article = write("Customs duties")
    indexing.rebuild()
    assert indexing.lag() == indexing.Lag(0, 0.0)
    rewrite(article, "Import taxes")
    publishing.archive(write("Gone before it was seen"), by=None)
    IndexChange.objects.update(at=Now() - timedelta(seconds=90))
    lag = indexing.lag()
    assert lag.articles == 1
    assert 90 <= lag.seconds < 120
    indexing.apply_changes()
    assert indexing.lag().articles == 0


def test_a_damaged_file_makes_verify_fail_even_where_nobody_reads_it(write, index_folder):
    write("Customs duties")
    indexing.rebuild()
    file = next(index_folder.glob("g*/en/*.seg"))
    time_before = file.stat().st_mtime_ns
    content = bytearray(file.read_bytes())
    content[40] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(time_before, time_before))  # as a disk that forgets a bit
    with pytest.raises(CommandError, match="cannot be used"):
        call_command("search_index", "verify")


def test_what_waits_after_a_large_import_comes_in_portions(write, monkeypatch):
    monkeypatch.setattr(indexing, "_BATCH", 4)
    generation = indexing.rebuild()
    for number in range(11):
        write(f"Customs {number}")
    assert indexing.apply_changes() == generation + 3
    assert not indexing.verify()


def test_a_rebuild_lets_others_write_and_loses_nothing_of_it(write):
    """While the documents are read, articles are edited, added and taken away, and another writer commits them."""
    for number in range(8):
        write(f"Customs {number}")
    indexing.rebuild()
    articles = list(Article.objects.order_by("pk"))

    def meddle(done: int, total: int) -> None:
        if done == 4:
            rewrite(articles[0], "Import taxes")
            publishing.archive(articles[1], by=None)
            write("Vouchers")
            indexing.apply_changes()
            assert titles("taxes") == ["Import taxes"]

    generation = search.engine().generation()
    assert indexing.rebuild(progress=meddle) == generation + 2
    assert not indexing.verify()
    assert search.engine().layout().live == 8


def test_with_an_indexer_at_work_the_celery_task_does_nothing(write):
    indexing.rebuild()
    write("Customs duties")
    with indexing.the_indexer():
        assert indexing.has_indexer()
        tasks.apply_index_changes()
    assert titles("customs") == []
    assert not indexing.has_indexer()
    tasks.apply_index_changes()
    assert titles("customs") == ["Customs duties"]


def test_the_command_searches_as_a_customer_would(write, capsys):
    write("Customs duties", "You pay customs when a parcel comes from abroad.")
    call_command("search", "cutsoms")
    out = capsys.readouterr().out
    assert "searched for: customs" in out
    assert "Customs duties" in out
    call_command("search", "customs", "--json")
    assert '"total": 1' in capsys.readouterr().out


def test_suggestions_for_a_long_message_use_its_rarest_words(write):
    write("Customs duties", "You pay customs when a parcel comes from abroad.")
    for number in range(5):
        write(f"Parcel {number}", "A parcel, a parcel, whatever happens.")
    indexing.rebuild()
    message = "Hello, please help. I made an order and my parcel is here, " * 10 + "but somebody wants customs from me"
    found = selectors.suggest(message, locale="en")
    assert found[0].title == "Customs duties"
    assert "<mark>customs</mark>" in found[0].snippet
    assert found[0].url == "/en/a/customs-duties/"
    assert len(found) == 3
    assert selectors.suggest("", locale="en") == []


def test_a_reader_without_an_index_is_told_so():
    with pytest.raises(IndexDamaged):
        indexing.verify()
