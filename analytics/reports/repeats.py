"""The contacts behind the share who had to ask again."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from analytics import rollups, shop_days
from analytics.periods import Period
from analytics.reports import contacts
from contacts import selectors
from contacts.models import Contact


def by_day(period: Period, *, in_until: datetime, is_repeated: bool) -> dict[date, int]:
    """How many found() has of each day, as they were counted last."""
    last = min(period.last, contacts.mature_until(in_until))
    counted = contacts.days_of(period, Q(day__gte=period.first, day__lte=last)).values_list("day")
    return dict(counted.annotate(number=Sum("repeated" if is_repeated else "known")).order_by())


def found(period: Period, *, in_until: datetime, is_repeated: bool) -> QuerySet[Contact]:
    """The period's mature contacts whose writer and reason are known; with `is_repeated`, those after which the same
    person wrote about the same reason within 7 days."""
    after_last = shop_days.begin(min(period.last, contacts.mature_until(in_until)) + timedelta(days=1))
    rows = selectors.with_reason(
        Contact.objects.filter(received_at__gte=period.start, received_at__lt=after_last, **period.segment.query)
    ).filter(~Q(person=""), reason_now__isnull=False)
    if not is_repeated:
        return rows
    again = selectors.with_reason(
        Contact.objects.filter(
            Q(received_at__gt=OuterRef("received_at")) | Q(received_at=OuterRef("received_at"), id__gt=OuterRef("id")),
            person=OuterRef("person"),
            received_at__lt=OuterRef("received_at") + rollups.REPEATED_WITHIN,
        )
    ).filter(reason_now=OuterRef("reason_now"))
    return rows.filter(Exists(again))
