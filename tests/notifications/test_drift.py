"""What has drifted is noticed once, told once, and ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from core import clock
from core.models import AuditEntry
from kb import tasks
from notifications.models import Drift, DriftKind
from notifications.prediction import drift, history, network
from notifications.prediction.history import NEVER, Lane, Parcel
from notifications.prediction.network import Network

pytestmark = pytest.mark.django_db

TODAY = date(2026, 3, 20).toordinal()
NOW = datetime(2026, 3, 20, 6, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def ops() -> User:
    user = User.objects.create_user("olga", "olga@example.com", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="ops")[0])
    return user


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    monkeypatch.setattr(tasks.mail_to_desk, "delay", tasks.mail_to_desk)


def known(before: float, lately: float, *, each_day: int = 20) -> Network:
    """Every day so many parcels are promised, and such a share of them came a day late."""
    rows = []
    for day in range(TODAY - 112, TODAY):
        late = round(each_day * (lately if day >= TODAY - 28 else before))
        for n in range(each_day):
            came = day + 1 if n < late else day
            rows.append(Parcel(Lane("Post", "", ""), day - 5, day, day - 3, day - 4, came, NEVER))
    return network.of(history.of(rows), first_day=TODAY - 127, last_day=TODAY)


@pytest.fixture
def look(django_capture_on_commit_callbacks: Any) -> Callable[..., Drift | None]:
    def looked(found: Network, *, days: int = 0) -> Drift | None:
        with django_capture_on_commit_callbacks(execute=True):
            return drift.look_at_late_rate(found, TODAY, now=NOW + days * DAY)

    return looked


def test_a_late_rate_that_doubles_is_told_once_and_closed_when_it_is_usual_again(
    ops: User, mailoutbox: list[Any], look: Any
) -> None:
    assert look(known(0.05, 0.05)) is None
    begun = look(known(0.05, 0.2))
    assert begun is not None
    assert look(known(0.05, 0.25), days=1) is None
    assert [one.to for one in mailoutbox] == [["olga@example.com"]]
    assert mailoutbox[0].subject == "The share of late parcels has changed"
    assert "19.5% of the 560 parcels promised in the last 28 days came late, 5.0% in the 84 days before" in (
        mailoutbox[0].body
    )
    assert "24." in Drift.objects.get().what, "the figures follow"
    assert look(known(0.05, 0.05), days=2) is None
    assert Drift.objects.get().ended_at == NOW + 2 * DAY
    assert look(known(0.05, 0.2), days=3) is not None, "another one"
    assert len(mailoutbox) == 2
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "forecast.drifted",
        "forecast.drift_ended",
        "forecast.drifted",
    ]


def test_a_fall_is_a_drift_too_and_few_parcels_are_none(ops: User, look: Any) -> None:
    assert look(known(0.2, 0.05)) is not None
    Drift.objects.all().delete()
    assert look(known(0.05, 0.2, each_day=5)) is None


@pytest.mark.parametrize(
    ("recent", "usual", "before", "now"),
    [
        (0.10, 0.05, False, True),
        (0.09, 0.05, False, False),  # not twice
        (0.02, 0.007, False, False),  # thrice, and a point
        (0.09, 0.05, True, True),  # begun, it goes on
        (0.07, 0.05, True, False),
    ],
)
def test_how_far_is_another_rate(recent: float, usual: float, before: bool, now: bool) -> None:
    assert drift.has_moved(recent, usual, 500, since_before=before) is now


def test_chances_that_do_not_hold_are_a_drift_until_they_hold_well(
    ops: User, mailoutbox: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    def trained(gap: float, parcels: int = 200, *, days: int) -> Drift | None:
        with django_capture_on_commit_callbacks(execute=True):
            return drift.look_at_calibration({"gap": gap, "parcels": parcels}, now=NOW + days * DAY)

    assert trained(0.07, days=0) is None
    assert trained(0.3, 20, days=1) is None, "an anecdote"
    assert trained(0.12, days=2) is not None
    assert trained(0.07, days=3) is None
    assert Drift.objects.get().ended_at is None, "no end and no beginning each night"
    assert "more parcels came late than the model said: by 12% of all, over 200 parcels" in mailoutbox[0].body
    trained(-0.04, days=4)
    assert Drift.objects.get().ended_at == NOW + 4 * DAY
    assert len(mailoutbox) == 1


def test_the_desk_says_so_on_its_first_page_and_on_that_of_predictions(ops: User) -> None:
    Drift.objects.create(kind=DriftKind.LATE_RATE, since=NOW, what="19.5% came late.")
    Drift.objects.create(kind=DriftKind.CALIBRATION, since=NOW - DAY, ended_at=NOW, what="It is over.")
    client = Client()
    client.force_login(ops)
    with clock.frozen(NOW):
        for page in ("desk:home", "desk:predictions"):
            text = client.get(reverse(page)).content.decode()
            assert "The share of late parcels has been another since 20 Mar 2026." in text
            assert "19.5% came late." in text
            assert "It is over." not in text
