from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import RequestFactory

from core import clock, ratelimit
from core.models import RateWindow

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def hit(key: str = "k", *, after: timedelta = timedelta(), limit: int = 2) -> bool:
    with clock.frozen(NOW + after):
        return ratelimit.allow(key, limit=limit, per=MINUTE)


@pytest.mark.django_db
def test_as_many_as_the_limit_pass_and_a_new_window_opens_at_its_end():
    assert [hit() for _ in range(4)] == [True, True, False, False]
    assert not hit(after=MINUTE - timedelta(seconds=1))
    assert hit(after=MINUTE)


@pytest.mark.django_db
def test_a_clock_set_back_does_not_lock_anybody_out():
    assert [hit(after=2 * MINUTE, limit=1), hit(limit=1), hit(limit=1)] == [True, True, False]


@pytest.mark.django_db
def test_keys_do_not_share_a_window():
    assert [hit("a", limit=1), hit("b", limit=1), hit("a", limit=1)] == [True, True, False]


@pytest.mark.django_db(transaction=True)
def test_hits_at_once_are_all_counted():
    def run(_):
        try:
            return hit(limit=5)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(run, range(20))) == 5


@pytest.mark.django_db(transaction=True)
def test_dead_windows_are_swept_as_new_ones_open():
    for number in range(10):
        hit(f"old {number}")
    hit("live", after=MINUTE - timedelta(seconds=1))
    hit("new", after=MINUTE)
    assert set(RateWindow.objects.values_list("key", flat=True)) == {"live", "new"}


def test_behind_a_proxy_the_last_address_counts(settings):
    request = RequestFactory().get("/", headers={"X-Forwarded-For": "6.6.6.6, 192.0.2.7"}, REMOTE_ADDR="10.0.0.1")
    assert ratelimit.network_of(request) == "10.0.0.1"
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert ratelimit.network_of(request) == "192.0.2.7"
