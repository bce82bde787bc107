"""Hand-made histories, told through the product's own signals and rows."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from contacts import events as contact_events
from contacts.models import Coding, Contact, FormVisit, ReasonCode
from kb import events as kb_events
from kb.models import Article, Category, Revision
from notifications import events as order_events
from notifications.models import Customer, Episode, Message, Order, Rule, Shipment

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANNA, BEN, CARA = (uuid.UUID(int=n) for n in (1, 2, 3))


def at(minutes: float = 0, days: float = 0) -> datetime:
    return MONDAY + timedelta(minutes=minutes, days=days)


def article(title: str, topic: str = "delivery") -> Article:
    category, _ = Category.objects.get_or_create(key=topic, defaults={"topic": topic})
    made = Article.objects.create(locale="en", slug=title.lower().replace(" ", "-"), category=category)
    made.live_revision = Revision.objects.create(
        article=made, number=1, title=title, body="", html="", text="", created_at=MONDAY
    )
    made.state = "published"
    made.save()
    return made


def reason(code: str, parent: ReasonCode | None = None) -> ReasonCode:
    return ReasonCode.objects.get_or_create(code=code, defaults={"name": code.title(), "parent": parent})[0]


def opened(visitor, when, *, is_returning=True, topic=""):
    kb_events.help_opened.send(
        None,
        event=kb_events.HelpOpened(
            at=when, visitor=str(visitor or ""), is_returning=is_returning, topic=topic, locale="en"
        ),
    )


def read(visitor, which: Article, when, *, is_returning=True, variant_id=None):
    kb_events.article_viewed.send(
        None,
        event=kb_events.ArticleViewed(
            at=when,
            visitor=str(visitor or ""),
            is_returning=is_returning,
            article_id=which.pk,
            revision_id=which.live_revision_id,
            variant_id=variant_id,
            topic=which.category.topic,
            locale="en",
        ),
    )


def searched(visitor, query: str, when, *, shown=(), is_returning=True):
    kb_events.searched.send(
        None,
        event=kb_events.Searched(
            at=when,
            visitor=str(visitor or ""),
            is_returning=is_returning,
            query=query,
            locale="en",
            total=len(shown),
            shown=tuple(shown),
            corrected="",
        ),
    )


def voted(visitor, which: Article, when, *, is_helpful: bool):
    kb_events.voted.send(
        None,
        event=kb_events.Voted(
            at=when,
            visitor=str(visitor),
            article_id=which.pk,
            revision_id=which.live_revision_id,
            variant_id=None,
            is_helpful=is_helpful,
            reason="",
            topic=which.category.topic,
        ),
    )


def form_opened(visitor, when, *, is_returning=True):
    contact_events.form_opened.send(
        None,
        event=contact_events.FormOpened(
            at=when, visitor=str(visitor), is_returning=is_returning, form_id=str(uuid.uuid4()), locale="en"
        ),
    )


def looked_at_order(visitor, when):
    order_events.order_page_viewed.send(
        None,
        event=order_events.OrderPageViewed(
            at=when, visitor=str(visitor), is_returning=True, person="", order_id=1, locale="en"
        ),
    )


def contact(when, *, visitor=None, person="", why: ReasonCode | None = None, source="form", is_heard=True) -> Contact:
    """A stored contact; with `is_heard` false its event was lost on the way."""
    made = Contact.objects.create(
        reference=f"C-{uuid.uuid4().hex[:8]}",
        source=source,
        visitor=visitor,
        person=person,
        email="",
        message="Where is it?",
        locale="en",
        received_at=when,
    )
    if why:
        code(made, why, when)
    top = why
    while top and top.parent:
        top = top.parent
    if is_heard:
        contact_events.contact_received.send(
            None,
            event=contact_events.ContactReceived(
                at=when,
                visitor=str(visitor or ""),
                person=person,
                contact_id=made.pk,
                topic=top.code if top else "",
                reason=why.code if why else "",
                source=source,
            ),
        )
    return made


def code(which: Contact, why: ReasonCode, when) -> None:
    Coding.objects.create(contact=which, reason=why, coder="person", confidence=1, at=when)


def rule(key: str = "trial", holdout_share: float = 0.5) -> Rule:
    return Rule.objects.get_or_create(
        key=key,
        defaults={
            "name": key.title(),
            "kind": "promise_passed",
            "template": "promise_passed",
            "holdout_share": holdout_share,
        },
    )[0]


def message(person: str, when, *, arm: str = "notify", under: Rule | None = None, state: str = "") -> Message:
    """A message about an episode of its own; all are of one parcel, which no number looks at."""
    shipment = _shipment()
    episode = Episode.objects.create(
        shipment=shipment,
        kind="promise_passed",
        promised_by=MONDAY + timedelta(microseconds=uuid.uuid4().int % 10**15),
        opened_at=when,
        closed_at=when + timedelta(days=9),
    )
    return Message.objects.create(
        dedupe_key=uuid.uuid4().hex,
        rule=under or rule(),
        episode=episode,
        customer=shipment.order.customer,
        person=person,
        arm=arm,
        lane="normal",
        state=state or ("held_out" if arm == "held_out" else "delivered"),
        locale="en",
        eligible_at=when,
        not_before=when,
        expires_at=when + timedelta(days=3),
        sent_at=None if arm == "held_out" else when + timedelta(minutes=1),
    )


def _shipment() -> Shipment:
    if known := Shipment.objects.select_related("order__customer").filter(tracking_no="of tests").first():
        return known
    customer = Customer.objects.create(source="test", external_id="1")
    order = Order.objects.create(source="test", external_id="1", number="1", customer=customer, placed_at=MONDAY)
    return Shipment.objects.create(order=order, carrier="post", tracking_no="of tests")


def form(
    visitor, when, *, arm: str = "on", share: float = 0.5, sent: Contact | None = None, opened=(), shown=()
) -> FormVisit:
    """The contact form was opened, in an arm."""
    if visitor:
        form_opened(visitor, when)
    return FormVisit.objects.create(
        visitor=visitor,
        arm=arm,
        arm_reason="said_no" if arm == "not_eligible" else "",
        off_share=share,
        opened_at=when,
        contact=sent,
        shown=list(shown) or list(opened),
        opened=list(opened),
    )
