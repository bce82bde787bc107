"""What is known of each article in a period, and its running test, from the counts of days (analytics/rollups.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import Count, Q, Sum

from analytics import verdicts
from analytics.models import ReadDay, ShareDay
from analytics.periods import Period
from analytics.reports import contacts, journeys, stays
from analytics.reports.journeys import Confirmed, Guarded, Tally
from analytics.reports.stays import NO_STAY, Stay
from analytics.stats.proportions import Interval, PartlyChecked, Rate, difference
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
class Change:
    """Contact after read of these days less that of the days before, and how far chance alone could have moved it."""

    before: Guarded
    points: float
    interval: Interval

    @property
    def is_worse(self) -> bool:
        return self.interval.low > 0

    @property
    def is_better(self) -> bool:
        return self.interval.high < 0


@dataclass(frozen=True)
class ArticleRow:
    """One article in one period. `title` is empty where the article has been deleted since. `no`: of the votes."""

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
    no: Rate
    change: Change | None = None
    stay: Stay = NO_STAY


@dataclass(frozen=True)
class Narrowed:
    """Which articles are listed; an empty word narrows nothing. `topic`: its code. `words`: in the title. `only` one is
    there also where nobody read it."""

    locale: str = ""
    topic: str = ""
    words: str = ""
    only: int | None = None

    @property
    def is_any(self) -> bool:
        return bool(self.locale or self.topic or self.words)

    def holds(self, title: str, locale: str, topic: str) -> bool:
        return (
            self.locale in ("", locale)
            and self.topic in ("", topic)
            and self.words.strip().casefold() in title.casefold()
        )


EVERYTHING = Narrowed()


@dataclass(frozen=True)
class _Bound:
    """The two ends of a rate's interval, by which it is sorted: None where there is nothing to trust."""

    low: float
    high: float


def _contact(row: ArticleRow) -> _Bound | None:
    guarded = row.contact_after_read
    interval = guarded.rate.interval
    return None if guarded.why_withheld else _Bound(interval.low, interval.high)


def _confirmed(row: ArticleRow) -> _Bound | None:
    interval = row.confirmed.rate.interval
    return _Bound(interval.low, interval.high) if row.confirmed.rate.of else None


def _no(row: ArticleRow) -> _Bound | None:
    return _Bound(row.no.interval.low, row.no.interval.high) if row.no.of else None


def _change(row: ArticleRow) -> _Bound | None:
    return _Bound(row.change.interval.low, row.change.interval.high) if row.change else None


def _count(of: Callable[[ArticleRow], float]) -> Callable[[ArticleRow], _Bound]:
    return lambda row: _Bound(of(row), of(row))


# A rate is sorted by what can be trusted: largest first by the lower end of its interval, smallest first by the upper.
# What is withheld has no place in the order, and stands at the end of both.
SORTS: dict[str, Callable[[ArticleRow], _Bound | None]] = {
    "views": _count(lambda row: row.views),
    "journeys": _count(lambda row: row.journeys),
    "last": _count(lambda row: row.last_reads),
    "confirmed": _confirmed,
    "contact": _contact,
    "no": _no,
    "change": _change,
}


def rows(
    period: Period,
    tally: Tally,
    *,
    before: Tally | None = None,
    sort: str = "-views",
    narrowed: Narrowed = EVERYTHING,
) -> list[ArticleRow]:
    """Every article that was read in the period. The number of queries does not grow with the number of articles.

    `tally`: journeys.tally() of the period; `before`: of what it is held against.
    """
    facts = _Facts.of(period, tally, narrowed.only)
    earlier = journeys.by_article(before.cells, before.spreads) if before else {}
    names, tests = contacts.topic_names(), _tests(narrowed.only)
    found = []
    for pk in facts.ids:
        title, locale, topic = facts.about.get(pk, ("", "", ""))
        if not narrowed.holds(title, locale, topic):
            continue
        own = facts.last.get(pk, Tally(()))
        number, shared = facts.shares.get(pk, (0, Shared(0, 0)))
        views, no, stay = facts.reads.get(pk, (0, Rate(0, 0), NO_STAY))
        found.append(
            ArticleRow(
                id=pk,
                title=title,
                locale=locale,
                topic=names.get(topic, topic),
                views=views,
                journeys=number,
                last_reads=own.count(),
                confirmed=own.confirmed,
                contact_after_read=own.contact_after_read,
                shared=shared,
                test=tests.get(pk),
                no=no,
                change=changed(own, earlier.get(pk)),
                stay=stay,
            )
        )
    return in_order(found, sort)


