"""ShipEngine's words in ours, its signature, and how its public keys get here."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.management import CommandError, call_command

from notifications import tasks
from notifications.intake import shipengine_keys
from notifications.intake.facts import Expected, Scanned
from notifications.intake.reading import end_of_day
from notifications.intake.shipengine import SOURCE, WORDS
from notifications.intake.source import Unreadable
from notifications.models import PublishedKeys, ShipmentState, TroubleReason
from tests.notifications.intake.samples_shipengine import NUMBER, SAMPLES, event, jwk, new_key, pinned, track

NOW = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)

# openssl genrsa 2048; printf '%s' '2026-11-22T18:30:00Z.{"resource_type":"API_TRACK"}' | openssl dgst -sha256 -sign …
BODY = b'{"resource_type":"API_TRACK"}'
MODULUS = (
    "uZWjLpj-YA27jyZyhKP-JYztq8Tg7KBMIE4dFVSJIuofmqyjBubJfjwNMlVQWmfaAg8eMTmOoDuJ8I1--W36V5t_rZ2j7JxvEQa3XQce_O9hIpEZ"
    "QI1aKIVeoNa2Tc8N7wz-3LMpNvPcX-9q-K2dSfEgMMoMfa_vUY1akgLIhw3TAlfMB8aBjmSn7LcFvevFGktI3GNfqn4XV6tUlVncXOE6lWOQOZSE"
    "XgGPdzcQZixTI9vqtfFsYhIP2bVnV59TvyhLjtADRKtMjt_fVZ6Ab_PSXTqtypy0McI3OvO7nfsSTxHk_TAWPe8r8IJPMb4O3xAS5_uI4oSTuCFl"
    "HldE0w"
)
SIGNATURE = (
    "F20dHYLjX9HwAuOD/BICo+69K2ttNtnwiQ/JHpgSmcsloiYDPovEelJagJ6ZAq6FRhHrNobBnS8ziXxZkfD6EQYai7tCWAwjf6/7BhTLn7VbAbPB"
    "7RmHbNA8SVM2SPd52IRAWZbQIFcfFzoLeJOnZtAbfPydh1/oDXrxAh3NiwZGmJYNSQ3q4z0LTj8nZJ7ddWUH2RVHkvzfuICPnJgyhg6BBero+U22"
    "L7YunQuoEXa5QrjcH66dR8WNfeXJPSPJxOxRw5rnPGigEO8wnK9JWaQzTJXGgT4Y0sjm4SWFgQFsrf3+4dSlkQRAwgqQFhBSeI+V+BPXODaorl16"
    "5aMTBA=="
)
ENTRY = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "vector", "n": MODULUS, "e": "AQAB"}
HEADERS = {
    "x-shipengine-rsa-sha256-key-id": "vector",
    "x-shipengine-rsa-sha256-signature": SIGNATURE,
    "x-shipengine-timestamp": "2026-11-22T18:30:00Z",
}


# --- the signature ----------------------------------------------------------


def test_the_signature_is_rsa_of_the_time_and_the_body() -> None:
    assert SOURCE.verify(BODY, HEADERS, [pinned(ENTRY)], NOW)
    assert SOURCE.verify(BODY, HEADERS, [SAMPLES.keys[0].secret, pinned(ENTRY)], NOW)
    assert SOURCE.verify(
        BODY, HEADERS, [pinned(jwk(rsa.generate_private_key(65537, 2048).public_key(), "x"), ENTRY)], NOW
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-shipengine-timestamp", "2026-11-22T18:30:01Z"),
        ("x-shipengine-timestamp", ""),
        ("x-shipengine-timestamp", "now"),
        ("x-shipengine-timestamp", "99999999999999"),
        ("x-shipengine-timestamp", "0001-01-01T00:00:00+14:00"),
        ("x-shipengine-rsa-sha256-key-id", "another"),
        ("x-shipengine-rsa-sha256-key-id", ""),
        ("x-shipengine-rsa-sha256-signature", ("A" if SIGNATURE[0] != "A" else "B") + SIGNATURE[1:]),
        ("x-shipengine-rsa-sha256-signature", "no base64!"),
        ("x-shipengine-rsa-sha256-signature", "é"),
        ("x-shipengine-rsa-sha256-signature", SIGNATURE * 20),
        ("x-shipengine-rsa-sha256-signature", ""),
    ],
)
def test_whatever_is_tampered_with_the_signature_no_longer_holds(name: str, value: str) -> None:
    assert not SOURCE.verify(BODY, HEADERS | {name: value}, [pinned(ENTRY)], NOW)
    assert not SOURCE.verify(BODY, {key: given for key, given in HEADERS.items() if key != name}, [pinned(ENTRY)], NOW)


def test_another_body_another_key_and_no_key_are_not_let_in() -> None:
    assert not SOURCE.verify(BODY + b" ", HEADERS, [pinned(ENTRY)], NOW)
    assert not SOURCE.verify(BODY, HEADERS, [], NOW)
    # The same id with another key, as an attacker would wish to bring along.
    assert not SOURCE.verify(BODY, HEADERS, [new_key("vector").secret], NOW)
    for secret in ("", "no base64!", base64.b64encode(b"[]").decode(), base64.b64encode(b'{"keys": 7}').decode(), "ÿ"):
        assert not SOURCE.verify(BODY, HEADERS, [secret], NOW)


@pytest.mark.parametrize(("minutes", "holds"), [(-6, False), (-4, True), (4, True), (6, False)])
def test_a_signature_holds_for_five_minutes_either_way(minutes: int, holds: bool) -> None:
    assert SOURCE.verify(BODY, HEADERS, [pinned(ENTRY)], NOW + timedelta(minutes=minutes)) is holds


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "EC"},
        {"use": "enc"},
        {"alg": "none"},
        {"n": "AQAB"},  # far too short
        {"n": MODULUS[:170]},  # 1,020 bits
        {"n": 7},
        {"e": "AA"},
        {"kid": 7},
        {"kid": ""},
    ],
)
def test_a_key_that_is_weak_or_not_for_this_is_left_out(change: dict[str, Any]) -> None:
    assert not SOURCE.verify(BODY, HEADERS, [pinned(ENTRY | change)], NOW)


def test_a_call_is_known_by_its_body_however_often_it_is_signed_anew() -> None:
    assert SOURCE.dedupe_id(BODY, HEADERS) == SOURCE.dedupe_id(BODY, {})


# --- the published keys -----------------------------------------------------


@contextmanager
def publisher(answers: list[tuple[int, bytes]]) -> Iterator[str]:
    """A server on this machine that gives these answers, the last one again and again. Its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if status == 302:
                self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/jwks"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def document(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"keys": entries}).encode()


