"""What follows from a mail of ours, at the sweep's look: the day that it named does not hold, the trouble is over, or
there was none. Nobody hears of it to whom no alarm was really sent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from core import brand
from notifications import delays, mail_kinds, planning, told
from notifications.delays import ParcelFacts
from notifications.mail_facts import About, day_of
from notifications.models import Episode, EpisodeKind, ExpectedDate, Message, Shipment
from notifications.occasions import ALARMS, FOLLOW_UPS, TROUBLES, Occasion

# Good news that is taken back within hours is none; as with a day that wavers (delays.EXPECTED_GRACE).
BACK_GRACE = timedelta(hours=6)
# An alarm whose hand-over is under way may turn out to be sent.
LOOK_AGAIN = timedelta(minutes=15)


@dataclass
class Found:
    """What follows now, and by parcel's id when to look again."""

    occasions: list[tuple[Shipment, Occasion]] = field(default_factory=list)
    look_at: dict[int, datetime] = field(default_factory=dict)


def find(
    shipments: Sequence[Shipment],
    known: Mapping[int, Collection[Episode]],
    facts: Mapping[int, ParcelFacts],
    *,
    wanted: Collection[str],
    now: datetime,
) -> Found:
    """What follows for these parcels (with order and customer), of the kinds in `wanted`. No query where nobody of
    theirs can have been alarmed.
    """
    found = Found()
    alarmed = {one.pk: one for one in shipments if any(episode.kind in ALARMS for episode in known.get(one.pk, ()))}
    if not alarmed or not set(FOLLOW_UPS).intersection(wanted):
        return found
    heard: dict[int, list[Message]] = defaultdict(list)
    for message in told.sent(alarmed):
        heard[message.episode.shipment_id].append(message)
    found.look_at = dict.fromkeys(told.in_flight(alarmed), now + LOOK_AGAIN)
    for pk, messages in heard.items():
        shipment = alarmed[pk]
        own = [one for one in messages if one.person == shipment.order.customer.person]
        if (alarm := told.standing(own)) is None:
            continue
        look = _Look(shipment, list(known[pk]), facts[pk], alarm, now)
        if (occasion := look.occasion()) is None:
            if look.again_at is not None:
                found.look_at[pk] = min(look.again_at, found.look_at.get(pk, look.again_at))
        elif occasion.kind in wanted and not look.is_known(occasion):
            found.occasions.append((shipment, occasion))
    return found


@dataclass
class _Look:
    """One parcel of which somebody has been alarmed."""

    shipment: Shipment
    known: list[Episode]
    facts: ParcelFacts
    alarm: Message
    now: datetime
    again_at: datetime | None = None

    def occasion(self) -> Occasion | None:
        """At most one of the three is the case."""
        if self.facts.is_delivered:
            return self._corrected()
        if delays.find_delays(self.facts, now=self.now):
            return self._delayed_again()
        return self._back_on_track()

    def is_known(self, occasion: Occasion) -> bool:
        """Whether an episode is about this already."""
        return any((one.kind, one.promised_by) == (occasion.kind, occasion.promised_by) for one in self.known)

    def _is_true(self, kind: EpisodeKind) -> bool:
        about = About(self.shipment, look=brand.current(), locale="en", now=self.now)
        return not why_not(kind, about)

    def _corrected(self) -> Occasion | None:
        if not self._is_true(EpisodeKind.CORRECTED):
            return None
        # News as long as the alarm is: what was so wrong for months, nobody wonders about any more.
        since = self.alarm.sent_at
        return Occasion(EpisodeKind.CORRECTED, self.alarm.episode.promised_by, since, planning.NO_NEWS_AFTER)

    def _back_on_track(self) -> Occasion | None:
        ends = [one.closed_at for one in self.known if one.kind in TROUBLES and one.closed_at is not None]
        since = max(ends, default=self.now)
        if since + BACK_GRACE > self.now:
            self.again_at = since + BACK_GRACE
            return None
        if not self._is_true(EpisodeKind.BACK_ON_TRACK):
            return None
        return Occasion(EpisodeKind.BACK_ON_TRACK, self.alarm.episode.promised_by, since, planning.NO_NEWS_AFTER)

    def _delayed_again(self) -> Occasion | None:
        if (named := told.day_named(self.alarm)) is None:
            return None
        end = _end_of(named)
        since = end
        if end > self.now:
            moved = self._moved_since(named)
            since = end if moved is None else min(end, moved + delays.EXPECTED_GRACE)
            if since > self.now:
                self.again_at = since
                return None
        if not self._is_true(EpisodeKind.DELAYED_AGAIN):
            return None
        return Occasion(EpisodeKind.DELAYED_AGAIN, end, since, planning.NO_NEWS_AFTER)

    def _moved_since(self, named: date) -> datetime | None:
        """Since when the carrier has named a later day than we did; None where it does not."""
        since = None
        # Newest first.
        for said_at, by in ExpectedDate.objects.filter(shipment=self.shipment).values_list("said_at", "expected_by"):
            if day_of(by, self.shipment.order.customer) <= named:
                break
            since = said_at
        return since


def why_not(kind: str, facts: Mapping[str, Any]) -> str:
    """Why what a follow-up says is not so; empty where it is. Asked as it is planned and as it goes out."""
    if kind != EpisodeKind.DELAYED_AGAIN:
        return mail_kinds.refusal(mail_kinds.KINDS[kind], facts)
    if not facts["told_day"]:
        return "no mail of ours that stands has named a day"
    if not facts["troubles"]:
        return "nothing is wrong with the parcel"
    if facts["told_day"] < facts["today"]:
        return ""  # over, whether or not there is a new one
    return mail_kinds.refusal(mail_kinds.KINDS["delayed_again"], facts)


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time.max, ZoneInfo(settings.SHOP_TIME_ZONE))
