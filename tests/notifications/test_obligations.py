"""The updates that we owe customers: what keeps them, what breaks them, and who is told in time. In story time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.core import mail

from core import clock
from core.models import AuditEntry
from kb import tasks as kb_tasks
from notifications import dispatch, episodes, next_updates, obligations, tracking
from notifications.models import ExpectedDate, NextUpdate, Order, OutboxMail, Rule
from notifications.obligations import Looked, Standing
from notifications.tasks import look_at_obligations
from tests.notifications import shop
from tests.notifications.shop import DAY, NOW

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _thursday_noon(settings, db, monkeypatch):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.MAIL_PROVIDER = "console"
    settings.SITE_URL = "https://help.example.com"
    monkeypatch.setattr(kb_tasks.mail_to_desk, "delay", kb_tasks.mail_to_desk)
    shop.hold_out_nobody()
    with clock.frozen(NOW):
        yield


@pytest.fixture
def look(django_capture_on_commit_callbacks):
    """Look at `now`, with the mails that follow."""

    def at(now) -> Looked:
        with clock.frozen(now), django_capture_on_commit_callbacks(execute=True):
            return obligations.look(now=now)

    return at


def person(name: str, role: str = "ops", **changes) -> User:
    user = User.objects.create_user(name, f"{name}@shop.example.com", "x", is_staff=True, **changes)
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    return user


def promised(number: str = "FH-1001", *, due=NOW + DAY, by: User | None = None, **changes) -> NextUpdate:
    order = shop.parcel(number, **changes).order
    return next_updates.promise(order, due_at=due, note="We are searching.", by=by, now=NOW)


def how(update: NextUpdate, *, now) -> Standing:
    update.refresh_from_db()
    return obligations.standing(update, now=now)


def test_a_promise_comes_due_is_overdue_and_stands_in_one_list_at_each_moment():
    update = promised()
    closed = promised("FH-1002")
    next_updates.keep(closed.order, now=NOW + HOUR)
    for now, wanted in (
        (NOW, Standing.COMING),
        (NOW + 12 * HOUR, Standing.TODAY),  # after midnight in London
        (NOW + DAY, Standing.OVERDUE),
        (NOW + 3 * DAY, Standing.OVERDUE),
    ):
        assert how(update, now=now) == wanted
        lists = {one: set(obligations.those(one, now=now)) for one in Standing}
        assert lists.pop(wanted) == {update}, now
        assert lists.pop(Standing.KEPT) == {closed}
        assert set().union(*lists.values()) == set()
    assert obligations.owed(now=NOW) == (0, 0)
    assert obligations.owed(now=NOW + 12 * HOUR) == (0, 1)
    assert obligations.owed(now=NOW + DAY) == (1, 0)


def test_a_message_that_the_provider_took_keeps_a_promise_at_its_own_moment(look):
    update = promised()
    episodes.sweep(now=NOW + HOUR)
    assert look(NOW + HOUR) == Looked(), "planned is not told"
    with clock.frozen(NOW + 2 * HOUR):
        dispatch.drain(dispatch.LANES)
    assert OutboxMail.objects.count() == 1
    assert look(NOW + 2 * DAY).kept == 1, "seen late, kept in time"
    assert how(update, now=NOW + 2 * DAY) == Standing.KEPT
    assert (update.closed_at, update.end, update.closed_by) == (NOW + 2 * HOUR, "message", None)
    assert mail.outbox == []
    assert AuditEntry.objects.filter(action="order.update_kept").count() == 1
    assert look(NOW + 2 * DAY) == Looked()


def test_a_message_from_before_the_promise_and_one_held_out_keep_nothing(look):
    before = shop.parcel()
    episodes.sweep(now=NOW - HOUR)
    with clock.frozen(NOW - HOUR):
        dispatch.drain(dispatch.LANES)
    assert OutboxMail.objects.count() == 1
    next_updates.promise(before.order, due_at=NOW + DAY, note="", by=None, now=NOW)
    Rule.objects.update(holdout_share=1.0)
    promised("FH-1002", name="Bo")
    assert episodes.sweep(now=NOW + HOUR).held_out == 1
    assert look(NOW + 2 * HOUR).kept == 0


@pytest.mark.parametrize("news", ["scan", "word", "day", "cancelled"])
def test_news_on_the_orders_page_keeps_a_promise(look, news):
    update = promised()
    shipment = update.order.shipments.get()
    if news == "scan":
        shop.scan(shipment, "in_transit", NOW + HOUR)
    elif news == "word":
        scan = tracking.Scan(state="", at=NOW + HOUR, raw_status="FOUND")
        tracking.record(shipment, scan, now=NOW + HOUR)
    elif news == "day":
        ExpectedDate.objects.create(
            shipment=shipment, expected_by=NOW + 3 * DAY, said_at=NOW + HOUR, recorded_at=NOW + HOUR
        )
    else:
        shop.cancel(shipment, NOW + HOUR)
    assert look(NOW + 2 * HOUR).kept == 1
    assert how(update, now=NOW + 2 * HOUR) == Standing.KEPT
    assert (update.closed_at, update.end) == (NOW + HOUR, "page")


def test_what_the_page_does_not_show_or_showed_before_keeps_nothing(look):
    shipment = shop.parcel()
    shop.scan(shipment, "in_transit", NOW - HOUR)
    other = shop.parcel("FH-1002", name="Bo")
    update = next_updates.promise(shipment.order, due_at=NOW + DAY, note="", by=None, now=NOW)
    tracking.record(shipment, tracking.Scan(state="", at=NOW + HOUR), now=NOW + HOUR)
    shop.scan(other, "delivered", NOW + HOUR)
    assert look(NOW + 2 * HOUR).kept == 0
    assert how(update, now=NOW + 2 * HOUR) in (Standing.TODAY, Standing.COMING)


def test_news_after_the_moment_comes_too_late(look):
    update = promised()
    shop.scan(update.order.shipments.get(), "delivered", NOW + DAY + HOUR)
    assert look(NOW + DAY + 2 * HOUR).kept == 1
    assert how(update, now=NOW + 2 * DAY) == Standing.BROKEN
    assert list(obligations.those(Standing.BROKEN, now=NOW + 2 * DAY)) == [update]


def test_another_moment_named_in_time_is_no_breach_and_named_late_is_one():
    first = promised()
    next_updates.promise(first.order, due_at=NOW + 2 * DAY, note="", by=None, now=NOW + HOUR)
    assert how(first, now=NOW + HOUR) == Standing.MOVED
    second = first.order.next_updates.get(closed_at=None)
    next_updates.promise(first.order, due_at=NOW + 5 * DAY, note="", by=None, now=NOW + 3 * DAY)
    assert how(second, now=NOW + 3 * DAY) == Standing.BROKEN


def test_ops_and_who_promised_are_told_before_and_after_once_each(look):
    person("olga")
    person("left", is_active=False)
    person("wes", role="writer")
    person("ann", role="analyst")
    promised(by=person("ada", role="admin"))
    promised("FH-1002", due=NOW + 30 * DAY)
    assert look(NOW + DAY - 3 * HOUR) == Looked()
    assert look(NOW + DAY - 2 * HOUR) == Looked(warned=1)
    assert look(NOW + DAY - HOUR) == Looked()
    assert [one.subject for one in mail.outbox] == ["1 promised update is due soon"] * 2
    assert {address for one in mail.outbox for address in one.to} == {"olga@shop.example.com", "ada@shop.example.com"}
    body = mail.outbox[0].body
    order = Order.objects.get(number="FH-1001")
    assert (
        f"- order FH-1001, by 06 March 2026, 12:00, promised by ada: https://help.example.com/desk/orders/{order.pk}/"
        in body
    )
    assert "FH-1002" not in body
    assert "ada@example.com" not in body
    assert "searching" not in body
    mail.outbox.clear()
    assert look(NOW + DAY) == Looked(broken=1)
    assert look(NOW + 2 * DAY) == Looked()
    assert [one.subject for one in mail.outbox] == ["1 promised update is overdue"] * 2
    assert AuditEntry.objects.filter(action="order.update_broken").count() == 1


def test_a_short_promise_is_warned_of_in_its_last_quarter(look):
    person("olga")
    promised(due=NOW + HOUR)
    assert look(NOW + timedelta(minutes=44)) == Looked()
    assert look(NOW + timedelta(minutes=45)) == Looked(warned=1)


def test_what_is_kept_alarms_nobody_and_administrators_are_told_where_there_is_no_ops(look):
    person("root", role="admin")
    kept = promised()
    next_updates.keep(kept.order, now=NOW + HOUR)
    promised("FH-1002")
    assert look(NOW + DAY) == Looked(broken=1)
    [told] = mail.outbox
    assert told.to == ["root@shop.example.com"]
    assert "FH-1001" not in told.body


def test_the_task_looks_by_the_storys_clock():
    update = promised()
    with clock.frozen(NOW + 2 * DAY):
        look_at_obligations()
    update.refresh_from_db()
    assert update.told_broken_at == NOW + 2 * DAY
