"""manage.py seed_demo: fills an empty local checkout with the demo shop, through the product's own code."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from analytics import article_results, settling
from analytics.simulation import late_customers, script
from config import demo_accounts, demo_orders, demo_shop, demo_stays, demo_trials
from core import clock, roles
from kb import pieces, publishing, search_tests
from kb.models import Article, Piece, PieceSort, RunReason
from kb.search import checking, indexing, suggest
from notifications import occasions, replay, transit
from notifications.intake.facts import Fact, in_time_order
from notifications.models import Message, Rule

DAYS = 35  # of orders; visits cover the last 28
ALL_RULES_DAYS = 2


class Command(BaseCommand):
    help = "Fills an empty local checkout with the demo shop: articles, customers, orders, mails, four weeks of visits."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument("--visitors-per-day", type=float, default=20)

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.LOCAL:
            raise CommandError("DATABASE_URL is set: this looks like a real shop. The demo only goes into a local one.")
        if Article.objects.exists():
            raise CommandError("There are articles already. The demo only goes into an empty checkout (make clean).")
        folder = settings.BASE_DIR / "demo"
        started = time.monotonic()
        logging.getLogger("preempt").setLevel(logging.ERROR)  # a terminal wants the steps, not each sweep and rebuild

        def step(what: str) -> None:
            self.stdout.write(f"  {time.monotonic() - started:5.1f} s  {what}")
            self.stdout.flush()

        now = clock.now()
        step("accounts of the desk")
        _make_accounts()
        step("reasons why people contact us, help articles")
        with clock.frozen(now - timedelta(days=DAYS)):
            call_command("load_reasons", folder / "reasons.yaml", verbosity=0)
            call_command("import_articles", folder / "articles", source="demo", verbosity=0)
            indexing.rebuild()
        step("A/B tests of articles: one decided, one finished, one that runs")
        asks = script.of_demo(folder)
        demo_trials.play_past(folder, asks, now=now, seed=options["seed"])
        running = demo_trials.begin_running(folder, now=now)
        _schedule_a_change(now, by=User.objects.filter(groups__name=roles.REVIEWER).first())
        _share_out_the_articles(now)
        _leave_work_in_progress(User.objects.get(username=demo_accounts.ACCOUNTS[0].username))
        step("customers, orders, parcels; mails about the late ones")
        facts = in_time_order(
            [
                *demo_shop.facts(folder, now=now, days=DAYS, per_day=24, seed=options["seed"]),
                *demo_orders.facts(folder, now=now),
            ]
        )
        _play(facts, now=now)
        demo_orders.make_promises(folder, by=User.objects.filter(groups__name=roles.OPS).first(), now=now)
        transit.learn(now=now)
        step("four weeks of visits to the help centre")
        call_command(
            "simulate_traffic", seed=options["seed"], per_day=options["visitors_per_day"], lift=0.12, verbosity=0,
            stdout=self.stdout,
        )  # fmt: skip
        demo_trials.read_running(running, asks, now=now, seed=options["seed"])
        late_customers.live(
            Message.objects.filter(episode__kind__in=occasions.TROUBLES).select_related(
                "customer", "episode__shipment__order"
            ),
            asks,
            patience=late_customers.Patience(),
            seed=options["seed"],
        )
        demo_stays.tell(seed=options["seed"])
        step("journeys and their outcomes, queries to suggest")
        settling.settle()
        article_results.count()
        suggest.make_popular_queries()
        step("search tests, one of them failing")
        _make_search_tests(folder / "search_tests.csv", now=now)
        step("the demo shop is ready")


def _play(facts: Sequence[Fact], *, now: datetime) -> None:
    """The shop begins with delay notices; for the last days every rule is on, so that each mail is to be seen."""
    all_on_at = now - timedelta(days=ALL_RULES_DAYS)

    def play(*, end: datetime, resume_at: datetime | None = None) -> None:
        replay.play(
            facts, source="demo", start=facts[0].at, end=end, step=timedelta(hours=6), drain=replay.drain_inline,
            resume_at=resume_at,
        )  # fmt: skip

    play(end=all_on_at)
    Rule.objects.update(is_active=True)
    play(end=now, resume_at=all_on_at)


def _make_accounts() -> None:
    for account in demo_accounts.ACCOUNTS:
        user = User.objects.create_user(
            account.username, f"{account.username}@fernhill.example.com", account.password, is_staff=True
        )
        user.groups.add(Group.objects.get(name=account.role))


def _schedule_a_change(now: datetime, *, by: User | None) -> None:
    """From the first of the next month on, delivery in the UK is free from a lower amount; in Spain nothing changes."""
    piece = Piece.objects.get(sort=PieceSort.FACT, key="free-delivery")
    values = pieces.read_values(piece.kind, {"": "£45", "es": "€100"})
    first = (timezone.localtime(now).replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0)
    at = first.replace(second=0, microsecond=0)
    pieces.change(piece, values, seen=pieces.newest(piece), effective_at=at, by=by)


def _share_out_the_articles(now: datetime) -> None:
    """Owners by shelf, two shelves without one, and a few dates of review that have come."""
    writer, editor = (User.objects.get(username=account.username) for account in demo_accounts.ACCOUNTS[:2])
    articles = Article.objects.published()
    articles.filter(category__key__in=["delivery", "orders", "returns"]).update(owner=writer)
    articles.filter(category__key__in=["refunds", "payments", "vouchers"]).update(owner=editor)
    due = articles.filter(category__key__in=["delivery", "refunds"]).order_by("slug").values("pk")[:5]
    articles.filter(pk__in=due).update(review_by=now.date() - timedelta(days=3))


def _leave_work_in_progress(writer: User) -> None:
    """Something for an editor to find: a published text with a draft over it."""
    article = Article.objects.get(external_id="parcel-is-late", locale="en")
    text = publishing.Text.of(article.draft)
    more = "\n\n## If it is a gift\n\nTell us the day it is needed, and we say honestly whether it can be met."
    publishing.save_draft(article, replace(text, body=text.body + more), version=article.draft.version, by=writer)


def _make_search_tests(path: Path, *, now: datetime) -> None:
    """What the shop's editors demand of search; one test fails, for want of a synonym."""
    with clock.frozen(now - timedelta(days=6)):
        done = search_tests.import_lines(path.read_text(encoding="utf-8"), by=None)
        if done.errors:
            raise CommandError(f"{path.name}: " + "; ".join(f"line {number}: {why}" for number, why in done.errors))
        checking.run(why=RunReason.CHANGE)
