"""Pins and hides as the desk shows them: of one query, of all queries, and the order of pins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import CharField, Count, Max, Q, QuerySet
from django.db.models.functions import Coalesce

from core import audit
from kb.models import Article, Placement, PlacementKind
from kb.search import query, tuning
from kb.search.query import Found, Result

_SHOWN = 10


@dataclass(frozen=True)
class Row:
    """An answer as customers get it, with the editors' pin on it, if there is one."""

    result: Result
    pin: Placement | None
    is_first_pin: bool = False
    is_last_pin: bool = False


@dataclass(frozen=True)
class QueryTuning:
    """One query with all that editors have said of it. `asleep` pins are of articles that nobody can read now."""

    found: Found
    rows: Sequence[Row]
    hidden: Sequence[Placement]
    asleep: Sequence[Placement]
    elsewhere: Sequence[Placement]  # hides for every query


def of_query(text: str, *, locale: str) -> QueryTuning:
    """The first answers to a query and its placements, as customers get them."""
    found = query.find(text, locale=locale, k=_SHOWN)
    key = query.key_of(text, locale)
    said = list(_placements().filter(locale=locale, key__in=[key, ""]))
    pins = [one for one in said if one.key and one.kind == PlacementKind.PIN]
    by_article = {pin.article_id: pin for pin in pins}
    shown = {result.article_id for result in found.results}
    awake = [pin for pin in pins if pin.article_id in shown]
    rows = [
        Row(
            result,
            pin := by_article.get(result.article_id),
            is_first_pin=bool(awake) and pin is awake[0],
            is_last_pin=bool(awake) and pin is awake[-1],
        )
        for result in found.results
    ]
    return QueryTuning(
        found=found,
        rows=rows,
        hidden=[one for one in said if one.key and one.kind == PlacementKind.HIDE],
        asleep=[pin for pin in pins if pin.article_id not in shown],
        elsewhere=[one for one in said if not one.key],
    )


def tuned_queries() -> QuerySet[Placement, Any]:
    """Every query that editors placed something for: `locale`, `key`, `text`, `pins`, `hides`, `last`; newest first."""
    return (
        Placement.objects.order_by()
        .values("locale", "key")
        .annotate(
            text=Max("query"),
            pins=Count("pk", filter=Q(kind=PlacementKind.PIN)),
            hides=Count("pk", filter=Q(kind=PlacementKind.HIDE)),
            last=Max("created_at"),
        )
        .order_by("-last", "locale", "key")
    )


def candidates(words: str, *, locale: str) -> QuerySet[Article]:
    """Articles that customers may read with all of these words in their title. One query."""
    articles = Article.objects.public().filter(locale=locale).with_texts(locale)
    for word in words.split():
        articles = articles.filter(live_revision__title__icontains=word)
    return articles.order_by("live_revision__title", "pk")[:_SHOWN]


def move(placement_id: int, *, places: int, by: User | None = None) -> None:
    """Move a pin so many places among its query's pins: -1 is up. Nothing where it has gone or stands at the end."""
    with transaction.atomic():
        moved = Placement.objects.filter(pk=placement_id, kind=PlacementKind.PIN).first()
        if moved is None:
            return
        pins = list(
            Placement.objects.select_for_update()
            .filter(locale=moved.locale, key=moved.key, kind=PlacementKind.PIN)
            .order_by("position", "pk")
        )
        place = pins.index(moved)
        pins.insert(min(max(place + places, 0), len(pins) - 1), pins.pop(place))
        changed = [(position, pin) for position, pin in enumerate(pins, start=1) if pin.position != position]
        for position, pin in changed:
            Placement.objects.filter(pk=pin.pk).update(position=position)
        if changed:
            audit.record(by, "placement.moved", moved, locale=moved.locale, article=moved.article_id, places=places)
    tuning.forget()


def _placements() -> QuerySet[Placement]:
    return (
        Placement.objects.select_related("created_by")
        .annotate(
            title=Coalesce(
                "article__live_revision__title", "article__draft__title", "article__slug", output_field=CharField()
            )
        )
        .order_by("position", "pk")
    )
