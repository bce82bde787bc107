"""A history played through detection, planning and sending."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from core import clock
from notifications import replay
from notifications.intake.facts import Cancelled, CustomerFact, Fact, Placed, Scanned
from notifications.models import Episode, Message, OutboxMail, Shipment
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


def test_the_command_plays_a_folder_and_prints_a_line_a_day(tmp_path: Path) -> None:
    from tests.notifications.test_import_orders import write

    write(tmp_path)
    out = StringIO()
    options = {"--orders": str(tmp_path), "--from": "2017-11-04", "--to": "2017-11-24", "--step-hours": "6"}
    arguments = [part for pair in options.items() for part in pair]
    call_command("replay", *arguments, "--inline", stdout=out, stderr=out)
    lines = out.getvalue().splitlines()
    assert len(lines) == 21
    assert lines[-1] == "20 days: 1 messages, 0 held out."
    assert [line[:10] for line in lines if "1 episodes opened" in line] == ["2017-11-21"]


def test_a_span_that_ends_before_it_begins_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="later than"):
        call_command("replay", "--orders", str(tmp_path), "--from", "2017-11-04", "--to", "2017-11-01")
