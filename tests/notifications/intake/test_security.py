"""Every source at the door: what is let in, what is not, and what becomes of it. One suite for all of them; what is
special about a source stands in its samples.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import clock
from notifications import tasks
from notifications.intake import sources, storing, taking_in
from notifications.models import (
    ExpectedDate,
    InboundDelivery,
    InboundState,
    Order,
    ParkedFact,
    Shipment,
    SourceHour,
    SourceSecret,
    TrackingEvent,
)
from notifications.views import webhooks
from tests.notifications.intake import samples
from tests.notifications.intake.samples import Call, Key, Samples

NOW = datetime(2026, 3, 8, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
every_source = pytest.mark.parametrize("name", sorted(sources.SOURCES))

Post = Callable[..., HttpResponse]


@pytest.fixture(autouse=True)
def _sunday_noon(settings: Any, request: pytest.FixtureRequest) -> Any:
    settings.SHOP_TIME_ZONE = "UTC"
    settings.INTAKE_SECRETS = {name: [samples.of(name).keys[0].secret] for name in sources.SOURCES}
    with clock.frozen(NOW):
        yield


def post(sample: Samples, call: Call, *, key: Key | None = None, at: datetime | None = None) -> HttpResponse:
    return post_raw(sample, call.body, call.headers, key=key, at=at)


def post_raw(
    sample: Samples, body: bytes, headers: Mapping[str, str], *, key: Key | None = None, at: datetime | None = None
) -> HttpResponse:
    signed = sample.sign(body, (key or sample.keys[0]).signing, headers, at or NOW)
    return send(sample.name, body, signed)


def send(name: str, body: bytes, headers: Mapping[str, str]) -> HttpResponse:
    return Client().post(f"/hooks/{name}/", body, content_type="application/json", headers=dict(headers))


def states() -> list[str]:
    return list(InboundDelivery.objects.order_by("pk").values_list("state", flat=True))


def facts() -> dict[str, Any]:
    """Everything that the story leaves, without ids and moments of ours."""
    events = TrackingEvent.objects.order_by("shipment__tracking_no", "at", "state")
    return {
        "orders": list(
            Order.objects.order_by("number").values_list("number", "customer__email", "promised_deliver_by")
        ),
        "lines": list(
            Shipment.objects.order_by("tracking_no").values_list("tracking_no", "contents__line__title", "carrier")
        ),
        "parcels": list(
            Shipment.objects.order_by("tracking_no").values_list(
                "tracking_no", "state", "handed_over_at", "delivered_at", "last_event_at", "expected_by"
            )
        ),
        "events": list(events.values_list("shipment__tracking_no", "state", "reason", "at", "text", "raw_status")),
        "parked": ParkedFact.objects.count(),
    }


def place(sample: Samples) -> None:
    if sample.order is not None:
        storing.store([sample.order], source="test", now=NOW)


# --- The story, in any order ---


@every_source
@pytest.mark.django_db
def test_the_story_ends_as_it_should(name: str) -> None:
    sample = samples.of(name)
    place(sample)
    for call in sample.story:
        assert post(sample, call).status_code == 200
    taking_in.take_in()
    assert set(states()) == {InboundState.DONE}, list(InboundDelivery.objects.values_list("error", flat=True))
    for end in sample.ends:
        parcel = Shipment.objects.get(tracking_no=end.tracking_no)
        assert (parcel.state, parcel.events.count()) == (end.state, end.scans)
        assert end.reasons <= set(parcel.events.values_list("reason", flat=True))
        assert parcel.expected_by == end.expected_by
    assert not ParkedFact.objects.exists()


@pytest.mark.django_db
def test_what_was_reported_is_looked_at_at_once(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    """A milestone's mail waits for no round of the sweep."""
    rung: list[object] = []
    monkeypatch.setattr(tasks.sweep, "apply_async", lambda **given: rung.append(given))
    sample = samples.of("aftership")
    place(sample)
    for call in sample.story:
        assert post(sample, call).status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        taking_in.take_in()
    assert len(rung) == 1, "once a batch"
    with django_capture_on_commit_callbacks(execute=True):
        taking_in.take_in()
    assert len(rung) == 1, "nothing new, nothing to look at"


