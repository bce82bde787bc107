"""Items that programs send to our API, each taken in or refused by itself; and the same request answered the same."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from core.models import ApiKey
from notifications.intake import parking, storing
from notifications.intake.facts import Fact, in_time_order
from notifications.intake.reading import At
from notifications.intake.source import Unreadable
from notifications.intake.storing import Stored
from notifications.models import ApiAnswer

MOST = 1000  # items of a request
SOURCE = "api"  # of items that name none
_KEPT = timedelta(days=7)
_SOURCE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")
TAKEN, WAITING, REFUSED = "taken", "waiting", "refused"


@dataclass
class Item:
    """One item's way."""

    index: int
    status: str = TAKEN
    errors: list[dict[str, str]] = field(default_factory=list)
    source: str = SOURCE
    facts: list[Fact] = field(default_factory=list)

    def refuse(self, name: str, problem: str) -> None:
        self.status, self.facts = REFUSED, []
        self.errors.append({"field": name, "problem": problem})


def take(given: Sequence[Any], read: Callable[[At], list[Fact]], *, now: datetime) -> tuple[list[Item], Stored]:
    """Take in every item that can be read. What is about unknown orders and parcels waits for them."""
    items = [_item(index, one, read) for index, one in enumerate(given)]
    by_source: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        if item.status != REFUSED:
            by_source[item.source].append(item)
    stored = Stored()
    for source, own in sorted(by_source.items()):
        facts = in_time_order(fact for item in own for fact in item.facts)
        with transaction.atomic():
            told = storing.store(facts, source=source, now=now)
            parking.park(told.left, source=source, now=now)
        left = set(map(id, told.left))
        for item in own:
            refused = [why for fact in item.facts if (why := told.refused_orders.get(fact.order_id))]
            if refused:
                item.refuse("", refused[0])
            elif any(id(fact) in left for fact in item.facts):
                item.status = WAITING
        stored += told
    return items, stored


def _item(index: int, given: Any, read: Callable[[At], list[Fact]]) -> Item:
    item = Item(index)
    told = At(given)
    try:
        item.source = told.text("source", longest=40) or SOURCE
        if not _SOURCE.fullmatch(item.source):
            raise told.at("source").unreadable("small letters, digits, dots and dashes are needed")
        item.facts = read(told)
    except Unreadable as error:
        name, colon, problem = str(error).partition(": ")
        item.refuse(name if colon else "", problem if colon else name)
    return item


class OtherBody(Exception):
    """This Idempotency-Key came with another request before."""


def once(key: str, api_key: ApiKey, said: bytes, answer: Callable[[], tuple[int, Any]]) -> tuple[int, Any]:
    """answer()'s status and body; those of the first time where this key's request came before. Raises OtherBody.

    Another request with the key waits for the first one. Where answer() fails, nothing is kept and it can be tried
    again.
    """
    digest = hashlib.sha256(said).hexdigest()
    with transaction.atomic():
        ApiAnswer.objects.bulk_create([ApiAnswer(api_key=api_key, key=key, digest=digest)], ignore_conflicts=True)
        kept = ApiAnswer.objects.select_for_update().get(api_key=api_key, key=key)
        if kept.digest != digest:
            raise OtherBody
        if kept.status:
            return kept.status, kept.body
        status, body = answer()
        ApiAnswer.objects.filter(pk=kept.pk).update(status=status, body=body)
    ApiAnswer.objects.filter(made_at__lt=Now() - _KEPT).delete()
    return status, body
