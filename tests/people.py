"""Named customers with a history, made through the product's own intake."""

from __future__ import annotations

from datetime import timedelta

from core import clock
from notifications import dispatch, episodes
from notifications.intake import storing
from notifications.intake.facts import CustomerFact, LineFact, Placed, Scanned
from notifications.models import EpisodeKind, Message, OutboxMail, Rule, ShipmentState
from notifications.tracking import Scan


def mail_about_a_late_parcel(*, to: str, number: str = "FH-104233") -> OutboxMail:
    """`to` ordered ten days ago, was promised it by yesterday, and has just been told that it is late."""
    Rule.objects.update_or_create(
        key="promise-passed",
        defaults={
            "name": "Not delivered by the promised day",
            "kind": EpisodeKind.PROMISE_PASSED,
            "template": "delay_promise_passed",
            "holdout_share": 0.0,  # whoever it is, this customer is told
        },
    )
    now = clock.now()
    placed = now - timedelta(days=10)
    facts = [
        Placed(
            at=placed,
            order_id=number,
            number=number,
            customer=CustomerFact(external_id=to, email=to, first_name="Ada"),
            lines=(LineFact("Larch chopping board", 1),),
            promised_ship_by=placed + timedelta(days=1),
            promised_deliver_by=now - timedelta(days=1),
            carrier="Larkpost",
            tracking_no=f"LA{number[-6:]}",
        ),
        Scanned(
            at=placed + timedelta(hours=20),
            order_id=number,
            carrier="Larkpost",
            tracking_no=f"LA{number[-6:]}",
            scan=Scan(
                state=ShipmentState.HANDED_OVER,
                at=placed + timedelta(hours=20),
                text="Collected by the carrier",
                place="Alderbrook depot",
            ),
        ),
    ]
    storing.store(facts, source="test", now=now)
    episodes.sweep(now=now)
    dispatch.drain(dispatch.LANES)
    message = Message.objects.get(episode__shipment__order__number=number)
    return OutboxMail.objects.get(message_id=message.pk)
