"""Ten thousand beacons from one address, as fast as the page takes them: what of it counts, and what an honest reader
elsewhere is said to have done meanwhile.

A hundred visitors of the address have really read the article. Each tells up to 120 times that it read for half an
hour; a reader from another address tells the truth, in the middle of it.
"""

from __future__ import annotations

import statistics
import time
import uuid
from collections import Counter
from datetime import timedelta

from bench._search_figures import say

_BEACONS, _VISITORS = 10_000, 100
_FLOODING, _HONEST = "203.0.113.7", "198.51.100.9"
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def measure(*, quick: bool) -> dict[str, float]:
    from analytics import staying, writing
    from analytics.models import Event
    from analytics.views import stayed as door
    from core import clock

    article, opened = 1, clock.now() - timedelta(minutes=2)
    visitors = [uuid.uuid4() for _ in range(_VISITORS)]
    honest = uuid.uuid4()
    writing.write(
        [
            {"kind": "read", "at": opened.isoformat(), "visitor": str(visitor), "article_id": article, "locale": "en"}
            for visitor in (*visitors, honest)
        ]
    )
    clients = [_client(visitor, _FLOODING) for visitor in visitors]
    answers: Counter[int] = Counter()
    refused: list[float] = []
    began = time.perf_counter()
    for number in range(_BEACONS):
        if number == _BEACONS // 2:
            assert _tell(_client(honest, _HONEST), article, seconds=30, scrolled=50) == 204
        started = time.perf_counter()
        status = _tell(clients[number % _VISITORS], article, seconds=1800, scrolled=100)
        answers[status] += 1
        if status == 429:
            refused.append((time.perf_counter() - started) * 1000)
    took = time.perf_counter() - began
    stays = Event.objects.filter(kind="stayed")
    most = max(sum(rows) for rows in _by_visitor(stays.filter(visitor__in=visitors)).values())
    told = list(stays.filter(visitor=honest).values_list("seconds", "scrolled"))
    say(f"  {_BEACONS:,} beacons of one address in {took:.1f} s: {answers[204]:,} heard, {answers[429]:,} refused")
    say(f"  one refused takes {statistics.median(refused):.2f} ms; no visitor is said to have read for over {most} s")
    say(f"  the honest reader: {told}; at most {door._OF_A_NETWORK:,} of an address are heard in ten minutes")
    minutes = (clock.now() - opened).total_seconds()
    is_held = (
        told == [(30, 50)] and answers[204] <= door._OF_A_NETWORK and most <= min(staying.MOST, minutes)
        and not set(answers) - {204, 429}
    )  # fmt: skip
    return {"flood_is_held": float(is_held)}


def _client(visitor: uuid.UUID, address: str):  # type: ignore[no-untyped-def]
    from django.test import Client

    from core import visitors

    client = Client(headers={"user-agent": _BROWSER}, SERVER_NAME="localhost", REMOTE_ADDR=address)
    client.cookies[visitors.COOKIE] = str(visitor)
    return client


def _tell(client, article: int, *, seconds: int, scrolled: int) -> int:  # type: ignore[no-untyped-def]
    said = f'{{"article": {article}, "seconds": {seconds}, "scrolled": {scrolled}}}'
    answer = client.post("/en/stayed/", said, content_type="text/plain;charset=UTF-8")
    return int(answer.status_code)


def _by_visitor(stays) -> dict[uuid.UUID, list[int]]:  # type: ignore[no-untyped-def]
    found: dict[uuid.UUID, list[int]] = {}
    for visitor, seconds in stays.values_list("visitor", "seconds"):
        found.setdefault(visitor, []).append(seconds)
    return found
