"""A parcel's tracking events as a customer reads them: by day, newest first, in our words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby

from django.utils import timezone
from django.utils.translation import gettext as _

from notifications.models import ShipmentState, TrackingEvent
from notifications.order_texts import OF_EVENT, OF_REASON

_FEW = 4  # events that are seen at once; the others unfold

_IN_TROUBLE = (ShipmentState.EXCEPTION, ShipmentState.ATTEMPT_FAILED)


@dataclass(frozen=True)
class Line:
    """One report. `said` is the carrier's own wording, empty where `text` is it. `at` is None without a time."""

    text: str
    said: str
    at: datetime | None
    place: str


@dataclass(frozen=True)
class Day:
    """The reports of one day where the customer is; None where the carrier gave no time that can be."""

    day: date | None
    lines: list[Line]


@dataclass(frozen=True)
class Timeline:
    """`recent` is seen at once, `earlier` unfolds."""

    recent: list[Day] = field(default_factory=list)
    earlier: list[Day] = field(default_factory=list)

    @property
    def earlier_count(self) -> int:
        return sum(len(day.lines) for day in self.earlier)


def of(events: Iterable[TrackingEvent], *, placed_at: datetime, now: datetime) -> Timeline:
    """`events` newest first. Days are those of the active time zone."""
    lines = [line for event in events if (line := _line(event, placed_at=placed_at, now=now)) is not None]
    days = list(_days(lines))
    # Whole days: one that is cut in the middle reads like two.
    seen, cut = 0, 0
    while cut < len(days) and (cut == 0 or seen + len(days[cut].lines) <= _FEW):
        seen += len(days[cut].lines)
        cut += 1
    if len(lines) - seen <= 1:  # one line is not worth a click
        cut = len(days)
    return Timeline(days[:cut], days[cut:])


def _line(event: TrackingEvent, *, placed_at: datetime, now: datetime) -> Line | None:
    """None for an event that says nothing."""
    said = " ".join((event.text or event.raw_status).split())
    if event.state:
        reason = OF_REASON.get(event.reason) if event.state in _IN_TROUBLE else None
        text = str(reason or OF_EVENT[event.state])
    elif said:
        text, said = _("The carrier says: “%(words)s”") % {"words": said}, ""
    else:
        return None
    # Carriers' clocks err: a moment that cannot be is not shown, what happened is.
    is_possible = event.is_dated and placed_at <= event.at <= now + timedelta(hours=1)
    return Line(
        text=text,
        said="" if said.casefold() == text.casefold() else said,
        at=event.at if is_possible else None,
        place=event.place,
    )


def _days(lines: list[Line]) -> Iterator[Day]:
    def day_of(line: Line) -> date | None:
        return timezone.localtime(line.at).date() if line.at else None

    undated = [line for line in lines if line.at is None]
    for day, found in groupby((line for line in lines if line.at), key=day_of):
        yield Day(day, list(found))
    if undated:
        yield Day(None, undated)
