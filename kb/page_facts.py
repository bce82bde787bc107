"""The facts that a page of the help centre is made of; the same for every visitor, so that they can be kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject
from django.utils.dateparse import parse_datetime

from kb import live, selectors
from kb.arms import Arms
from kb.assignment import newest_epoch
from kb.models import Article, CategoryText, ExperimentState, Exposure, Origin, Revision, Variant, Vote
from kb.selectors import Card

_TEXT = ("title", "summary", "html", "headings", "created_at", "number")


@dataclass(frozen=True)
class Around:
    """What many pages share. `origins`: path in the shop → category; see kb.origins."""

    origins: Mapping[str, int]
    topics: Mapping[str, int]  # key and topic of a category → its id


@dataclass(frozen=True)
class Home:
    categories: list[CategoryText]
    popular: list[Card]
    category_name: str  # of the category that the visitor's part of the shop leads to; else empty


@dataclass(frozen=True)
class Category:
    shown: CategoryText
    articles: list[Card]
    others: list[CategoryText]


@dataclass(frozen=True)
class Reading:
    """An article at an address, its live text, those of a running test, and what stands beside it."""

    article: Article
    live: Revision
    translated: str  # slug of the public translation into the reader's language, where this one is not in it
    arms: Arms | None
    variants: Mapping[str, tuple[int, Revision]]  # key → id, text
    experiment_id: int | None
    related: list[Card]
    before: Card | None
    after: Card | None

    def shown_to(self, visitor: str, seen: str = "") -> tuple[Revision, int | None]:
        """The text that this visitor reads, and the id of its variant where they are in the test; `seen` is the key of
        the one that they have seen before.
        """
        key = self.arms.key_for(visitor, seen) if self.arms and visitor else ""
        if not key:
            return self.live, None
        variant_id, revision = self.variants[key]
        return revision, variant_id


@dataclass(frozen=True)
class Before:
    """What stands in a visitor's name: what they said of an article's texts, by id, and the arm that they have seen."""

    votes: Mapping[int, live.Given]
    seen: str = ""


def around() -> Around:
    """Two queries."""
    shelves = selectors.topics()
    return Around(dict(Origin.objects.values_list("path", "category_id")), shelves)


def home(locale: str, category_id: int) -> Home:
    """Two queries; `category_id` 0: nobody knows where the visitor came from."""
    categories = list(selectors.category_texts(locale))
    name = next((shelf.name for shelf in categories if shelf.category_id == category_id), "")
    return Home(categories, selectors.popular(locale, category_id=category_id if name else 0), name)


def category(slug: str, locale: str) -> Category | None:
    """Two queries."""
    shelves = list(selectors.category_texts(locale))
    shown = next((shelf for shelf in shelves if shelf.slug == slug), None)
    if shown is None:
        return None
    articles = selectors.in_category(shown.category_id, locale)
    return Category(shown, articles, [shelf for shelf in shelves if shelf is not shown])


def article(slug: str, locale: str, *, visitor: str) -> tuple[Reading, Before] | None:
    """The article at this address, and how `visitor` stands to it. Two queries, one where there is no article."""
    rows = selectors.to_read(slug, locale).annotate(
        arms=ArraySubquery(_arms()),
        translated=_slug_in(locale),
        before_id=_neighbour(locale, is_after=False),
        after_id=_neighbour(locale, is_after=True),
    )
    if visitor:
        rows = rows.annotate(votes=ArraySubquery(_votes_of(visitor)), seen=Subquery(_seen_by(visitor)))
    found = rows.first()
    if found is None:
        return None
    row = cast(Any, found)  # with what was annotated
    similar = [id for id in selectors.related_ids(found) if id != found.pk]
    beside = [id for id in (*similar, row.before_id, row.after_id) if id]
    cards = {card.id: card for card in selectors.cards(beside, locale)} if beside else {}
    variants = {arm["key"]: (arm["id"], _revision(found, arm)) for arm in row.arms}
    reading = Reading(
        article=found,
        live=cast(Revision, found.live_revision),
        translated="" if found.locale == locale else row.translated or "",
        arms=_arms_of(row.arms),
        variants=variants,
        experiment_id=row.arms[0]["experiment"] if row.arms else None,
        related=[cards[id] for id in similar if id in cards],
        before=cards.get(row.before_id),
        after=cards.get(row.after_id),
    )
    votes = {vote["revision"]: live.Given(vote["is_helpful"], vote["has_reason"]) for vote in getattr(row, "votes", [])}
    return reading, Before(votes, getattr(row, "seen", None) or "")


def _arms() -> QuerySet[Variant, Any]:
    texts = {f"text_{name}": F(f"revision__{name}") for name in _TEXT}
    return (
        Variant.objects.filter(experiment__article=OuterRef("pk"), experiment__state=ExperimentState.RUNNING)
        .order_by("key")
        .values(
            arm=JSONObject(
                id="pk",
                key="key",
                weight="weight",
                revision="revision_id",
                experiment="experiment_id",
                salt="experiment__salt",
                allocation="experiment__allocation",
                epoch=newest_epoch("experiment_id"),
                **texts,
            )
        )
    )


def _arms_of(arms: list[dict[str, Any]]) -> Arms | None:
    if not arms:
        return None
    return Arms(
        salt=arms[0]["salt"],
        allocation=arms[0]["allocation"],
        keys=tuple(arm["key"] for arm in arms),
        weights=tuple(arm["weight"] for arm in arms),
        epoch=arms[0]["epoch"] or 1,
    )


def _revision(article: Article, arm: Mapping[str, Any]) -> Revision:
    texts = {name: arm[f"text_{name}"] for name in _TEXT}
    texts["created_at"] = parse_datetime(texts["created_at"])
    return Revision(pk=arm["revision"], article=article, **texts)


def _votes_of(visitor: str) -> QuerySet[Vote, Any]:
    given = Vote.objects.filter(revision__article=OuterRef("pk"), visitor=visitor)
    return given.values(
        vote=JSONObject(revision="revision_id", is_helpful="is_helpful", has_reason=~Q(reason="", comment=""))
    )


def _seen_by(visitor: str) -> QuerySet[Exposure, Any]:
    running = Exposure.objects.filter(
        experiment__article=OuterRef("pk"), experiment__state=ExperimentState.RUNNING, visitor=visitor
    )
    return running.values("variant__key")[:1]


def _slug_in(locale: str) -> Subquery:
    same = Article.objects.public().filter(translation_group=OuterRef("translation_group"), locale=locale)
    return Subquery(same.values("slug")[:1])


def _neighbour(locale: str, *, is_after: bool) -> Subquery:
    """The id of the next article of the category, by title as its page lists them; or of the one before."""
    title, id, direction = OuterRef("live_revision__title"), OuterRef("pk"), "gt" if is_after else "lt"
    beyond = Q(**{f"live_revision__title__{direction}": title}) | Q(
        **{"live_revision__title": title, f"pk__{direction}": id}
    )
    order = ("live_revision__title", "pk") if is_after else ("-live_revision__title", "-pk")
    shelf = Article.objects.readable_in(locale).filter(beyond, category=OuterRef("category_id"))
    return Subquery(shelf.order_by(*order).values("pk")[:1])
