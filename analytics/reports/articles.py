"""What is known of each article in a period, and its running test."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Count

from analytics import verdicts
from analytics.models import Event, EventKind
from analytics.periods import Period
from analytics.reports import contacts, journeys
from analytics.reports.journeys import Confirmed, Guarded, Tally
from kb.models import Article, Experiment, ExperimentState, Exposure, Variant


@dataclass(frozen=True)
class Shared:
    """The same as contact after read, each journey divided equally among the articles read in it."""

    contacted: float
    journeys: float

    @property
    def percent(self) -> float | None:
        return 100 * self.contacted / self.journeys if self.journeys else None


@dataclass(frozen=True)
class Arm:
    """One variant of a test, and how many visitors have been exposed to it since the test began."""

    variant_id: int
    key: str
    is_control: bool
    exposures: int


@dataclass(frozen=True)
class Test:
    """`said`: the sentence of the newest look at it; empty before the first."""

    experiment_id: int
    name: str
    state: str
    started_at: datetime | None
    arms: tuple[Arm, ...]
    said: str = ""


@dataclass(frozen=True)
class ArticleRow:
    """One article in one period. `title` is empty where the article has been deleted since."""

    id: int
    title: str
    locale: str
    topic: str  # its name
    views: int
    journeys: int
    last_reads: int
    confirmed: Confirmed
    contact_after_read: Guarded
    shared: Shared
    test: Test | None


SORTS = {
    "views": lambda row: row.views,
    "journeys": lambda row: row.journeys,
    "confirmed": lambda row: row.confirmed.rate.share or 0,
    # What is withheld has no place in an order by it.
    "contact": lambda row: -1 if row.contact_after_read.why_withheld else row.contact_after_read.rate.share,
}


def rows(period: Period, tally: Tally, *, sort: str = "-views") -> list[ArticleRow]:
    """Every article that was read in the period. The number of queries does not grow with the number of articles."""
    counted = (
        Event.objects.filter(kind=EventKind.READ, at__gte=period.start, at__lt=period.end)
        .values("article_id")
        .annotate(views=Count("id"))
        .values_list("article_id", "views")
    )
    views = {article_id: number for article_id, number in counted if article_id is not None}
    read = _read(period)
    last = journeys.by_article(tally.cells, tally.spreads)
    about = {
        pk: (title or "", locale, topic)
        for pk, title, locale, topic in Article.objects.filter(pk__in={*views, *read}).values_list(
            "pk", "live_revision__title", "locale", "category__topic"
        )
    }
    tests = _tests()
    names = contacts.topic_names()
    found = []
    for pk in {*views, *read}:
        title, locale, topic = about.get(pk, ("", "", ""))
        own = last.get(pk, Tally(()))
        number, shared = read.get(pk, (0, Shared(0, 0)))
        found.append(
            ArticleRow(
                id=pk,
                title=title,
                locale=locale,
                topic=names.get(topic, topic),
                views=views.get(pk, 0),
                journeys=number,
                last_reads=own.count(),
                confirmed=own.confirmed,
                contact_after_read=own.contact_after_read,
                shared=shared,
                test=tests.get(pk),
            )
        )
    found.sort(key=lambda row: (row.title, row.id))
    found.sort(key=SORTS[sort.removeprefix("-")], reverse=sort.startswith("-"))
    return found


def published_unread(rows: list[ArticleRow]) -> int:
    """How many published articles nobody read in the period."""
    return Article.objects.filter(state="published").exclude(pk__in=[row.id for row in rows]).count()


_READ = """
SELECT article::bigint, count(*),
       coalesce(sum(1.0 / jsonb_array_length(reads)) FILTER (WHERE is_linkable AND outcomes ? %(window)s), 0),
       coalesce(sum(1.0 / jsonb_array_length(reads)) FILTER (
           WHERE is_linkable AND outcomes ->> %(window)s = 'contacted'), 0)
FROM analytics_journey, jsonb_array_elements_text(reads) AS article
WHERE started_at >= %(start)s AND started_at < %(end)s
GROUP BY article
"""


def _read(period: Period) -> dict[int, tuple[int, Shared]]:
    """For each article read: in how many journeys, and its equal shares."""
    with connection.cursor() as cursor:
        cursor.execute(_READ, {"window": str(period.window), "start": period.start, "end": period.end})
        return {
            article_id: (number, Shared(float(contacted), float(of)))
            for article_id, number, of, contacted in cursor.fetchall()
        }


def _tests() -> dict[int, Test]:
    """The running or paused test of each article that has one."""
    live = Experiment.objects.filter(state__in=[ExperimentState.RUNNING, ExperimentState.PAUSED])
    exposures = dict(
        Exposure.objects.filter(experiment__in=live)
        .values("variant")
        .annotate(number=Count("id"))
        .values_list("variant", "number")
    )
    said = {pk: verdict.sentence for pk, verdict in verdicts.latest_of(live).items()}
    tests: dict[int, Test] = {}
    arms: dict[int, list[Arm]] = {}
    for variant in Variant.objects.filter(experiment__in=live).select_related("experiment"):
        arms.setdefault(variant.experiment_id, []).append(
            Arm(variant.pk, variant.key, variant.is_control, exposures.get(variant.pk, 0))
        )
        test = variant.experiment
        tests[test.article_id] = Test(
            test.pk, test.name, test.get_state_display(), test.started_at, tuple(arms[test.pk]), said.get(test.pk, "")
        )
    return tests
