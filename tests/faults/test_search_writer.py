"""The search index against the database while its real writer process is killed, starved and its files are harmed."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection

from config import embedded
from kb import publishing, search
from kb.models import Article, Category, Draft
from kb.publishing import Text
from kb.search import indexing
from kb.search.engine import IndexDamaged, SearchRequest
from tests import workers
from tests.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

WORDS = ["parcel", "refund", "late", "address", "card", "voucher", "customs", "return", "label", "invoice"]


class Indexer:
    """A real `manage.py search_index run`. `said`: its words since the test began."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "search_index", "run"],
            cwd=embedded.REPOSITORY,
            env=workers.environment(SEARCH_INDEX_DIR=str(self.folder), PGAPPNAME="indexer"),
            stderr=subprocess.PIPE,
            process_group=0,
            text=True,
        )
        self._reader = threading.Thread(target=self._listen, args=[self.process.stderr])
        self._reader.start()

    def _listen(self, lines) -> None:
        with lines:
            self.said.extend(lines)

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._reader.join()


class Host:
    """The indexer of this host, for test after test: what one leaves is no help to the next."""

    indexer: Indexer | None = None

    def with_nothing(self, folder: Path) -> Indexer:
        """An indexer that runs, and has no index yet."""
        if self.indexer is None or self.indexer.process.poll() is not None:
            self.indexer = Indexer(folder)
        (self.indexer.folder / "current").unlink(missing_ok=True)
        self.indexer.said.clear()
        return self.indexer

    def kill(self) -> None:
        if self.indexer is not None:
            self.indexer.kill()
            self.indexer = None


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """A start takes more than most of these tests."""
    host = Host()
    yield host
    host.kill()


@pytest.fixture(scope="module")
def host_folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("host") / "index"


@pytest.fixture
def folder(settings, host_folder) -> Iterator[Path]:
    settings.SEARCH_INDEX_DIR = host_folder
    yield settings.SEARCH_INDEX_DIR
    search.engine().close()


@pytest.fixture
def indexer(host, folder) -> Indexer:
    return host.with_nothing(folder)


@pytest.fixture
def write() -> Callable[..., Article]:
    shelf, _ = Category.objects.get_or_create(key="delivery", defaults={"topic": "order_status"})

    def make(title: str, body: str = "Some text.") -> Article:
        article = publishing.create_article(locale="en", category=shelf, title=title, body=body, by=None)
        publishing.publish(article, by=None, ring=False)
        return article

    return make


def rewrite(article: Article, title: str, body: str = "Some text.") -> None:
    draft = Draft.objects.get(article=article)
    publishing.save_draft(article, Text(title, "", body), version=draft.version, by=None)
    publishing.publish(article, by=None, ring=False)


def found(text: str) -> list[int]:
    return [hit.id for hit in search.engine().search(SearchRequest(text, "en", k=1000)).hits]


def agrees() -> bool:
    try:
        return not indexing.verify()
    except IndexDamaged:
        return False


def test_nothing_is_lost_stale_or_left_when_the_writer_is_killed_again_and_again(write, folder, indexer):
    rng = random.Random(20)
    articles = [write(f"Article {n}", " ".join(rng.choices(WORDS, k=40))) for n in range(60)]
    until(agrees, "the indexer has made the index", seconds=60)
    kills_at = set(rng.sample(range(20, 240), 8))
    for number in range(240):
        article = rng.choice(articles)
        article.refresh_from_db()
        if article.state == "published" and rng.random() < 0.3:
            publishing.archive(article, by=None)
        else:
            rewrite(article, f"Article edition{number}", " ".join(rng.choices(WORDS, k=40)))
        if number in kills_at:
            time.sleep(rng.uniform(0, 0.2))  # not a wait for anything: the moment of the kill is drawn at random
            indexer.kill()
            found("article")  # whatever the writer left, readers can read
            indexer.start()
    until(agrees, "the index holds what is published, and nothing else", seconds=60)
    live = dict(Article.objects.published().values_list("pk", "version"))
    assert set(found("article")) == live.keys()
    assert sum(search.engine().stats().documents.values()) == len(live)


