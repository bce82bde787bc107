"""Whatever stands in a payload, a source reads it or says which field is wrong; and what it reads can be stored."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications.intake.facts import Expected, Fact, Packed, Placed, Scanned
from notifications.intake.source import Source, Unreadable
from tests.notifications.intake import samples

NAMES = ("easypost", "shipengine", "shippo", "woocommerce")

AWKWARD = (
    None,
    True,
    -1,
    1.5,
    2**63,
    10**400,
    float("nan"),
    float("-inf"),
    "",
    " ",
    "\x00",
    "\ud800",
    "x" * 400,
    "2026-11-22",
    "0001-01-01T00:00:00+23:59",
    "9" * 30,
    [],
    [None],
    {},
    {"\ud800\x00": None},
)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**31, 2**63, 10**400])
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from([value for value in AWKWARD if isinstance(value, str)]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def source_of(name: str) -> Source:
    module = __import__(f"notifications.intake.{name}", fromlist=["SOURCE"])
    found: Source = module.SOURCE
    return found


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a payload."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*path, key)
            yield from places(inner, (*path, key))


@st.composite
def mutated(draw: st.DrawFn, name: str) -> tuple[Any, dict[str, str]]:
    """A call of the story with up to four fields replaced or left out."""
    call = draw(st.sampled_from(samples.of(name).story))
    payload = copy.deepcopy(call.payload)
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(list(places(payload))))
        holder = payload
        for key in path[:-1]:
            holder = holder[key]
        if draw(st.booleans()) and isinstance(holder, dict):
            del holder[path[-1]]
        else:
            holder[path[-1]] = draw(VALUES)
        if not list(places(payload)):
            break
    return payload, {name.lower(): value for name, value in call.headers.items()}


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for inner in value:
            yield from texts(inner)
    elif dataclasses.is_dataclass(value):
        for one in dataclasses.fields(value):
            yield from texts(getattr(value, one.name))


def read(name: str, payload: Any, headers: dict[str, str]) -> tuple[list[Fact], str]:
    """The facts, and the problem where there is one."""
    try:
        return source_of(name).read(payload, headers), ""
    except Unreadable as error:
        return [], str(error)


def check(name: str, payload: Any, headers: dict[str, str]) -> None:
    facts, problem = read(name, payload, headers)
    if problem:  # it goes into the database and in front of a person
        assert ": " in problem
        assert "\x00" not in problem
        problem.encode()
    for fact in facts:
        for text in texts(fact):
            text.encode()  # no half characters
            assert "\x00" not in text
        assert isinstance(fact.at, datetime)
        assert fact.at.tzinfo is not None
        assert len(fact.order_id) <= 200
        if isinstance(fact, Packed | Scanned | Expected):
            assert 0 < len(fact.tracking_no) <= 200
            assert len(fact.carrier) <= 60
        if isinstance(fact, Scanned):
            scan = fact.scan
            assert (len(scan.text) <= 300, len(scan.place) <= 120, len(scan.raw_status) <= 80) == (True, True, True)
            assert scan.at.tzinfo is not None
        if isinstance(fact, Placed):
            assert len(fact.number) <= 60
            assert len(fact.customer.external_id) <= 200
            assert len(fact.customer.email) <= 254
            assert len(fact.customer.first_name) <= 80
            assert len(fact.customer.locale) <= 10
            assert len(fact.ship_to.region) <= 40
            for line in fact.lines:
                assert len(line.title) <= 200
                assert len(line.line_id) <= 60
                assert 0 <= line.quantity < 2**31


@pytest.mark.parametrize("name", NAMES)
def test_every_field_with_every_awkward_value_is_read_or_refused_by_name(name: str) -> None:
    for call in samples.of(name).story[-1:]:
        headers = {key.lower(): value for key, value in call.headers.items()}
        for path in places(call.payload):
            payload = copy.deepcopy(call.payload)
            holder = payload
            for key in path[:-1]:
                holder = holder[key]
            was = holder[path[-1]]
            for value in (*AWKWARD, f"{was}\x00\ud800"):
                holder[path[-1]] = value
                check(name, payload, headers)


@pytest.mark.parametrize("name", NAMES)
def test_a_payload_with_anything_in_any_field_is_read_or_refused_by_name(name: str) -> None:
    @settings(max_examples=150, deadline=None)
    @given(mutated(name))
    def mutate(call: tuple[Any, dict[str, str]]) -> None:
        check(name, *call)

    mutate()


@pytest.mark.parametrize("name", NAMES)
def test_any_json_at_all_is_read_or_refused(name: str) -> None:
    headers = {key.lower(): value for key, value in samples.of(name).story[0].headers.items()}

    @settings(max_examples=100, deadline=None)
    @given(VALUES)
    def anything(payload: Any) -> None:
        check(name, payload, headers)

    anything()
