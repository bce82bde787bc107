"""What the guard-rails count, in a period and in the days before. Each is one query."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, F, Q, Sum

from analytics import month_counts
from analytics.models import LinkDay, ReadDay
from analytics.periods import Period
from analytics.stats.proportions import Rate
from contacts.models import FormVisit
from notifications.models import DeliveryEvent, Message, PreferenceChange
from notifications.providers.base import DeliveryKind

# Who opened the form so lately may still be writing.
WRITES = timedelta(hours=1)
Spans = tuple[Period, Period]


def links(spans: Spans) -> tuple[Rate, Rate, Rate, Rate]:
    """Of each: help pages on which the link was in sight, of those that told; and those that told, of all."""
    days = [Q(day__gte=span.first, day__lte=span.last) for span in spans]
    sums = LinkDay.objects.filter(days[0] | days[1]).aggregate(
        **{
            f"{name}{number}": Sum(name, filter=condition, default=0)
            for number, condition in enumerate(days)
            for name in ("seen", "told", "views")
        }
    )
    seen, told, views = ([sums[f"{name}{number}"] for number in (0, 1)] for name in ("seen", "told", "views"))
    # A page that was opened before midnight may have told after it.
    could = [max(pair) for pair in zip(told, views, strict=True)]
    return Rate(seen[0], told[0]), Rate(told[0], could[0]), Rate(seen[1], told[1]), Rate(told[1], could[1])


def forms(spans: Spans, *, now: datetime) -> tuple[Rate, Rate]:
    """Of the openings of the form by visitors who are counted: those that ended in a message or an answer."""
    until = now - WRITES
    opened = [Q(opened_at__gte=span.start, opened_at__lt=min(span.end, until)) for span in spans]
    is_done = Q(contact__isnull=False) | Q(answered_at__isnull=False)
    sums = FormVisit.objects.filter(opened[0] | opened[1], visitor__isnull=False).aggregate(
        now=Count("id", filter=opened[0]),
        done=Count("id", filter=opened[0] & is_done),
        before=Count("id", filter=opened[1]),
        done_before=Count("id", filter=opened[1] & is_done),
    )
    return Rate(sums["done"], sums["now"]), Rate(sums["done_before"], sums["before"])


def journeys(spans: Spans) -> tuple[int, int]:
    now, before = (month_counts.number(span) for span in spans)
    return now, before


def mails(span: Period) -> int:
    """Handed to a provider, by the day on which they became due."""
    return Message.objects.filter(eligible_at__gte=span.start, eligible_at__lt=span.end, sent_at__isnull=False).count()


def complaints(spans: Spans) -> tuple[int, int]:
    due = [Q(message__eligible_at__gte=span.start, message__eligible_at__lt=span.end) for span in spans]
    sums = DeliveryEvent.objects.filter(due[0] | due[1], kind=DeliveryKind.COMPLAINED.value).aggregate(
        now=Count("message", distinct=True, filter=due[0]), before=Count("message", distinct=True, filter=due[1])
    )
    return sums["now"], sums["before"]


def left(spans: Spans) -> tuple[int, int]:
    """People who asked for no more mails about something."""
    asked = [Q(at__gte=span.start, at__lt=span.end) for span in spans]
    sums = PreferenceChange.objects.filter(asked[0] | asked[1], is_on=False).aggregate(
        now=Count("person", distinct=True, filter=asked[0]), before=Count("person", distinct=True, filter=asked[1])
    )
    return sums["now"], sums["before"]


def votes(spans: Spans) -> tuple[Rate, Rate]:
    days = [Q(day__gte=span.first, day__lte=span.last) for span in spans]
    sums = ReadDay.objects.filter(days[0] | days[1]).aggregate(
        said_no=Sum("no", filter=days[0], default=0),
        said=Sum(F("yes") + F("no"), filter=days[0], default=0),
        said_no_before=Sum("no", filter=days[1], default=0),
        said_before=Sum(F("yes") + F("no"), filter=days[1], default=0),
    )
    return Rate(sums["said_no"], sums["said"]), Rate(sums["said_no_before"], sums["said_before"])
