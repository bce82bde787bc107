"""How long the desk's pages of analytics take with a year behind them, as an admin asks for them."""

from __future__ import annotations

import time

from bench import _analytics_world
from bench._search_figures import say

_TIMES = 20
# desk:<name> and what is asked after it. A page that this version does not have is passed over, and said.
_PAGES: tuple[tuple[str, str], ...] = (
    ("home", ""),
    ("home", "?compare=year"),
    ("article-scorecards", ""),
    ("article-scorecard", "of an article"),
    ("journeys", ""),
    ("journeys", "?outcome=contacted"),
    ("article-evidence", "of an article"),
    ("next-article", ""),
    ("search-health", ""),
    ("effects", ""),
    ("effect-visits", ""),
    ("data-health", ""),
    ("experiments", ""),
    ("evidence", ""),
    ("article-views", ""),
    ("metrics", ""),
)


def measure() -> dict[str, float]:
    """page_p95_ms: of the slowest page. On the world of _analytics_world, settled."""
    from django.contrib.auth.models import Group, User
    from django.test import Client
    from django.urls import NoReverseMatch, reverse

    from core import clock
    from kb.models import Article

    user = User.objects.create(username="bench-admin", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="admin")[0])
    client = Client(SERVER_NAME="localhost", raise_request_exception=False)
    client.force_login(user)
    article = Article.objects.order_by("pk")[1].pk  # the most read one
    worst = 0.0
    with clock.frozen(_analytics_world.END):
        for name, more in _PAGES:
            is_of_article = more == "of an article"
            try:
                address = reverse(f"desk:{name}", args=[article] if is_of_article else [])
            except NoReverseMatch:
                say(f"  {name}: this version has no such page")
                continue
            p95 = _p95(client, address + ("" if is_of_article else more))
            if p95 is not None:
                worst = max(worst, p95)
    return {"page_p95_ms": worst}


def _p95(client, address: str) -> float | None:  # type: ignore[no-untyped-def]
    """Of the answers after the first, which warms up. None where the page refuses: it is said, and in no figure."""
    times = []
    for number in range(_TIMES + 1):
        started = time.perf_counter()
        answer = client.get(address)
        took = (time.perf_counter() - started) * 1000
        if answer.status_code != 200:
            say(f"  {address}: answers {answer.status_code}")
            return None
        if number:
            times.append(took)
        else:
            first = took
    times.sort()
    p95 = times[int(len(times) * 0.95) - 1]
    say(f"  {p95:8.1f} ms p95, {times[len(times) // 2]:8.1f} ms median, {first:8.1f} ms at first: {address}")
    return p95
