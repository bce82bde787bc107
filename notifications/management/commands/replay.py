"""Play a history of orders."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError

from notifications import replay, replay_report
from notifications.intake import facts, olist
from notifications.intake.facts import Fact
from notifications.management.sheet_import import zone
from notifications.models import Playback, Rule, SkipReason
from notifications.obligations import Standing


class Command(BaseCommand):
    help = (
        "Takes in what was known at --from, then plays the orders, scans and cancellations in DIR up to --to through "
        "detection, planning and sending, each at its own time, and prints what was sent when and what was not. "
        "Ctrl-C stops it after the step it is at; the same command goes on from there. Other processes follow where "
        "they share PREEMPT_CLOCK_FILE with this one; without it, this process sends by itself."
    )
    requires_system_checks = [Tags.compatibility]  # of the settings; all would import every page

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--orders", type=Path, required=True, metavar="DIR", help="with Olist's three tables")
        parser.add_argument("--from", type=_moment, required=True, dest="start", metavar="TIME", help="e.g. 2017-11-20")
        parser.add_argument("--to", type=_moment, required=True, dest="end", metavar="TIME")
        parser.add_argument("--step-hours", type=float, default=1.0, metavar="HOURS")
        parser.add_argument(
            "--speed", type=float, default=0.0, metavar="N", help="story seconds a second (0, the default: no limit)"
        )
        parser.add_argument(
            "--inline", action="store_true", help="send in this process even where PREEMPT_CLOCK_FILE is set"
        )
        parser.add_argument("--again", action="store_true", help="from the beginning, though a run was interrupted")
        parser.add_argument("--source", default="olist", help="the name that these orders go under")
        parser.add_argument("--time-zone", type=zone, default="America/Sao_Paulo", help="of the files' times")

    def handle(self, *, orders: Path, start: datetime, end: datetime, time_zone: ZoneInfo, **options: Any) -> None:
        start, end = (one if one.tzinfo else one.replace(tzinfo=time_zone) for one in (start, end))
        if start >= end or options["step_hours"] <= 0 or options["speed"] < 0:
            raise CommandError("--to must be later than --from, --step-hours more than 0, --speed 0 or more.")
        _refuse_real_mails()
        self.zone, self.source = time_zone, options["source"]
        history = self._read(orders, start=start, end=end)
        if not Rule.objects.filter(is_active=True).exists():
            self.stderr.write("No rule is active, so nothing will be sent. Switch one on (or run “migrate” first).")
        resume_at = self._resume_at(start, end, again=options["again"])
        self.said_until = resume_at or start - timedelta(microseconds=1)
        has_workers = bool(os.environ.get("PREEMPT_CLOCK_FILE")) and not options["inline"]
        with _asked_to_stop() as asked:
            try:
                days = replay.play(
                    history,
                    source=self.source,
                    start=start,
                    end=end,
                    step=timedelta(hours=options["step_hours"]),
                    speed=options["speed"],
                    drain=replay.wait_for_workers if has_workers else replay.drain_inline,
                    on_day=self._tell_day,
                    on_step=lambda now: self._tell_step(now, start=start),
                    resume_at=resume_at,
                    must_stop=lambda: bool(asked),
                )
            except replay.Stuck as error:
                raise CommandError(f"{error} The same command goes on from where it stopped.") from None
        self.stdout.write(
            f"{len(days)} days: {sum(day.planned for day in days):,} messages, "
            f"{sum(day.held_out for day in days):,} held out."
        )
        if asked and self.said_until < end:
            at = self.said_until.astimezone(time_zone)
            raise CommandError(f"Stopped at {at:%Y-%m-%d %H:%M}. The same command goes on from there.", returncode=130)
        self._sum_up(start, end)

    def _read(self, folder: Path, *, start: datetime, end: datetime) -> list[Fact]:
        try:
            reading = olist.read(folder, zone=self.zone, carrier=self.source)
        except olist.UnusableFile as error:
            raise CommandError(str(error)) from None
        if reading.refusals:
            self.stderr.write(f"{len(reading.refusals):,} rows are left out; import_orders says which and why.")
        history = facts.in_time_order(reading.facts)
        if not any(start < fact.at <= end for fact in history):
            span = f"{history[0].at:%Y-%m-%d} to {history[-1].at:%Y-%m-%d}" if history else "nothing at all"
            raise CommandError(f"{folder} knows of nothing between --from and --to. It holds {span}.")
        return history

    def _resume_at(self, start: datetime, end: datetime, *, again: bool) -> datetime | None:
        """Where an earlier run of the same history was interrupted, or ended."""
        known = Playback.objects.filter(source=self.source, start=start).first()
        if known is None or again:
            return None
        at = min(known.reached, end).astimezone(self.zone)
        self.stdout.write(
            f"Played up to {at:%Y-%m-%d %H:%M} before; going on from there (--again: from the beginning)."
        )
        return at

    def _tell_step(self, now: datetime, *, start: datetime) -> None:
        for line in replay_report.lines(source=self.source, after=self.said_until, until=now):
            at = line.at.astimezone(self.zone)
            self.stdout.write(f"  {at:%Y-%m-%d %H:%M}  {line.order:<12}  {line.kind:<18}  {line.outcome}")
        self.said_until = now
        Playback.objects.update_or_create(source=self.source, start=start, defaults={"reached": now})

    def _tell_day(self, day: replay.Day) -> None:
        skipped = f", {day.skipped.total()} skipped" if day.skipped else ""
        self.stdout.write(
            f"{day.day}  {day.facts:5,} facts  {day.opened:4,} episodes opened, {day.closed:4,} closed  "
            f"{day.planned:4,} messages, {day.held_out:3,} held out{skipped}"
        )

    def _sum_up(self, start: datetime, end: datetime) -> None:
        found = replay_report.summary(source=self.source, start=start, end=end)
        parts = [
            ("told before they were late", found.told_before),
            ("told after the promised moment", found.told_after),
            ("held out at random", found.held_out),
            ("a message was made and not sent", found.not_sent),
            *((f"skipped: {SkipReason(reason).label}", count) for reason, count in sorted(found.skipped.items())),
            ("nothing seen, or no rule about it", found.untold),
        ]
        self.stdout.write(
            f"\nPromised from {start:%Y-%m-%d} to {end:%Y-%m-%d}: {found.orders:,} orders that were not cancelled.\n"
            f"  not there by the promised moment: {found.late:,}{_share(found.late, found.orders)}\n"
            + "".join(f"    {text}: {count:,}{_share(count, found.late)}\n" for text, count in parts)
            + f"  customers with a late order: {found.customers:,}\n"
            f"    told of trouble before they could first ask why it is late: {found.told_first:,}"
            f"{_share(found.told_first, found.customers)}{_ahead(found.told_first_hours)}\n"
            f"  messages sent: {found.sent:,}; {found.sent_in_vain:,} of them about orders that came in time\n"
            f"  updates promised to customers: {found.promises.total():,}{_kept(found.promises)}"
        )


def _moment(text: str) -> datetime:
    """An ISO 8601 moment; without a zone it is local to --time-zone."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no moment. Write it like 2017-11-20 or 2017-11-20T08:00.") from None


