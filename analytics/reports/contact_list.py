"""The desk's contacts as a list to take along: without what they wrote, and who they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Min

from analytics import shop_days
from analytics.periods import Period, Segment
from analytics.reports import asking, autopsy
from analytics.reports.asking import Asked
from analytics.reports.row_pages import Cells, Stored
from contacts import listing, reasons
from contacts.models import Contact
from core import clock

if TYPE_CHECKING:
    from contacts.selectors import CodedContact

WORDS = {"reason": autopsy.is_reason, "who": asking.one_of(listing.NOBODY), "q": asking.is_text}
# What the screen calls the days.
SCREENS_DAYS = ("since", "until")


def of_contacts(asked: Asked, now: datetime) -> Stored:
    tree = reasons.stored()
    named = {reason.id: reason for reason in tree}

    def tell(part: Sequence[CodedContact]) -> list[Cells]:
        return [
            (
                row.received_at, row.reference, row.source, row.locale,
                *((reason.code, reason.name) if (reason := named.get(row.reason_now or 0)) else ("", "")),
            )
            for row in part
        ]  # fmt: skip

    days = {"since": asked.period.first.isoformat(), "until": asked.period.last.isoformat()}
    narrowed = {word: asked.narrowed.get(word, "") for word in WORDS}
    given = listing.Filter({**narrowed, **asked.period.segment.query, **days}, tree=tree)
    return Stored(listing.narrowed(given, tree=tree), "received_at", tell)


def shown(screens: listing.Filter, parameters: Mapping[str, str]) -> Period:
    """The days that the screen has read, of which each end may be left open; its language and channel."""
    today = shop_days.day_of(clock.now())
    since, until = (screens.cleaned_data.get(word) for word in SCREENS_DAYS)
    if since is None:
        oldest = Contact.objects.aggregate(at=Min("received_at"))["at"]
        since = shop_days.day_of(oldest) if oldest else today
    segment = Segment(parameters.get(asking.LOCALE, ""), parameters.get(asking.SOURCE, ""))
    return Period(since, max(since, until or today), int(settings.OUTCOME_WINDOW_DAYS), segment=segment)
