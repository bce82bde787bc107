"""What sends each mail: once, not again on a replay, not when its moment is over, not to who opted out of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from core import clock
from notifications import dispatch, episodes, mail_kinds, occasions, planning, suppression
from notifications.intake import storing
from notifications.intake.facts import Expected
from notifications.models import (
    Episode,
    EpisodeKind,
    Message,
    MessageState,
    OutboxMail,
    Rule,
    Shipment,
    Skip,
    SkipReason,
    SuppressionReason,
    TrackingEvent,
)
from tests.notifications import shop
from tests.notifications.shop import DAY, NOW

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
K = EpisodeKind


@pytest.fixture(autouse=True)
def _nobody_is_held_out(settings, db):
    settings.MAIL_PROVIDER, settings.MESSAGES_PER_DAY, settings.QUIET_HOURS = "console", 0, None
    Rule.objects.update(holdout_share=0.0, is_active=False)


def on(*kinds: str) -> None:
    """Only the rules about these kinds speak."""
    assert Rule.objects.filter(kind__in=kinds).update(is_active=True) == len(kinds)


def at(moment: datetime, *, sends: bool = True) -> None:
    """The sweep and the senders look at `moment`."""
    with clock.frozen(moment):
        episodes.sweep(now=moment)
        if sends:
            dispatch.drain(dispatch.LANES)


def says(shipment: Shipment, by: datetime, *, said_at: datetime) -> None:
    """The carrier names a day."""
    fact = Expected(said_at, "", shipment.carrier, shipment.tracking_no, by)
    storing.store([fact], source="test", now=said_at)


def on_its_way(number: str = "FH-1001", **changes: object) -> Shipment:
    """Handed over two days ago, promised for tomorrow night."""
    known = {"ship_by": NOW - 2 * DAY, "deliver_by": NOW + 1.5 * DAY, "placed_at": NOW - 3 * DAY, "now": NOW - 3 * DAY}
    shipment = shop.parcel(number, **{**known, **changes})
    return shop.scan(shipment, "in_transit", NOW - 2 * DAY)


def sent(kind: str) -> int:
    return OutboxMail.objects.filter(
        message_id__in=Message.objects.filter(rule__kind=kind).values_list("pk", flat=True)
    ).count()


# --- what brings each about: the moment at which its mail is due ---


def ordered() -> datetime:
    shop.parcel(placed_at=NOW, now=NOW, ship_by=NOW + DAY, deliver_by=NOW + 4 * DAY)
    return NOW


def shipped() -> datetime:
    shipment = shop.parcel(placed_at=NOW - DAY, now=NOW - DAY, ship_by=NOW + DAY, deliver_by=NOW + 4 * DAY)
    shop.scan(shipment, "handed_over", NOW)
    return NOW


def brought_today() -> datetime:
    shop.scan(on_its_way(), "out_for_delivery", NOW)
    return NOW


def came() -> datetime:
    shop.scan(on_its_way(), "delivered", NOW)
    return NOW


def expected_late() -> datetime:
    says(on_its_way(), NOW + 4 * DAY, said_at=NOW - 7 * HOUR)
    return NOW


def waits() -> datetime:
    shop.scan(on_its_way(deliver_by=NOW + 9 * DAY), "available_for_pickup", NOW)
    return NOW + 5 * DAY


def lost() -> datetime:
    on_its_way()
    return NOW + 29 * DAY


def moved_again() -> datetime:
    """Told of one day, and six hours ago the carrier named a later one."""
    due = expected_late()
    on(K.EXPECTED_LATE)
    at(due)
    says(Shipment.objects.get(), NOW + 6 * DAY, said_at=NOW + HOUR)
    return NOW + 8 * HOUR


def all_is_well() -> datetime:
    due = expected_late()
    on(K.EXPECTED_LATE)
    at(due)
    says(Shipment.objects.get(), NOW + DAY, said_at=NOW + HOUR)
    at(NOW + HOUR)
    return NOW + 8 * HOUR


def it_had_come() -> datetime:
    """Told that it is late, and then the carrier reports that it came before."""
    on(K.PROMISE_PASSED)
    shipment = on_its_way(deliver_by=NOW - HOUR)
    at(NOW)
    shop.scan(shipment, "delivered", NOW - 3 * HOUR, now=NOW + HOUR)
    return NOW + HOUR


# --- what ends each before it goes out ---


def _delivered(due: datetime) -> datetime:
    shop.scan(Shipment.objects.get(), "delivered", due)
    return due


def _left(due: datetime) -> datetime:
    shop.scan(Shipment.objects.get(), "handed_over", due)
    return due


def _tomorrow(due: datetime) -> datetime:
    return due + DAY


def _promise_moved(due: datetime) -> datetime:
    shipment = Shipment.objects.select_related("order__customer").get()
    shipment.order.promised_deliver_by = NOW + 9 * DAY
    shipment.order.save()
    return due


def _back(due: datetime) -> datetime:
    """It goes back to us after all: delivered to nobody."""
    shop.scan(Shipment.objects.get(), "returned", due)
    return due


def _scanned(due: datetime) -> datetime:
    shop.scan(Shipment.objects.get(), "in_transit", due)
    return due


def _late_again(due: datetime) -> datetime:
    says(Shipment.objects.get(), NOW + 9 * DAY, said_at=due)
    return due


def _earlier_again(due: datetime) -> datetime:
    says(Shipment.objects.get(), NOW + 4 * DAY, said_at=due)
    return due


def _not_before(due: datetime) -> datetime:
    """The report was wrong: it came after we had written."""
    TrackingEvent.objects.filter(state="delivered").delete()
    Shipment.objects.update(delivered_at=due)
    return due


@dataclass(frozen=True)
class Case:
    kind: str
    happens: Callable[[], datetime]
    over: Callable[[datetime], datetime]
    says: str  # in the mail's subject or text


CASES = [
    Case(K.ORDER_CONFIRMED, ordered, _left, "9 March"),
    Case(K.SHIPPED, shipped, _delivered, "Parcel Post"),
    Case(K.OUT_FOR_DELIVERY, brought_today, _tomorrow, "today"),
    Case(K.DELIVERED, came, _back, "delivered"),
    Case(K.EXPECTED_LATE, expected_late, _promise_moved, "9 March"),
    Case(K.HELD_FOR_PICKUP, waits, _delivered, "collect"),
    Case(K.LIKELY_LOST, lost, _scanned, "3 March"),
    Case(K.DELAYED_AGAIN, moved_again, _earlier_again, "11 March"),
    Case(K.BACK_ON_TRACK, all_is_well, _late_again, "6 March"),
    Case(K.CORRECTED, it_had_come, _not_before, "wrong"),
]
EACH = pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.kind))


def test_every_rule_of_a_new_shop_is_here_but_the_two_that_were_always_on() -> None:
    assert {case.kind for case in CASES} == set(Rule.objects.values_list("kind", flat=True)) - {
        "promise_passed",
        "not_handed_over",
    }


@EACH
def test_it_is_sent_once_whatever_is_replayed_or_swept_again(case: Case) -> None:
    due = case.happens()
    on(case.kind)
    Shipment.objects.update(check_at=due)
    at(due)
    assert sent(case.kind) == 1
    message = Message.objects.get(rule__kind=case.kind)
    mail = OutboxMail.objects.get(message_id=message.pk)
    assert case.says in mail.subject + mail.text
    for later in (due + HOUR, due + 2 * HOUR):
        _replay(now=later)
        Shipment.objects.update(check_at=later)
        at(later)
    Rule.objects.filter(kind=case.kind).update(name="Another name", lane="urgent")
    Shipment.objects.update(check_at=due + 3 * HOUR)
    at(due + 3 * HOUR)
    assert sent(case.kind) == 1


@EACH
def test_it_is_planned_at_once_where_its_moment_has_come(case: Case) -> None:
    """Nobody sets check_at here: what happens does."""
    on(case.kind)
    at(case.happens())
    assert sent(case.kind) == 1


@EACH
def test_it_is_stale_when_its_moment_is_over(case: Case) -> None:
    due = case.happens()
    on(case.kind)
    Shipment.objects.update(check_at=due)
    at(due, sends=False)
    over = case.over(due)
    with clock.frozen(over):
        dispatch.drain(dispatch.LANES)
    message = Message.objects.get(rule__kind=case.kind)
    assert (message.state, sent(case.kind)) == (MessageState.STALE, 0), message.state_reason
    assert message.state_reason


@EACH
def test_who_opted_out_of_its_category_gets_none_and_of_another_one_all_the_same(case: Case) -> None:
    due = case.happens()
    on(case.kind)
    Shipment.objects.update(check_at=due)
    at(due, sends=False)
    message = Message.objects.get(rule__kind=case.kind)
    other = next(one for one in occasions.Category if one != occasions.scope_of(case.kind))
    suppression.suppress(message.person, scope=other, reason=SuppressionReason.UNSUBSCRIBED, at=due)
    message.refresh_from_db()
    assert message.state == MessageState.READY
    own = occasions.scope_of(case.kind)
    suppression.suppress(message.person, scope=own, reason=SuppressionReason.UNSUBSCRIBED, at=due)
    message.refresh_from_db()
    assert message.state == MessageState.SUPPRESSED


def _replay(*, now: datetime) -> None:
    """All that was said is said again, as by an import of everything."""
    for shipment in Shipment.objects.select_related("order__customer"):
        for event in TrackingEvent.objects.filter(shipment=shipment):
            shop.scan(shipment, event.state, event.at, now=now)


# --- what stays silent ---


@pytest.mark.parametrize("kind", [case.kind for case in CASES[:4]])
def test_an_import_of_old_orders_writes_to_nobody(kind: str) -> None:
    on(kind)
    shipment = shop.parcel(placed_at=NOW - 2 * DAY, now=NOW, ship_by=NOW + DAY, deliver_by=NOW + 4 * DAY)
    state = kind if kind in ("out_for_delivery", "delivered") else "handed_over"
    shop.scan(shipment, state, NOW - 25 * HOUR, now=NOW)
    at(NOW)
    assert not Message.objects.exists()
    assert Skip.objects.get().reason == SkipReason.LONG_AGO


def test_an_order_in_two_parcels_is_confirmed_once_and_each_parcel_leaves_by_itself() -> None:
    on(K.ORDER_CONFIRMED, K.SHIPPED)
    first = shop.parcel(placed_at=NOW, now=NOW, ship_by=NOW + DAY, deliver_by=NOW + 4 * DAY)
    second = Shipment.objects.create(order=first.order, carrier="Parcel Post", tracking_no="PP2", check_at=NOW)
    at(NOW)
    for parcel in (first, second):
        shop.scan(parcel, "handed_over", NOW + HOUR)
    at(NOW + HOUR)
    assert (sent(K.ORDER_CONFIRMED), sent(K.SHIPPED)) == (1, 2)


def test_two_episodes_of_one_order_make_one_confirmation() -> None:
    rule = Rule.objects.get(kind=K.ORDER_CONFIRMED)
    first, second = (Episode(pk=pk, kind=rule.kind, shipment=Shipment(order_id=3)) for pk in (7, 8))
    assert planning.dedupe_key(rule, first, person="a") == planning.dedupe_key(rule, second, person="a")
    other = Episode(pk=9, kind=rule.kind, shipment=Shipment(order_id=4))
    assert planning.dedupe_key(rule, first, person="a") != planning.dedupe_key(rule, other, person="a")


def test_an_order_without_a_promise_is_not_confirmed_with_a_day() -> None:
    on(K.ORDER_CONFIRMED)
    shop.parcel(placed_at=NOW, now=NOW, ship_by=None, deliver_by=None)
    at(NOW)
    assert Skip.objects.get().reason == SkipReason.NOT_KNOWN


def test_milestones_that_no_rule_is_about_leave_no_trace() -> None:
    at(shipped())
    assert not Message.objects.exists()
    assert not Skip.objects.exists()


@pytest.mark.parametrize("kind", [K.BACK_ON_TRACK, K.DELAYED_AGAIN, K.CORRECTED])
def test_nothing_follows_where_nobody_was_told(kind: str) -> None:
    """Held out from the alarm: neither the trouble nor its end is news from us."""
    Rule.objects.update(holdout_share=1.0)
    case = next(one for one in CASES if one.kind == kind)
    due = case.happens()
    on(kind)
    Shipment.objects.update(check_at=due)
    at(due)
    assert not Message.objects.filter(rule__kind=kind).exists()


def test_after_the_all_clear_a_delivery_in_time_needs_no_correction() -> None:
    on(K.BACK_ON_TRACK, K.CORRECTED)
    at(all_is_well())
    shop.scan(Shipment.objects.get(), "delivered", NOW + 10 * HOUR)
    at(NOW + 11 * HOUR)
    assert (sent(K.BACK_ON_TRACK), sent(K.CORRECTED)) == (1, 0)


def test_a_delay_that_we_foretold_and_that_did_not_come_is_owned_up_to() -> None:
    on(K.CORRECTED, K.EXPECTED_LATE)
    at(expected_late())
    shop.scan(Shipment.objects.get(), "delivered", NOW + 20 * HOUR)
    at(NOW + 20 * HOUR)
    mail = OutboxMail.objects.get(message_id=Message.objects.get(rule__kind=K.CORRECTED).pk)
    assert "it was delivered on Friday 6 March 2026. That is in time: we had promised it by Saturday 7" in mail.text
    assert "too late" not in mail.text + mail.html


def test_a_delay_that_did_come_is_no_mistake() -> None:
    on(K.CORRECTED, K.EXPECTED_LATE)
    at(expected_late())
    shop.scan(Shipment.objects.get(), "delivered", NOW + 3 * DAY)
    at(NOW + 3 * DAY)
    assert not sent(K.CORRECTED)


def test_the_day_that_we_named_is_told_again_only_once_it_is_over_or_moved() -> None:
    """The promised day passes, but the mail before has said so already; then the named day passes too."""
    on(K.PROMISE_PASSED, K.DELAYED_AGAIN, K.EXPECTED_LATE)
    at(expected_late())
    at(NOW + 2 * DAY)
    assert Message.objects.get(rule__kind=K.PROMISE_PASSED).state == MessageState.STALE
    assert OutboxMail.objects.count() == 1
    at(NOW + 5 * DAY)
    assert (sent(K.DELAYED_AGAIN), OutboxMail.objects.count()) == (1, 2)
    at(NOW + 6 * DAY)
    assert OutboxMail.objects.count() == 2


def test_a_day_that_wavers_within_hours_is_not_told_again() -> None:
    on(K.EXPECTED_LATE, K.DELAYED_AGAIN)
    at(expected_late())
    shipment = Shipment.objects.get()
    for hour in range(1, 9, 2):
        says(shipment, NOW + 6 * DAY, said_at=NOW + hour * HOUR)
        at(NOW + hour * HOUR)
        says(shipment, NOW + 4 * DAY, said_at=NOW + (hour + 1) * HOUR)
        at(NOW + (hour + 1) * HOUR)
    assert OutboxMail.objects.count() == 1


def test_every_mail_has_a_rule_that_can_send_it() -> None:
    named = {mail_kinds.called(rule.template) for rule in Rule.objects.all()}
    found = {kind.name for kind in named if kind} | {name for kind in named if kind for name in kind.instead}
    assert found == set(mail_kinds.KINDS) - {"incident"}, "an incident makes a rule of its own"