@pytest.mark.django_db
def test_published_keys_are_fetched_and_let_their_owner_in() -> None:
    with publisher([(200, document(ENTRY))]) as address:
        assert not SOURCE.verify(BODY, HEADERS, [address], NOW)  # not there yet; nothing is fetched meanwhile
        (done,) = shipengine_keys.fetch([address, pinned(ENTRY)], now=NOW)
        assert done == shipengine_keys.Fetched(address, ("vector",), is_new=True)
    assert SOURCE.verify(BODY, HEADERS, [address], NOW)
    assert not SOURCE.verify(BODY, HEADERS, [address + "/"], NOW)


@pytest.mark.django_db
def test_keys_that_are_rotated_out_let_nobody_in_any_more() -> None:
    new = jwk(rsa.generate_private_key(65537, 2048).public_key(), "next")
    with publisher([(200, document(ENTRY)), (200, document(ENTRY, new)), (200, document(new))]) as address:
        fetched = [shipengine_keys.fetch([address], now=NOW)[0] for _ in range(2)]
        assert [(one.key_ids, one.is_new) for one in fetched if isinstance(one, shipengine_keys.Fetched)] == [
            (("vector",), True),
            (("vector", "next"), True),
        ]
        assert SOURCE.verify(BODY, HEADERS, [address], NOW)
        shipengine_keys.fetch([address], now=NOW)
        assert not SOURCE.verify(BODY, HEADERS, [address], NOW)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (500, document(ENTRY), "answered 500"),
        (302, b"", "answered 302"),
        (200, b"<html>", "has no RSA key"),
        (200, b"\xff\xfe", "UnicodeDecodeError"),
        (200, b"[" * 60_000, "has no RSA key"),
        (200, document(), "has no RSA key"),
        (200, b" " * 70_000 + document(ENTRY), "larger than 65536 bytes"),
    ],
)
def test_an_answer_that_is_of_no_use_leaves_the_keys_as_they_were(status: int, body: bytes, problem: str) -> None:
    with publisher([(200, document(ENTRY)), (status, body)]) as address:
        shipengine_keys.fetch([address], now=NOW)
        (done,) = shipengine_keys.fetch([address], now=NOW + timedelta(hours=6))
    assert isinstance(done, shipengine_keys.UnusableKeys)
    assert address in str(done)
    assert problem in str(done)
    assert SOURCE.verify(BODY, HEADERS, [address], NOW)
    assert PublishedKeys.objects.get().fetched_at == NOW


