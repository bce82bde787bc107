"""The shapes of orders, shipments and tracking events in /api/v1/, for its description. What is read of them, and how
strictly, is in intake/objects.py: the same as of our own webhook.
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from notifications.models import ShipmentState, TroubleReason
from notifications.occasions import TROUBLES

_MOMENT = "ISO 8601 with a zone, such as 2026-11-24T18:30:00Z."
_DAY = "A day (then its end in the shop's zone counts) or a moment."


class RegionShape(serializers.Serializer[Any]):
    country = serializers.CharField(required=False, help_text="Two letters of ISO 3166.")
    region = serializers.CharField(required=False, help_text="State, or the beginning of the postcode.")


class CustomerShape(serializers.Serializer[Any]):
    id = serializers.CharField(required=False, help_text="The shop's own; left out for a guest.")
    email = serializers.CharField(required=False)
    first_name = serializers.CharField(required=False)
    locale = serializers.CharField(required=False, help_text="Such as en or pt-br.")
    time_zone = serializers.CharField(required=False, help_text="Such as Europe/London.")


class LineShape(serializers.Serializer[Any]):
    id = serializers.CharField(required=False)
    title = serializers.CharField(required=False)
    quantity = serializers.IntegerField()


class ShipmentLineShape(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="Of the order's line.")
    quantity = serializers.IntegerField()


class EventShape(serializers.Serializer[Any]):
    at = serializers.DateTimeField(help_text=_MOMENT)
    status = serializers.CharField(
        help_text=f"One of {', '.join(ShipmentState.values)}; any other word is kept and moves nothing."
    )
    text = serializers.CharField(required=False, help_text="What the carrier says.")
    place = serializers.CharField(required=False)
    reason = serializers.ChoiceField(choices=TroubleReason.choices, required=False)


class _ParcelShape(serializers.Serializer[Any]):
    carrier = serializers.CharField(required=False)
    tracking_no = serializers.CharField()


class TrackingEventShape(_ParcelShape, EventShape):
    source = serializers.CharField(required=False, default="api", help_text="Where the order comes from.")
    order_id = serializers.CharField(required=False)


class _ShipmentInOrder(_ParcelShape):
    id = serializers.CharField(
        required=False, help_text="The shop's own. With it the same shipment with another number is corrected."
    )
    created_at = serializers.DateTimeField(help_text=_MOMENT)
    updated_at = serializers.DateTimeField(required=False, help_text="Of two numbers the later one counts; else now.")
    expected_by = serializers.CharField(required=False, help_text=f"When the carrier expects it. {_DAY}")
    expected_said_at = serializers.DateTimeField(required=False)
    lines = ShipmentLineShape(many=True, required=False)
    tracking_events = EventShape(many=True, required=False)


class ShipmentShape(_ShipmentInOrder):
    source = serializers.CharField(required=False, default="api", help_text="Where the order comes from.")
    order_id = serializers.CharField()


class OrderShape(serializers.Serializer[Any]):
    source = serializers.CharField(required=False, default="api", help_text="Where the order comes from.")
    id = serializers.CharField(help_text="The shop's own; once for each source.")
    number = serializers.CharField(required=False, help_text="What the customer knows it by; else the id.")
    placed_at = serializers.DateTimeField(help_text=_MOMENT)
    updated_at = serializers.DateTimeField(required=False, help_text="Older news than we have changes nothing.")
    customer = CustomerShape(required=False)
    lines = LineShape(many=True, required=False)
    promised_ship_by = serializers.CharField(required=False, help_text=_DAY)
    promised_deliver_by = serializers.CharField(required=False, help_text=_DAY)
    ship_to = RegionShape(required=False)
    ship_from = RegionShape(required=False)
    shipments = _ShipmentInOrder(many=True, required=False)
    cancelled_at = serializers.DateTimeField(required=False)


# --- What is answered ---


class ItemError(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="Its place in the item, such as customer.email; empty for all of it.")
    problem = serializers.CharField()


class ItemShape(serializers.Serializer[Any]):
    index = serializers.IntegerField(help_text="Its place in the list, from 0.")
    status = serializers.ChoiceField(
        choices=[("taken", "taken"), ("waiting", "waiting"), ("refused", "refused")],
        help_text="taken: in, or known already. waiting: kept until its order or parcel comes. refused: see errors.",
    )
    errors = ItemError(many=True)


class NewShape(serializers.Serializer[Any]):
    orders = serializers.IntegerField()
    changed_orders = serializers.IntegerField()
    shipments = serializers.IntegerField(help_text="Further ones, and those that an order waited for.")
    tracking_events = serializers.IntegerField()
    cancellations = serializers.IntegerField()


class TakenShape(serializers.Serializer[Any]):
    results = ItemShape(many=True)
    new = NewShape()


class EpisodeShape(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=[(one.value, one.label) for one in TROUBLES])
    since = serializers.DateTimeField()
    promised_by = serializers.DateTimeField()


class ParcelState(serializers.Serializer[Any]):
    carrier = serializers.CharField()
    tracking_no = serializers.CharField(help_text="Empty while the order waits for it.")
    state = serializers.ChoiceField(choices=ShipmentState.choices)
    handed_over_at = serializers.DateTimeField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)
    last_event_at = serializers.DateTimeField(allow_null=True)
    expected_by = serializers.DateTimeField(allow_null=True, help_text="The carrier's latest word.")
    tracking_events = serializers.IntegerField(help_text="How many are known.")
    episodes = EpisodeShape(many=True, help_text="Open ones.")


class OrderState(serializers.Serializer[Any]):
    source = serializers.CharField()
    id = serializers.CharField()
    number = serializers.CharField()
    placed_at = serializers.DateTimeField()
    cancelled_at = serializers.DateTimeField(allow_null=True)
    promised_ship_by = serializers.DateTimeField(allow_null=True)
    promised_deliver_by = serializers.DateTimeField(allow_null=True)
    ship_to = RegionShape()
    lines = LineShape(many=True)
    parcels = ParcelState(many=True)
