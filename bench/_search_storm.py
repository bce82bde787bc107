"""A storm of edits over the search index: how soon an edit is seen, and what is right after the writer was killed.

    python -m bench._search_storm [--articles 10000] [--edits 10000] [--kills 100] [--visible 600] [--rate 30]

On a database of its own, with the real `manage.py search_index run`. First --visible edits, --rate a second, while
another process looks for some of them: edit_visible_p50_ms, _p99_ms. Then --edits edits, publishes and archivings as
fast as they go, while the writer is killed -9 at --kills random moments: storm_ghosts, storm_stale, storm_lost against
the database must be 0. Exit code 1 where they are not. Seed 1.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from bench._report import report

REPOSITORY = Path(__file__).resolve().parent.parent
WATCHED_EVERY = 3  # of the edits of the first part, the one that the other process looks for
PATIENCE_SECONDS = 180.0

WATCH = """
import json, sys, threading, time
sys.path.insert(0, "")
import django; django.setup()
from kb import search
from kb.search.engine import SearchRequest
wanted, left = {}, threading.Event()
def listen():
    for line in sys.stdin:
        word, since = json.loads(line)
        wanted[word] = since
    left.set()
threading.Thread(target=listen, daemon=True).start()
print("ready", flush=True)
engine = search.engine()
while wanted or not left.is_set():
    for word, since in list(wanted.items()):
        if engine.search(SearchRequest(word, "en", is_verbatim=True)).hits:
            print(time.monotonic() - since, flush=True)
            del wanted[word]
    time.sleep(0.003)
