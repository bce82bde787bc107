"""What makes long periods quick to look at changes no number and leaves nothing out."""

import random
from collections import Counter
from datetime import date, timedelta

import pytest
from django.core.paginator import Paginator
from django.db.models import Max, Min, Q

from analytics import day_pages, month_counts, periods, rollups
from analytics.models import CountedMonth, Event, EventKind, JourneyDay, JourneyMonth, RollupKind
from contacts import selectors
from contacts.models import Contact
from core import clock
from tests.analytics import history
from tests.analytics.history import at

pytestmark = pytest.mark.django_db
FIRST, LAST = date(2026, 1, 10), date(2026, 5, 20)
NAMES = ("article_id", "outcome", "is_linkable")


@pytest.fixture
def months():
    """Journeys of four months and a bit, of which January is not whole, and the last two are not long over; counted."""
    chance, days = random.Random(3), (LAST - FIRST).days
    JourneyDay.objects.bulk_create(
        JourneyDay(
            day=FIRST + timedelta(days=chance.randrange(days + 1)), window=chance.choice((7, 14)),
            article_id=chance.randrange(3), revision_id=chance.randrange(2), variant_id=0, locale="en",
            outcome=chance.choice(("", "silent", "contacted")), is_linkable=chance.random() < 0.5,
            is_contradicted=False, has_searched=False, journeys=chance.randrange(1, 9),
        )
        for _ in range(1_500)
    )  # fmt: skip
    with clock.frozen(at(days=80)):  # the 21st of May
        assert month_counts.make() == 3
        assert month_counts.make() == 0


def period(first: date, last: date) -> periods.Period:
    return periods.Period(first, last, 7)


def of_days(asked: periods.Period, narrowed: Q) -> Counter:
    """The same by hand, from days alone."""
    found = JourneyDay.objects.filter(narrowed, window=7, day__range=(asked.first, asked.last))
    sums: Counter = Counter()
    for *values, number in found.values_list(*NAMES, "journeys"):
        sums[tuple(values)] += number
    return sums


def summed(asked: periods.Period, narrowed: Q) -> Counter:
    return Counter({tuple(values): number for *values, number in month_counts.summed(asked, *NAMES, narrowed=narrowed)})


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (FIRST, LAST), (date(2026, 2, 1), date(2026, 3, 31)), (date(2026, 2, 2), date(2026, 3, 31)),
        (date(2026, 1, 31), date(2026, 4, 1)), (date(2026, 2, 10), date(2026, 3, 15)), (LAST, LAST),
        (date(2025, 12, 1), date(2026, 6, 30)),
    ],
)  # fmt: skip
def test_months_and_the_days_at_their_edges_are_the_days_of_the_period(months, first, last):
    asked = period(first, last)
    for narrowed in (Q(), Q(article_id=1), Q(pk__in=[])):
        assert summed(asked, narrowed) == of_days(asked, narrowed)
    assert month_counts.number(asked) == sum(of_days(asked, Q()).values())


def test_months_are_what_is_read_of_a_long_period(months):
    JourneyMonth.objects.filter(day=date(2026, 3, 1)).delete()
    gone = of_days(period(date(2026, 3, 1), date(2026, 3, 31)), Q())
    assert summed(period(FIRST, LAST), Q()) == of_days(period(FIRST, LAST), Q()) - gone


def test_a_month_is_not_used_from_the_moment_a_day_of_it_is_counted_anew(months):
    JourneyDay.objects.filter(day=date(2026, 3, 9)).delete()
    month_counts.forget(date(2026, 3, 9), date(2026, 3, 9))
    assert not CountedMonth.objects.filter(month=date(2026, 3, 1)).exists()
    assert CountedMonth.objects.count() == 2
    assert summed(period(FIRST, LAST), Q()) == of_days(period(FIRST, LAST), Q())


def test_counting_a_day_anew_counts_its_month_anew(months):
    assert JourneyDay.objects.filter(day=date(2026, 3, 9)).exists()
    rollups.mark(RollupKind.JOURNEYS, [date(2026, 3, 9)])
    with clock.frozen(at(days=80)):
        rollups.make_due(windows=[7])  # there are no journeys: the day has none now
    assert not JourneyDay.objects.filter(day=date(2026, 3, 9)).exists()
    assert CountedMonth.objects.count() == 3
    assert summed(period(FIRST, LAST), Q()) == of_days(period(FIRST, LAST), Q())


def test_each_source_is_in_from_its_first_contact_to_its_newest():
    assert selectors.feeds() == []
    for number, source in enumerate(("form", "email", "chat", "email", "form", "import", "email")):
        history.contact(at(number), person=f"p{number}", source=source)
    by_hand = (
        Contact.objects.exclude(source="form")
        .values_list("source")
        .annotate(since=Min("received_at"), until=Max("received_at"))
        .order_by("source")
    )
    assert [(feed.source, feed.since, feed.until) for feed in selectors.feeds()] == list(by_hand)


@pytest.fixture
def reads():
    """Of some days a few, of some many, of some none."""
    chance = random.Random(5)
    return Event.objects.bulk_create(
        Event(kind=EventKind.READ, at=at(chance.randrange(60), days=int(chance.random() ** 2 * 40)), article_id=1)
        for _ in range(230)
    )


def by_day(events) -> Counter:
    return Counter(event.at.date() for event in events)


def pages(listed) -> list[int]:
    paginator = Paginator(listed, 20)
    return [event.pk for number in paginator.page_range for event in paginator.page(number)]


def in_order() -> list[int]:
    return list(Event.objects.order_by("-at", "-id").values_list("pk", flat=True))


@pytest.mark.parametrize("far", [1, 1_000])
def test_pages_of_days_are_those_of_the_whole_list(reads, far, monkeypatch):
    monkeypatch.setattr(day_pages, "_FAR", far)
    assert pages(day_pages.DayPages(Event.objects.all(), "at", by_day(reads))) == in_order()


def test_rows_that_are_not_counted_yet_leave_no_page_empty(reads):
    counted = by_day(reads)
    for day in list(counted)[::3]:
        counted[day] //= 2
    counted[date(2026, 3, 30)] += 25  # of these, none are there any more
    listed = Paginator(day_pages.DayPages(Event.objects.all(), "at", counted), 20)
    assert [event.pk for event in listed.page(1)] == in_order()[:20]
    assert all(len(listed.page(number)) == 20 for number in range(1, listed.num_pages - 2))


@pytest.mark.parametrize("known", [None, 230])
@pytest.mark.parametrize("far", [10, 100, 1_000])
def test_pages_from_either_end_are_those_of_the_whole_list(reads, known, far, monkeypatch):
    monkeypatch.setattr(day_pages, "_FAR", far)
    end = at(days=41)
    assert pages(day_pages.Newest(Event.objects.all(), "at", end=end, known=known)) == in_order()


def test_pages_of_the_last_days_are_looked_for_in_these_days_alone(reads, django_assert_num_queries):
    counted = by_day(reads)
    recent = {day: number for day, number in counted.items() if day >= max(counted) - timedelta(days=9)}
    listed = day_pages.Newest(Event.objects.all(), "at", end=at(days=41), known=230, recent=recent)
    assert pages(listed) == in_order()
    with django_assert_num_queries(1) as asked:
        listed[0:20]
    assert asked[0]["sql"].count('"at" >=') == asked[0]["sql"].count('"at" <') == 1