@pytest.mark.django_db
def test_a_server_that_is_not_there_and_one_without_https_are_told_as_such() -> None:
    with publisher([(200, document(ENTRY))]) as gone:
        pass
    down, plain = shipengine_keys.fetch([gone, "http://keys.example.com/jwks"], now=NOW)
    assert "ConnectError" in str(down)
    assert str(plain) == "http://keys.example.com/jwks: keys are fetched by https only"


@pytest.mark.django_db
def test_the_command_fetches_from_the_addresses_of_the_variable_and_says_what_it_got(settings: Any) -> None:
    out = StringIO()
    with publisher([(200, document(ENTRY))]) as address:
        settings.INTAKE_SECRETS = {"shipengine": [pinned(ENTRY), address]}
        call_command("shipengine_keys", stdout=out)
        call_command("shipengine_keys", stdout=out)
    assert out.getvalue() == f"{address}: vector (new)\n{address}: vector (as before)\n"
    assert SOURCE.verify(BODY, HEADERS, [address], NOW)


@pytest.mark.django_db
def test_the_command_ends_in_an_error_that_says_what_to_do(settings: Any) -> None:
    settings.INTAKE_SECRETS = {"shipengine": [pinned(ENTRY)]}
    with pytest.raises(CommandError, match="PREEMPT_SHIPENGINE_SECRETS has no address"):
        call_command("shipengine_keys")
    with publisher([(503, b"")]) as address:
        settings.INTAKE_SECRETS = {"shipengine": [address]}
        with pytest.raises(CommandError, match=f"{address}: answered 503"):
            call_command("shipengine_keys")


