"""What the desk shows of the sources: how they are connected, how much comes, and what somebody should look at."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, QuerySet

from core import audit
from notifications import doorbell
from notifications.intake import silence, sources
from notifications.intake.source import Source
from notifications.models import (
    InboundDelivery,
    InboundState,
    SourceHour,
    SourceSecret,
    SourceSilence,
    UnknownWord,
)
from notifications.providers import sendgrid

DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_LONGEST_SHOWN = 40_000
BAR_HEIGHT, BAR_STEP = 40, 10  # of the chart, in its own units


@dataclass(frozen=True)
class Secret:
    """One of the secrets that are valid. Its text is nowhere on the desk."""

    place: int  # in the environment variable, from 1
    fingerprint: str
    last_at: datetime | None  # when something was last signed with it


@dataclass(frozen=True)
class Bar:
    """One hour of the chart."""

    hour: datetime
    count: int
    x: int
    y: float
    height: float


@dataclass
class Row:
    """A source."""

    source: Source
    address: str
    variable: str
    secrets: list[Secret]
    last_at: datetime | None
    bars: list[Bar] = field(default_factory=list)  # of the last 24 hours, the present one last
    last_day: int = 0
    last_week: int = 0
    forged: int = 0  # of the last 24 hours, as is the next
    too_large: int = 0
    waiting: int = 0
    quarantined: int = 0
    words: list[UnknownWord] = field(default_factory=list)
    usual_gap: timedelta | None = None
    silence: SourceSilence | None = None

    @property
    def is_connected(self) -> bool:
        return bool(self.secrets) or self.last_at is not None

    @property
    def spare(self) -> list[Secret]:
        """Secrets that can go: another one has signed since they last did, more than a day after. One that has signed
        nothing at all is mostly the new one, which the shop does not use yet.
        """
        newest = max((one.last_at for one in self.secrets if one.last_at), default=None)
        return [one for one in self.secrets if one.last_at and newest and newest - one.last_at > DAY]

    @property
    def usual_hours(self) -> int | None:
        return None if self.usual_gap is None else round(self.usual_gap.total_seconds() / 3600)


def rows(*, now: datetime) -> list[Row]:
    """Every source, by title, in a fixed number of queries. `now` is the database's."""
    heard, usual = silence.last_heard(), silence.usual(now=now)
    signed = {(one.source, one.fingerprint): one.last_at for one in SourceSecret.objects.all()}
    quiet = {source.name: one for source, one in silence.standing()}
    hours: dict[str, list[SourceHour]] = defaultdict(list)
    for hour in SourceHour.objects.filter(hour__gt=now - 7 * DAY):
        hours[hour.source].append(hour)
    words: dict[str, list[UnknownWord]] = defaultdict(list)
    for word in UnknownWord.objects.order_by("-last_at")[:500]:
        words[word.source].append(word)
    counts = {
        (source, state): count
        for source, state, count in InboundDelivery.objects.filter(
            state__in=(InboundState.NEW, InboundState.QUARANTINED)
        )
        .values_list("source", "state")
        .annotate(count=Count("pk"))
    }
    found = []
    for name, source in sources.SOURCES.items():
        valid = [sources.fingerprint(secret) for secret in sources.secrets(source)]
        row = Row(
            source=source,
            address=sources.address(source),
            variable=sources.variable(source),
            secrets=[Secret(place, mark, signed.get((name, mark))) for place, mark in enumerate(valid, start=1)],
            last_at=heard.get(name),
            waiting=counts.get((name, InboundState.NEW), 0),
            quarantined=counts.get((name, InboundState.QUARANTINED), 0),
            words=words[name],
            usual_gap=usual[name],
            silence=quiet.get(name),
        )
        _count(row, hours[name], now=now)
        found.append(row)
    return sorted(found, key=lambda row: (not row.is_connected, row.source.title))


def _count(row: Row, hours: Sequence[SourceHour], *, now: datetime) -> None:
    this_hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    by_hour = {hour.hour: hour for hour in hours}
    shown = [this_hour - step * _HOUR for step in range(23, -1, -1)]
    counts = [by_hour[hour].received if hour in by_hour else 0 for hour in shown]
    most = max(counts) or 1
    for step, (hour, count) in enumerate(zip(shown, counts, strict=True)):
        height = max(BAR_HEIGHT * count / most, 1.0 if count else 0.0)
        row.bars.append(Bar(hour, count, step * BAR_STEP, BAR_HEIGHT - height, height))
    row.last_day = sum(counts)
    row.last_week = sum(hour.received for hour in hours)
    row.forged = sum(by_hour[hour].forged for hour in shown if hour in by_hour)
    row.too_large = sum(by_hour[hour].too_large for hour in shown if hour in by_hour)


def title_of(name: str) -> str:
    """What people call a source, mail providers included."""
    if name == sendgrid.NAME:
        return "SendGrid"
    source = sources.SOURCES.get(name)
    return source.title if source else name


def quarantined(source: str = "") -> QuerySet[InboundDelivery]:
    """Calls that nobody could read, newest first."""
    found = InboundDelivery.objects.filter(state=InboundState.QUARANTINED).order_by("-pk")
    return found.filter(source=source) if source else found


def replay(found: QuerySet[InboundDelivery], *, by: User, label: str, target: InboundDelivery | None = None) -> int:
    """Let quarantined calls be read once more, from the beginning. Returns how many."""
    with transaction.atomic():
        count = found.filter(state=InboundState.QUARANTINED).update(state=InboundState.NEW, tries=0, error="")
        if count:
            audit.record(by, "inbound.replayed", target, label=label, calls=count)
            doorbell.ring_webhooks()
            doorbell.ring_inbound()
    return count


def ignore(call: InboundDelivery, *, by: User) -> bool:
    """Put a quarantined call aside for good. False where somebody was quicker."""
    with transaction.atomic():
        done = InboundDelivery.objects.filter(pk=call.pk, state=InboundState.QUARANTINED).update(
            state=InboundState.IGNORED
        )
        if done:
            audit.record(by, "inbound.ignored", call, label=f"{title_of(call.source)} {call.pk}")
    return bool(done)


def shown(call: InboundDelivery) -> tuple[str, bool]:
    """The body as people can read it, and whether all of it is there: JSON in lines, anything else as it is, bytes that
    are no text as \\xNN.
    """
    body = bytes(call.body)
    try:
        text = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
        text.encode()
    except (ValueError, RecursionError):
        text = body[: _LONGEST_SHOWN + 1].decode("utf-8", "backslashreplace")
    text = text.replace("\x00", "␀")
    return text[:_LONGEST_SHOWN], len(text) <= _LONGEST_SHOWN