"""


def main() -> int:
    parser = argparse.ArgumentParser()
    for name, default in (("articles", 10_000), ("edits", 10_000), ("kills", 100), ("visible", 600), ("rate", 30)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    home = REPOSITORY / ".data" / "storm"
    os.environ.pop("DATABASE_URL", None)
    os.environ |= {"PREEMPT_DATA_DIR": str(home), "LOG_LEVEL": "ERROR", "DJANGO_SETTINGS_MODULE": "config.settings"}
    sys.path.insert(0, str(REPOSITORY))
    from config import embedded

    embedded.stop(home)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    embedded.ensure(home)
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    try:
        return Storm(given).run()
    finally:
        embedded.stop(home)
        shutil.rmtree(home, ignore_errors=True)


class Storm:
    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.rng = random.Random(1)
        self.words = _words()
        self.indexer: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        from kb.search import indexing

        self.make_articles()
        started = time.monotonic()
        indexing.rebuild()
        report("storm_index_seconds", time.monotonic() - started, "s")
        self.start_indexer()
        try:
            while not indexing.has_indexer():  # its start is not what is measured
                time.sleep(0.1)
            self.measure_visibility()
            killed = self.storm()
            missing, stale, ghost = self.settle()
        finally:
            self.kill_indexer()
        report("storm_edits", self.given.edits, "edits")
        report("storm_kills", killed, "kills")
        report("storm_ghosts", ghost, "articles")
        report("storm_stale", stale, "articles")
        report("storm_lost", missing, "articles")
        return 1 if missing or stale or ghost else 0

    def make_articles(self) -> None:
        from django.db.models import F

        from core import clock
        from kb import publishing
        from kb.models import Article, ArticleState, Category, Draft, Revision

        now = clock.now()
        shelf = Category.objects.create(key="delivery", topic="order_status")
        count = self.given.articles
        made = Article.objects.bulk_create(
            [Article(locale="en", slug=f"a-{n}", category=shelf, created_at=now, updated_at=now) for n in range(count)]
        )
        texts = [(f"Article {n} {self.text(4)}", self.text(200)) for n in range(count)]
        pairs = list(zip(made, texts, strict=True))
        Draft.objects.bulk_create([Draft(article=a, title=t, body=b, updated_at=now) for a, (t, b) in pairs])
        revisions = Revision.objects.bulk_create(
            [Revision(article=a, number=1, title=t, body=b, html=b, text=b, created_at=now) for a, (t, b) in pairs]
        )
        for article, revision in zip(made, revisions, strict=True):
            article.live_revision, article.state = revision, ArticleState.PUBLISHED
        Article.objects.bulk_update(made, ["live_revision", "state"], batch_size=1000)
        Article.objects.update(version=F("version") + 1)
        self.articles, self.publishing = made, publishing

    def text(self, count: int) -> str:
        return " ".join(self.rng.choices(self.words, k=count))

    def edit(self, article: Any, title: str) -> None:
        from kb.models import Draft

        draft = Draft.objects.get(article=article)
        text = self.publishing.Text(title, "", self.text(200))
        self.publishing.save_draft(article, text, version=draft.version, by=None)
        self.publishing.publish(article, by=None, ring=False)

    def measure_visibility(self) -> None:
        watcher = subprocess.Popen(
            [sys.executable, "-c", WATCH], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert watcher.stdin is not None
        assert watcher.stdout is not None
        assert watcher.stdout.readline() == "ready\n"
        latencies: list[float] = []
        reader = threading.Thread(target=lambda: latencies.extend(float(line) * 1000 for line in watcher.stdout))
        reader.start()
        started = time.monotonic()
        for number in range(self.given.visible):
            time.sleep(max(0.0, started + number / self.given.rate - time.monotonic()))
            word = f"seen{number}x{self.rng.randrange(10**6)}"
            self.edit(self.articles[number % len(self.articles)], f"Edited {word}")
            if number % WATCHED_EVERY == 0:
                watcher.stdin.write(json.dumps([word, time.monotonic()]) + "\n")
                watcher.stdin.flush()
        watcher.stdin.close()
        try:
            watcher.wait(PATIENCE_SECONDS)
        finally:
            watcher.kill()
            reader.join()
            watcher.stdout.close()
        latencies.sort()
        rate = self.given.visible / (time.monotonic() - started)
        report("edit_rate", rate, "edits/s")
        report("edit_visible_p50_ms", latencies[len(latencies) // 2], "ms")
        report("edit_visible_p99_ms", latencies[min(int(len(latencies) * 0.99), len(latencies) - 1)], "ms")

    def storm(self) -> int:
        kills_at = set(self.rng.sample(range(self.given.edits), self.given.kills))
        for number in range(self.given.edits):
            article = self.rng.choice(self.articles)
            article.refresh_from_db()
            if article.state == "published" and self.rng.random() < 0.3:
                self.publishing.archive(article, by=None)
            else:
                self.edit(article, f"Stormy {number} {self.text(3)}")
            if number in kills_at:
                time.sleep(self.rng.uniform(0, 0.3))
                self.kill_indexer()
                self.start_indexer()
        return len(kills_at)

    def settle(self) -> tuple[int, int, int]:
        """Once the writer has caught up: articles (missing, stale, ghost)."""
        from kb.search import indexing

        deadline = time.monotonic() + PATIENCE_SECONDS
        while (drift := indexing.verify()) and time.monotonic() < deadline:
            time.sleep(0.5)
        return len(drift.missing), len(drift.stale), len(drift.ghost)

    def start_indexer(self) -> None:
        command = [sys.executable, "manage.py", "search_index", "run"]
        self.indexer = subprocess.Popen(command, cwd=REPOSITORY, process_group=0)

    def kill_indexer(self) -> None:
        if self.indexer is not None:
            os.killpg(self.indexer.pid, signal.SIGKILL)
            self.indexer.wait()


def _words() -> list[str]:
    """The words of a real help centre as often as they are there; made-up ones where the data are not here."""
    path = (
        Path(os.environ.get("PREEMPT_DATA", REPOSITORY.parent / "shared" / "data")) / "help_gumroad" / "articles.jsonl"
    )
    if not path.exists():
        return [f"word{int(n**1.5)}" for n in range(1, 4000)]
    with path.open(encoding="utf-8") as lines:
        return [word for line in lines for word in json.loads(line)["body"].split() if word.isalpha()]


if __name__ == "__main__":
    sys.exit(main())
