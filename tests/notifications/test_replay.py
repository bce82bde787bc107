"""A history played through detection, planning and sending."""

from __future__ import annotations

import itertools
import os
import re
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from core import bucketing, clock
from core.people import person_key
from notifications import next_updates, replay, replay_report
from notifications.intake.facts import Cancelled, CustomerFact, Fact, Placed, Scanned
from notifications.models import Episode, Message, NextUpdate, Order, OutboxMail, Rule, Shipment
from notifications.obligations import Standing
from notifications.tracking import Scan
from tests.notifications import shop

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def _console(settings, monkeypatch, db):
    settings.MAIL_PROVIDER = "console"
    monkeypatch.delenv("PREEMPT_CLOCK_FILE", raising=False)
    shop.hold_out_nobody()


def placed(order: str, at: datetime, *, deliver_by: datetime) -> Placed:
    person = CustomerFact(order, f"{order}@example.com", "Ada")
    return Placed(at, order, order, person, (), None, deliver_by, "Parcel Post", order)


def scanned(order: str, state: str, at: datetime) -> Scanned:
    return Scanned(at, order, "Parcel Post", order, Scan(state=state, at=at))


HISTORY: list[Fact] = [
    placed("early", START - 5 * DAY, deliver_by=START + DAY),
    placed("late", START - 4 * DAY, deliver_by=START + DAY),
    placed("very-late", START - 3 * DAY, deliver_by=START + DAY),
    placed("cancelled", START - 2 * DAY, deliver_by=START + DAY),
    scanned("early", "delivered", START + 20 * HOUR),
    Cancelled(START + 22 * HOUR, "cancelled"),
    scanned("late", "delivered", START + 2 * DAY),
    placed("after-the-end", START + 9 * DAY, deliver_by=START + 10 * DAY),
]


def play(**changes) -> list[replay.Day]:
    wanted = {"start": START, "end": START + 3 * DAY, "step": 6 * HOUR, "drain": replay.drain_inline}
    return replay.play(HISTORY, source="test", **{**wanted, **changes})


def test_each_message_goes_out_on_its_day() -> None:
    days = play()
    assert [(day.day.day, day.facts, day.opened, day.closed, day.planned) for day in days] == [
        (2, 2, 2, 0, 2),
        (3, 1, 0, 1, 0),
        (4, 0, 0, 0, 0),
    ]
    assert {mail.to_address for mail in OutboxMail.objects.all()} == {"late@example.com", "very-late@example.com"}
    assert set(OutboxMail.objects.values_list("sent_at", flat=True)) == {START + DAY}


def test_nothing_after_the_end_is_known() -> None:
    play()
    assert not Shipment.objects.filter(tracking_no="after-the-end").exists()


def test_a_second_run_sends_nothing_new() -> None:
    play()
    before = list(Message.objects.order_by("pk").values()), list(Episode.objects.order_by("pk").values())
    days = play()
    assert sum(day.facts + day.opened + day.closed + day.planned for day in days) == 0
    assert (list(Message.objects.order_by("pk").values()), list(Episode.objects.order_by("pk").values())) == before


def test_finer_steps_find_the_same_trouble() -> None:
    play(step=HOUR)
    assert Message.objects.count() == 2


def test_each_day_is_told_when_it_is_over() -> None:
    told = []
    play(on_day=lambda day: told.append((day.day.day, clock.now())))
    assert told == [(2, START + DAY), (3, START + 2 * DAY), (4, START + 3 * DAY)]


