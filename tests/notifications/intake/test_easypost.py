"""EasyPost's words in ours, and its signature."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from notifications.intake.easypost import SOURCE, WORDS
from notifications.intake.facts import Expected, Scanned
from notifications.intake.reading import end_of_day
from notifications.intake.source import Unreadable
from notifications.models import ShipmentState, TroubleReason
from tests.notifications.intake.samples_easypost import NUMBER, SAMPLES, detail, event

NOW = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)

# openssl dgst -sha256 -mac HMAC -macopt hexkey:66696e652d7365637265742d65cc81
# The key is the NFKD form of the secret: its ligature is two letters, its accent a sign of its own.
SECRET = "ﬁne-secret-é"
BODY = b'{"id":"evt_1","description":"tracker.updated"}'
SIGNATURE = "hmac-sha256-hex=5007dfa28b10a0bfa8210a6f82edb56106fbad698a37fd71fd561cf2c421b628"


def scan_of(status: str, status_detail: str | None) -> tuple[str, str, str]:
    payload = event("evt_9", 1, None, "2026-11-16T09:00:05Z")
    told = detail("2026-11-18T02:00:00Z", status, status_detail or "", "Something")
    payload["result"] |= {"status": status, "status_detail": status_detail, "tracking_details": [told]}
    (fact,) = SOURCE.read(payload, {})
    assert isinstance(fact, Scanned)
    return fact.scan.state, fact.scan.reason, fact.scan.raw_status


def test_the_signature_is_hmac_of_the_body_with_the_normal_form_of_the_secret() -> None:
    headers = {"x-hmac-signature": SIGNATURE}
    assert SOURCE.verify(BODY, headers, [SECRET], NOW)
    assert SOURCE.verify(BODY, headers, ["another", SECRET], NOW)
    assert SOURCE.verify(BODY, {"x-hmac-signature": SIGNATURE.upper()}, [SECRET], NOW)


@pytest.mark.parametrize(
    ("body", "given", "secrets"),
    [
        (BODY + b" ", SIGNATURE, [SECRET]),
        (BODY.replace(b"evt_1", b"evt_2"), SIGNATURE, [SECRET]),
        (BODY, SIGNATURE[:-1] + "9", [SECRET]),
        (BODY, SIGNATURE.removeprefix("hmac-sha256-hex="), [SECRET]),
        (BODY, SIGNATURE, ["ﬁne-secret-e"]),
        (BODY, SIGNATURE, []),
        (BODY, SIGNATURE, [""]),
        (BODY, "", [SECRET]),
        (BODY, "é" * 80, [SECRET]),
    ],
)
def test_whatever_is_tampered_with_the_signature_no_longer_holds(body: bytes, given: str, secrets: list[str]) -> None:
    assert not SOURCE.verify(body, {"x-hmac-signature": given}, secrets, NOW)


def test_an_unsigned_call_and_one_signed_with_an_empty_secret_are_not_let_in() -> None:
    assert not SOURCE.verify(BODY, {}, [SECRET], NOW)
    signed = SAMPLES.sign(BODY, "", {}, NOW)
    assert not SOURCE.verify(BODY, {name.lower(): value for name, value in signed.items()}, [""], NOW)


def test_an_event_is_known_by_its_id_and_a_body_without_one_by_its_hash() -> None:
    assert SOURCE.dedupe_id(BODY, {}) == "evt_1"
    for body in (b"{}", b"[1]", b"\xff", b'{"id": 7}', b'{"id": ""}', b'{"id": "%s"}' % (b"x" * 300), b"[" * 100_000):
        assert len(SOURCE.dedupe_id(body, {})) == 64


def test_every_documented_word_means_something_of_ours() -> None:
    for meaning in (*WORDS.statuses.values(), *WORDS.details.values()):
        assert meaning.state in {"", *ShipmentState.values}
        assert meaning.reason in {"", *TroubleReason.values}
    assert (len(WORDS.statuses), len(WORDS.details)) == (10, 28)


@pytest.mark.parametrize(
    ("status", "status_detail", "said"),
    [
        ("pre_transit", "label_created", ("created", "", "")),
        ("in_transit", "departed_facility", ("in_transit", "", "")),
        ("in_transit", None, ("in_transit", "", "")),
        ("in_transit", "weather_delay", ("exception", "weather", "")),
        ("in_transit", "address_correction", ("exception", "address", "")),
        ("failure", "damaged", ("exception", "damaged", "")),
        ("failure", "lost", ("exception", "lost", "")),
        ("failure", "failure", ("exception", "other", "")),
        ("available_for_pickup", "arrived_at_pickup_location", ("available_for_pickup", "pickup", "")),
        ("available_for_pickup", "held", ("available_for_pickup", "other", "")),
        ("return_to_sender", "return", ("returned", "return", "")),
        # Delivered back to the sender is not delivered; delivered and damaged is.
        ("delivered", "return", ("returned", "return", "")),
        ("delivered", "damaged", ("delivered", "damaged", "")),
        # No trouble of the carrier's before it has the parcel.
        ("pre_transit", "delayed", ("created", "other", "")),
        # Kept as they are: a word without a place, and words that we do not know.
        ("unknown", "unknown", ("", "", "unknown / unknown")),
        ("teleported", "", ("", "", "teleported")),
        ("in_transit", "eaten_by_dog", ("in_transit", "", "in_transit / eaten_by_dog")),
    ],
)
def test_a_status_and_its_detail_together(status: str, status_detail: str | None, said: tuple[str, str, str]) -> None:
    assert scan_of(status, status_detail) == said


def test_the_whole_history_is_told_with_moments_places_and_the_carriers_usual_name() -> None:
    facts = SOURCE.read(SAMPLES.story[2].payload, {})
    scans = [fact for fact in facts if isinstance(fact, Scanned)]
    assert [fact.scan.state for fact in scans] == ["created", "in_transit", "exception"]
    assert scans[2].scan.at == datetime(2026, 11, 18, 9, 0, tzinfo=UTC)  # it came with an offset
    assert scans[2].scan.place == "DENVER, CO, US"
    assert scans[2].scan.text == "Delayed by snow"
    assert {(fact.carrier, fact.tracking_no, fact.order_id) for fact in scans} == {("USPS", NUMBER, "")}
    (day,) = [fact for fact in facts if isinstance(fact, Expected)]
    assert day.by == end_of_day(date(2026, 11, 21))  # midnight is EasyPost's way to name a day
    assert day.at == datetime(2026, 11, 18, 9, 5, tzinfo=UTC)


def test_the_same_history_told_again_has_the_same_fingerprints() -> None:
    first, second = (
        [fact.scan.fingerprint for fact in SOURCE.read(call.payload, {}) if isinstance(fact, Scanned)]
        for call in SAMPLES.story[2:]
    )
    assert second[:3] == first


def test_a_tracker_whose_history_lags_behind_tells_where_the_parcel_is_all_the_same() -> None:
    payload = event("evt_9", 2, None, "2026-11-18T02:00:00Z")
    payload["result"]["status"] = "return_to_sender"
    *_, last = SOURCE.read(payload, {})
    assert isinstance(last, Scanned)
    assert (last.scan.state, last.scan.at) == ("returned", datetime(2026, 11, 17, 15, 20, tzinfo=UTC))


def test_a_tracker_without_history_tells_its_status_without_a_date() -> None:
    payload = event("evt_9", 1, None, "2026-11-18T02:00:00Z")
    payload["result"] |= {"status": "delivered", "status_detail": "unknown", "tracking_details": []}
    (fact,) = SOURCE.read(payload, {})
    assert isinstance(fact, Scanned)
    assert (fact.scan.state, fact.scan.is_dated) == ("delivered", False)


def test_other_events_are_nothing_of_ours() -> None:
    assert SOURCE.read(SAMPLES.nothing[0].payload, {}) == []
    assert SOURCE.read({}, {}) == []


def test_the_error_names_the_field_and_what_was_found() -> None:
    for call, word in SAMPLES.wrong:
        with pytest.raises(Unreadable) as caught:
            SOURCE.read(call.payload, {})
        assert word in str(caught.value)
    with pytest.raises(Unreadable, match="the payload: an object is needed, found a list"):
        SOURCE.read([1], {})
    late = event("evt_9", 1, None, "2026-11-18T02:00:00Z")
    late["result"]["tracking_details"] = [detail("9999-01-01T00:00:00Z", "in_transit", "", "")]
    with pytest.raises(
        Unreadable, match=r"result\.tracking_details\[0\]\.datetime: the year must be from 1990 to 2100"
    ):
        SOURCE.read(late, {})
