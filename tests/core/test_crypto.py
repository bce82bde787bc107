"""Signed links: good for one purpose, for a time, and for nobody who alters them."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import pytest
from django.core import signing
from hypothesis import given
from hypothesis import strategies as st

from core import crypto

DAY = timedelta(days=1)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(json_values)
def test_what_was_signed_comes_back(value):
    assert crypto.unsign("order", crypto.sign("order", value), max_age=DAY) == value


@given(json_values)
def test_tokens_are_those_of_django_itself(value):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.time", lambda: 1_790_000_000.5)
        whole = signing.dumps(value, salt="preempt.order", compress=len(json.dumps(value, separators=(",", ":"))) > 128)
        assert crypto.sign("order", value) == whole


@given(st.integers(0, 1000), st.characters(codec="ascii", categories=("L", "N")))
def test_altered_link_is_refused(at, letter):
    token = crypto.sign("order", {"id": 4711})
    at %= len(token)
    altered = token[:at] + letter + token[at + 1 :]
    if altered != token:
        with pytest.raises(crypto.BadLink):
            crypto.unsign("order", altered, max_age=DAY)


def test_link_for_one_purpose_opens_no_other():
    with pytest.raises(crypto.BadLink):
        crypto.unsign("unsubscribe", crypto.sign("order", 1), max_age=DAY)


def test_link_ends_and_says_that_it_was_ours(monkeypatch):
    token = crypto.sign("order", 1)
    real = time.time
    monkeypatch.setattr("django.core.signing.time.time", lambda: real() + 86_401)
    with pytest.raises(crypto.ExpiredLink):
        crypto.unsign("order", token, max_age=DAY)
    assert issubclass(crypto.ExpiredLink, crypto.BadLink)


def test_link_of_another_site_is_refused(settings):
    token = crypto.sign("order", 1)
    settings.SECRET_KEY = "another"
    with pytest.raises(crypto.BadLink):
        crypto.unsign("order", token, max_age=DAY)


@given(st.text())
def test_no_text_at_all_breaks_it(token):
    with pytest.raises(crypto.BadLink):
        crypto.unsign("order", token, max_age=DAY)


def test_an_expired_link_still_says_what_it_was_about(monkeypatch):
    token = crypto.sign("order", [7])
    real = time.time()
    monkeypatch.setattr("django.core.signing.time.time", lambda: real + 3600)
    with pytest.raises(crypto.ExpiredLink) as expired:
        crypto.unsign("order", token, max_age=timedelta(minutes=1))
    assert expired.value.value == [7]
    with pytest.raises(crypto.BadLink) as altered:
        crypto.unsign("order", token[:-1], max_age=timedelta(minutes=1))
    assert not isinstance(altered.value, crypto.ExpiredLink)