def test_an_edit_is_seen_without_a_ring_of_celery(write, folder, indexer):
    article = write("Customs duties")
    until(agrees, "the indexer has made the index", seconds=60)
    rewrite(article, "Import taxes")
    until(lambda: found("taxes") == [article.pk], "the edit is seen", seconds=10)
    assert found("customs") == []


READ = """
import sys
sys.path.insert(0, "")
import django; django.setup()
from kb import search
from kb.search.engine import SearchRequest
for line in sys.stdin:
    print([hit.version for hit in search.engine().search(SearchRequest(line, "en")).hits], flush=True)
"""


def test_all_processes_of_a_host_see_the_same_within_two_seconds(write, folder, indexer):
    """Two as web processes are, one as a worker is: each with an engine of its own on the same folder."""
    article = write("Customs duties")
    until(agrees, "the indexer has made the index", seconds=60)
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READ],
            cwd=embedded.REPOSITORY,
            env=workers.environment(SEARCH_INDEX_DIR=str(folder)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]

    def ask(reader: subprocess.Popen[str]) -> str:
        reader.stdin.write("customs\n")
        reader.stdin.flush()
        return reader.stdout.readline().strip()

    try:
        assert [ask(reader) for reader in readers] == ["[1]"] * 3
        for number in range(2, 7):
            rewrite(article, f"Customs duties {number}")
            until(lambda n=number: [ask(reader) for reader in readers] == [f"[{n}]"] * 3, "all see it", seconds=2)
    finally:
        for reader in readers:
            reader.kill()
            reader.communicate()


@pytest.mark.parametrize("harm", ["altered", "cut short", "removed", "no current"])
def test_a_harmed_index_is_made_anew_and_readers_get_well(write, folder, indexer, harm):
    article = write("Customs duties")
    until(agrees, "the indexer has made the index", seconds=60)
    assert found("customs") == [article.pk]
    current = folder / (folder / "current").read_text()
    file = next((current / "en").glob("*.arrays"))
    content = file.read_bytes()
    if harm == "altered":
        file.write_bytes(content[:500] + bytes([content[500] ^ 0xFF]) + content[501:])
    elif harm == "cut short":
        with file.open("r+b") as opened:
            opened.truncate(200)
    elif harm == "removed":
        file.unlink()
    else:
        (folder / "current").unlink()
    until(lambda: (folder / "current").exists() and (folder / "current").read_text() != current.name, "made anew")
    until(lambda: agrees() and found("customs") == [article.pk], "the reader finds it again")
    rewrite(article, "Import taxes")
    until(lambda: agrees() and found("taxes") == [article.pk], "changes come in again")


def test_on_a_full_disk_the_old_generation_serves_and_the_log_says_why(write, folder, indexer):
    article = write("Customs duties")
    until(agrees, "the indexer has made the index", seconds=60)
    before = resource.prlimit(indexer.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(indexer.process.pid, resource.RLIMIT_FSIZE, (600, before[1]))  # no file may grow beyond it
    rewrite(article, "Import taxes")
    until(lambda: any("not written" in line for line in indexer.said), "the log says so")
    assert any("too large" in line for line in indexer.said)
    assert found("customs") == [article.pk]
    resource.prlimit(indexer.process.pid, resource.RLIMIT_FSIZE, before)
    until(lambda: agrees() and found("taxes") == [article.pk], "it goes on when there is room", seconds=30)


def test_a_second_indexer_stands_by_and_takes_over(write, folder, indexer, host):
    write("Customs duties")
    until(agrees, "the indexer has made the index", seconds=60)
    second = host.indexer = Indexer(folder)
    try:
        until(lambda: any("stands by" in line for line in second.said), "the second stands by")
    finally:
        indexer.kill()
    write("Vouchers")
    until(agrees, "the second has taken over")


def test_the_indexer_lives_through_a_lost_database_connection(write, folder, indexer):
    write("Customs duties")
    until(agrees, "the indexer has made the index", seconds=60)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'indexer'"
        )
        assert len(cursor.fetchall()) >= 2  # the one that listens, and those that read
    write("Vouchers")
    until(agrees, "it has connected again", seconds=30)
    assert indexer.process.poll() is None


def test_asked_to_stop_it_stops(write, indexer):
    write("Customs duties")
    until(agrees, "it is at work", seconds=60)
    indexer.process.terminate()
    assert indexer.process.wait(10) == 0
