"""Contacts by reason, WISMO, who had to ask again: the counts of days say what the rows say."""

from __future__ import annotations

import html
import random
import re
import uuid
from collections import Counter
from datetime import timedelta

import pytest
from django.urls import reverse

from analytics import periods, settling, shop_days
from analytics.day_pages import DayPages
from analytics.models import Event, Spread
from analytics.reports import contacts, guard_rail_rows, guard_rails, overview, repeats, wismo
from analytics.reports.guard_rails import ACCESS
from analytics.stats.counts import PerUnit
from analytics.stats.proportions import Rate
from contacts import listing, reasons
from contacts.models import Contact, FormVisit
from notifications.models import Customer, Order, PreferenceChange, Shipment
from tests.analytics import history
from tests.analytics.conftest import NOW
from tests.analytics.history import at
from tests.analytics.test_dashboard import rows_of, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]


def period_of(**asked):
    return periods.read({key.rstrip("_"): str(value) for key, value in asked.items()}, now=NOW)[0]


def shipped(number: int, *, days: float) -> None:
    customer = Customer.objects.get_or_create(source="test", external_id="1")[0]
    for _ in range(number):
        order = Order.objects.create(
            source="test", external_id=uuid.uuid4().hex, number="1", customer=customer, placed_at=at(days=days - 1)
        )
        for _parcel in range(2):
            Shipment.objects.create(
                order=order, carrier="post", tracking_no=uuid.uuid4().hex, handed_over_at=at(days=days)
            )


@pytest.mark.parametrize("seed", range(3))
def test_by_reason_and_by_day_are_those_of_the_rows_in_every_segment(seed):
    draw = random.Random(seed)
    delivery = history.reason("delivery")
    codes = [None, delivery, history.reason("late", parent=delivery), history.reason("refunds")]
    for n in range(60):
        made = history.contact(
            at(draw.uniform(0, 1440), days=draw.randrange(-28, 27)),
            person=f"p{draw.randrange(8)}",
            why=draw.choice(codes),
            source=draw.choice(["form", "email", "chat"]),
        )
        if n % 3 == 0:
            Contact.objects.filter(pk=made.pk).update(locale="de")
    settling.settle()
    tree = reasons.stored()

    for asked in ({}, {"locale": "de"}, {"source": "email"}, {"locale": "de", "source": "form", "compare": "year"}):
        period = period_of(**asked)
        total, rows = contacts.by_reason(period, now=NOW)
        days = contacts.by_day(period)
        for of, number in ((period, lambda row: row.now), (period.before(), lambda row: row.before)):
            span = {"since": of.first, "until": of.last, **of.segment.query}
            every = listing.narrowed(listing.Filter(span, tree=tree), tree=tree)
            assert number(total) == every.count()
            for row in rows:
                asked_of = listing.Filter({**span, "reason": row.code}, tree=tree)
                assert number(row) == listing.narrowed(asked_of, tree=tree).count(), row.code
        assert sum((Counter(day.by_topic) for day in days), Counter()).total() == total.now
        assert sum(contacts.totals_by_day(period.before())) == total.before


def test_a_change_says_whether_it_is_more_than_chance_and_today_counts_as_far_as_it_has_passed():
    for n in range(60):
        history.contact(at(n, days=n % 27), person=f"p{n}", why=history.reason("delivery"))
    for n in range(20):
        history.contact(at(n, days=-1 - n % 27), person=f"q{n}", why=history.reason("delivery"))
        history.contact(at(n, days=-1 - n % 27), person=f"q{n}", why=history.reason("refunds"))
    for n in range(19):
        history.contact(at(n, days=n % 27), person=f"r{n}", why=history.reason("refunds"))
    settling.settle()

    _total, rows = contacts.by_reason(period_of(), now=NOW)
    found = {row.code: row.change for row in rows}

    assert found["delivery"].is_rise
    assert not found["refunds"].is_shown
    assert found["delivery"].times > 3, "three times as many in not quite as many days"
    assert all(row.change is None for row in contacts.by_reason(period_of(compare="none"), now=NOW)[1])


