"""How long the desk's pages of numbers take with a year behind them, as an admin asks for them.

Every page that counts or lists what grows with the shop, by itself and with its dearest words: a year of days, held
against the year before, one language and channel, the last page of a list. A page that answers other than 200 fails.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from bench import _analytics_world
from bench._search_figures import say

_TIMES = 20
_SLOWEST = 10
_YEAR = "?days=364"
_YEARS = "?days=364&compare=year"
_SEGMENT = "?days=364&locale=en&source=email"
_PERIODS = ("", "?compare=year", _YEAR, _YEARS, _SEGMENT)

# desk:<name> without an argument, and what is asked after it.
_PAGES: dict[str, tuple[str, ...]] = {
    "home": _PERIODS,
    "article-scorecards": (*_PERIODS, f"{_YEAR}&q=delivery&sort=views"),
    "journeys": (
        *_PERIODS, "?outcome=contacted", f"{_YEAR}&outcome=contacted", f"{_YEAR}&outcome=immature",
        f"{_YEAR}&topic=account&outcome=denied", f"{_YEAR}&lang=ar&entry=search", "?page=100000",
    ),
    "article-views": ("", _YEAR, "?page=100000"),
    "evidence": ("", _YEAR, f"{_YEAR}&compared=yes", f"{_YEAR}&compared=yes&contacted=yes", f"{_YEAR}&sent=yes"),
    "effects": _PERIODS,
    "effect-visits": ("", _YEAR, f"{_YEAR}&contacted=yes", f"{_YEAR}&arm=off"),
    "costs": ("",),
    "metrics": ("",),
    "markers": ("", _YEAR),
    "data-health": _PERIODS,
    "autopsy": (*_PERIODS, f"{_YEAR}&reason=delivery"),
    "autopsy-contacts": ("", _YEAR, f"{_YEAR}&reason=delivery&cause=read"),
    "repeated-contacts": ("", _YEAR, f"{_YEAR}&again=yes"),
    "next-article": ("", "?all=1", "?days=90&all=1"),
    "search-health": _PERIODS,
    "search-learning": ("",),
    "effect-search": ("",),
    "experiments": ("", "?show=running", "?q=test"),
    "articles": ("",),
    "care": ("",),
    "contacts": ("", "?page=100", "?q=parcel"),
    "contact-suggestions": ("",),
    "messages": ("",),
    "ledger": ("", "?outcome=bounced"),
    "sending": ("",),
    "orders": ("",),
    "obligations": ("",),
    "predictions": ("",),
    "incidents": ("",),
    "search": ("",),
    "search-tuning": ("",),
    "sources": ("",),
    "audit": ("",),
}  # fmt: skip
_OF_AN_ARTICLE: dict[str, tuple[str, ...]] = {
    "article-scorecard": _PERIODS,
    "article-evidence": ("", "?days=90"),
}


def count_at_night() -> None:
    """What the night's jobs make for the pages, once the year is settled."""
    from analytics import article_results, search_learning
    from core import clock

    with clock.frozen(_analytics_world.END):
        article_results.count()
        search_learning.learn()


def addresses() -> Iterator[str]:
    """Every page, each with each of its words."""
    from django.urls import reverse

    from analytics.models import Journey
    from analytics.reports.guard_rail_rows import choices
    from analytics.reports.guard_rails import Rail
    from analytics.reports.registry import REPORTS
    from contacts.models import Contact
    from core.models import AuditEntry
    from kb.models import Article, Experiment, SearchLog, Variant
    from notifications.models import Message, Order

    def page(name: str, *given: object) -> str:
        return reverse(f"desk:{name}", args=given)

    for name, words in _PAGES.items():
        yield from (page(name) + word for word in words)
    most_read = Article.objects.order_by("pk")[1].pk
    for name, words in _OF_AN_ARTICLE.items():
        yield from (page(name, most_read) + word for word in words)
    yield from (f"{page(name)}{_YEAR}&article={most_read}" for name in ("journeys", "article-views"))
    yield f"{page('journeys')}{_YEAR}&read={most_read}"
    yield from (
        f"{page('guard-rail', rail)}?which={which}{word}"
        for rail in Rail
        for which, _title in choices(rail)
        for word in ("", "&page=100000", "&days=364")
    )
    edit = AuditEntry.objects.filter(action="article.published", target_id=str(most_read)).latest("pk").pk
    for side in ("before", "after"):
        words = f"?edit={edit}&side={side}&days=90"
        yield from (page("journeys") + words, page("guard-rail", Rail.NO_VOTES) + words)
    yield from (page("article-rows", most_read, which) + _YEAR for which in ("votes", "openings"))
    for name, report in REPORTS.items():
        of_one = f"&article={most_read}" if report.words.needs == ("article",) else ""
        if of_one or not report.words.needs:
            words = (f"?{of_one[1:]}", f"{_YEARS if 'compare' in report.words.all else _YEAR}{of_one}")
            yield from (page("report", name) + word for word in words)
    yield page("journey", Journey.objects.filter(searches__gt=0).order_by("-started_at")[0].pk)
    yield page("contact", Contact.objects.latest("pk").pk)
    yield page("contacts-of") + f"?contact={Contact.objects.latest('pk').pk}"
    yield from (page("message", message.pk) for message in Message.objects.order_by("-eligible_at")[:1])
    yield from (page("order", order.pk) for order in Order.objects.order_by("-placed_at")[:1])
    asked = SearchLog.objects.filter(at__lt=_analytics_world.END).latest("at")
    yield from (
        f"{page('search-query')}?key={asked.key.replace(' ', '+')}&lang={asked.locale}&{word}"
        for word in ("", "days=364", "days=364&what=contacted")
    )
    for test in Experiment.objects.exclude(state="draft").order_by("pk")[:2]:
        yield page("experiment", test.pk)
        variant = Variant.objects.filter(experiment=test).latest("pk").pk
        yield from (page("exposures", variant) + word for word in ("?what=judged", "", "?what=judged&page=100000"))
    draft = _draft()
    yield from (
        page(name, draft)
        for name in ("experiment-compare", "experiment-hypothesis", "experiment-plan", "experiment-start")
    )


