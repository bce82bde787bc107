"""Shippo's words in ours, and its signature."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from notifications.intake.facts import Expected, Scanned
from notifications.intake.shippo import SOURCE, WORDS
from notifications.intake.source import Unreadable
from notifications.models import ShipmentState, TroubleReason
from tests.notifications.intake.samples_shippo import NUMBER, SAMPLES, scan, track

NOW = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)

# printf '%s' '1688493073.{"event":"track_updated"}' | openssl dgst -sha256 -hmac shippo-secret
SECRET, BODY = "shippo-secret", b'{"event":"track_updated"}'
STAMP, HEX = "1688493073", "18017046650a8a16f241821bcd1cfef995f1c3cb7b70e8724cdbd071b09e218e"


def test_the_signature_is_hmac_of_the_time_and_the_body() -> None:
    headers = {"shippo-auth-signature": f"t={STAMP},v1={HEX}"}
    assert SOURCE.verify(BODY, headers, [SECRET], NOW)
    assert SOURCE.verify(BODY, headers, ["another", SECRET], NOW)
    assert SOURCE.verify(BODY, {"shippo-auth-signature": f"t={STAMP}, v1={HEX.upper()}"}, [SECRET], NOW)


@pytest.mark.parametrize(
    ("body", "given", "secrets"),
    [
        (BODY + b"\n", f"t={STAMP},v1={HEX}", [SECRET]),
        (BODY, f"t=1688493074,v1={HEX}", [SECRET]),
        (BODY, f"t={STAMP},v1={HEX[:-1]}f", [SECRET]),
        (BODY, f"t={STAMP},v1=", [SECRET]),
        (BODY, f"t={STAMP}", [SECRET]),
        (BODY, f"v1={HEX}", [SECRET]),
        (BODY, f"t={STAMP},v0={HEX}", [SECRET]),
        (BODY, HEX, [SECRET]),
        (BODY, f"t={STAMP},v1={HEX}" + "," * 300, [SECRET]),
        (BODY, "t=²,v1=é", [SECRET]),
        (BODY, "", [SECRET]),
        (BODY, f"t={STAMP},v1={HEX}", ["Shippo-secret"]),
        (BODY, f"t={STAMP},v1={HEX}", [""]),
        (BODY, f"t={STAMP},v1={HEX}", []),
    ],
)
def test_whatever_is_tampered_with_the_signature_no_longer_holds(body: bytes, given: str, secrets: list[str]) -> None:
    assert not SOURCE.verify(body, {"shippo-auth-signature": given}, secrets, NOW)


def test_an_unsigned_call_is_not_let_in() -> None:
    assert not SOURCE.verify(BODY, {}, [SECRET], NOW)


def test_a_call_is_known_by_its_body_whenever_it_was_signed() -> None:
    assert SOURCE.dedupe_id(BODY, {"shippo-auth-signature": "t=1"}) == SOURCE.dedupe_id(BODY, {})
    assert SOURCE.dedupe_id(BODY, {}) != SOURCE.dedupe_id(BODY + b" ", {})


def test_every_documented_word_means_something_of_ours() -> None:
    for meaning in (*WORDS.statuses.values(), *WORDS.details.values()):
        assert meaning.state in {"", *ShipmentState.values}
        assert meaning.reason in {"", *TroubleReason.values}
    assert (len(WORDS.statuses), len(WORDS.details)) == (6, 27)


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        ("PRE_TRANSIT", "information_received", ("created", "", "")),
        ("TRANSIT", "package_accepted", ("handed_over", "", "")),
        ("TRANSIT", "package_departed", ("in_transit", "", "")),
        ("TRANSIT", "out_for_delivery", ("out_for_delivery", "", "")),
        ("TRANSIT", "address_issue", ("exception", "address", "")),
        ("TRANSIT", "notice_left", ("attempt_failed", "recipient", "")),
        ("TRANSIT", "package_damaged", ("exception", "damaged", "")),
        ("TRANSIT", "pickup_available", ("available_for_pickup", "pickup", "")),
        ("DELIVERED", "delivered", ("delivered", "", "")),
        ("RETURNED", "package_unclaimed", ("returned", "return", "")),
        ("FAILURE", "package_lost", ("exception", "lost", "")),
        ("FAILURE", "package_undeliverable", ("exception", "other", "")),
        ("UNKNOWN", "other", ("", "", "UNKNOWN / other")),
        ("TRANSIT", "beamed_up", ("in_transit", "", "TRANSIT / beamed_up")),
        ("SIDEWAYS", "", ("", "", "SIDEWAYS")),
    ],
)
def test_a_status_and_its_substatus_together(status: str, code: str, said: tuple[str, str, str]) -> None:
    payload = track(1, None)
    payload["data"]["tracking_status"] = None
    payload["data"]["tracking_history"] = [scan("2026-11-18T07:40:00Z", status, code, "Something", "Berlin")]
    (fact,) = SOURCE.read(payload, {})
    assert isinstance(fact, Scanned)
    assert (fact.scan.state, fact.scan.reason, fact.scan.raw_status) == said


def test_the_present_state_is_the_newest_of_the_history_and_counts_once() -> None:
    facts = SOURCE.read(SAMPLES.story[2].payload, {})
    scans = [fact.scan for fact in facts if isinstance(fact, Scanned)]
    assert [one.state for one in scans] == ["created", "handed_over", "exception"]
    assert scans[2].at == datetime(2026, 11, 18, 7, 40, tzinfo=UTC)
    assert (scans[2].place, scans[2].text) == ("Berlin, DE", "The address is incomplete.")
    (day,) = [fact for fact in facts if isinstance(fact, Expected)]
    assert day.by == datetime(2026, 11, 19, 17, 0, tzinfo=UTC)
    assert (day.carrier, day.tracking_no) == ("DHL", NUMBER)


def test_a_substatus_may_be_missing_and_so_may_history_and_date() -> None:
    payload = track(2, None)
    del payload["data"]["tracking_history"]
    payload["data"]["tracking_status"] |= {"substatus": None, "location": None}
    (fact,) = SOURCE.read(payload, {})
    assert isinstance(fact, Scanned)
    assert (fact.scan.state, fact.scan.place) == ("in_transit", "")
    payload["data"]["tracking_status"] = {"status": "UNKNOWN", "status_date": None}
    assert SOURCE.read(payload, {}) == []


def test_other_events_are_nothing_of_ours() -> None:
    assert SOURCE.read(SAMPLES.nothing[0].payload, {}) == []


def test_the_error_names_the_field() -> None:
    for call, word in SAMPLES.wrong:
        with pytest.raises(Unreadable) as caught:
            SOURCE.read(call.payload, {})
        assert word in str(caught.value)
