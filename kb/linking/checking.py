"""Asking whether pages of other sites, pictures and other pages of ours still open: each address once a week.

A failure is told as broken only when it happens again on another day: most are over by then. Whoever asks moves the
time of the next look on first (I/O time, the database's clock), so that several workers never ask the same address.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from core import clock
from kb import upkeep
from kb.linking import fetching
from kb.linking.fetching import Answer, Rule
from kb.models import ArticleLink, LinkState, LinkTrouble

logger = logging.getLogger("preempt.care")

EVERY = timedelta(days=7)
_AGAIN = timedelta(days=1)  # after a failure: surely another day
_LATER = timedelta(hours=6)  # where it seems that we are the ones without a connection
_LEASE = timedelta(minutes=15)  # longer than a slice takes
_AT_ONCE = 10  # hosts asked side by side
_SLICE = 200  # addresses for which time is surely there
_SLICE_SECONDS = 180.0  # Celery ends a task after 270
_HOST_PAUSE_SECONDS = 1.0  # between two requests to one host
_SEEMS_OFFLINE = 3  # hosts of which none could be connected to

_OUR_OWN = {LinkTrouble.NO_HOST, LinkTrouble.NO_ANSWER, LinkTrouble.REFUSED}


def run(*, rule: Rule | None = None, pause: float = _HOST_PAUSE_SECONDS) -> int:
    """Ask for the addresses whose turn it is; what there is no time for keeps its turn. Returns how many were asked."""
    rule = rule or Rule(free=(fetching.host_of(settings.SITE_URL),))
    addresses = _claim()
    if not addresses:
        return 0
    by_host: dict[str, list[str]] = defaultdict(list)
    for address in addresses:
        by_host[fetching.host_of(_whole(address))].append(address)
    until = time.monotonic() + _SLICE_SECONDS
    agent = f"Mozilla/5.0 (compatible; PreemptLinkBot/1.0; +{settings.SITE_URL})"

    def ask_host(own: Sequence[str]) -> dict[str, Answer]:
        answers: dict[str, Answer] = {}
        for number, address in enumerate(own):
            if time.monotonic() > until:
                break
            if number:
                time.sleep(pause)
            answers[address] = fetching.ask(_whole(address), rule=rule, agent=agent)
            if answers[address].status == 429:
                break  # the rest another time
        return answers

    found: dict[str, Answer] = {}
    with ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="links") as pool:
        for answers in pool.map(ask_host, by_host.values()):
            found |= answers
    _give_back([address for address in addresses if address not in found], after=timedelta())
    elsewhere = {
        address: answer for address, answer in found.items() if fetching.host_of(_whole(address)) not in rule.free
    }
    if _is_offline(elsewhere):
        _give_back(list(elsewhere), after=_LATER)
        logger.warning("no other site can be reached; links are checked later", extra={"addresses": len(elsewhere)})
        found = {address: answer for address, answer in found.items() if address not in elsewhere}
    for address, answer in found.items():
        _note(address, answer)
    return len(found)


def _whole(address: str) -> str:
    return settings.SITE_URL + address if address.startswith("/") and not address.startswith("//") else address


def _claim() -> list[str]:
    """The addresses whose turn it is, each once, their time of the next look moved on."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH due AS (
                SELECT address FROM kb_articlelink WHERE next_check_at <= statement_timestamp()
                GROUP BY address ORDER BY min(next_check_at) LIMIT %s
            ), claimed AS (
                UPDATE kb_articlelink SET next_check_at = statement_timestamp() + %s::interval
                WHERE id IN (
                    SELECT id FROM kb_articlelink
                    WHERE address IN (SELECT address FROM due) AND next_check_at IS NOT NULL
                    ORDER BY id FOR UPDATE SKIP LOCKED
                )
                RETURNING address
            )
            SELECT DISTINCT address FROM claimed ORDER BY address
            """,
            [_SLICE, f"{_LEASE.total_seconds()} seconds"],
        )
        return [address for (address,) in cursor.fetchall()]


def _give_back(addresses: Sequence[str], *, after: timedelta) -> None:
    if addresses:
        _of(addresses).update(next_check_at=Now() + after)


def _note(address: str, answer: Answer) -> None:
    """What one look says of every link with this address."""
    today = upkeep.today()
    said: dict[str, Any] = {"checked_at": clock.now(), "status": answer.status, "trouble": answer.trouble}
    links = _of([address])
    if not answer.trouble:
        links.update(**said, state=LinkState.OK, failed_on=None, next_check_at=Now() + EVERY)
    elif answer.trouble == LinkTrouble.GUARDED:
        links.update(**said, state=LinkState.UNSURE, failed_on=None, next_check_at=Now() + EVERY)
    else:
        said["next_check_at"] = Now() + _AGAIN
        on_another_day = Q(failed_on__lt=today)
        links.filter(on_another_day).update(**said, state=LinkState.BROKEN)
        links.filter(~on_another_day | Q(failed_on=None)).exclude(state=LinkState.BROKEN).update(
            **said, state=LinkState.FAILING, failed_on=today
        )


def _of(addresses: Sequence[str]) -> QuerySet[ArticleLink]:
    return ArticleLink.objects.filter(address__in=addresses, next_check_at__isnull=False)


def _is_offline(found: Mapping[str, Answer]) -> bool:
    """Nothing answered, of several hosts: the fault is more likely ours than theirs."""
    others = {fetching.host_of(_whole(address)) for address in found}
    return len(others) >= _SEEMS_OFFLINE and all(answer.trouble in _OUR_OWN for answer in found.values())