@every_source
@pytest.mark.django_db
def test_every_order_of_arrival_ends_the_same(name: str) -> None:
    sample = samples.of(name)
    steps: list[Call | None] = [*sample.story, *([None] if sample.order is not None else [])]
    orders = list(itertools.permutations(range(len(steps))))
    ends: set[str] = set()

    @settings(
        max_examples=25, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
    )
    @given(st.sampled_from(orders), st.booleans())
    def play(order: tuple[int, ...], one_by_one: bool) -> None:
        for step in order:
            if (call := steps[step]) is None:
                place(sample)
            else:
                assert post(sample, call).status_code == 200
            if one_by_one:
                taking_in.take_in()
        taking_in.take_in()
        taking_in.take_parked()
        ends.add(json.dumps(facts(), default=str))
        empty()

    play()
    assert len(ends) == 1, "\n".join(sorted(ends))


def empty() -> None:
    """Between the examples of one test."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM notifications_shipmentline; DELETE FROM notifications_orderline;"
            "DELETE FROM notifications_trackingevent; DELETE FROM notifications_expecteddate;"
            "DELETE FROM notifications_shipment; DELETE FROM notifications_order; DELETE FROM notifications_customer;"
            "DELETE FROM notifications_parkedfact; DELETE FROM notifications_inboundseen;"
            "DELETE FROM notifications_inbounddelivery; DELETE FROM notifications_sourcehour"
        )


# --- Who is let in ---


@every_source
@pytest.mark.django_db
def test_unsigned_forged_or_without_a_secret_nothing_is_stored(name: str, settings: Any) -> None:
    sample = samples.of(name)
    call = sample.story[0]
    signed = sample.sign(call.body, sample.keys[0].signing, call.headers, NOW)
    only_signed = set(signed) - set(call.headers)
    assert send(name, call.body, call.headers).status_code == 401, "unsigned"
    assert send(name, call.body + b" ", signed).status_code == 401, "another body"
    assert post(sample, call, key=sample.keys[1]).status_code == 401, "another key"
    for header in only_signed:
        for forged in ("", "x", "ключ", signed[header][:-2], signed[header] + "A", "=" * 400):
            assert send(name, call.body, {**signed, header: forged}).status_code == 401, (header, forged)
    settings.INTAKE_SECRETS = {name: []}
    assert send(name, call.body, signed).status_code == 401, "no secret"
    settings.INTAKE_SECRETS = {}
    assert send(name, call.body, signed).status_code == 401, "no secret"
    settings.INTAKE_SECRETS = {name: [""]}
    signing = sample.keys[0].signing
    if isinstance(signing, bytes | str):  # what an empty secret would sign
        assert post(sample, call, key=Key(type(signing)(), "")).status_code == 401
    assert not InboundDelivery.objects.exists()
    assert SourceHour.objects.get(source=name).forged >= 1
    settings.INTAKE_SECRETS = {name: [sample.keys[0].secret]}
    assert send(name, call.body, signed).status_code == 200, "and the true one gets in"


@every_source
@pytest.mark.django_db
def test_while_a_secret_is_changed_both_are_good_and_each_leaves_its_mark(name: str, settings: Any) -> None:
    sample = samples.of(name)
    old, new = sample.keys
    settings.INTAKE_SECRETS = {name: [new.secret, old.secret]}
    assert post(sample, sample.story[0], key=old).status_code == 200
    assert post(sample, sample.story[1], key=new).status_code == 200
    taking_in.take_in()
    marks = set(SourceSecret.objects.filter(source=name).values_list("fingerprint", flat=True))
    assert marks == {sources.fingerprint(old.secret), sources.fingerprint(new.secret)}
    assert not any(key.secret in mark for key in (old, new) for mark in marks)
    settings.INTAKE_SECRETS = {name: [new.secret]}
    assert post(sample, sample.nothing[0] if sample.nothing else sample.story[-1], key=old).status_code == 401


@pytest.mark.django_db
def test_only_post_and_only_to_sources_that_there_are() -> None:
    assert Client().get("/hooks/shopify/").status_code == 405
    assert Client().post("/hooks/nobody/").status_code == 404
    sample = samples.of("shopify")
    call = sample.story[0]
    signed = sample.sign(call.body, sample.keys[0].signing, call.headers, NOW)
    without_slash = Client(enforce_csrf_checks=True).post(
        "/hooks/shopify", call.body, content_type="application/json", headers=signed
    )
    assert without_slash.status_code == 200
    assert not without_slash.cookies


# --- Again ---


@every_source
@pytest.mark.django_db
def test_an_old_call_played_back_changes_nothing(name: str) -> None:
    sample = samples.of(name)
    place(sample)
    sent = []
    for call in sample.story:
        signed = sample.sign(call.body, sample.keys[0].signing, call.headers, NOW)
        assert send(name, call.body, signed).status_code == 200
        sent.append((call, signed))
    taking_in.take_in()
    before = facts()
    with clock.frozen(LATER):
        for call, signed in sent:
            # Where a signature holds for minutes only, it is over by now.
            assert send(name, call.body, signed).status_code in (200, 401)
        assert len(states()) == len(sent)
        for call, signed in sent:
            # What is not signed can be changed by whoever caught the call: an id in a header, say.
            for header, value in call.headers.items():
                assert send(name, call.body, {**signed, header: f"{value}9"}).status_code in (200, 401)
        taking_in.take_in()
    assert facts() == before


@every_source
@pytest.mark.django_db(transaction=True)
def test_a_hundred_at_once_are_one(name: str) -> None:
    sample = samples.of(name)
    call = sample.story[0]
    signed = sample.sign(call.body, sample.keys[0].signing, call.headers, NOW)

    def once(_: int) -> int:
        try:
            with clock.frozen(NOW):
                return send(name, call.body, signed).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(once, range(100))) == {200}
    assert states() == [InboundState.NEW]
    taking_in.take_in()
    assert states() == [InboundState.DONE]


# --- What is no call of theirs ---


@every_source
@pytest.mark.django_db
def test_too_large_is_refused_with_and_without_its_length(name: str) -> None:
    sample = samples.of(name)
    largest = sources.SOURCES[name].largest
    body = b'{"a": "' + b"x" * largest + b'"}'
    assert post_raw(sample, body, {}).status_code == 413
    headers = sample.sign(body, sample.keys[0].signing, {}, NOW)
    meta = {f"HTTP_{header.upper().replace('-', '_')}": value for header, value in headers.items()}
    stream = Counting(body)
    request = RequestFactory().post(f"/hooks/{name}/", **meta)
    # In chunks: the server says that the stream ends, and no header how long it is.
    request.META |= {"CONTENT_LENGTH": "", "wsgi.input_terminated": True, "wsgi.input": stream}
    assert webhooks.receive(request, name).status_code == 413
    assert stream.read_bytes == largest + 1
    assert not InboundDelivery.objects.exists()


@every_source
@pytest.mark.django_db
def test_a_call_sent_in_chunks_is_read(name: str) -> None:
    sample = samples.of(name)
    call = sample.story[0]
    headers = sample.sign(call.body, sample.keys[0].signing, call.headers, NOW)
    meta = {f"HTTP_{header.upper().replace('-', '_')}": value for header, value in headers.items()}
    request = RequestFactory().post(f"/hooks/{name}/", **meta)
    request.META |= {"CONTENT_LENGTH": "", "wsgi.input_terminated": True, "wsgi.input": BytesIO(call.body)}
    assert webhooks.receive(request, name).status_code == 200
    assert bytes(InboundDelivery.objects.get().body) == call.body


class Counting(BytesIO):
    read_bytes = 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self.read_bytes += len(found)
        return found


POISON: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not JSON"),
    "no json": (b"ceci n'est pas", "not JSON"),
    "bad utf-8": (b'{"id": "\xff\xfe"}', "not UTF-8"),
    "deep": (b"[" * 200_000 + b"]" * 200_000, "nested"),
    "rather deep": (b'{"a":' * 300 + b"1" + b"}" * 300, "nested"),
    "nul": (b'{"id": "a\x00b"}', "not JSON"),
    "written nul": (b'{"id": "a\\u0000b"}', "NUL"),
    "half a character": (b'{"id": "\\ud800"}', "surrogate"),
    "huge number": (b'{"id": ' + b"9" * 5000 + b"}", "not JSON"),
    "no number": (b'{"id": NaN}', "NaN"),
}


@every_source
@pytest.mark.django_db
def test_poison_is_quarantined_with_its_reason_and_its_siblings_pass(name: str) -> None:
    sample = samples.of(name)
    place(sample)
    for number, (body, _) in enumerate(POISON.values()):
        topic = {header: f"{value}" for header, value in sample.story[0].headers.items()}
        unlike = {
            header: f"{value}-{number}" if header.lower().endswith("-id") else value for header, value in topic.items()
        }
        assert post_raw(sample, body, unlike).status_code == 200
        if number < len(sample.story):
            assert post(sample, sample.story[number]).status_code == 200
    taking_in.take_in()
    by_body = {bytes(one.body): one for one in InboundDelivery.objects.all()}
    for why, (body, reason) in POISON.items():
        assert by_body[body].state == InboundState.QUARANTINED, why
        assert reason in by_body[body].error, why
    assert all(by_body[call.body].state == InboundState.DONE for call in sample.story)


@every_source
@pytest.mark.django_db
def test_what_is_not_for_us_is_ignored_and_what_is_wrong_names_the_field(name: str) -> None:
    sample = samples.of(name)
    for call in (*sample.nothing, *(call for call, _ in sample.wrong)):
        assert post(sample, call).status_code == 200
    taking_in.take_in()
    by_body = {bytes(one.body): one for one in InboundDelivery.objects.all()}
    assert all(by_body[call.body].state == InboundState.IGNORED for call in sample.nothing)
    for call, word in sample.wrong:
        assert by_body[call.body].state == InboundState.QUARANTINED, call
        assert word in by_body[call.body].error
    assert not Shipment.objects.exists()
    assert not ExpectedDate.objects.exists()


@every_source
@pytest.mark.django_db
def test_no_value_whatever_it_is_stops_a_sibling(name: str) -> None:
    """Any value of a payload replaced by any other: taken in, ignored or quarantined, and the worker goes on."""
    sample = samples.of(name)
    chance = random.Random(6)
    odd = [
        None,
        True,
        -1,
        10**30,
        1.5,
        "",
        "x" * 5000,
        "2026-13-45",
        "9999-12-31T23:59:59Z",
        [],
        {},
        [[]],
        [None],
        {"a": 1},
    ]
    for number in range(60):
        call = sample.story[number % len(sample.story)]
        payload = json.loads(call.body)
        _spoil(payload, chance, odd)
        body = json.dumps(payload).encode()
        headers = {
            header: f"{value}-{number}" if header.lower().endswith("-id") else value
            for header, value in call.headers.items()
        }
        assert post_raw(sample, body, headers).status_code == 200
    taking_in.take_in()
    assert InboundState.NEW not in states(), list(
        InboundDelivery.objects.filter(state=InboundState.NEW).values_list("error", flat=True)
    )


def _spoil(payload: Any, chance: random.Random, odd: list[Any]) -> None:
    """Replace one value somewhere in it."""
    while True:
        keys = list(payload) if isinstance(payload, dict) else list(range(len(payload)))
        key = chance.choice(keys)
        inner = payload[key]
        if isinstance(inner, dict | list) and inner and chance.random() < 0.8:
            payload = inner
            continue
        payload[key] = chance.choice(odd)
        return