def test_wismo_is_contacts_about_the_order_to_orders_shipped(settings):
    settings.WISMO_REASON = "delivery"
    delivery = history.reason("delivery")
    late = history.reason("late", parent=delivery)
    for n in range(12):
        history.contact(at(n, days=n), person=f"p{n}", why=late if n % 2 else delivery, source="form")
    history.contact(at(days=1), person="r", why=history.reason("refunds"))
    for n in range(40):
        history.contact(at(n, days=-1 - n % 20), person=f"q{n}", why=delivery)
    shipped(50, days=3)
    shipped(40, days=-5)
    settling.settle()

    found = wismo.build(period_of(), now=NOW)

    assert (found.now, found.before) == (PerUnit(12, 50), PerUnit(40, 40)), "two parcels are one order"
    assert found.change.is_fall
    assert found.now.interval.low < 0.24 < found.now.interval.high
    assert wismo.build(period_of(source="email"), now=NOW).now == PerUnit(12, 50), "orders have no channel"

    Spread.objects.filter(measure="count").update(factor=20.0)
    unsure = wismo.build(period_of(), now=NOW)
    assert unsure.now.interval.high > found.now.interval.high, "as if three people had written everything"
    assert not unsure.change.is_shown
    rows = {row.code: row for row in contacts.by_reason(period_of(), now=NOW)[1]}
    assert not rows["delivery"].change.is_shown


def test_wismo_says_so_where_no_reason_has_the_code(settings, signed_in):
    settings.WISMO_REASON = "nonsense"
    history.contact(at(days=1), person="p", why=history.reason("refunds"))
    settling.settle()

    assert "No reason has the code “nonsense”. Set WISMO_REASON." in text_of(signed_in().get(reverse("desk:home")))


def test_who_asked_again_counts_mature_known_contacts_and_opens_on_them(signed_in):
    delivery, refunds = history.reason("delivery"), history.reason("refunds")
    history.contact(at(days=1), person="anna", why=delivery)
    history.contact(at(days=5), person="anna", why=delivery)  # within seven days of the first
    history.contact(at(days=6), person="anna", why=refunds)  # about something else
    history.contact(at(days=13), person="anna", why=delivery)  # eight days after the second
    history.contact(at(days=2), person="", why=delivery)  # nobody knows who
    history.contact(at(days=3), person="ben")  # nobody knows why
    history.contact(at(days=24), person="carl", why=delivery)  # not mature
    history.contact(at(days=25), person="carl", why=delivery)
    settling.settle()

    shown = overview.build(period_of(), now=NOW)

    assert shown.repeated.rate == Rate(1, 4)
    assert shown.repeated.known == Rate(4, 6)
    assert shown.repeated.last == at(days=19).date()
    assert [row.person for row in repeats.found(period_of(), in_until=NOW, is_repeated=True)] == ["anna"]
    client = signed_in()
    assert rows_of(client, reverse("desk:repeated-contacts") + "?again=yes") == 1
    assert rows_of(client, reverse("desk:repeated-contacts")) == 4


# --- Guard-rails ---


def forms(number: int, *, done: int, days: float) -> None:
    FormVisit.objects.bulk_create(
        FormVisit(
            visitor=uuid.uuid4(), opened_at=at(n, days=days), answered_at=at(n + 1, days=days) if n < done else None
        )
        for n in range(number)
    )


def reads(number: int, *, days: float) -> None:
    parcel = history.article(f"Parcel {days}")
    for n in range(number):
        history.read(uuid.uuid4(), parcel, at(n, days=days))


def rails(**asked):
    return overview.build(period_of(**asked), now=NOW).guard_rails


def test_fewer_contacts_while_fewer_sent_the_form_is_suppression_and_takes_the_place_of_the_good_news(signed_in):
    for n in range(80):
        history.contact(at(n, days=-1 - n % 20), person=f"q{n}")
    for n in range(30):
        history.contact(at(n, days=n % 20), person=f"p{n}")
    reads(60, days=-4)
    reads(60, days=4)
    forms(60, done=50, days=-4)
    forms(60, done=20, days=4)
    settling.settle()

    found = rails()

    assert (found.of("form_completed").now.hits, found.of("form_completed").now.of) == (20, 60)
    assert [str(row.rail) for row in found.fell] == ["form_completed"]
    assert found.is_suppression
    page = text_of(signed_in().get(reverse("desk:home")))
    assert "Suppression: fewer contacts, while access to contact fell." in page
    assert "Fewer than chance alone would have it" not in page


