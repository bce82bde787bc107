"""A world's shop before the first visitor: articles, reasons, a rule and an order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from analytics.simulation.world_shapes import HOLDOUT, Article, Model
from contacts.models import ReasonCode
from kb.models import Article as Written
from kb.models import Category, Revision
from notifications.models import Customer, Order, Rule, Shipment

LOCALE = "en"


@dataclass(frozen=True)
class Shop:
    """What stands in the database before the first visitor: each article's (id, live revision), by its index."""

    articles: tuple[tuple[int, int], ...]
    reasons: dict[str, int]
    rule: Rule
    shipment: Shipment


def open_shop(model: Model, *, at: datetime) -> Shop:
    """The articles, reasons and the rule of a world; those that are there already are taken as they are."""
    reasons = {
        topic: ReasonCode.objects.get_or_create(
            code=topic, defaults={"name": topic.title(), "phrases": [phrase(topic)]}
        )[0].pk
        for topic in model.topics
    }
    rule, _ = Rule.objects.get_or_create(
        key=HOLDOUT.partition(":")[2],
        defaults={
            "name": "Late parcels of a world",
            "kind": "promise_passed",
            "template": "promise_passed",
            "holdout_share": model.held_out,
        },
    )
    customer, _ = Customer.objects.get_or_create(source="world", external_id="1")
    order, _ = Order.objects.get_or_create(
        source="world", external_id="1", defaults={"number": "W-1", "customer": customer, "placed_at": at}
    )
    shipment, _ = Shipment.objects.get_or_create(order=order, carrier="post", tracking_no="world")
    articles = tuple(_article(one, at) for one in model.articles)
    return Shop(articles, reasons, rule, shipment)


def phrase(topic: str) -> str:
    """What a letter about the topic says, and the rules read."""
    return f"about {topic}"


def _article(one: Article, at: datetime) -> tuple[int, int]:
    category, _ = Category.objects.get_or_create(key=one.topic, defaults={"topic": one.topic})
    slug = f"world-{one.key}"
    article, is_new = Written.objects.get_or_create(
        locale=LOCALE, slug=slug, defaults={"category": category, "external_id": slug}
    )
    if is_new:
        article.live_revision = Revision.objects.create(
            article=article, number=1, title=one.title, body=one.title, html=f"<p>{one.title}</p>", text=one.title,
            created_at=at,
        )  # fmt: skip
        article.state = "published"
        article.save()
    return article.pk, article.live_revision_id or 0
