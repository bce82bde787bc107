"""SendGrid's reports: signed by them or not let in; one bad row never costs its siblings."""

from __future__ import annotations

import base64
import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications.providers.base import BadEvent, DeliveryKind, ProviderEvent
from notifications.providers.sendgrid import parse_events, verify

MESSAGE = str(uuid.UUID(int=7))


def public_text(key: Any) -> str:
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def sign(key: ec.EllipticCurvePrivateKey, timestamp: str, body: bytes) -> str:
    return base64.b64encode(key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


# --- the signature ----------------------------------------------------------


def test_a_signature_holds_for_these_bytes_at_this_time_by_this_key_only(
    key: ec.EllipticCurvePrivateKey,
) -> None:
    body = '[{"email":"josé@example.com"}]\r\n'.encode()
    signature = sign(key, "1511949600", body)
    assert verify(public_text(key), signature, "1511949600", body)
    assert verify(f" {public_text(key)}\n", signature, "1511949600", body)
    assert not verify(public_text(key), signature, "1511949600", body.rstrip())
    assert not verify(public_text(key), signature, "1511949601", body)
    other = public_text(ec.generate_private_key(ec.SECP256R1()))
    assert not verify(other, signature, "1511949600", body)


def test_bytes_that_are_no_utf8_are_verified_as_they_are(key: ec.EllipticCurvePrivateKey) -> None:
    body = b"\xff\xfe\x00"
    assert verify(public_text(key), sign(key, "1", body), "1", body)


def test_without_a_key_or_signature_or_time_nothing_is_let_in(key: ec.EllipticCurvePrivateKey) -> None:
    good = (public_text(key), sign(key, "1", b"[]"), "1")
    for missing in range(3):
        given_ = [("" if place == missing else value) for place, value in enumerate(good)]
        assert not verify(*given_, b"[]")
    assert not verify(public_text(key), sign(key, "", b"[]"), "", b"[]")


def test_keys_and_signatures_that_make_no_sense_are_refused_without_a_crash(
    key: ec.EllipticCurvePrivateKey,
) -> None:
    signature = sign(key, "1", b"[]")
    p384 = ec.generate_private_key(ec.SECP384R1())
    wrong_keys = [
        "not base64!",
        base64.b64encode(b"not a key").decode(),
        "ключ",
        public_text(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
    ]
    for wrong in wrong_keys:
        assert not verify(wrong, signature, "1", b"[]")
    # A good signature by a key of another kind than SendGrid's.
    assert not verify(public_text(p384), sign(p384, "1", b"[]"), "1", b"[]")
    for wrong in ("not base64!", base64.b64encode(b"junk").decode(), "подпись", "\ud800"):
        assert not verify(public_text(key), wrong, "1", b"[]")
        assert not verify(public_text(key), signature, wrong, b"[]")


# --- the rows ---------------------------------------------------------------


def a_row(**changes: Any) -> dict[str, Any]:
    row = {
        "email": "ana@example.com",
        "timestamp": 1511949600,
        "event": "delivered",
        "sg_event_id": "ZGVsaXZlcmVk",
        "sg_message_id": "14c5d75ce93.recvd-dfd-645-0",
        "response": "250 OK",
        "preempt_message_id": MESSAGE,
        "preempt_attempt": "2",
    }
    row.update(changes)
    return {name: value for name, value in row.items() if value is not ...}


def parse(*rows: Any) -> list[ProviderEvent | BadEvent]:
    return parse_events(json.dumps(list(rows)).encode())


def only(row: Any) -> ProviderEvent:
    (event,) = parse(row)
    assert isinstance(event, ProviderEvent)
    return event


def test_a_row_becomes_an_event_in_our_words() -> None:
    assert only(a_row()) == ProviderEvent(
        provider="sendgrid",
        event_id="ZGVsaXZlcmVk",
        kind=DeliveryKind.DELIVERED,
        at=datetime(2017, 11, 29, 10, 0, tzinfo=UTC),
        message_id=MESSAGE,
        attempt=2,
        address="ana@example.com",
        reason="250 OK",
        provider_msg_id="14c5d75ce93",
        permanent=False,
    )


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("processed", DeliveryKind.PROCESSED),
        ("deferred", DeliveryKind.DEFERRED),
        ("delivered", DeliveryKind.DELIVERED),
        ("bounce", DeliveryKind.BOUNCED),
        ("dropped", DeliveryKind.DROPPED),
        ("spamreport", DeliveryKind.COMPLAINED),
        ("unsubscribe", DeliveryKind.UNSUBSCRIBED),
        ("group_unsubscribe", DeliveryKind.UNSUBSCRIBED),
        ("open", DeliveryKind.OPENED),
        ("click", DeliveryKind.CLICKED),
    ],
)
def test_each_of_their_words_has_one_of_ours(word: str, kind: DeliveryKind) -> None:
    assert only(a_row(event=word)).kind is kind