def test_fewer_contacts_while_the_way_to_us_is_as_it_was_is_no_suppression(signed_in):
    for n in range(80):
        history.contact(at(n, days=-1 - n % 20), person=f"q{n}")
    for n in range(30):
        history.contact(at(n, days=n % 20), person=f"p{n}")
    forms(60, done=50, days=-4)
    forms(60, done=49, days=4)
    settling.settle()

    assert not rails().is_suppression
    page = text_of(signed_in().get(reverse("desk:home")))
    assert "Suppression" not in page.partition("How this could mislead you")[0]
    assert "Fewer than chance alone would have it" in page


def test_what_few_visitors_did_often_is_not_called_a_turn():
    """Sixty openings by three visitors, of whom one sent each time: no rate of sixty strangers."""
    visitors = [uuid.uuid4() for _ in range(6)]
    for n in range(120):
        who = n % 3 + (3 if n >= 60 else 0)
        when = at(n, days=4 if n >= 60 else -4)
        done = who in (0, 1, 3)
        FormVisit.objects.create(visitor=visitors[who], opened_at=when, answered_at=when if done else None)
        Event.objects.create(kind="stayed", at=when, visitor=visitors[who], link_seen=done, data={"on": "help"})
    reads(100, days=-4)
    reads(200, days=4)
    settling.settle()

    found = rails()

    assert [found.of(rail).turn for rail in ACCESS] == ["not_shown"] * 3
    assert found.of("form_completed").now.spread == pytest.approx(20)
    Spread.objects.all().delete()
    assert [rails().of(rail).turn for rail in ACCESS] == ["worse"] * 3, "as of strangers"


def test_openings_are_told_to_journeys_and_fewer_of_them_are_access_that_fell():
    for n in range(80):
        history.contact(at(n, days=-1 - n % 20), person=f"q{n}")
    reads(60, days=-4)
    reads(60, days=4)
    forms(40, done=30, days=-4)
    forms(8, done=6, days=4)
    settling.settle()

    found = rails()

    assert (found.of("form_opened").now, found.of("form_opened").before) == (PerUnit(8, 60), PerUnit(40, 60))
    assert found.is_suppression
    (table,) = guard_rails.tables(period_of(), NOW)
    keys = [column.key for column in table.columns]
    rows = {row[0]: dict(zip(keys, row, strict=True)) for row in table.rows}
    opened, sent = rows["form_opened"], rows["form_completed"]
    assert (opened["change_in"], round(opened["change_low"], 3), round(opened["change_high"], 3)) == (
        "times",
        0.095,
        0.42,
    )
    assert (sent["change_in"], sent["change_low"] < 0 < sent["change_high"]) == ("points", True)
    assert (round(sent["low"], 3), round(sent["high"], 3)) == (0.409, 0.929)
    assert rows["complaints"]["change_in"] is None
    shown = overview.build(period_of(), now=NOW).guard_rails.rows
    assert [row.change is None for row in shown if row.rail in ("form_opened", "complaints")] == [False, True]


def glances(number: int, *, seen: int, days: float) -> None:
    """Pages of the help centre that told; as many again told nothing."""
    for n in range(2 * number):
        visitor = uuid.uuid4()
        history.opened(visitor, at(n, days=days))
        if n < number:
            Event.objects.create(
                kind="stayed", at=at(n + 1, days=days), visitor=visitor, link_seen=n < seen, data={"on": "help"}
            )


