"""Events of a realistic mix: journeys of some pages each, most of the reads with a stay, over the weeks."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

WEEKS = 8
BEGINNING = datetime(2026, 1, 5, tzinfo=UTC)
TOPICS = ("delivery", "returns", "refunds", "order_status", "product", "payment", "account", "damaged")
LOCALES = ("en", "en", "en", "es", "de", "pt-br", "ar")
_ARTICLES = 400

Row = dict[str, Any]


def events(number: int, *, seed: int = 1) -> Iterator[Row]:
    """Rows as analytics/writing.py takes them, in the order of time, nearly."""
    chance = random.Random(seed)
    step = timedelta(weeks=WEEKS) / number
    made, at = 0, BEGINNING
    while made < number:
        for row in _journey(chance, at):
            yield row
            made += 1
            at += step
            if made == number:
                return


def _journey(chance: random.Random, at: datetime) -> Iterator[Row]:
    visitor = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    locale = chance.choice(LOCALES)
    topic = chance.choice(TOPICS)
    base: Row = {"visitor": visitor, "is_returning": chance.random() < 0.6, "locale": locale}
    seconds = 0

    def row(kind: str, **facts: Any) -> Row:
        return base | {"kind": kind, "at": (at + timedelta(seconds=seconds)).isoformat()} | facts

    if chance.random() < 0.5:
        yield row("help", topic=topic if chance.random() < 0.4 else "")
    if chance.random() < 0.5:
        yield row("search", topic=topic, search_id=str(uuid.UUID(int=chance.getrandbits(128), version=4)))
    for _read in range(chance.choice((0, 1, 1, 1, 2, 2, 3))):
        seconds += chance.randrange(5, 120)
        article = int(chance.paretovariate(1.1)) % _ARTICLES + 1
        about = {"article_id": article, "revision_id": article * 7, "topic": topic}
        if chance.random() < 0.1:
            about["variant_id"] = article * 2
        yield row("read", **about)
        seconds += 40
        if chance.random() < 0.8:
            yield row(
                "stayed",
                **about | {"topic": "", "locale": ""},
                seconds=chance.randrange(2, 300),
                scrolled=chance.randrange(10, 101),
            )
        if chance.random() < 0.08:
            yield row("vote", **about, data={"is_helpful": chance.random() < 0.7})
    if chance.random() < 0.12:
        form = uuid.UUID(int=chance.getrandbits(128), version=4).hex
        yield row("form", data={"form_id": form})
        shown = [chance.randrange(1, _ARTICLES) for _ in range(3)]
        if chance.random() < 0.6:
            yield row("suggested", locale="", data={"form_id": form, "shown": shown})
        if chance.random() < 0.5:
            contact = chance.randrange(1, 10_000_000)
            person = uuid.UUID(int=chance.getrandbits(128)).hex
            said = {"reason": topic, "source": "form"}
            yield row("contact", locale="", topic=topic, contact_id=contact, person=person, data=said)
    if chance.random() < 0.06:
        person = uuid.UUID(int=chance.getrandbits(128)).hex
        yield row("order", person=person, data={"order_id": chance.randrange(1, 1_000_000)})