def test_a_new_word_is_kept_as_unknown_with_the_word() -> None:
    event = only(a_row(event="group_resubscribe"))
    assert (event.kind, event.reason) == (DeliveryKind.UNKNOWN, "group_resubscribe")


def test_a_deferred_events_own_count_of_tries_is_not_our_attempt() -> None:
    assert only(a_row(event="deferred", attempt="5")).attempt == 2
    assert only(a_row(event="deferred", attempt="5", preempt_attempt=...)).attempt is None


def test_a_bounce_is_permanent_and_a_block_is_not() -> None:
    assert only(a_row(event="bounce", type="bounce", reason="550 unknown user")).permanent
    blocked = only(a_row(event="bounce", type="blocked", reason="554 refused"))
    assert (blocked.permanent, blocked.reason) == (False, "554 refused")
    assert only(a_row(event="dropped", reason="Bounced Address")).permanent
    assert not only(a_row(event="dropped", reason="Invalid SMTPAPI header")).permanent


def test_a_mail_of_another_system_on_the_account_has_no_message_of_ours() -> None:
    for changes in ({"preempt_message_id": ...}, {"preempt_message_id": "17"}, {"preempt_message_id": 17}):
        event = only(a_row(**changes))
        assert (event.message_id, event.attempt) == (None, None)


def test_bad_rows_stand_beside_their_siblings_and_name_the_field() -> None:
    bad_rows: list[tuple[Any, str]] = [
        ("text", "row"),
        (None, "row"),
        ([], "row"),
        (a_row(event=...), "event:"),
        (a_row(event=5), "event:"),
        (a_row(sg_event_id=...), "sg_event_id:"),
        (a_row(sg_event_id=""), "sg_event_id:"),
        (a_row(sg_event_id="x" * 201), "sg_event_id:"),
        (a_row(sg_event_id="a\x00b"), "sg_event_id:"),
        (a_row(timestamp=...), "timestamp:"),
        (a_row(timestamp="soon"), "timestamp:"),
        (a_row(timestamp=True), "timestamp:"),
        (a_row(timestamp=-1), "timestamp:"),
        (a_row(timestamp=10**30), "timestamp:"),
        (a_row(timestamp=float("nan")), "timestamp:"),
        (a_row(email=["a"]), "email:"),
        (a_row(email="x" * 400), "email:"),
    ]
    for bad, field in bad_rows:
        first, middle, last = parse(a_row(), bad, a_row(event="open"))
        assert isinstance(first, ProviderEvent)
        assert isinstance(last, ProviderEvent)
        assert isinstance(middle, BadEvent), bad
        assert middle.index == 1
        assert field in middle.reason


def test_what_postgresql_cannot_store_is_taken_out() -> None:
    event = only(a_row(email="ana\x00@example.com", response="250\x00 \ud800 OK"))
    assert (event.address, event.reason) == ("ana@example.com", "250 ? OK")
    (bad,) = parse({"event": "\x00\ud800"})
    assert isinstance(bad, BadEvent)
    assert "\x00" not in bad.row
    bad.row.encode()


@pytest.mark.parametrize(
    "body",
    [b"", b"not json", b"\xff\xfe", b"{}", b"null", b"[" * 200_000, b'"text"', b"1" * 10_000],
    ids=["empty", "no json", "no utf-8", "object", "null", "deep", "text", "long number"],
)
def test_a_body_that_is_no_report_is_one_bad_event(body: bytes) -> None:
    (bad,) = parse_events(body)
    assert isinstance(bad, BadEvent)
    assert "the body is not" in bad.reason
    assert len(bad.row) <= 2000


texts = st.text(alphabet="a1.@é\x00\ud800", max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(a_row())), json_values))
def test_no_row_whatever_is_in_it_stops_its_sibling(odd: dict[str, Any]) -> None:
    first, second = parse(a_row(**odd), a_row())
    assert isinstance(second, ProviderEvent)
    if isinstance(first, ProviderEvent):
        for text in (first.event_id, first.address, first.reason, first.provider_msg_id):
            assert "\x00" not in text
            text.encode()