def test_fewer_contacts_while_the_link_was_seen_less_is_suppression_and_each_number_opens_its_rows(signed_in):
    for n in range(80):
        history.contact(at(n, days=-1 - n % 20), person=f"q{n}")
    glances(60, seen=58, days=-4)
    glances(60, seen=30, days=4)
    settling.settle()

    found = rails()

    row = found.of("link_in_sight")
    assert (row.now, row.before, row.told, row.turn) == (Rate(30, 60), Rate(58, 60), Rate(60, 120), "worse")
    assert [str(row.rail) for row in found.fell] == ["link_in_sight"]
    assert found.is_suppression
    client = signed_in("analyst")
    page = client.get(reverse("desk:home"))
    assert "Link to the contact form in sight: 50.0 % (30 / 60), before 96.7 % (58 / 60)." in text_of(page)
    assert "50.0 % of 120 opened told us" in text_of(page)
    assert "worse −59.2 to −32.0 points" in text_of(page)
    urls = re.findall(r'href="(/desk/guard-rails/link_in_sight/[^"]+)">(\d+)</a>', page.content.decode())
    assert [number for _url, number in urls] == ["30", "60", "120", "58", "60", "120"]
    for url, number in urls:
        listed = client.get(html.unescape(url)).context
        assert (len(listed["rows"]), listed["page"].paginator.count) == (min(int(number), 50), int(number))


def test_the_link_of_a_page_that_told_after_midnight_is_no_error():
    Event.objects.create(kind="stayed", at=at(days=1), visitor=uuid.uuid4(), link_seen=True, data={"on": "help"})
    settling.settle()
    assert rails().of("link_in_sight").told == Rate(1, 1)


def test_each_guard_rail_opens_on_as_many_rows_as_it_counts(signed_in):
    parcel = history.article("Parcel")
    forms(7, done=3, days=1)
    voters = [uuid.uuid4() for _ in range(3)]
    for n, visitor in enumerate(voters):
        history.read(visitor, parcel, at(days=2))
        history.voted(visitor, parcel, at(5, days=2), is_helpful=n == 2)
    history.voted(voters[2], parcel, at(6, days=2), is_helpful=False)  # thought better of it: the last counts
    for person in ("p", "q"):
        for _ in range(2):
            PreferenceChange.objects.create(person=person, scope="delivery", is_on=False, at=at(days=3))
    settling.settle()

    client = signed_in("analyst")
    found = {}
    for row in rails().rows:
        for which, _title in guard_rail_rows.choices(row.rail):
            listed = client.get(reverse("desk:guard-rail", args=[row.rail]), {"which": which}).context
            found[str(row.rail), which] = len(listed["rows"])
            assert listed["page"].paginator.count == len(listed["rows"])
            if which in ("hits", "of"):
                assert found[str(row.rail), which] == getattr(row.now, which), (row.rail, which)
    rows = client.get(reverse("desk:guard-rail", args=["no_votes"]), {"which": "of"}).context["rows"]
    assert sorted(row.who for row in rows) == sorted(str(visitor)[:8] for visitor in voters)
    assert found["form_opened", "hits"] == 7
    assert found["no_votes", "hits"] == 3
    assert found["unsubscribes", "hits"] == 2
    assert client.get("/desk/guard-rails/satisfaction/").status_code == 404
    assert client.get("/desk/guard-rails/nothing/").status_code == 404
    assert client.get("/desk/guard-rails/complaints/?which=nothing").status_code == 404


def test_pages_of_a_long_list_lie_in_the_days_that_its_counts_say(django_assert_num_queries):
    made = [at(n % 7, days=n // 7) for n in range(70)]
    for moment in made:
        history.opened(uuid.uuid4(), moment)
    found = Event.objects.filter(kind="help").order_by("-at", "-id")
    days = DayPages(found, "at", {shop_days.day_of(moment): 7 for moment in made})
    assert len(days) == 70
    for start in range(0, 70, 9):
        with django_assert_num_queries(1):
            assert [event.at for event in days[start : start + 9]] == sorted(made, reverse=True)[start : start + 9]
    assert days[70:80] == []


def test_what_is_not_measured_says_so_and_who_is_just_writing_is_not_counted(signed_in):
    forms(4, done=2, days=1)
    FormVisit.objects.create(visitor=uuid.uuid4(), opened_at=NOW - timedelta(minutes=5))
    FormVisit.objects.create(visitor=None, opened_at=at(days=1))  # a bot, or staff
    history.contact(at(days=1), person="p")
    settling.settle()

    assert rails().of("form_completed").now == Rate(2, 4)
    assert rails(compare="none").of("form_completed").before is None
    assert "Satisfaction and effort after contact not measured" in text_of(signed_in().get(reverse("desk:home")))
