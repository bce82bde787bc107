"""How much later a page is answered because its view is recorded: with the receivers and without, in turns."""

from __future__ import annotations

import statistics
import time
import uuid

from bench._search_figures import say

_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_TURN = 100


def measure(*, quick: bool) -> dict[str, float]:
    from django.test import Client

    from analytics import receivers, writing
    from kb import events, publishing
    from kb.models import Category, CategoryText

    shelf = Category.objects.create(key="bench", topic="delivery")
    CategoryText.objects.create(category=shelf, locale="en", slug="bench", name="Bench", description="")
    article = publishing.create_article(
        locale="en", category=shelf, title="Where is my parcel", summary="", body="It is on its way.", by=None
    )
    publishing.publish(article, by=None, ring=False)
    writing.gather()
    client = Client(headers={"user-agent": _BROWSER}, SERVER_NAME="localhost")
    client.cookies["pv"] = str(uuid.uuid4())
    taken: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(10 if quick else 60):
        is_recorded = turn % 2 == 0
        if not is_recorded:
            events.article_viewed.disconnect(receivers.on_article_viewed)
        for number in range(_TURN):
            started = time.perf_counter()
            client.get(f"/en/a/{article.slug}/")
            if turn > 1 and number > 10:
                taken[is_recorded].append((time.perf_counter() - started) * 1000)
        if not is_recorded:
            events.article_viewed.connect(receivers.on_article_viewed)
    writing.flush()
    with_it, without = statistics.median(taken[True]), statistics.median(taken[False])
    say(f"  {without:.3f} ms without, {with_it:.3f} ms with")
    say(f"  95 of 100 within {_p95(taken[False]):.3f} ms without, {_p95(taken[True]):.3f} ms with")
    at_once = _at_once()
    say(f"  for comparison, one INSERT with its own commit before the answer: {at_once:.3f} ms")
    return {"page_view_ms": max(0.0, with_it - without)}


def _p95(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]


def _at_once() -> float:
    """The median of 500 single INSERTs, synchronous_commit off: the other way that would lose nothing."""
    from django.db import connection

    from analytics import writing

    row = {"kind": "read", "at": "2026-01-05T10:00:00Z", "visitor": str(uuid.uuid4()), "article_id": 1, "locale": "en"}
    times = []
    for _ in range(500):
        started = time.perf_counter()
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = off")
        writing.write([row])
        connection.close()  # back to the pool, as at a request's end
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)