def in_order(found: Iterable[ArticleRow], sort: str) -> list[ArticleRow]:
    """By a key of SORTS, "-" before it for the largest first."""
    bound, is_falling = SORTS[sort.removeprefix("-")], sort.startswith("-")

    def place(row: ArticleRow) -> tuple[bool, float, str, int]:
        ends = bound(row)
        if ends is None:
            return True, -row.views, row.title, row.id
        return False, -ends.low if is_falling else ends.high, row.title, row.id

    return sorted(found, key=place)


def total(found: Iterable[ArticleRow]) -> ArticleRow:
    """The articles together, without a name. `journeys` is 0: one that read two of them would count twice."""
    rows = list(found)

    def together(rates: Iterable[Rate]) -> Rate:
        each = list(rates)
        spread = max((rate.spread for rate in each), default=1.0)
        return Rate(sum(rate.hits for rate in each), sum(rate.of for rate in each), spread)

    return ArticleRow(
        id=0,
        title="",
        locale="",
        topic="",
        views=sum(row.views for row in rows),
        journeys=0,
        last_reads=sum(row.last_reads for row in rows),
        confirmed=Confirmed(
            PartlyChecked.together([row.confirmed.rate for row in rows]),
            response=together(row.confirmed.response for row in rows),
            ceiling=together(row.confirmed.ceiling for row in rows),
        ),
        contact_after_read=Guarded(
            together(row.contact_after_read.rate for row in rows),
            together(row.contact_after_read.coverage for row in rows),
        ),
        shared=Shared(sum(row.shared.contacted for row in rows), sum(row.shared.journeys for row in rows)),
        test=None,
        no=together(row.no for row in rows),
        change=None,
        stay=stays.together([row.stay for row in rows]),
    )


def changed(now: Tally, before: Tally | None) -> Change | None:
    """None where either is withheld: a difference of what may not be shown may not be shown."""
    if before is None or now.contact_after_read.why_withheld or before.contact_after_read.why_withheld:
        return None
    one, two = now.contact_after_read.rate, before.contact_after_read.rate
    interval = difference(one, two)
    if interval is None:
        return None
    return Change(before.contact_after_read, one.hits / one.of - two.hits / two.of, interval)


def published_unread(rows: list[ArticleRow]) -> int:
    """How many published articles nobody read in the period."""
    return Article.objects.filter(state="published").exclude(pk__in=[row.id for row in rows]).count()


@dataclass(frozen=True)
class _Facts:
    reads: dict[int, tuple[int, Rate, Stay]]  # views, the noes of the votes, and what pages told of the stay
    shares: dict[int, tuple[int, Shared]]  # journeys in which it was read, and its equal shares
    last: dict[int, Tally]
    only: int | None

    @classmethod
    def of(cls, period: Period, tally: Tally, only: int | None) -> _Facts:
        of_article = {} if only is None else {"article_id": only}
        days = Q(day__range=(period.first, period.last), **of_article)
        reads = (
            ReadDay.objects.filter(days)
            .values_list("article_id")
            .annotate(*map(Sum, ("views", "yes", "no")), **stays.SUMS)
            .order_by()
        )
        shares = (
            ShareDay.objects.filter(days, window=period.window)
            .values_list("article_id")
            .annotate(number=Sum("journeys"), contacted=Sum("contacted"), shared=Sum("shared"))
            .order_by()
        )
        last = journeys.by_article(tally.cells, tally.spreads)
        spread = (tally.spreads.seconds, tally.spreads.in_sight)
        return cls(
            reads={pk: (views, Rate(no, yes + no), Stay.of(spread, *told)) for pk, views, yes, no, *told in reads},
            shares={pk: (number, Shared(contacted, of)) for pk, number, contacted, of in shares},
            last=last,
            only=only,
        )

    @property
    def ids(self) -> set[int]:
        """What was read, or is asked for; a vote alone, on a page opened before the period, is none."""
        if self.only is not None:
            return {self.only}
        return {pk for pk, (views, *_rest) in self.reads.items() if views} | set(self.shares)

    @cached_property
    def about(self) -> dict[int, tuple[str, str, str]]:
        known = Article.objects.filter(pk__in=self.ids)
        return {
            pk: (title or "", locale, topic)
            for pk, title, locale, topic in known.values_list("pk", "live_revision__title", "locale", "category__topic")
        }


def _tests(only: int | None) -> dict[int, Test]:
    """The running or paused test of each article that has one."""
    live = Experiment.objects.filter(state__in=[ExperimentState.RUNNING, ExperimentState.PAUSED])
    if only is not None:
        live = live.filter(article=only)
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