@pytest.mark.django_db
def test_the_workers_refresh_the_keys_and_log_what_fails(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    with publisher([(200, document(ENTRY)), (503, b"")]) as address:
        settings.INTAKE_SECRETS = {"shipengine": [address]}
        tasks.fetch_shipengine_keys()
        assert SOURCE.verify(BODY, HEADERS, [address], NOW)
        assert not caplog.records
        tasks.fetch_shipengine_keys()
    assert f"ShipEngine's keys stay as they are: {address}: answered 503" in caplog.text
    assert SOURCE.verify(BODY, HEADERS, [address], NOW)


# --- the payload ------------------------------------------------------------


def test_every_documented_word_means_something_of_ours() -> None:
    for meaning in (*WORDS.statuses.values(), *WORDS.details.values()):
        assert meaning.state in {"", *ShipmentState.values}
        assert meaning.reason in {"", *TroubleReason.values}
    assert set(WORDS.statuses) == {"UN", "AC", "IT", "DE", "EX", "AT", "NY", "SP"}


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        ("NY", "", ("created", "", "")),
        # Accepted are its data; the parcel is once a detail says so.
        ("AC", "", ("created", "", "")),
        ("AC", "ELEC_ADVICE_RECD_BY_CARRIER", ("created", "", "")),
        ("AC", "DROPPED_OFF", ("handed_over", "", "")),
        ("AC", "COLLECTION_FAILED", ("created", "", "")),
        ("IT", "HUB_SCAN_OUT", ("in_transit", "", "")),
        ("IT", "OUT_FOR_DELIVERY", ("out_for_delivery", "", "")),
        ("EX", "", ("exception", "other", "")),
        ("EX", "CARRIER_DELAYS", ("exception", "other", "")),
        ("EX", "HELD_BY_EXPORT_CUSTOMS", ("exception", "customs", "")),
        ("EX", "ADDRESS_QUERY", ("exception", "address", "")),
        ("EX", "PARCEL_LOST", ("exception", "lost", "")),
        ("EX", "RETURN_TO_SENDER", ("returned", "return", "")),
        ("EX", "CUSTOMS_CLEARED", ("in_transit", "", "")),
        ("AT", "CUSTOMER_CARDED", ("attempt_failed", "recipient", "")),
        ("SP", "COLLECT_AT_LOCAL_PO", ("available_for_pickup", "pickup", "")),
        ("DE", "DELIVERED_DAMAGED", ("delivered", "damaged", "")),
        ("DE", "RETURN_TO_SENDER", ("returned", "return", "")),
        ("UN", "", ("", "", "UN")),
        ("UN", "CARRIER_STATUS_NOT_MAPPED", ("", "", "UN / CARRIER_STATUS_NOT_MAPPED")),
        ("IT", "TIME_TRAVEL", ("in_transit", "", "IT / TIME_TRAVEL")),
        (None, None, ("", "", "X1")),
    ],
)
def test_a_status_and_its_detail_together(status: str | None, code: str | None, said: tuple[str, str, str]) -> None:
    payload = track(1, None)
    payload["data"] |= {"status_code": None, "status_detail_code": None}
    payload["data"]["events"] = [
        event("2026-11-18T11:00:00Z", "", "", "Something", "", "") | {"status_code": status, "status_detail_code": code}
    ]
    (fact,) = SOURCE.read(payload, {})
    assert isinstance(fact, Scanned)
    assert (fact.scan.state, fact.scan.reason, fact.scan.raw_status) == said


def test_the_whole_history_is_told_and_the_day_that_was_named() -> None:
    facts = SOURCE.read(SAMPLES.story[2].payload, {})
    scans = [fact.scan for fact in facts if isinstance(fact, Scanned)]
    assert sorted(scan.state for scan in scans) == ["created", "exception", "handed_over", "in_transit"]
    (held,) = [scan for scan in scans if scan.state == "exception"]
    assert (held.at, held.reason) == (datetime(2026, 11, 18, 11, 0, tzinfo=UTC), "customs")
    assert (held.place, held.text) == ("Birmingham, GB", "Waiting for papers")
    (day,) = [fact for fact in facts if isinstance(fact, Expected)]
    assert (day.by, day.at) == (end_of_day(date(2026, 11, 20)), held.at)
    assert (day.carrier, day.tracking_no) == ("UPS", NUMBER)


def test_older_payloads_tell_the_status_of_the_whole_only() -> None:
    payload = track(3, None)
    payload["data"] |= {"status_code": "DE", "status_detail_code": None, "carrier_code": None}
    for one in payload["data"]["events"]:
        one |= {"status_code": None, "status_detail_code": None}
    facts = SOURCE.read(payload, {})
    last = facts[-1]
    assert isinstance(last, Scanned)
    assert (last.scan.state, last.scan.at) == ("delivered", datetime(2026, 11, 17, 4, 0, tzinfo=UTC))
    assert {fact.carrier for fact in facts if isinstance(fact, Scanned)} == {"UPS"}  # from the address
    payload["data"] |= {"events": [], "actual_delivery_date": "2026-11-17T10:00:00"}
    (fact,) = SOURCE.read(payload, {})
    assert fact.at == datetime(2026, 11, 17, 10, 0, tzinfo=UTC)


def test_the_second_version_of_its_webhook_is_read_too_and_others_are_not() -> None:
    payload = SAMPLES.story[3].payload | {"resource_type": "TRACK_EVENT_V2"}
    assert len(SOURCE.read(payload, {})) == 6
    assert SOURCE.read(SAMPLES.nothing[0].payload, {}) == []


def test_the_error_names_the_field() -> None:
    for call, word in SAMPLES.wrong:
        with pytest.raises(Unreadable) as caught:
            SOURCE.read(call.payload, {})
        assert word in str(caught.value)
