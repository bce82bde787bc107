"""Sources that have gone quiet: shops delete a webhook that fails, and nobody tells us.

How long a silence is usual is learnt from each source's own past, from hours in which it spoke (SourceHour).
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max
from django.urls import reverse
from django.utils import timezone

from core import audit
from notifications import desk_mail
from notifications.intake import sources
from notifications.intake.source import Source
from notifications.models import InboundDelivery, InboundState, SourceHour, SourceSilence

LEAST = timedelta(hours=6)
PAST = timedelta(days=28)
ENOUGH_CALLS, ENOUGH_TIME = 20, timedelta(days=2)  # below which nothing is known of a rhythm
_GAP = timedelta(hours=1)  # what is shorter says nothing of nights and weekends


def longest_usual(spoken: Sequence[tuple[datetime, datetime]], *, calls: int) -> timedelta | None:
    """How long a silence may be: six hours, or the 99 % quantile (nearest rank) of the gaps of at least an hour.

    `spoken` are (first call, last call) of each hour with any, in time order, and `calls` how many those were. None
    where too little is known. Short gaps are left out: of a busy shop's thousands a night would be none of the 99 %.
    """
    if calls < ENOUGH_CALLS or spoken[-1][1] - spoken[0][0] < ENOUGH_TIME:
        return None
    between = (after[0] - before[1] for before, after in itertools.pairwise(spoken))
    gaps = sorted(gap for gap in between if gap >= _GAP)
    return max(LEAST, gaps[math.ceil(len(gaps) * 0.99) - 1]) if gaps else LEAST


def usual(*, now: datetime) -> dict[str, timedelta | None]:
    """longest_usual() of every source. Silences that were noticed are no part of what is usual."""
    noticed: dict[str, set[datetime]] = defaultdict(set)
    for source, since in SourceSilence.objects.filter(since__gte=now - PAST).values_list("source", "since"):
        noticed[source].add(since)
    spoken: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    calls: dict[str, int] = defaultdict(int)
    rows = SourceHour.objects.filter(hour__gte=now - PAST, received__gt=0).order_by("source", "hour")
    for source, first, last, received in rows.values_list("source", "first_at", "last_at", "received"):
        if first is None or last is None:
            continue
        if spoken[source] and spoken[source][-1][1] in noticed[source]:
            spoken[source].append((spoken[source][-1][1], first))  # the noticed gap, closed
        spoken[source].append((first, last))
        calls[source] += received
    return {name: longest_usual(spoken[name], calls=calls[name]) if spoken[name] else None for name in sources.SOURCES}


def last_heard() -> dict[str, datetime]:
    """When each source last spoke, also where nobody has read it yet."""
    heard: dict[str, datetime] = dict(
        SourceHour.objects.filter(received__gt=0).values_list("source").annotate(at=Max("last_at"))
    )
    new = InboundDelivery.objects.filter(state=InboundState.NEW).values_list("source").annotate(at=Max("received_at"))
    for source, at in new:
        heard[source] = max(at, heard.get(source, at))
    return heard


def watch(*, now: datetime | None = None) -> list[SourceSilence]:
    """Notice silences that have begun or ended, and write to ops once for each that has begun. Returns those."""
    now = now or database_now()
    heard, longest = last_heard(), usual(now=now)
    begun = []
    with transaction.atomic():
        for silence in SourceSilence.objects.select_for_update().filter(ended_at=None):
            if heard.get(silence.source, silence.since) > silence.since:
                silence.ended_at = heard[silence.source]
                silence.save(update_fields=["ended_at"])
        for name, source in sources.SOURCES.items():
            if is_silent(source, heard, longest, now=now):
                silence, is_new = SourceSilence.objects.get_or_create(
                    source=name, ended_at=None, defaults={"since": heard[name], "noticed_at": now}
                )
                if is_new:
                    begun.append(silence)
                    _tell(source, silence, usual_gap=longest[name] or LEAST)
    return begun


def is_silent(
    source: Source, heard: Mapping[str, datetime], longest: Mapping[str, timedelta | None], *, now: datetime
) -> bool:
    """Whether a source that may speak (it has a secret) has been quiet for longer than is usual for it."""
    limit, last = longest.get(source.name), heard.get(source.name)
    return bool(sources.secrets(source)) and limit is not None and last is not None and now - last > limit


def standing() -> list[tuple[Source, SourceSilence]]:
    """The silences that go on, for whoever looks at the desk."""
    open_ones = SourceSilence.objects.filter(ended_at=None).order_by("since")
    return [(sources.SOURCES[one.source], one) for one in open_ones if one.source in sources.SOURCES]


def _tell(source: Source, silence: SourceSilence, *, usual_gap: timedelta) -> None:
    since = f"{timezone.localtime(silence.since):%d %B %Y, %H:%M}"
    subject = f"Nothing has come from {source.title} since {since}"
    text = "\n".join(
        [
            f"{source.title} last sent us something on {since} ({settings.SHOP_TIME_ZONE}). Usually it is never quiet",
            f"for longer than {_hours(usual_gap)}.",
            "",
            "Shops and trackers switch a webhook off when it fails for a while. Look whether it is still there, and",
            f"goes to {sources.address(source)}",
            "Until it speaks again, parcels may be late without our knowing. We write once for each silence.",
            "",
            f"{settings.SITE_URL}{reverse('desk:sources')}",
        ]
    )
    desk_mail.tell(subject, text)
    audit.record(None, "source.fell_silent", silence, label=source.title, since=silence.since.isoformat())


def _hours(gap: timedelta) -> str:
    hours = math.ceil(gap.total_seconds() / 3600)
    return f"{hours} hours" if hours < 48 else f"{hours / 24:.1f} days"


def database_now() -> datetime:
    """When calls come in is the database's time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        found: datetime = cursor.fetchone()[0]
    return found
