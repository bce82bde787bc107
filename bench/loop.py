"""make loop: the main job on real input, with real processes, from help article to verdict.

Imports the Gumroad help centre and the Olist orders, then plays 2017-11-20 to 2017-12-10 (Black Friday and what came of
it) through detection, planning, a Celery worker and a SendGrid that speaks mail/send on loopback and posts its events
back to the web process. Every simulated day customers read, search, vote and contact us through the real pages. Then
it plays the same weeks again, which must send nothing, and holds the ledger against the provider's own log.

    python -m bench.loop ../shared/data [--kill] [--from 2017-11-20] [--to 2017-12-10] [--quick] [--keep]

Exit code 1 where a promise is broken (a message lost or doubled, counts that differ), 2 where the data are not there.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import socket
import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bench import _loop_world
from bench._report import report

REPOSITORY = Path(__file__).resolve().parent.parent
VISITORS_A_DAY = 25
STUCK_AFTER_SECONDS = 60
SLEEPS_ON_IT_DAYS = 4


def main() -> int:
    given = _arguments()
    articles = given.data / "help_gumroad" / "articles.jsonl"
    orders = given.data / "olist_2016_2017"
    for path in (articles, orders / "orders.csv"):
        if not path.exists():
            print(f"loop: {path} is not there. Say where the data are: make loop DATA=…", file=sys.stderr)
            return 2
    home = REPOSITORY / ".data" / "loop"
    started = time.monotonic()
    sys.path.insert(0, str(REPOSITORY))
    from config import embedded, supervisor

    embedded.stop(home)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    listeners = supervisor.listen(8700)
    port = listeners[0].getsockname()[1]
    _loop_world.set_environment(home, port=port)
    embedded.ensure(home)

    import django

    django.setup()
    from django.core.management import call_command

    def say(line: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {line}", flush=True)

    say("database, tables")
    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    with supervisor.Supervisor(logs=home / "logs", say=say) as parts:
        loop = Loop(given, parts, home, say)
        loop.import_everything(articles, orders)
        loop.start_parts(listeners, port=port)
        loop.replay_and_visit()
        first = loop.ledger()
        loop.report()
        say("the same weeks again: nothing may be sent")
        loop.replay_again()
        loop.import_the_rest()
        broken = loop.check(first)
    report("loop_seconds", round(time.monotonic() - started, 1), "s")
    for sentence in broken:
        print(f"loop: BROKEN: {sentence}", file=sys.stderr)
    if not given.keep:
        embedded.stop(home)
        shutil.rmtree(home, ignore_errors=True)
    return 1 if broken else 0


class Loop:
    """The steps, with what they share."""

    def __init__(self, given: argparse.Namespace, parts: Any, home: Path, say: Any) -> None:
        self.given, self.parts, self.home, self.say = given, parts, home, say
        self.start = datetime.fromisoformat(given.start).replace(tzinfo=UTC)
        self.end = datetime.fromisoformat(given.end).replace(tzinfo=UTC)
        self.kills_left = 3 if given.kill else 0
        self.visited: Counter[str] = Counter()
        self.orders = given.data / "olist_2016_2017"

    def import_everything(self, articles: Path, orders: Path) -> None:
        from django.core.management import call_command

        from core import clock
        from kb.search import indexing

        with clock.frozen(self.start - timedelta(days=30)):
            self.say("help articles in")
            call_command("load_reasons", REPOSITORY / "demo" / "reasons.yaml", verbosity=0)
            call_command("import_articles", articles, source="gumroad")
            indexing.rebuild()
        self.say(f"orders in, as they were known on {self.start:%Y-%m-%d}")
        with clock.frozen(self.start):
            call_command("import_orders", orders, until=self.start)

    def start_parts(self, listeners: list[socket.socket], *, port: int) -> None:
        from django.conf import settings

        from config import supervisor

        fake_port = settings.SENDGRID_URL.rpartition(":")[2]
        log = ("--log", str(self.home / "provider.jsonl"), "--key-file", str(self.home / "events.pem"))
        events_to = f"http://127.0.0.1:{port}/webhooks/sendgrid"
        command = (sys.executable, "-m", "tests.fakes.sendgrid", "--port", fake_port, *log, "--events-to", events_to)
        self.parts.start(supervisor.Part("sendgrid", command))
        self.parts.start(supervisor.web(listeners))
        self.parts.start(supervisor.worker())
        self.say("web, worker and a SendGrid on loopback are running")

    def replay_and_visit(self) -> None:
        from analytics.simulation import script, traffic

        asked = script.of_help_centre(self.given.data / "help_gumroad" / "queries.tsv")
        about_orders = script.of_demo(REPOSITORY / "demo").letters
        self.world = traffic.world_of(replace(asked, letters=asked.letters + about_orders), script.Truth(salt="loop"))
        self._replay(on_day=self._a_day_of_customers)
        for day in range(1, SLEEPS_ON_IT_DAYS + 1):
            self._late_customers(self.end + timedelta(days=day))

    def replay_again(self) -> None:
        self._replay(on_day=None)

    def import_the_rest(self) -> None:
        """What came after the replay's end: the whole table is in, and old trouble is no news to write about."""
        from django.core.management import call_command

        from core import clock
        from notifications import episodes

        self.say("the orders after the replay")
        call_command("import_orders", self.orders)
        episodes.sweep(now=clock.now())
        self._wait_for_the_worker()

    def _replay(self, *, on_day: Any) -> None:
        from django.conf import settings

        from notifications import replay
        from notifications.intake import olist
        from notifications.intake.facts import in_time_order

        def a_day_is_over(day: replay.Day) -> None:
            self.say(
                f"{day.day}: {day.facts:,} facts, {day.opened} troubles began, {day.closed} ended, "
                f"{day.planned} messages, {day.held_out} held out"
            )
            if on_day is not None:
                on_day(datetime.combine(day.day, datetime.min.time(), UTC) + timedelta(days=1))

        reading = olist.read(self.orders, zone=ZoneInfo(settings.SHOP_TIME_ZONE))
        replay.play(
            in_time_order(reading.facts),
            source="olist",
            start=self.start,
            end=self.end,
            drain=self._wait_for_the_worker,
            on_day=a_day_is_over,
        )

    def _wait_for_the_worker(self) -> None:
        """Until nothing is on its way any more. Kills the worker amid a batch, where that is wished."""
        from notifications import doorbell, settling
        from notifications.models import Message, MessageState

        waiting = Message.objects.filter(
            state__in=[MessageState.READY, MessageState.CLAIMED, MessageState.SENDING, MessageState.UNKNOWN]
        )
        at_first = waiting.count()
        if not at_first:
            return
        doorbell.ring("normal")
        began = time.monotonic()
        while left := waiting.count():
            self.parts.tend()
            if self.kills_left and at_first >= 8 and left <= at_first - 2:
                self.kills_left -= 1
                self.parts.kill("worker")
                self.say(f"kill -9 of the worker with {left} of {at_first} messages on their way")
                at_first = 0
            if time.monotonic() - began > 1.5:  # what beat does every half minute
                settling.reap()
                doorbell.ring("normal")
                time.sleep(0.3)
            if time.monotonic() - began > STUCK_AFTER_SECONDS:
                raise SystemExit(f"loop: {left} messages are stuck: {Counter(waiting.values_list('state', flat=True))}")
            time.sleep(0.01)

    def _a_day_of_customers(self, day: datetime) -> None:
        from analytics.simulation import traffic

        seed = int(f"{day:%Y%m%d}")
        rng = random.Random(seed)
        people = [traffic.Person(f"seller{n}@example.com", f"Seller {n}") for n in range(200)]
        moments = traffic.arrivals(day - timedelta(days=1), 1, VISITORS_A_DAY, rng)
        self.visited += traffic.walk(self.world, moments, seed=seed, people=people)
        self.world.done.clear()
        self._late_customers(day)

    def _late_customers(self, day: datetime) -> None:
        """What those did whose trouble began SLEEPS_ON_IT_DAYS before this day's end: they wrote in between."""
        from analytics.simulation import late_customers
        from core import clock
        from notifications import occasions
        from notifications.models import Message

        until = day - timedelta(days=SLEEPS_ON_IT_DAYS)
        messages = Message.objects.filter(
            episode__kind__in=occasions.TROUBLES, eligible_at__gt=until - timedelta(days=1), eligible_at__lte=until
        )
        late = messages.select_related("customer", "episode__shipment__order").order_by("id")
        with clock.frozen(day):
            self.visited += late_customers.live(
                late, self.world.script, patience=late_customers.Patience(), seed=int(f"{day:%Y%m%d}")
            )

    def ledger(self) -> dict[str, int]:
        from notifications.models import Message

        return dict(Counter(Message.objects.values_list("state", flat=True)))

    def report(self) -> None:
        from django.core.management import call_command

        from analytics import settling
        from core import clock

        self.say("what the customers did: " + ", ".join(f"{n:,} {what}" for what, n in sorted(self.visited.items())))
        with clock.frozen(self.end + timedelta(days=8)):
            settling.settle()
            call_command("report", "overview")

    def check(self, first: dict[str, int]) -> list[str]:
        """The promises that did not hold, as sentences."""
        from notifications.models import Message, Order, Rule

        logged = [json.loads(line) for line in (self.home / "provider.jsonl").read_text().splitlines()]
        # Messages carry their rule's key as category; confirmations of contacts and links to orders do not.
        rules = set(Rule.objects.values_list("key", flat=True))
        told = [line for line in logged if rules.intersection(line["categories"])]
        taken = Counter(line["custom_args"]["preempt_message_id"] for line in told)
        sent = {
            str(pk) for pk in Message.objects.filter(state__in=["accepted", "delivered"]).values_list("pk", flat=True)
        }
        never_sent = Message.objects.filter(state__in=["ready", "claimed", "sending", "unknown", "failed"]).count()
        doubled = sum(count - 1 for count in taken.values())
        broken = []
        report("articles", self._articles(), "articles")
        report("orders_known", Order.objects.count(), "orders")
        report("messages_sent", len(sent), "messages")
        report("messages_held_out", first.get("held_out", 0), "messages")
        report("provider_log", len(taken), "messages")
        report("lost", never_sent + len(sent - set(taken)), "messages")
        report("doubled", doubled, "messages")
        report("new_in_second_run", sum(self.ledger().values()) - sum(first.values()), "messages")
        report("worker_kills", (3 if self.given.kill else 0) - self.kills_left, "kills")
        report("failed_visits", sum(n for what, n in self.visited.items() if what.startswith("failed")), "visits")
        if never_sent:
            broken.append(f"{never_sent} messages were neither sent nor settled")
        if sent != set(taken):
            broken.append(f"the ledger says {len(sent)} sent, the provider's log {len(taken)}")
        if doubled:
            broken.append(f"{doubled} messages went out twice")
        if self.ledger() != first:
            broken.append(f"the second run changed the ledger: {first} became {self.ledger()}")
        if self.given.kill and self.kills_left:
            broken.append("the worker was not killed as often as it should have been")
        if any(what.startswith("failed") for what in self.visited):
            broken.append("some pages failed for simulated customers")
        return broken

    @staticmethod
    def _articles() -> int:
        from kb.models import Article

        return Article.objects.filter(state="published").count()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(os.environ.get("PREEMPT_DATA", REPOSITORY.parent / "shared" / "data"))
    parser.add_argument("data", nargs="?", type=Path, default=default)
    parser.add_argument("--from", dest="start", default="2017-11-20")
    parser.add_argument("--to", dest="end", default="2017-12-10")
    parser.add_argument("--kill", action="store_true", help="kill -9 the worker three times amid its work")
    parser.add_argument("--quick", action="store_true", help="two days instead of three weeks")
    parser.add_argument("--keep", action="store_true", help="leave the database and the logs in .data/loop")
    given = parser.parse_args()
    if given.quick:
        given.end = (datetime.fromisoformat(given.start) + timedelta(days=2)).date().isoformat()
    return given


if __name__ == "__main__":
    sys.exit(main())
