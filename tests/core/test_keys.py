"""API keys: shown once, kept as a hash, good until revoked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core import clock, keys
from core.models import ApiKey, Scope

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def make(name: str = "shop front") -> tuple[ApiKey, str]:
    return keys.create(name=name, scopes=[Scope.SEARCH_READ], by=None)


def test_a_key_is_found_by_its_text_and_only_its_hash_is_kept():
    key, text = make()
    assert text.startswith("pk_")
    assert len(text) > 40
    assert keys.find(text) == key
    row = ApiKey.objects.values().get()
    assert text not in str(row)
    assert text.startswith(row["prefix"])
    assert len(row["prefix"]) == 10


@pytest.mark.parametrize("text", ["", "pk_", "pk_wrong", "\x00", "ü" * 500, "\ud800"])
def test_no_other_text_is_a_key(text):
    make()
    assert keys.find(text) is None


def test_a_revoked_key_opens_nothing_and_its_name_is_free_again():
    key, text = make()
    with pytest.raises(keys.NameTaken):
        make()
    assert keys.revoke(key.pk)
    assert not keys.revoke(key.pk)
    assert keys.find(text) is None
    assert make()[0].pk != key.pk


def test_its_last_use_is_written_once_a_minute(django_assert_num_queries):
    with clock.frozen(NOW):
        key, text = make()
        keys.find(text)
    with clock.frozen(NOW + timedelta(seconds=59)), django_assert_num_queries(1):
        keys.find(text)
    key.refresh_from_db()
    assert key.last_used_at == NOW
    with clock.frozen(NOW + timedelta(seconds=61)):
        keys.find(text)
    key.refresh_from_db()
    assert key.last_used_at == NOW + timedelta(seconds=61)


def test_a_key_without_a_scope_is_refused():
    with pytest.raises(ValueError, match="scope"):
        keys.create(name="x", scopes=[], by=None)
