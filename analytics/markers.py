"""What happened in a period that its numbers may show: texts published, incidents, tests, releases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from analytics import shop_days
from analytics.figures import Mark, MarkKind
from analytics.models import Marker
from analytics.periods import Period
from core import audit, clock, roles
from core.models import AuditEntry
from kb.models import Experiment
from notifications.models import Incident, IncidentState

PUBLISHED = ("article.published", "article.reverted")
MOST_PUBLICATIONS = 1_000
NAMED = 3  # on a day with more publications they are counted, and not named

READ_ARTICLES = {roles.WRITER, roles.REVIEWER, roles.ANALYST, roles.ADMIN}
READ_INCIDENTS = {roles.OPS, roles.ANALYST, roles.ADMIN}


def collect(period: Period, *, reader: Collection[str]) -> list[Mark]:
    """What happened in the shop, oldest first.

    `reader` are the roles of who reads: marks lead only to what they may open. Four queries.
    """
    found = [*_published(period, opens=bool(READ_ARTICLES & set(reader))), *around(period, reader=reader)]
    return sorted(found, key=lambda mark: mark.on)


def around(period: Period, *, reader: Collection[str], article_id: int | None = None) -> list[Mark]:
    """The same without the texts that were published; of tests only those of an article, where one is named."""
    found = [
        *_tests(period, article_id),
        *_incidents(period, opens=bool(READ_INCIDENTS & set(reader))),
        *(Mark(row.on, MarkKind.RELEASE, row.label) for row in written(period)),
    ]
    return sorted(found, key=lambda mark: mark.on)


def texts_of(article_id: int, period: Period, *, reader: Collection[str]) -> list[Mark]:
    """The changes of one article's live text."""
    entries = AuditEntry.objects.filter(
        target_type="kb.article",
        target_id=str(article_id),
        action__in=PUBLISHED,
        at__gte=period.start,
        at__lt=period.end,
    )
    opens = bool(READ_ARTICLES & set(reader))
    return [
        Mark(
            _day(at),
            MarkKind.ARTICLE,
            _("text %(number)s went live") % {"number": detail.get("revision", "?")},
            _text(str(article_id), detail) if opens else "",
        )
        for at, detail in entries.order_by("at", "id").values_list("at", "detail")
    ]


def written(period: Period) -> list[Marker]:
    """What colleagues wrote down about days of the period."""
    return list(Marker.objects.filter(on__gte=period.first, on__lte=period.last).order_by("on", "pk"))


def add(on: date, label: str, *, by: User) -> Marker:
    """Write down that something happened on a day of the shop."""
    with transaction.atomic():
        made = Marker.objects.create(on=on, label=label, made_by=by, made_at=clock.now())
        audit.record(by, "marker.added", made, label=label, on=on.isoformat())
    return made


def remove(marker: Marker, *, by: User) -> None:
    """Take it off all time lines."""
    with transaction.atomic():
        audit.record(by, "marker.removed", marker, label=marker.label, on=marker.on.isoformat())
        marker.delete()


def _published(period: Period, *, opens: bool) -> list[Mark]:
    entries = AuditEntry.objects.filter(action__in=PUBLISHED, at__gte=period.start, at__lt=period.end)
    by_day: dict[date, list[tuple[str, str]]] = defaultdict(list)  # address, title
    for at, target, detail, label in entries.order_by("-at", "-id").values_list("at", "target_id", "detail", "label")[
        :MOST_PUBLICATIONS
    ]:
        by_day[_day(at)].append((_text(target, detail) if opens else "", str(detail.get("title") or label)))
    marks = []
    for day, texts in by_day.items():
        if len(texts) > NAMED:
            number = {"number": len(texts)}
            marks.append(Mark(day, MarkKind.ARTICLE, _("%(number)s texts were published") % number))
            continue
        told = _("“%(title)s” was published")
        marks += [Mark(day, MarkKind.ARTICLE, told % {"title": title}, url) for url, title in texts]
    return marks


def _tests(period: Period, article_id: int | None) -> list[Mark]:
    of_article = {} if article_id is None else {"article_id": article_id}
    began, ended = _during(period, "started_at"), _during(period, "ended_at")
    marks = []
    for test in Experiment.objects.filter(began | ended, **of_article).order_by("pk"):
        for at, words in ((test.started_at, _("Test “%(name)s” began")), (test.ended_at, _("Test “%(name)s” ended"))):
            if at and period.start <= at < period.end:
                marks.append(Mark(_day(at), MarkKind.EXPERIMENT, words % {"name": test.name}))
    return marks


def _incidents(period: Period, *, opens: bool) -> list[Mark]:
    began, ended = _during(period, "began_at"), _during(period, "ended_at")
    marks = []
    for incident in Incident.objects.filter(began | ended).exclude(state=IncidentState.DRAFT).order_by("pk"):
        url = reverse("desk:incident", args=[incident.pk]) if opens else ""
        for at, words in ((incident.began_at, _("%(name)s began")), (incident.ended_at, _("%(name)s ended"))):
            if at and period.start <= at < period.end:
                marks.append(Mark(_day(at), MarkKind.INCIDENT, words % {"name": incident.name}, url))
    return marks


def _during(period: Period, field: str) -> Q:
    return Q(**{f"{field}__gte": period.start, f"{field}__lt": period.end})


def _day(at: datetime) -> date:
    return shop_days.day_of(at)


def _text(target: str, detail: dict[str, Any]) -> str:
    return reverse("desk:article-revision", args=[int(target), int(detail["revision"])]) if "revision" in detail else ""