def test_other_processes_are_taken_along(monkeypatch, tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    monkeypatch.setenv("PREEMPT_CLOCK_FILE", str(path))
    seen = []
    play(drain=lambda: (seen.append(clock.now()), replay.drain_inline()))
    assert seen[0] - START < timedelta(minutes=1)
    assert START + 3 * DAY <= clock.now() < START + 3 * DAY + timedelta(minutes=5), "the clock stays where it ended"


def test_without_a_worker_it_gives_up_and_says_what_to_look_at(monkeypatch) -> None:
    monkeypatch.setattr(replay, "LONGEST_WAIT", 0.1)
    with pytest.raises(replay.Stuck, match=r"2 messages were not sent within .* Is a worker running"):
        play(drain=replay.wait_for_workers)


def test_an_interrupted_play_goes_on_where_it_stopped_and_ends_the_same() -> None:
    steps: list[datetime] = []
    first = play(on_step=steps.append, must_stop=lambda: len(steps) == 6)
    assert steps[-1] == START + 30 * HOUR
    second = play(on_step=steps.append, resume_at=steps[-1])
    assert steps == [START + n * 6 * HOUR for n in range(13)], "each step once"
    days = [*first, *second]
    assert [day.day.day for day in days] == [2, 3, 3, 4]
    assert sum(day.facts for day in days) == 3, "as in one go"
    assert sum(day.planned for day in days) == OutboxMail.objects.count() == 2
    assert play(resume_at=START + 3 * DAY) == []


def test_promised_updates_are_looked_after_in_story_time() -> None:
    def promise(now: datetime) -> None:
        if now == START + 12 * HOUR:
            order = Order.objects.get(number="late")
            next_updates.promise(order, due_at=START + 4 * DAY, note="", by=None, now=now)

    play(on_step=promise)
    kept = NextUpdate.objects.get()
    assert (kept.end, kept.closed_at) == ("message", START + DAY)


def test_the_summary_says_who_was_told_first_and_which_promises_were_kept() -> None:
    """Ships late, told so at once; and comes late, told when the promised moment had passed."""
    history = [
        replace(placed("unsent", START - DAY, deliver_by=START + 3 * DAY), promised_ship_by=START + DAY),
        placed("late", START - DAY, deliver_by=START + 2 * DAY),
        scanned("late", "in_transit", START + HOUR),
    ]

    def promise(now: datetime) -> None:
        for number, due in (("unsent", 5 * DAY), ("late", 18 * HOUR)):
            if now == START + 12 * HOUR:
                order = Order.objects.get(number=number)
                next_updates.promise(order, due_at=START + due, note="", by=None, now=now)

    wanted = {"start": START, "end": START + 4 * DAY, "step": 6 * HOUR, "drain": replay.drain_inline}
    replay.play(history, source="test", on_step=promise, **wanted)
    found = replay_report.summary(source="test", start=START, end=START + 4 * DAY)
    assert (found.late, found.customers, found.told_first, found.told_first_hours) == (2, 2, 1, 24)
    assert found.promises == {Standing.KEPT: 1, Standing.BROKEN: 1}


# --- The command ---

CUSTOMERS = """customer_id,customer_unique_id
c1,ada00001
c2,bo000002
c3,cy000003
c4,di000004
c5,ed000005
"""
# In time; late and told; late and held out; late with a rule that is off; cancelled.
_COLUMNS = (
    "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,order_delivered_carrier_date,"
    "order_delivered_customer_date,order_estimated_delivery_date\n"
)
ORDERS = f"""{_COLUMNS}\
intime,c1,delivered,2017-11-02 10:00:00,2017-11-02 10:05:00,2017-11-03 09:00:00,2017-11-06 18:00:00,2017-11-08 00:00:00
told,c2,delivered,2017-11-02 11:00:00,2017-11-02 11:05:00,2017-11-03 09:00:00,2017-11-12 18:00:00,2017-11-08 00:00:00
heldout,c3,shipped,2017-11-02 12:00:00,2017-11-02 12:05:00,2017-11-03 09:00:00,,2017-11-08 00:00:00
unsent,c4,processing,2017-11-02 13:00:00,2017-11-02 13:05:00,,,2017-11-20 00:00:00
gone,c5,canceled,2017-11-02 14:00:00,2017-11-02 14:05:00,,,2017-11-08 00:00:00
"""
ITEMS = """order_id,order_item_id,product_id,shipping_limit_date
unsent,1,chair123,2017-11-05 10:00:00
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("customers", CUSTOMERS), ("orders", ORDERS), ("order_items", ITEMS)):
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def run(folder: Path, *more: str, start: str = "2017-11-02", end: str = "2017-11-14") -> str:
    out = StringIO()
    arguments = ["--orders", str(folder), "--from", start, "--to", end, "--step-hours", "6", *more]
    call_command("replay", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def hold_out_cy_alone() -> None:
    people = {name: person_key(f"{name}@example.com") for name in ("ada00001", "bo000002", "cy000003")}
    salt = next(
        key
        for key in (f"promise-{n}" for n in range(1000))
        if [bucketing.is_in_share(salt=f"holdout:{key}", unit=one, share=0.5) for one in people.values()]
        == [False, False, True]
    )
    Rule.objects.filter(kind="promise_passed").update(key=salt, name="Late", holdout_share=0.5)
    Rule.objects.filter(kind="not_handed_over").update(is_active=False)


def test_a_history_is_told_message_by_message_and_summed_up(folder: Path) -> None:
    hold_out_cy_alone()
    told = run(folder)
    events = [line.split(maxsplit=3) for line in told.splitlines() if line.startswith("  2017")]
    assert events == [
        ["2017-11-06", "12:00", "UNSENT", "not_handed_over     skipped: no active rule is about this kind of trouble"],
        ["2017-11-09", "00:00", "HELDOUT", "promise_passed      held out"],
        ["2017-11-09", "00:00", "TOLD", "promise_passed      sent: Late"],
    ]
    assert [(mail.to_address, mail.sent_at.isoformat()) for mail in OutboxMail.objects.all()] == [
        ("bo000002@example.com", "2017-11-09T02:00:00+00:00")
    ]
    _, _, summary = told.partition("\n\n")
    assert summary.splitlines() == [
        "Promised from 2017-11-02 to 2017-11-14: 3 orders that were not cancelled.",
        "  not there by the promised moment: 2 of 3 (66.7%)",
        "    told before they were late: 0 of 2 (0.0%)",
        "    told after the promised moment: 1 of 2 (50.0%)",
        "    held out at random: 1 of 2 (50.0%)",
        "    a message was made and not sent: 0 of 2 (0.0%)",
        "    nothing seen, or no rule about it: 0 of 2 (0.0%)",
        "  customers with a late order: 2",
        "    told of trouble before they could first ask why it is late: 0 of 2 (0.0%)",
        "  messages sent: 1; 0 of them about orders that came in time",
        "  updates promised to customers: 0",
    ]
    days = [line for line in told.splitlines() if line.startswith("2017")]
    assert [line[:10] for line in days] == [f"2017-11-{day:02}" for day in range(2, 14)]


def test_the_same_command_goes_on_after_ctrl_c_and_says_nothing_twice(folder: Path, monkeypatch) -> None:
    hold_out_cy_alone()
    tell, steps = replay_report.lines, []

    def press_ctrl_c(**span):
        steps.append(span["until"])
        if len(steps) == 20:
            os.kill(os.getpid(), signal.SIGINT)
        return tell(**span)

    monkeypatch.setattr(replay_report, "lines", press_ctrl_c)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(CommandError, match=r"Stopped at 2017-11-06 18:00\. The same command goes on") as stopped:
        run(folder)
    assert stopped.value.returncode == 130
    assert signal.getsignal(signal.SIGINT) is handler
    told = run(folder)
    assert "Played up to 2017-11-06 18:00 before" in told
    assert "UNSENT" not in told
    assert "HELDOUT" in told
    assert len(steps) == len(set(steps)) == 49
    again = run(folder)
    assert "0 days: 0 messages, 0 held out." in again
    assert "messages sent: 1;" in again
    assert "12 days: 0 messages" in run(folder, "--again"), "nothing is sent twice"
    assert OutboxMail.objects.count() == 1


@pytest.mark.parametrize(
    ("more", "span", "said"),
    [
        (
            [],
            ("2016-01-01", "2016-02-01"),
            "knows of nothing between --from and --to. It holds 2017-11-02 to 2017-11-12",
        ),
        ([], ("yesterday", "2016-02-01"), "'yesterday' is no moment. Write it like 2017-11-20"),
        ([], ("2017-11-04", "2017-11-01"), "--to must be later"),
        (["--speed=-1"], ("2017-11-01", "2017-11-04"), "--speed 0 or more"),
    ],
)
def test_what_cannot_be_played_is_told_with_what_to_do(folder: Path, more, span, said: str) -> None:
    with pytest.raises(CommandError, match=re.escape(said)):
        run(folder, *more, start=span[0], end=span[1])


def test_a_folder_without_the_tables_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"customers\.csv"):
        run(tmp_path)


def test_a_history_never_mails_real_people(folder: Path, settings) -> None:
    settings.MAIL_PROVIDER, settings.SENDGRID_URL = "sendgrid", "https://api.sendgrid.com"
    with pytest.raises(CommandError, match="MAIL_PROVIDER=console"):
        run(folder)
    assert not Order.objects.exists()


def test_it_takes_the_time_that_the_speed_says(folder: Path, monkeypatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(replay, "_wait_until", lambda moment, must_stop: slept.append(moment))
    run(folder, "--speed", "3600", end="2017-11-03")
    assert [round(later - sooner) for sooner, later in itertools.pairwise(slept)] == [6, 6, 6]
