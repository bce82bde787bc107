"""core/postgresql reads moments, core/lookups writes arrays: as Django and psycopg would."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import DataError, connection

from core.lookups import array
from notifications.models import Customer

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-03-29 01:30:00.123456+00", datetime(2026, 3, 29, 1, 30, 0, 123456, UTC)),
        ("2026-03-29 01:30:00.5+01", datetime(2026, 3, 29, 0, 30, 0, 500000, UTC)),
        ("0001-01-01 00:00:00+00", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31 23:59:59.999999+00", datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)),
    ],
)
def test_a_moment_is_read_to_the_microsecond_in_utc(written, moment):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [written])
        [found] = cursor.fetchone()
    assert found == moment
    assert found.tzinfo is UTC


def test_a_session_in_another_zone_is_read_right():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'Asia/Kathmandu'")
        cursor.execute("SELECT '2026-03-29 01:30:00+00'::timestamptz")
        assert cursor.fetchone() == (datetime(2026, 3, 29, 1, 30, tzinfo=UTC),)


@pytest.mark.parametrize("written", ["infinity", "-infinity", "0044-03-15 12:00:00 BC", "10000-01-01"])
def test_a_moment_that_python_cannot_hold_is_refused_in_psycopgs_words(written):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [written])
        with pytest.raises(DataError, match="timestamp too"):
            cursor.fetchone()


def test_any_of_takes_numbers_uuids_texts_and_nothing():
    people = [Customer.objects.create(source="s", external_id=name, email=f"{n}@example.com") for n, name in
              enumerate(['a"b', "c,d", "e\\f"])]  # fmt: skip
    found = Customer.objects.order_by("pk")
    assert list(found.filter(pk__any_of=[one.pk for one in people[:2]])) == people[:2]
    assert list(found.filter(external_id__any_of=['a"b', "e\\f"])) == [people[0], people[2]]
    assert not found.filter(pk__any_of=[]).exists()
    assert array([1, 2]) == "{1,2}"
    assert array(['"', 1]) == ['"', 1]
