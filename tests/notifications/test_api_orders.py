"""/api/v1/: orders, shipments and tracking events in, an order's state out."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.test import Client

from core import clock, keys
from core.models import Scope
from notifications import episodes
from notifications.models import ApiAnswer, Order, ParkedFact, Shipment, TrackingEvent
from tests.notifications import shop

pytestmark = pytest.mark.django_db

ORDER = {
    "id": "1001",
    "number": "FH-1001",
    "placed_at": "2026-02-24T10:00:00Z",
    "customer": {"id": "c1", "email": "ada@example.com", "first_name": "Ada"},
    "lines": [{"id": "l1", "title": "Desk lamp", "quantity": 1}],
    "promised_deliver_by": "2026-03-04",
    "ship_to": {"country": "gb", "region": "LE1"},
    "shipments": [{"carrier": "DHL", "tracking_no": "LA1", "created_at": "2026-02-25T10:00:00Z"}],
}
EVENT = {"carrier": "DHL", "tracking_no": "LA1", "at": "2026-02-26T10:00:00Z", "status": "in_transit"}


@pytest.fixture(autouse=True)
def march():
    with clock.frozen(shop.NOW):
        yield


@pytest.fixture
def key() -> dict[str, str]:
    _key, text = keys.create(name="shop", scopes=[Scope.ORDERS_WRITE, Scope.ORDERS_READ], by=None)
    return {"authorization": f"Bearer {text}"}


def post(what: str, body: Any, headers: dict[str, str] | None = None) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body)
    return Client().post(f"/api/v1/{what}", raw, content_type="application/json", headers=headers)


def test_an_order_comes_in_with_its_parcel_and_its_state_can_be_read(key):
    answer = post("orders", ORDER, key)
    assert answer.status_code == 200, answer.content
    assert answer.json() == {
        "results": [{"index": 0, "status": "taken", "errors": []}],
        "new": {"orders": 1, "changed_orders": 0, "shipments": 1, "tracking_events": 0, "cancellations": 0},
    }
    assert post("tracking-events", EVENT, key).json()["new"]["tracking_events"] == 1
    episodes.sweep(now=shop.NOW)
    state = Client().get("/api/v1/orders/api/1001", headers=key).json()
    assert state["number"] == "FH-1001"
    assert state["ship_to"] == {"country": "GB", "region": "LE1"}
    (parcel,) = state["parcels"]
    assert (parcel["tracking_no"], parcel["state"], parcel["tracking_events"]) == ("LA1", "in_transit", 1)
    assert "promise_passed" in [one["kind"] for one in parcel["episodes"]]


def test_the_same_again_changes_nothing(key):
    for _ in range(2):
        post("orders", ORDER, key)
        post("tracking-events", EVENT, key)
    assert (Order.objects.count(), Shipment.objects.count(), TrackingEvent.objects.count()) == (1, 1, 1)


def test_one_bad_item_blocks_no_other(key):
    many = [ORDER, {**ORDER, "id": "1002", "placed_at": "yesterday", "shipments": []}, "nonsense", {**ORDER, "id": "1003", "shipments": []}]  # fmt: skip  # noqa: E501
    answer = post("orders", many, key).json()
    assert [one["status"] for one in answer["results"]] == ["taken", "refused", "refused", "taken"]
    assert answer["results"][1]["errors"][0]["field"] == "placed_at"
    assert answer["new"]["orders"] == 2


def test_an_order_with_another_ones_parcel_is_refused_alone(key):
    many = [ORDER, {**ORDER, "id": "1002"}, {**ORDER, "id": "1003", "shipments": []}]
    answer = post("orders", many, key).json()
    assert [one["status"] for one in answer["results"]] == ["taken", "refused", "taken"]
    assert "the database refused it" in answer["results"][1]["errors"][0]["problem"]


def test_an_event_that_is_quicker_than_its_order_waits_for_it(key):
    answer = post("tracking-events", [EVENT], key).json()
    assert answer["results"][0]["status"] == "waiting"
    assert ParkedFact.objects.count() == 1
    post("orders", ORDER, key)
    assert Shipment.objects.get().state == "in_transit"
    assert not ParkedFact.objects.exists()


def test_a_single_item_that_is_broken_is_refused_by_field(key):
    answer = post("orders", {**ORDER, "placed_at": "yesterday"}, key)
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"][0]["parameter"] == "placed_at"


def test_the_same_idempotency_key_gets_the_same_answer_and_does_nothing(key):
    first = post("orders", ORDER, key | {"idempotency-key": "k1"})
    again = post("orders", ORDER, key | {"idempotency-key": "k1"})
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert first.json()["new"]["orders"] == 1
    other = post("orders", {**ORDER, "id": "2"}, key | {"idempotency-key": "k1"})
    assert other.status_code == 409
    assert not Order.objects.filter(external_id="2").exists()
    # The same body to another address is another request.
    assert post("shipments", ORDER, key | {"idempotency-key": "k1"}).status_code == 409
    assert ApiAnswer.objects.count() == 1


def test_a_refusal_is_repeated_too(key):
    bad = {**ORDER, "placed_at": "yesterday"}
    answers = [post("orders", bad, key | {"idempotency-key": "k2"}) for _ in range(2)]
    assert [one.status_code for one in answers] == [422, 422]
    assert answers[0].json() == answers[1].json()
    assert answers[1]["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400), (b"\xff\xfe", 400), (b"[" * 10_000 + b"]" * 10_000, 400), (b'{"id": "\\u0000"}', 400),
        (json.dumps([ORDER] * 1001).encode(), 413), (b"5", 422), (b"null", 422),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_and_says_why(key, body, status):
    answer = post("orders", body, key)
    assert answer.status_code == status, answer.content
    assert answer.json()["detail"]
    assert not Order.objects.exists()


def test_an_empty_list_is_fine(key):
    assert post("orders", [], key).json()["results"] == []


def test_nobody_gets_in_without_the_scope(key):
    _key, text = keys.create(name="search", scopes=[Scope.SEARCH_READ], by=None)
    other = {"authorization": f"Bearer {text}"}
    for headers in (None, other):
        for what in ("orders", "shipments", "tracking-events"):
            assert post(what, [ORDER], headers).status_code == 403
        assert Client().get("/api/v1/orders/api/1001", headers=headers).status_code == 403
    assert post("orders", [ORDER], {"authorization": "Bearer pk_nonsense"}).status_code == 401
    assert Client().get("/api/v1/orders/api/none", headers=key).status_code == 404
    assert not Order.objects.exists()


def test_a_thousand_orders_take_a_fixed_number_of_queries(key, django_assert_max_num_queries):
    def many(first: int, count: int) -> list[dict[str, Any]]:
        return [{**ORDER, "id": str(n), "shipments": []} for n in range(first, first + count)]

    with django_assert_max_num_queries(30):
        assert post("orders", many(0, 1000), key).json()["new"]["orders"] == 1000


def test_it_stands_in_the_contract():
    contract = yaml.safe_load((settings.BASE_DIR / "docs" / "api.yaml").read_text())
    assert {"/api/v1/orders", "/api/v1/shipments", "/api/v1/tracking-events"} <= set(contract["paths"])