def _draft() -> int:
    """A test that is being planned, of a much read text."""
    from kb import experiments
    from kb.models import Article, Experiment, Revision

    found = Experiment.objects.filter(state="draft").first()
    if found is None:
        article = Article.objects.select_related("live_revision").order_by("pk")[2]
        other = Revision.objects.create(
            article=article, number=901, title="Another", body="It was.", html="<p>It was.", text="It was.",
            created_at=_analytics_world.END - timedelta(days=1),
        )  # fmt: skip
        live = article.live_revision
        assert live is not None
        arms = {"control": experiments.Arm("a", live), "others": [experiments.Arm("b", other)]}
        found = experiments.create(article, name="A plan", by=None, **arms)
    return found.pk


def client() -> Any:
    """A signed-in admin's browser."""
    from django.contrib.auth.models import Group, User
    from django.test import Client

    user, _is_new = User.objects.get_or_create(username="bench-admin", defaults={"is_staff": True})
    user.groups.add(Group.objects.get_or_create(name="admin")[0])
    browser = Client(SERVER_NAME="localhost", raise_request_exception=False)
    browser.force_login(user)
    return browser


def measure() -> dict[str, float]:
    """page_p95_ms: of the slowest page, however it is narrowed, of the 28 days that a page opens with, or a stretch as
    long; long_page_p95_ms: of the slowest of a year or of 90 days. first_view_ms: of the slowest at its first view in
    this process, after one of another page, which brings the process up. On the world of _analytics_world, settled."""
    from config import web_master
    from core import clock

    only = os.environ.get("BENCH_PAGES", "")
    web_master.on_starting(None)  # as each web process begins
    browser = client()
    with clock.frozen(_analytics_world.END):
        browser.get("/desk/account/")
        asked = [address for address in addresses() if only in address]
        taken = [(*_times(browser.get, address), address) for address in asked]
    if not taken:
        raise SystemExit(f"no page has {only} in its address")
    usual = [one for one in taken if "days=" not in one[3]]
    long = [one for one in taken if "days=" in one[3]]
    for kind, of_kind in (("pages as they open", usual), ("pages of a long period", long)):
        say(f"  {len(of_kind)} {kind}; the slowest:")
        for p95, median, first, address in sorted(of_kind, reverse=True)[:_SLOWEST]:
            say(f"  {p95:8.1f} ms p95, {median:8.1f} ms median, {first:8.1f} ms at first: {address}")
    slowest = max(taken, key=lambda one: one[2])
    say(f"  the slowest at first: {slowest[2]:.1f} ms, {slowest[3]}")
    figures = {"page_p95_ms": usual, "long_page_p95_ms": long}
    return {name: max(of_kind)[0] for name, of_kind in figures.items() if of_kind} | {"first_view_ms": slowest[2]}


def _times(get: Callable[[str], Any], address: str) -> tuple[float, float, float]:
    """The 95th percentile and the median of the answers after the first, and the first, in ms."""
    times = []
    for _ in range(_TIMES + 1):
        started = time.perf_counter()
        answer = get(address)
        if answer.streaming:
            b"".join(answer.streaming_content)
        times.append((time.perf_counter() - started) * 1000)
        if answer.status_code != 200:
            raise SystemExit(f"{address}: answers {answer.status_code}")
    first, later = times[0], sorted(times[1:])
    p95, median = later[int(len(later) * 0.95) - 1], later[len(later) // 2]
    if p95 > 100:
        say(f"  {p95:8.1f} ms p95, {median:8.1f} ms median, {first:8.1f} ms at first: {address}")
    return p95, median, first