def _share(part: int, whole: int) -> str:
    return f" of {whole:,} ({part / whole:.1%})" if whole else " of 0"


def _ahead(hours: float | None) -> str:
    return "" if hours is None else f", by {hours:,.0f} hours in the median"


def _kept(promises: Counter[Standing]) -> str:
    """Kept in time, put off in time, missed, and open still at the end."""
    if not promises:
        return ""
    missed = promises[Standing.BROKEN] + promises[Standing.OVERDUE]
    still = promises[Standing.TODAY] + promises[Standing.COMING]
    return (
        f"; {promises[Standing.KEPT]:,} kept, {promises[Standing.MOVED]:,} put off, {missed:,} missed, {still:,} open"
    )


def _refuse_real_mails() -> None:
    """The history's customers are not to get mail about parcels of years ago. A provider on this machine is a fake."""
    if settings.MAIL_PROVIDER == "console":
        return
    if urlsplit(settings.SENDGRID_URL).hostname in ("localhost", "127.0.0.1", "::1"):
        return
    raise CommandError(
        f"MAIL_PROVIDER is {settings.MAIL_PROVIDER!r}: the customers of this history would get real mail. Run it with "
        "MAIL_PROVIDER=console; the mails are then on the desk's page Outbox."
    )


@contextlib.contextmanager
def _asked_to_stop() -> Iterator[list[int]]:
    """Ctrl-C and SIGTERM are noted in the list, and obeyed between two steps; a second Ctrl-C breaks off at once."""
    asked: list[int] = []

    def note(number: int, frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        sys.stderr.write("Stopping after this step ...\n")

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
