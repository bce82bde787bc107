"""Ada, who left traces in every room; and a look through the whole database for them."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

from django.db import connection

from analytics import receivers
from analytics.models import Event, EventKind, Journey
from contacts import attachments
from contacts.models import Attachment, Confirmation, Contact, FormVisit
from core.models import ApiKey
from core.people import person_key
from kb import publishing
from kb.models import Category, Experiment, Exposure, SearchLog, Variant, Vote
from notifications import episodes, links, next_updates, preferences
from notifications.models import (
    ApiAnswer,
    Customer,
    DeliveryEvent,
    InboundDelivery,
    Message,
    Order,
    OrderLinkRequest,
    OrderNote,
    OutboxMail,
    ParkedFact,
    PersonDay,
    SendAttempt,
    SheetFile,
    SheetFilePart,
    SheetRefusal,
    SheetRun,
    TrackingEvent,
)
from notifications.tracking import Scan, record
from tests.notifications import shop
from tests.notifications.shop import NOW

ADDRESS = "ada.lovelace@example.com"
PERSON = person_key(ADDRESS)
VISITOR = uuid.UUID("aaaaaaaa-0000-4000-8000-00000000ada1")
# Nothing of these may be anywhere afterwards; the words are in what she wrote and in what others wrote about her.
TRACES = ("lovelace", "babbage lane", "engine-customer", "aaaaaaaa-0000-4000-8000-00000000ada1", "sw1a")
# By hash she is known still where we must not write to her, and where an old order of hers must be known again.
BY_HASH = {
    "core_erasure", "notifications_suppression", "notifications_preferencechange", "notifications_linkrevocation",
    "core_ratewindow",
}  # fmt: skip


def ada(*, number: str = "FH-700001") -> Order:
    """Ada and all that she left behind; Bo, of whom everything must stay, ordered on the same day."""
    shop.rules(holdout_share=0.0)
    order = order_of_ada(number)
    shop.parcel("FH-700099", name="Bo")
    episodes.sweep(now=NOW)
    _around_the_order(order)
    _messages(order)
    _payloads(order)
    _contacts(order)
    _browsing(order)
    return order


def order_of_ada(number: str, **more: object) -> Order:
    shipment = shop.parcel(number, name="Engine-Customer-Lovelace", email=ADDRESS, **more)
    Customer.objects.filter(pk=shipment.order.customer_id).update(last_name="Lovelace")
    Order.objects.filter(pk=shipment.order_id).update(ship_to_country="GB", ship_to_region="SW1A")
    return Order.objects.select_related("customer").get(pk=shipment.order_id)


def _around_the_order(order: Order) -> None:
    parcel = order.shipments.get()
    seen = Scan("in_transit", NOW - timedelta(days=2), text="Signed by Lovelace", place="12 Babbage Lane")
    record(parcel, seen, now=NOW)
    OrderNote.objects.create(order=order, text="Ms Lovelace rang", at=NOW)
    next_updates.promise(order, due_at=NOW + timedelta(days=1), note="Dear Ms Lovelace", now=NOW, by=None)
    OrderLinkRequest.objects.create(number=order.number, person=PERSON, order=order, locale="en", requested_at=NOW)
    links.revoke_person(PERSON, at=NOW, by=None)
    preferences.choose(PERSON, ["promise_passed"], at=NOW)
    PersonDay.objects.create(person=PERSON, day=NOW.date(), count=1, most=4)


def _messages(order: Order) -> None:
    message = Message.objects.filter(customer=order.customer).first()
    assert message is not None
    Message.objects.filter(pk=message.pk).update(
        state="bounced", state_reason=f"550 <{ADDRESS}>", asserted={**message.asserted, "name": "Lovelace"}
    )
    SendAttempt.objects.create(message=message, n=1, outcome="accepted", provider="console", error=f"to {ADDRESS}")
    DeliveryEvent.objects.create(
        provider="console", event_id="e1", message=message, kind="bounced", at=NOW, reason=f"no {ADDRESS} here"
    )
    OutboxMail.objects.create(
        message_id=message.pk, attempt=1, to_address=ADDRESS, subject="Lovelace", text="Lovelace", html="", sent_at=NOW
    )


def _payloads(order: Order) -> None:
    for state in ("done", "quarantined"):
        for said in (
            {"email": ADDRESS.upper()},
            {"tracking_number": order.shipments.get().tracking_no, "to": "Lovelace"},
        ):
            InboundDelivery.objects.create(
                source="own", body=json.dumps(said).encode(), headers={"x": "Lovelace"}, sha256="0", state=state,
                error="Lovelace" if state == "quarantined" else "",
            )  # fmt: skip
    InboundDelivery.objects.create(source="own", body=b'{"email": "bo@example.com"}', sha256="1", state="done")
    ParkedFact.objects.create(
        source="test", order_id=order.external_id, fact={"text": "Lovelace"}, fingerprint="p1", parked_at=NOW
    )
    key = ApiKey.objects.create(name="shop", prefix="x", digest="x", scopes=[], created_at=NOW)
    ApiAnswer.objects.create(api_key=key, key="k", digest="d", status=200, body={"said": ADDRESS})
    run = SheetRun.objects.create(kind="orders", source="test", name="a.csv", time_zone="UTC", state="done")
    SheetRefusal.objects.create(run=run, row=2, problem="no day", remedy="", cells=["Lovelace", ADDRESS])
    SheetRefusal.objects.create(run=run, row=3, problem="no day", remedy="", cells=["Bo"])
    cut = SheetFile.objects.create(name="cut.csv")
    for part, content in enumerate((b"number,email\nFH-1,ada.love", b"lace@example.com\n")):
        SheetFilePart.objects.create(file=cut, number=part, content=content)
    others = SheetFile.objects.create(name="others.csv")
    SheetFilePart.objects.create(file=others, number=0, content=b"bo@example.com")


def _contacts(order: Order) -> None:
    visit = FormVisit.objects.create(opened_at=NOW, visitor=VISITOR)
    said = {"locale": "en", "received_at": NOW - timedelta(hours=1)}
    contact = Contact.objects.create(
        reference="C-ADA001", source="form", person=PERSON, email=ADDRESS, name="Ada Lovelace", visitor=VISITOR,
        subject="Lovelace", message="I live at 12 Babbage Lane", order_number=order.number, **said,
    )  # fmt: skip
    FormVisit.objects.filter(pk=visit.pk).update(contact=contact)
    Confirmation.objects.create(contact=contact, requested_at=NOW, state="failed", state_reason=f"{ADDRESS} refused")
    file = Attachment.objects.create(
        visit=visit, contact=contact, name="lovelace.png", content_type="image/png", size=3, sha256="0", uploaded_at=NOW
    )
    path = attachments.path_of(file.pk)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"png")
    Contact.objects.create(
        reference="C-ADA002", source="phone", message="Ms Lovelace rang", order_number=order.number.lower(), **said
    )
    Contact.objects.create(
        reference="C-ADA003",
        source="email",
        external_id=f"<1.{ADDRESS}>",
        person=PERSON,
        email=ADDRESS,
        message="Me",
        **said,
    )
    Contact.objects.create(
        reference="C-BO0001", source="email", person=person_key("bo@example.com"), email="bo@example.com",
        message=f"Please tell {ADDRESS.title()} too", **said,
    )  # fmt: skip


def _browsing(order: Order) -> None:
    receivers.tie(VISITOR, PERSON, at=NOW, how="link")
    Event.objects.create(kind=EventKind.SEARCH, at=NOW, visitor=VISITOR, data={"query": "lovelace parcel"})
    Event.objects.create(kind=EventKind.ORDER, at=NOW, visitor=VISITOR, person=PERSON, data={"order_id": order.pk})
    Event.objects.create(kind=EventKind.CONTACT, at=NOW, visitor=VISITOR, person=PERSON, contact_id=1)
    Journey.objects.create(visitor=VISITOR, started_at=NOW, ended_at=NOW)
    SearchLog.objects.create(
        at=NOW, visitor=str(VISITOR), kind="page", text="lovelace parcel", key="lovelace parcel", locale="en", total=0,
        engine="database", took_ms=1.0,
    )  # fmt: skip
    shelf, _ = Category.objects.get_or_create(key="delivery", defaults={"topic": "order_status", "icon": "truck"})
    article = publishing.create_article(title="Where is it", body="Here.", category=shelf, by=None, locale="en")
    publishing.publish(article, by=None, ring=False)
    article.refresh_from_db()
    Vote.objects.create(
        revision=article.live_revision, visitor=VISITOR, is_helpful=False, comment="From Babbage Lane", at=NOW
    )
    experiment = Experiment.objects.create(article=article, name="test")
    variant = Variant.objects.create(experiment=experiment, key="a", revision=article.live_revision)
    Exposure.objects.create(experiment=experiment, variant=variant, visitor=VISITOR, at=NOW)


def traces(*words: str) -> set[tuple[str, str]]:
    """(table, word) wherever a word is in the database, in whatever kind of column."""
    found = set()
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        for table, binary in cursor.fetchall():
            row = " || ".join(["t::text", *(f"coalesce(encode(\"{column}\", 'escape'), '')" for column in binary)])
            cursor.execute(
                f"SELECT DISTINCT sought FROM {table} AS t, unnest(%s::text[]) AS sought "
                f"WHERE position(sought IN lower({row})) > 0",
                [list(words)],
            )
            found |= {(table.removeprefix("public."), word) for (word,) in cursor.fetchall()}
    return found


_TABLES = """
    SELECT quote_ident(table_schema) || '.' || quote_ident(table_name),
           coalesce(array_agg(column_name::text) FILTER (WHERE data_type = 'bytea'), '{}')
    FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_schema IN ('public', 'pgmq') AND table_type = 'BASE TABLE' GROUP BY table_schema, table_name
"""


def counted() -> dict[str, int]:
    """What statistics count, whoever it is about."""
    models = (Order, Message, Contact, Event, Journey, SearchLog, Vote, Exposure, FormVisit, SendAttempt, TrackingEvent)
    return {model.__name__: model.objects.count() for model in models}
