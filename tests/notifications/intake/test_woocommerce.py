"""WooCommerce's orders in our facts, and its signature."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.test import Client

from core import clock
from notifications.intake.facts import Cancelled, LineFact, Packed, Placed, Region, Scanned
from notifications.intake.reading import end_of_day
from notifications.intake.source import Unreadable
from notifications.intake.woocommerce import SOURCE
from notifications.models import InboundDelivery
from tests.notifications.intake.samples_woocommerce import FIRST, ONE, SAMPLES, TWO, order, parcel

NOW = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
UPDATED = {"x-wc-webhook-topic": "order.updated"}
MODIFIED = "2026-11-19T09:00:00"

# printf '%s' '{"id":727,"status":"processing"}' | openssl dgst -sha256 -hmac 'woo & "secret"' -binary | base64
SECRET, BODY = 'woo & "secret"', b'{"id":727,"status":"processing"}'
SIGNATURE = "CgJ++rZcgaGs2w683S8GmyheFClT//GhduaUlxoeiOU="


def placed(payload: dict[str, Any]) -> Placed:
    found = SOURCE.read(payload, UPDATED)[0]
    assert isinstance(found, Placed)
    return found


# --- the signature ----------------------------------------------------------


def test_the_signature_is_base64_hmac_of_the_body() -> None:
    assert SOURCE.verify(BODY, {"x-wc-webhook-signature": SIGNATURE}, [SECRET], NOW)
    assert SOURCE.verify(BODY, {"x-wc-webhook-signature": SIGNATURE}, ["another", SECRET], NOW)


@pytest.mark.parametrize(
    ("body", "given", "secrets"),
    [
        (BODY + b" ", SIGNATURE, [SECRET]),
        (BODY.replace(b"727", b"728"), SIGNATURE, [SECRET]),
        (BODY, SIGNATURE.replace("Cg", "Ch"), [SECRET]),
        (BODY, SIGNATURE.lower(), [SECRET]),
        (BODY, SIGNATURE, [SECRET.title()]),
        (BODY, SIGNATURE, [""]),
        (BODY, SIGNATURE, []),
        (BODY, "", [SECRET]),
        (BODY, "é", [SECRET]),
    ],
)
def test_whatever_is_tampered_with_the_signature_no_longer_holds(body: bytes, given: str, secrets: list[str]) -> None:
    assert not SOURCE.verify(body, {"x-wc-webhook-signature": given}, secrets, NOW)


def test_an_unsigned_call_is_not_let_in() -> None:
    assert not SOURCE.verify(BODY, {}, [SECRET], NOW)


def test_two_orders_of_one_second_are_two_calls_although_their_delivery_id_is_one() -> None:
    headers = UPDATED | {"x-wc-webhook-delivery-id": "of-this-second"}
    assert SOURCE.dedupe_id(BODY, headers) != SOURCE.dedupe_id(BODY.replace(b"727", b"728"), headers)
    assert SOURCE.dedupe_id(BODY, headers) == SOURCE.dedupe_id(BODY, UPDATED)
    assert SOURCE.dedupe_id(BODY, headers) != SOURCE.dedupe_id(BODY, {"x-wc-webhook-topic": "order.created"})


@pytest.mark.django_db
def test_saving_a_webhook_in_woocommerce_is_greeted_and_leaves_nothing() -> None:
    form = "application/x-www-form-urlencoded"
    assert Client().post("/hooks/woocommerce/", b"webhook_id=3", content_type=form).status_code == 200
    for other in (b"webhook_id=3&x=1", b"webhook_id=", b'{"webhook_id": 3}', b"webhook_id=3\n"):
        assert Client().post("/hooks/woocommerce/", other, content_type=form).status_code == 401
    assert Client().post("/hooks/shopify/", b"webhook_id=3", content_type=form).status_code == 401
    assert not InboundDelivery.objects.exists()


# --- the order --------------------------------------------------------------


def test_an_order_comes_in_with_its_lines_customer_promise_and_where_it_goes() -> None:
    (fact,) = SOURCE.read(SAMPLES.story[0].payload, UPDATED)
    assert isinstance(fact, Placed)
    assert (fact.order_id, fact.number, fact.carrier, fact.tracking_no) == ("727", "727", "", "")
    assert fact.at == datetime(2026, 11, 16, 10, 0, tzinfo=UTC)
    assert fact.as_of == datetime(2026, 11, 16, 10, 0, 30, tzinfo=UTC)
    assert fact.lines == (LineFact("Walnut tray", 2, "315"), LineFact("Tea towel – Größe M", 1, "316"))
    assert fact.promised_deliver_by == end_of_day(date(2026, 11, 26))
    assert fact.promised_ship_by is None
    assert fact.ship_to == Region("GB", "LS1")
    assert fact.customer.external_id == "26"
    assert (fact.customer.email, fact.customer.first_name, fact.customer.locale) == ("imke@example.com", "Imke", "de")


def test_moments_without_an_offset_are_utc_and_without_gmt_in_the_shops_zone() -> None:
    summer = {"date_created": "2026-07-01T12:00:00", "date_created_gmt": "2026-07-01T11:00:00"}
    assert placed(order(MODIFIED, **summer)).at == datetime(2026, 7, 1, 11, 0, tzinfo=UTC)
    assert placed(order(MODIFIED, **summer | {"date_created_gmt": None})).at == datetime(2026, 7, 1, 11, 0, tzinfo=UTC)


def test_guests_are_known_by_their_address_and_without_one_by_their_order() -> None:
    billing = order(MODIFIED)["billing"]
    guest = placed(order(MODIFIED, customer_id=0)).customer
    same = placed(order(MODIFIED, customer_id=0, id=728, billing=billing | {"email": "IMKE@example.com "})).customer
    assert guest.external_id.startswith("guest:")
    assert guest.external_id == same.external_id
    assert "imke" not in guest.external_id
    nobody = placed(order(MODIFIED, customer_id=0, billing=billing | {"email": ""})).customer
    assert (nobody.external_id, nobody.email) == ("order:727", "")


@pytest.mark.parametrize(
    ("key", "value", "locale"),
    [
        ("wpml_language", "es", "es"),
        ("trp_language", "de_DE", "de"),
        ("wpml_language", "pt-br", "pt-br"),
        ("wpml_language", "xx", "en"),
        ("wpml_language", {"no": "text"}, "en"),
        ("other", "de", "en"),
    ],
)
def test_the_language_is_what_the_usual_plugins_say_as_far_as_we_have_it(key: str, value: Any, locale: str) -> None:
    assert placed(order(MODIFIED, meta_data=[{"key": key, "value": value}])).customer.locale == locale


def test_polylangs_language_is_a_field_of_the_order() -> None:
    assert placed(order(MODIFIED, meta_data=[], lang="de")).customer.locale == "de"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("_orddd_timestamp", "1795651200"),
        ("_orddd_lite_timestamp", 1795651200),
        ("_delivery_date", "2026-11-26"),
        ("_delivery_date", "2026-11-26T00:00:00"),
        ("ywcdd_order_delivery_date", "2026-11-26"),
        ("lpac_dps_delivery_date", "2026-11-26"),
        ("jckwds_date_ymd", "20261126"),
    ],
)
def test_a_promised_day_comes_from_any_of_the_usual_plugins(key: str, value: Any) -> None:
    found = placed(order(MODIFIED, meta_data=[{"key": key, "value": value}]))
    assert found.promised_deliver_by == end_of_day(date(2026, 11, 26))


@pytest.mark.parametrize(
    "value", ["soon", "26/11/2026", "", None, {}, [], True, -1, 10**30, "99999999", "²" * 9, "0001-01-01"]
)
def test_a_day_that_nobody_can_read_promises_nothing(value: Any) -> None:
    found = placed(order(MODIFIED, meta_data=[{"key": "_delivery_date", "value": value}]))
    assert found.promised_deliver_by is None


def test_a_day_to_ship_by_is_promised_too() -> None:
    found = placed(order(MODIFIED, meta_data=[{"key": "_shipping_date", "value": "2026-11-24"}]))
    assert found.promised_ship_by == end_of_day(date(2026, 11, 24))


@pytest.mark.parametrize(
    ("country", "state", "postcode", "goes_to"),
    [
        ("US", "CA", "94103", Region("US", "CA")),
        ("DE", "", "10115", Region("DE", "10")),
        ("gb", "", "SW1A 1AA", Region("GB", "SW1A")),
        ("BR", "SP", "01310-100", Region("BR", "SP")),
        ("IE", "", "", Region("IE", "")),
        ("England", "", "SW1A 1AA", Region()),
    ],
)
def test_where_it_goes_is_a_country_and_a_state_or_an_area(
    country: str, state: str, postcode: str, goes_to: Region
) -> None:
    shipping = {"country": country, "state": state, "postcode": postcode}
    assert placed(order(MODIFIED, shipping=shipping)).ship_to == goes_to


def test_an_order_without_an_address_for_shipping_goes_where_its_bill_goes() -> None:
    assert placed(order(MODIFIED, shipping={"country": ""})).ship_to == Region("GB", "LS1")


# --- its status -------------------------------------------------------------


@pytest.mark.parametrize("status", ["pending", "failed", "checkout-draft", "auto-draft"])
def test_an_order_that_waits_for_its_payment_is_not_placed_yet(status: str) -> None:
    assert SOURCE.read(order(MODIFIED, status=status), UPDATED) == []


@pytest.mark.parametrize("status", ["on-hold", "processing", "completed", "partial-shipped", "a-plugins-own"])
def test_a_placed_order_stays_one_with_any_other_status(status: str) -> None:
    assert [type(fact) for fact in SOURCE.read(order(MODIFIED, status=status), UPDATED)] == [Placed]


@pytest.mark.parametrize("status", ["cancelled", "refunded", "trash"])
def test_an_order_that_was_called_off_or_paid_back_is_cancelled_as_of_its_change(status: str) -> None:
    _, called_off = SOURCE.read(order(MODIFIED, status=status), UPDATED)
    assert called_off == Cancelled(datetime(2026, 11, 19, 9, 0, tzinfo=UTC), "727")


def test_a_part_paid_back_changes_nothing() -> None:
    refunds = [{"id": 801, "reason": "one was chipped", "total": "-18.00"}]
    assert [type(fact) for fact in SOURCE.read(order(MODIFIED, refunds=refunds), UPDATED)] == [Placed]


def test_a_deleted_order_is_cancelled_when_it_is_read() -> None:
    with clock.frozen(NOW):
        assert SOURCE.read({"id": 727}, {"x-wc-webhook-topic": "order.deleted"}) == [Cancelled(NOW, "727")]


def test_an_order_is_not_cancelled_by_a_topic_that_nobody_signed() -> None:
    facts = SOURCE.read(order(MODIFIED), {"x-wc-webhook-topic": "order.deleted"})
    assert [type(fact) for fact in facts] == [Placed]


def test_other_topics_are_nothing_of_ours() -> None:
    for call in SAMPLES.nothing:
        assert SOURCE.read(call.payload, {name.lower(): value for name, value in call.headers.items()}) == []
    assert SOURCE.read({"id": 7}, {"x-wc-webhook-topic": "customer.deleted"}) == []
    assert SOURCE.read({"id": 7}, {}) == []


# --- its parcels ------------------------------------------------------------


def test_parcels_come_with_what_is_in_them_and_when_they_went() -> None:
    facts = SOURCE.read(order(MODIFIED, ONE, TWO), UPDATED)
    packed = [fact for fact in facts if isinstance(fact, Packed)]
    assert [(one.carrier, one.tracking_no, one.lines) for one in packed] == [
        ("Royal Mail", FIRST, (("315", 2),)),
        ("Royal Mail", TWO["tracking_number"], (("316", 1),)),
    ]
    scans = [fact.scan for fact in facts if isinstance(fact, Scanned)]
    assert [(scan.state, scan.at) for scan in scans] == [
        ("handed_over", datetime(2026, 11, 19, tzinfo=UTC)),
        ("handed_over", datetime(2026, 11, 20, tzinfo=UTC)),
    ]


def test_a_parcel_of_the_orders_own_day_did_not_go_before_the_order() -> None:
    facts = SOURCE.read(order(MODIFIED, parcel(FIRST, "2026-11-16")), UPDATED)
    (scan,) = [fact.scan for fact in facts if isinstance(fact, Scanned)]
    assert scan.at == datetime(2026, 11, 16, 10, 0, tzinfo=UTC)


def test_items_may_come_with_gaps_without_a_day_without_a_number_and_of_a_carrier_of_the_shops() -> None:
    own = parcel("L-1", "", tracking_provider="", custom_tracking_provider="Larkpost")
    payload = order(MODIFIED, ONE)
    payload["meta_data"][2]["value"] = {"0": own, "2": parcel("", "")}  # PHP's way to write a list with a gap
    facts = SOURCE.read(payload, UPDATED)
    assert [type(fact) for fact in facts] == [Placed, Packed]
    assert isinstance(facts[1], Packed)
    assert (facts[1].carrier, facts[1].tracking_no, facts[1].lines) == ("Larkpost", "L-1", ())
    payload["meta_data"][2]["value"] = ""
    assert [type(fact) for fact in SOURCE.read(payload, UPDATED)] == [Placed]


# --- what is wrong ----------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"id": None}, "id: it is needed, found nothing"),
        ({"id": True}, "id: a text is needed, found True"),
        ({"id": "x" * 300}, "id: at most 200 characters"),
        ({"number": "7\x0027"}, "number: it has characters that nobody can read"),
        ({"date_created_gmt": "2026-13-01T00:00:00"}, "date_created_gmt: a moment is needed"),
        ({"date_created_gmt": "", "date_created": ""}, "date_created: it is needed"),
        ({"line_items": "none"}, "line_items: a list is needed, found 'none'"),
        ({"line_items": [7]}, "line_items[0]: an object is needed, found 7"),
        ({"line_items": [{"quantity": "2"}]}, "line_items[0].quantity: a number of pieces is needed, found '2'"),
        ({"line_items": [{"quantity": -1}]}, "line_items[0].quantity: a number of pieces is needed"),
        ({"line_items": [{"quantity": float("nan")}]}, "line_items[0].quantity: a number of pieces is needed"),
        ({"line_items": [{"quantity": 2**31}]}, "line_items[0].quantity: a number of pieces is needed"),
        ({"billing": []}, "billing: an object is needed, found a list"),
        ({"shipping": {"country": 7}}, "shipping.country: a text is needed, found 7"),
        ({"meta_data": [None]}, "meta_data[0]: an object is needed, found nothing"),
    ],
)
def test_the_error_names_the_field_and_what_was_found(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(Unreadable) as caught:
        SOURCE.read(order(MODIFIED, **changes), UPDATED)
    assert problem in str(caught.value)


def test_the_samples_of_wrong_payloads_are_refused_by_name() -> None:
    for call, word in SAMPLES.wrong:
        with pytest.raises(Unreadable) as caught:
            SOURCE.read(call.payload, UPDATED)
        assert word in str(caught.value)


def test_a_piece_and_a_half_is_two_pieces() -> None:
    assert placed(order(MODIFIED, line_items=[{"name": "Cloth", "quantity": 1.5}])).lines == (LineFact("Cloth", 2),)
