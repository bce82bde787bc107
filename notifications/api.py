"""/api/v1/: orders, shipments and tracking events in, an order's state out. docs/api.yaml is made from what is here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.db.models import Count, Prefetch
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core import api, clock
from core.api_views import View
from core.models import ApiKey, Scope
from kb.api_shapes import problems
from notifications.api_shapes import OrderShape, OrderState, ShipmentShape, TakenShape, TrackingEventShape
from notifications.intake import api_items, decoding, objects
from notifications.intake.facts import Fact
from notifications.intake.reading import At
from notifications.intake.source import Unreadable
from notifications.models import Episode, Order, Shipment

_PROBLEMS = problems(
    {
        400: "The body is not JSON that can be used, or the Idempotency-Key is too long.",
        409: "This Idempotency-Key came with another body before.",
        413: f"More than {api_items.MOST:,} items, or too many bytes.",
        422: "The one item that was sent cannot be used; `errors` says which field and why.",
    }
)
_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="At most 200 characters. The same request again within a week gets the first answer and does nothing.",
)


def _said(name: str, shape: Any) -> dict[str, Any]:
    """One object, or a list of them."""
    either = PolymorphicProxySerializer(
        component_name=f"{name}OrMany", serializers=[shape, shape(many=True)], resource_type_field_name=None, many=False
    )
    return {"application/json": either}


class _View(View):
    """For programs with a key: each view asks for its scope, and says which."""

    a_minute = 60  # without a key; there is nothing to have
    limit_name = "orders"
    scope: ClassVar[Scope]

    def _refused(self, request: Request) -> Response | None:
        if api.has_scope(request, self.scope):
            return None
        return api.problem(403, "No permission", f"Send an API key with the scope {self.scope.value}.")


class _Post(_View):
    scope = Scope.ORDERS_WRITE
    http_method_names: ClassVar[list[str]] = ["post"]

    def take(self, request: Request, read: Callable[[At], list[Fact]]) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        body = request._request.body
        try:
            given = decoding.decode(body)
        except Unreadable as error:
            return api.problem(400, "The body cannot be read", f"{error}. Send an object, or a list of objects.")
        many = given if isinstance(given, list) else [given]
        if len(many) > api_items.MOST:
            return api.problem(413, "Too many items", f"{len(many):,} in one request; send at most {api_items.MOST:,}.")
        key = request.headers.get("Idempotency-Key", "").strip()
        if len(key) > 200 or not key.isprintable():
            return api.problem(400, "The Idempotency-Key cannot be used", "Send at most 200 printable characters.")

        def answer() -> tuple[int, Any]:
            return self._answer(many, read, is_one=not isinstance(given, list))

        if not key:
            status, said = answer()
        else:
            assert isinstance(request.auth, ApiKey)  # noqa: S101 - it has the scope
            try:
                status, said = api_items.once(key, request.auth, request.path.encode() + b"\n" + body, answer)
            except api_items.OtherBody:
                return api.problem(
                    409, "Another request had this key", "Send each new request with an Idempotency-Key of its own."
                )
        return Response(said, status=status, content_type=api.PROBLEM if status == 422 else None)

    def _answer(self, many: list[Any], read: Callable[[At], list[Fact]], *, is_one: bool) -> tuple[int, Any]:
        items, stored = api_items.take(many, read, now=clock.now())
        if is_one and items[0].status == api_items.REFUSED:
            errors = [{"parameter": one["field"], "problem": one["problem"]} for one in items[0].errors]
            detail = "; ".join(f"{one['parameter']}: {one['problem']}".removeprefix(": ") for one in errors)
            said = api.problem(422, "It cannot be used", detail, errors=errors).data
            return 422, said
        return 200, {
            "results": [{"index": one.index, "status": one.status, "errors": one.errors} for one in items],
            "new": {
                "orders": stored.orders,
                "changed_orders": stored.changed,
                "shipments": stored.parcels,
                "tracking_events": stored.scans,
                "cancellations": stored.cancellations,
            },
        }


_BATCH = (
    f"One object, or a list of at most {api_items.MOST:,}: each is taken in or refused by itself. Needs a key with the "
    f"scope `{Scope.ORDERS_WRITE.value}`."
)


class Orders(_Post):
    @extend_schema(
        operation_id="save_orders",
        summary="Orders, new or changed",
        description=f"{_BATCH} An order that is known is brought up to date.",
        parameters=[_KEY],
        request=_said("Order", OrderShape),
        responses={200: TakenShape, **_PROBLEMS},
    )
    def post(self, request: Request) -> Response:
        return self.take(request, objects.order)


class Shipments(_Post):
    @extend_schema(
        operation_id="save_shipments",
        summary="Parcels of orders",
        description=f"{_BATCH} A parcel whose order is not known yet waits for it.",
        parameters=[_KEY],
        request=_said("Shipment", ShipmentShape),
        responses={200: TakenShape, **_PROBLEMS},
    )
    def post(self, request: Request) -> Response:
        return self.take(request, objects.shipment)


class TrackingEvents(_Post):
    @extend_schema(
        operation_id="add_tracking_events",
        summary="What carriers say about parcels",
        description=f"{_BATCH} One that is known counts once; one about an unknown parcel waits for it.",
        parameters=[_KEY],
        request=_said("TrackingEvent", TrackingEventShape),
        responses={200: TakenShape, **_PROBLEMS},
    )
    def post(self, request: Request) -> Response:
        return self.take(request, objects.tracking_event)


class OneOrder(_View):
    scope = Scope.ORDERS_READ
    http_method_names: ClassVar[list[str]] = ["get", "head"]

    @extend_schema(
        operation_id="order_state",
        summary="An order as we know it now",
        description=f"Its promises, parcels and open troubles. Needs a key with the scope `{Scope.ORDERS_READ.value}`.",
        responses={
            200: OrderState,
            **problems({404: "There is no such order."}),
        },
    )
    def get(self, request: Request, source: str, order_id: str) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        parcels = Shipment.objects.annotate(scans=Count("events")).order_by("pk")
        open_ones = Episode.objects.filter(closed_at=None).order_by("opened_at")
        found = (
            Order.objects.filter(source=source, external_id=order_id)
            .prefetch_related(
                "lines",
                Prefetch("shipments", parcels),
                Prefetch("shipments__episodes", open_ones),
            )
            .first()
        )
        if found is None:
            raise Http404
        return Response(_state(found))


def _state(order: Order) -> dict[str, Any]:
    return {
        "source": order.source,
        "id": order.external_id,
        "number": order.number,
        "placed_at": order.placed_at,
        "cancelled_at": order.cancelled_at,
        "promised_ship_by": order.promised_ship_by,
        "promised_deliver_by": order.promised_deliver_by,
        "ship_to": {"country": order.ship_to_country, "region": order.ship_to_region},
        "lines": [
            {"id": line.external_id, "title": line.title, "quantity": line.quantity} for line in order.lines.all()
        ],
        "parcels": [
            {
                "carrier": parcel.carrier,
                "tracking_no": parcel.tracking_no,
                "state": parcel.state,
                "handed_over_at": parcel.handed_over_at,
                "delivered_at": parcel.delivered_at,
                "last_event_at": parcel.last_event_at,
                "expected_by": parcel.expected_by,
                "tracking_events": parcel.scans,  # type: ignore[attr-defined]  # annotated
                "episodes": [
                    {"kind": one.kind, "since": one.opened_at, "promised_by": one.promised_by}
                    for one in parcel.episodes.all()
                ],
            }
            for parcel in order.shipments.all()
        ],
    }
