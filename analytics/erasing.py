"""What events tell of people, and how that goes: the facts stay countable, nothing of them leads to the person."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import TruncDate

from analytics import rollups, shop_days
from analytics.models import Event, EventKind, Identity, Journey, RollupKind
from core.erasure import Counts, Part, Subject, Traits
from kb.models import SearchLog


def _events(subject: Subject) -> QuerySet[Event]:
    return Event.objects.filter(Q(person=subject.person) | Q(visitor__in=subject.visitors))


def _traits(subject: Subject) -> Traits:
    theirs = Identity.objects.filter(person=subject.person).values_list("visitor", flat=True)
    seen = Event.objects.filter(kind=EventKind.CONTACT, person=subject.person).exclude(visitor=None)
    return Traits(visitors={str(one) for one in (*theirs, *seen.values_list("visitor", flat=True))})


def _count(subject: Subject) -> Counts:
    return {
        "events": _events(subject).count(),
        "journeys": Journey.objects.filter(visitor__in=subject.visitors).count(),
        "links between browser and person": Identity.objects.filter(
            Q(person=subject.person) | Q(visitor__in=subject.visitors)
        ).count(),
    }


def _erase(subject: Subject) -> Counts:
    went = _count(subject)
    # By kb's rows, which know searches that are no events; kb has been here before us, and has their stand-ins.
    who = {*subject.visitors, *map(subject.nobody, subject.visitors)}
    days = SearchLog.objects.filter(visitor__in=who).annotate(day=TruncDate("at", tzinfo=shop_days.zone()))
    rollups.mark(RollupKind.SEARCHES, days.values_list("day", flat=True).distinct())
    Event.objects.filter(person=subject.person).update(person=subject.alias)
    Identity.objects.filter(person=subject.person).update(person=subject.alias)
    with connection.cursor() as cursor:
        for visitor in subject.visitors:
            nobody = subject.nobody(visitor)
            cursor.execute(_EVENTS, [nobody, visitor])
            Identity.objects.filter(visitor=visitor).update(visitor=nobody)
            Journey.objects.filter(visitor=visitor).update(visitor=nobody)
    return went


# Without what was typed or the way to it, and without the way to the order that was looked at.
_EVENTS = """
    UPDATE analytics_event SET visitor = %s, search_id = NULL, data = data - 'query' - 'order_id' WHERE visitor = %s
"""


def _export(subject: Subject) -> dict[str, Any]:
    rows = _events(subject).order_by("at", "pk").values("kind", "at", "article_id", "topic", "seconds", "data")
    return {"events.json": list(rows)}


PART = Part(name="events", title="Events", count=_count, erase=_erase, traits=_traits, export=_export)
