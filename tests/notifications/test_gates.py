"""What may go out now and what may not, and why: the pure decisions, then the desk's hold and take back."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse

from core import clock
from core.roles import ANALYST, OPS
from notifications import buckets, dispatch, gates, holding, intending, providers, quiet_hours, sending
from notifications.gates import Facts, Stop, Wait
from notifications.intents import Outcome
from notifications.models import Lane, Message, OutboxMail, SendAttempt, SendingPause
from notifications.quiet_hours import QuietHours
from notifications.states import Event
from tests.config import staff
from tests.notifications.mailing import ready
from tests.notifications.shop import NOW

LONDON, NEW_YORK, TOKYO = ZoneInfo("Europe/London"), ZoneInfo("America/New_York"), ZoneInfo("Asia/Tokyo")
NIGHT = QuietHours(time(21), time(8))
FINE = Facts(
    suppressed="",
    is_rule_active=True,
    is_still_true=True,
    closed_because="",
    expires_at=NOW + timedelta(days=3),
    is_held=False,
    is_for_any_hour=False,
    quiet=NIGHT,
    zone=LONDON,
)


def test_a_message_with_nothing_against_it_goes() -> None:
    assert gates.decide(FINE, now=NOW) is None


@pytest.mark.parametrize(
    ("changes", "event", "reason"),
    [
        ({"suppressed": "bounced"}, Event.SUPPRESS, "bounced"),
        ({"is_rule_active": False}, Event.CANCEL, gates.RULE_OFF),
        ({"is_still_true": False, "closed_because": "delivered"}, Event.OUTDATE, "delivered"),
        ({"is_still_true": False}, Event.OUTDATE, gates.UNTRUE),
        ({"expires_at": NOW}, Event.OUTDATE, gates.TOO_LATE),
    ],
)
def test_what_forbids_it_for_good_counts_at_night_and_while_it_is_held(
    changes: dict[str, object], event: Event, reason: str
) -> None:
    against = dataclasses.replace(FINE, is_held=True, zone=TOKYO, **changes)
    assert gates.decide(against, now=NOW) == Stop(event, reason)


def test_noon_in_london_is_night_in_tokyo_and_waits_for_the_morning() -> None:
    there = dataclasses.replace(FINE, zone=TOKYO)
    assert gates.decide(there, now=NOW) == Wait(gates.QUIET, datetime(2026, 3, 5, 23, 0, tzinfo=UTC))
    assert gates.decide(dataclasses.replace(there, is_for_any_hour=True), now=NOW) is None
    assert gates.decide(dataclasses.replace(there, quiet=None), now=NOW) is None


def test_what_ops_hold_waits_without_an_end() -> None:
    assert gates.decide(dataclasses.replace(FINE, is_held=True), now=NOW) == Wait(gates.HELD, None)


@pytest.mark.parametrize(
    ("hours", "zone", "now", "until"),
    [
        # The clock goes forward in the quiet hours, over their end, and back; and hours within one day.
        (NIGHT, LONDON, datetime(2026, 3, 28, 23, 0, tzinfo=UTC), datetime(2026, 3, 29, 7, 0, tzinfo=UTC)),
        (QuietHours(time(21), time(1, 30)), LONDON, datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
         datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        (QuietHours(time(21), time(1, 30)), NEW_YORK, datetime(2026, 11, 1, 5, 0, tzinfo=UTC),
         datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        (QuietHours(time(21), time(1, 30)), NEW_YORK, datetime(2026, 11, 1, 6, 10, tzinfo=UTC),
         datetime(2026, 11, 1, 6, 30, tzinfo=UTC)),
        (QuietHours(time(12), time(14)), LONDON, NOW, NOW + timedelta(hours=2)),
        (NIGHT, LONDON, NOW, None),
        (NIGHT, LONDON, datetime(2026, 3, 5, 21, 0, tzinfo=UTC), datetime(2026, 3, 6, 8, 0, tzinfo=UTC)),
        (NIGHT, LONDON, datetime(2026, 3, 5, 8, 0, tzinfo=UTC), None),
    ],
)  # fmt: skip
def test_the_end_of_the_quiet_hours(hours: QuietHours, zone: ZoneInfo, now: datetime, until: datetime | None) -> None:
    assert hours.until(now, zone) == until


def test_in_two_years_no_end_is_quiet_or_past_or_a_day_away() -> None:
    for zone in (LONDON, NEW_YORK, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Africa/Casablanca")):
        for step in range(2 * 366 * 24):
            now = datetime(2026, 1, 1, tzinfo=UTC) + step * timedelta(hours=1)
            until = NIGHT.until(now, zone)
            if until is not None:
                assert timedelta(0) < until - now <= timedelta(hours=12)
                assert NIGHT.until(until, zone) is None


def test_the_zone_is_the_persons_else_the_countrys_else_the_shops() -> None:
    assert quiet_hours.zone_of("Asia/Tokyo", "US", "Europe/London") == TOKYO
    assert quiet_hours.zone_of("", "us", "Europe/London") == NEW_YORK
    assert quiet_hours.zone_of("Mars/Olympus", "XX", "Europe/London") == LONDON
    assert quiet_hours.zone_of("../../etc/passwd", "", "Europe/London") == LONDON
    for name in quiet_hours.ZONE_OF_COUNTRY.values():
        assert ZoneInfo(name).key == name


def test_each_lane_has_its_share_and_alone_the_whole_rate() -> None:
    alone = {lane: _sent({lane}, seconds=60) for lane in Lane}
    together = _sent(set(Lane), seconds=60)
    for lane, share in buckets.SHARES.items():
        assert alone[lane][lane] == pytest.approx(100 * 60, rel=0.05)
        assert together[lane] >= 100 * share * 59
    assert sum(together.values()) <= 100 * 62, "never over the rate, but for what the buckets held"


def _sent(lanes: set[Lane], *, seconds: int) -> dict[str, int]:
    """How many each of these greedy lanes gets of 100 a second, asking ten times a second, the campaign first."""
    bucket = buckets.full(100.0)
    sent = dict.fromkeys(Lane, 0)
    for _ in range(seconds * 10):
        bucket = buckets.refill(bucket, rate=100.0, seconds=0.1)
        for lane in sorted(lanes):
            count = buckets.allowed(bucket, lane)
            bucket = buckets.spend(bucket, lane, count)
            sent[lane] += count
    return sent


def test_after_a_429_the_pace_is_half_and_grows_again() -> None:
    slow = dataclasses.replace(buckets.Bucket(dict.fromkeys(Lane, 0.0), 0.0), pace=0.5)
    a_second_later = buckets.refill(slow, rate=100.0, seconds=1.0)
    assert sum(a_second_later.lanes.values()) + a_second_later.spare == pytest.approx(50)
    assert buckets.refill(slow, rate=100.0, seconds=buckets.RECOVERS).pace == 1.0
    assert buckets.wait_for_one(slow, "urgent", rate=100.0) == pytest.approx(0.1)


# --- in the database ----------------------------------------------------------


@pytest.fixture
def _noon(db, settings):
    settings.MAIL_PROVIDER = "console"
    with clock.frozen(NOW):
        yield


def drain() -> dict[str, int]:
    return dict(dispatch.drain(dispatch.LANES).outcomes)


@pytest.mark.usefixtures("_noon")
def test_at_night_a_message_waits_for_the_morning_and_the_reason_is_kept(settings) -> None:
    settings.QUIET_HOURS = (time(21), time(8))
    [message] = ready()
    message.customer.time_zone = "Asia/Tokyo"
    message.customer.save()
    assert drain() == {"postponed": 1}
    message.refresh_from_db()
    assert (message.state, message.state_reason) == ("ready", gates.QUIET)
    assert message.not_before == datetime(2026, 3, 5, 23, 0, tzinfo=UTC)
    assert drain() == {}
    with clock.frozen(message.not_before):
        assert drain() == {"accepted": 1}


@pytest.mark.usefixtures("_noon")
@pytest.mark.parametrize("scope", ["all", "lane:normal", "the rule"])
def test_what_is_held_is_not_claimed_and_goes_when_it_is_let_go(scope: str) -> None:
    [message, _] = ready(2)
    scope = holding.rule_scope(message.rule.key) if scope == "the rule" else scope
    assert holding.pause(scope, reason="wrong wording", by=None, at=NOW)
    assert not holding.pause(scope, reason="again", by=None, at=NOW)
    assert drain() == {}
    assert set(Message.objects.values_list("lease_epoch", flat=True)) == {0}
    assert holding.resume(scope, by=None)
    assert drain() == {"accepted": 2}
    assert OutboxMail.objects.count() == 2


@pytest.mark.usefixtures("_noon")
def test_what_was_claimed_before_the_pause_is_not_handed_over_either() -> None:
    ready(2)
    provider = providers.provider_for_settings()
    claims = sending.claim("normal", limit=2, provider=provider)
    holding.pause("all", reason="wrong wording", by=None, at=NOW)
    assert list(intending.intend_all(claims, provider=provider).values()) == [Outcome.POSTPONED] * 2
    assert not SendAttempt.objects.exists()
    assert set(Message.objects.values_list("state", flat=True)) == {"ready"}


@pytest.mark.usefixtures("_noon")
def test_with_a_rate_no_more_goes_out_than_there_are_tokens(settings) -> None:
    settings.MAIL_RATE_PER_SECOND = 4
    ready(5)
    drained = dispatch.drain(dispatch.LANES, budget=0.0)
    assert drained.outcomes.total() == 1
    assert Message.objects.filter(state="ready").count() == 4


@pytest.mark.usefixtures("_noon")
def test_ops_hold_let_go_and_take_back_on_the_desk_and_an_analyst_only_looks(client: Client) -> None:
    [one, two] = ready(2)
    client.force_login(staff.make("ann", ANALYST))
    assert client.get(reverse("desk:sending")).status_code == 200
    assert client.post(reverse("desk:sending-pause"), {"scope": "all", "reason": "x"}).status_code == 403
    client.force_login(staff.make("otto", OPS))
    assert client.post(reverse("desk:sending-pause"), {"scope": "all", "reason": " "}).status_code == 422
    assert client.post(reverse("desk:sending-pause"), {"scope": "lane:fast", "reason": "x"}).status_code == 422
    client.post(reverse("desk:sending-pause"), {"scope": "all", "reason": "the wording is wrong"})
    assert b"the wording is wrong" in client.get(reverse("desk:sending")).content
    assert drain() == {}
    client.post(reverse("desk:message-cancel", args=[one.pk]))
    client.post(reverse("desk:sending-resume"), {"scope": "all"})
    assert not SendingPause.objects.exists()
    assert drain() == {"accepted": 1}
    one.refresh_from_db()
    assert (one.state, one.state_reason) == ("cancelled", "taken back by otto")
    answer = client.post(reverse("desk:message-cancel", args=[two.pk]), follow=True)
    assert b"Too late" in answer.content
    ready(first=1003)
    client.post(reverse("desk:sending-cancel", args=[Message.objects.latest("pk").rule.key]))
    assert Message.objects.filter(state="cancelled").count() == 2
