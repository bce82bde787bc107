"""What the order's page says in each state: the headline, the day, the journey, the parcels, what to do, our word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from core import clock
from kb import publishing
from kb.models import Category
from kb.search import indexing
from notifications import carriers, links, next_updates, order_pages, timeline, tracking
from notifications.delays import DelayKind
from notifications.expectations import Expectation
from notifications.intake import storing
from notifications.intake.facts import Packed
from notifications.models import Leg, LegDay, OrderLine, Shipment, ShipmentState
from notifications.order_states import OrderState, state_of, step_of
from notifications.order_texts import OF_EVENT, OF_ORDER
from tests.notifications import shop
from tests.notifications.shop import DAY, NOW

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(autouse=True)
def _thursday_noon(settings):
    settings.SITE_URL = "http://testserver"
    with clock.frozen(NOW):
        yield


@pytest.fixture
def ada() -> Client:
    return Client(headers={"User-Agent": BROWSER})


def read(client: Client, order) -> str:
    answer = client.get(links.order_url(order, locale="en").removeprefix("http://testserver"))
    assert answer.status_code == 200
    return answer.content.decode()


def usual_days(**by_days: int) -> None:
    """What transit.learn() would have found: so many parcels took so many days (d3=100)."""
    took = {int(name[1:]): number for name, number in by_days.items()}
    for leg in (Leg.PACKING, Leg.TRANSIT):
        days = took if leg == Leg.TRANSIT else {1: 100}
        for age in range(max(days) + 1):
            waiting = sum(number for day, number in days.items() if day >= age)
            LegDay.objects.create(leg=leg, days=age, waiting=waiting, ended=days.get(age, 0))


# --- The state ---


@pytest.mark.parametrize(
    ("parcels", "state"),
    [
        ([], OrderState.PREPARING),
        (["created"], OrderState.PREPARING),
        (["created", "in_transit"], OrderState.ON_ITS_WAY),
        (["in_transit"], OrderState.ON_ITS_WAY),
        (["delivered", "in_transit"], OrderState.PARTLY_DELIVERED),
        (["delivered", "out_for_delivery"], OrderState.OUT_FOR_DELIVERY),
        (["delivered", "available_for_pickup"], OrderState.READY_TO_COLLECT),
        (["delivered", "exception"], OrderState.PROBLEM),
        (["attempt_failed"], OrderState.ATTEMPT_FAILED),
        (["delivered", "delivered"], OrderState.DELIVERED),
        (["delivered", "returned"], OrderState.PARTLY_RETURNED),
        (["returned"], OrderState.RETURNED),
    ],
)
def test_parcels_make_the_orders_state(parcels, state):
    assert state_of(parcels, delays=set(), is_cancelled=False) == state
    assert state_of(parcels, delays=set(), is_cancelled=True) == OrderState.CANCELLED


@pytest.mark.parametrize(
    ("parcels", "delay", "state"),
    [
        (["created"], DelayKind.NOT_HANDED_OVER, OrderState.NOT_LEFT),
        ([], DelayKind.PROMISE_PASSED, OrderState.LATE),
        (["in_transit"], DelayKind.PROMISE_PASSED, OrderState.LATE),
        (["delivered", "in_transit"], DelayKind.PROMISE_PASSED, OrderState.PARTLY_LATE),
        (["out_for_delivery"], DelayKind.PROMISE_PASSED, OrderState.OUT_FOR_DELIVERY),
    ],
)
def test_a_late_order_says_so_where_nothing_says_more(parcels, delay, state):
    assert state_of(parcels, delays={delay}, is_cancelled=False) == state


def test_every_state_has_its_words():
    assert set(OF_ORDER) == set(OrderState)
    assert set(OF_EVENT) == set(ShipmentState)
    assert {state for state in ShipmentState if step_of(state) is None} == {ShipmentState.RETURNED}


@pytest.mark.django_db
def test_every_state_has_a_page_in_every_combination_of_two_parcels(ada):
    for first in ShipmentState:
        for second in ShipmentState:
            number = f"FH-{first}-{second}"
            parcel = shop.scan(shop.parcel(number), first)
            storing.store([Packed(NOW, number, "Other", number, ((1, 1),))], source="test", now=NOW)
            shop.scan(Shipment.objects.get(carrier="Other", tracking_no=number), second)
            title = str(OF_ORDER[order_pages.page_of(parcel.order, now=NOW).state].title)
            assert title in read(ada, parcel.order)


# --- The day ---


@pytest.mark.django_db
def test_a_late_parcel_shows_the_promise_the_likeliest_day_and_the_range(ada):
    usual_days(d3=10, d5=50, d6=30, d7=20)
    parcel = shop.scan(shop.parcel(), "handed_over", NOW - 4 * DAY)
    page = order_pages.page_of(parcel.order, now=NOW)
    assert page.state == OrderState.LATE
    assert page.parcels[0].expected == order_pages.Expected(
        "tomorrow or Saturday 7 March",
        "Very likely between tomorrow and Sunday 8 March: four in five parcels at this point arrive then.",
        is_after_promise=True,
    )
    text = read(ada, parcel.order)
    assert "Promised by</dt><dd>Thursday 5 March" in text
    assert "Now expected" in text
    assert "Tomorrow or Saturday 7 March" in text
    assert "four in five parcels at this point arrive then." in text


@pytest.mark.django_db
def test_a_promise_is_not_repeated_as_the_expected_day_once_an_order_should_have_left():
    parcel = shop.parcel(ship_by=NOW + DAY, deliver_by=NOW + 3 * DAY)
    page = order_pages.page_of(parcel.order, now=NOW)
    assert (page.state, page.parcels[0].expected.text) == (OrderState.PREPARING, "by Sunday 8 March")
    with clock.frozen(NOW + 2 * DAY):
        page = order_pages.page_of(parcel.order, now=NOW + 2 * DAY)
    assert (page.state, page.parcels[0].expected.text) == (OrderState.NOT_LEFT, "not known yet")


@pytest.mark.parametrize(
    ("half", "four_in_five", "most", "text", "likely"),
    [
        ((1, 1), (1, 1), (1, 1), "tomorrow", ""),
        ((0, 1), (0, 1), (0, 3), "today or tomorrow", "Almost surely by Sunday 8 March."),
        (
            (2, 4),
            (1, 5),
            (1, 9),
            "Saturday 7 March to Monday 9 March",
            "Very likely between tomorrow and Tuesday 10 March: four in five parcels at this point arrive then. "
            "Almost surely by Saturday 14 March.",
        ),
    ],
)
def test_how_sure_a_day_is_stands_in_words_a_customer_grasps(half, four_in_five, most, text, likely):
    low, high = four_in_five
    told = Expectation(low, half[0], high, half, most)
    assert order_pages._in_days(told, NOW.date(), None) == order_pages.Expected(text, likely)


@pytest.mark.django_db
def test_a_parcel_that_takes_longer_than_almost_all_gets_no_guess(ada):
    usual_days(d3=50, d4=50)
    parcel = shop.scan(shop.parcel(), "handed_over", NOW - 9 * DAY)
    assert "it has taken longer than almost all our parcels do" in read(ada, parcel.order)


@pytest.mark.django_db
def test_without_a_past_only_the_promise_is_said(ada):
    parcel = shop.parcel(ship_by=NOW + DAY, deliver_by=NOW + 3 * DAY)
    assert "By Sunday 8 March" in read(ada, parcel.order)
    late = shop.parcel("FH-2", name="Bo")
    assert "Not known yet" in read(ada, late.order)
    none = shop.parcel("FH-3", name="Cy", ship_by=None, deliver_by=None)
    assert "Expected</dt>" not in read(ada, none.order)


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["delivered", "returned", "available_for_pickup", "attempt_failed", "exception"])
def test_no_day_is_named_where_the_usual_times_do_not_hold(state):
    usual_days(d3=50, d9=50)
    parcel = shop.scan(shop.parcel(), state, NOW - 2 * DAY)
    assert order_pages.page_of(parcel.order, now=NOW).parcels[0].expected.text == ""


@pytest.mark.django_db
def test_a_day_is_the_customers_own():
    usual_days(d3=100)
    evening = datetime(2026, 3, 5, 23, 30, tzinfo=UTC)
    parcel = shop.scan(shop.parcel(deliver_by=NOW + 5 * DAY), "handed_over", evening - 3 * DAY)
    parcel.order.customer.time_zone = "Asia/Tokyo"
    parcel.order.customer.save()
    with clock.frozen(evening):
        page = Client().get(links.order_url(parcel.order, locale="en").removeprefix("http://testserver"))
    # It is the 6th in Tokyo already; "today" there is what is meant.
    assert b"<dd>Today" in page.content
    assert b"Tuesday 10 March" in page.content


# --- The journey ---


def event(state: str, at: datetime, **more: object):
    from notifications.models import TrackingEvent

    return TrackingEvent(state=state, at=at, **more)


def test_reports_are_grouped_by_day_in_our_words_with_the_carriers_below():
    said = timeline.of(
        [
            event("out_for_delivery", NOW - timedelta(hours=4), text="ON VEHICLE", place="Leeds"),
            event("in_transit", NOW - timedelta(hours=5), text="on its way"),
            event("", NOW - DAY, raw_status="LH_RESCHED"),
            event("", NOW - DAY),
            event("delivered", NOW - 400 * DAY, text="x"),
            event("handed_over", NOW - 2 * DAY, is_dated=False),
        ],
        placed_at=NOW - 5 * DAY,
        now=NOW,
    )
    assert [(day.day and day.day.day, [line.text for line in day.lines]) for day in said.recent] == [
        (5, ["Out for delivery", "On its way"]),
        (4, ["The carrier says: “LH_RESCHED”"]),
    ]
    assert [(day.day, [line.text for line in day.lines]) for day in said.earlier] == [
        (None, ["Delivered", "Handed to the carrier"])
    ]
    assert [line.said for line in said.recent[0].lines] == ["ON VEHICLE", ""]
    assert said.earlier_count == 2


def test_why_a_carrier_could_not_go_on_is_told_in_our_words():
    said = timeline.of(
        [
            event("exception", NOW, text="PKG DMGD", reason="damaged"),
            event("attempt_failed", NOW, reason="recipient"),
            event("exception", NOW, reason="other"),
            event("in_transit", NOW, reason="weather"),
        ],
        placed_at=NOW - 5 * DAY,
        now=NOW,
    )
    assert [(line.text, line.said) for line in said.recent[0].lines] == [
        ("It was damaged on the way", "PKG DMGD"),
        ("Nobody could take it in", ""),
        ("The carrier reports a problem", ""),
        ("On its way", ""),
    ]


def test_a_long_journey_unfolds_by_whole_days():
    events = [event("in_transit", NOW - n * timedelta(hours=6), text=f"scan {n}") for n in range(40)]
    said = timeline.of(events, placed_at=NOW - 50 * DAY, now=NOW)
    days = [day.day for day in [*said.recent, *said.earlier]]
    assert len(days) == len(set(days))
    assert sum(len(day.lines) for day in said.recent) <= 4
    assert said.earlier_count + sum(len(day.lines) for day in said.recent) == 40


@pytest.mark.django_db
def test_a_carriers_words_are_text_and_no_markup(ada):
    parcel = shop.parcel()
    tracking.record(parcel, tracking.Scan(state="", at=NOW, text="<b>bold</b>", place="<i>x"), now=NOW)
    assert "&lt;b&gt;bold&lt;/b&gt;" in read(ada, parcel.order)


# --- Several parcels ---


def two_parcels():
    shop.parcel()
    facts = [
        Packed(NOW - 3 * DAY, "FH-1001", "Parcel Post", "PPFH-1001", ((1, 1),)),
        Packed(NOW - 2 * DAY, "FH-1001", "Other", "X1", ((2, 3), (9, 1))),
    ]
    order = shop.order_of("FH-1001")
    OrderLine.objects.create(order=order, position=2, title="Mug", quantity=3)
    return order, storing.store(facts, source="test", now=NOW), facts


@pytest.mark.django_db
def test_a_split_order_says_what_is_in_which_parcel(ada):
    order, stored, facts = two_parcels()
    assert stored.parcels == 1
    assert storing.store(facts, source="test", now=NOW).parcels == 0, "told twice, it is the same"
    shop.scan(Shipment.objects.get(tracking_no="PPFH-1001"), "delivered")
    text = read(ada, order)
    assert "Parcel 1 of 2" in text
    assert [parcel.contents for parcel in order_pages.page_of(order, now=NOW).parcels] == [
        ["1 × Desk lamp"],
        ["3 × Mug"],
    ]
    assert "Part of your order is late" in text


@pytest.mark.django_db
def test_a_parcel_that_is_another_orders_is_refused_and_nothing_else():
    order, _, _ = two_parcels()
    shop.parcel("FH-2002", name="Bo")
    told = storing.store([Packed(NOW, "FH-2002", "Other", "X1", ((1, 1),))], source="test", now=NOW)
    assert "FH-2002 was left out" in told.refused[0]
    assert Shipment.objects.get(tracking_no="X1").order == order


@pytest.mark.django_db
def test_an_order_without_a_parcel_has_a_page(ada):
    order = shop.parcel().order
    order.shipments.all().delete()
    assert "This order is late" in read(ada, order)
    shop.cancel(shop.parcel("FH-2", name="Bo"))
    shop.order_of("FH-2").shipments.all().delete()
    assert "was cancelled" in read(ada, shop.order_of("FH-2"))


# --- What helps ---


@pytest.mark.django_db
def test_the_articles_and_the_contact_form_fit_the_state(ada, settings, tmp_path):
    settings.SEARCH_INDEX_DIR = tmp_path / "index"
    shelf = Category.objects.create(key="delivery", topic="order_status", icon="truck")
    for title, body in (
        ("My parcel is late", "If your parcel is late, we tell you. A late parcel mostly comes within two days."),
        ("Return an item", "Send an item back within thirty days."),
    ):
        made = publishing.create_article(title=title, body=body, category=shelf, by=None, locale="en")
        publishing.publish(made, by=None, ring=False)
    indexing.rebuild()
    late = shop.parcel().order
    text = read(ada, late)
    assert "My parcel is late" in text
    assert "Return an item" not in text
    assert "/en/contact/?order=FH-1001&amp;q=This+order+is+late" in text


def test_a_carriers_own_page_is_linked_where_we_know_one(settings):
    settings.TRACKING_PAGES = {"larkpost": "https://track.example.com/?n={}"}
    assert carriers.tracking_page("Royal Mail", "AB 1/2") == (
        "https://www.royalmail.com/track-your-item#/tracking-results/AB%201%2F2"
    )
    assert carriers.tracking_page("Larkpost", "1") == "https://track.example.com/?n=1"
    assert carriers.tracking_page("Nobody", "1") == ""
    assert carriers.tracking_page("UPS", "") == ""


# --- Our word ---


@pytest.mark.django_db
def test_the_next_update_is_shown_while_it_is_ahead_and_owned_up_to_after(ada):
    order = shop.parcel().order
    olga = User.objects.create_user("olga")
    next_updates.promise(order, due_at=NOW + DAY, note="We are searching.", by=olga, now=NOW)
    assert "Next update by Friday 6 March, 12:00" in read(ada, order)
    assert "We are searching." in read(ada, order)
    with clock.frozen(NOW + 2 * DAY):
        text = read(ada, order)
        assert "Next update by" not in text
        assert "We said that you would hear from us by Friday 6 March, and you have not." in text
        next_updates.promise(order, due_at=NOW + 3 * DAY, note="Found in Leeds.", by=olga, now=NOW + 2 * DAY)
        text = read(ada, order)
        assert "Next update by Sunday 8 March" in text
        assert "searching" not in text
        assert next_updates.keep(order, now=NOW + 2 * DAY)
        assert "From our team" in read(ada, order)
        assert not next_updates.keep(order, now=NOW + 2 * DAY)
    assert order.next_updates.count() == 2


@pytest.mark.django_db
def test_an_update_in_the_past_cannot_be_promised():
    order = shop.parcel().order
    with pytest.raises(ValueError, match="not ahead"):
        next_updates.promise(order, due_at=NOW, note="", by=None, now=NOW)


@pytest.mark.django_db
def test_the_page_needs_a_fixed_number_of_queries(ada, django_assert_max_num_queries):
    order, _, _ = two_parcels()
    for number in range(12):
        for parcel in order.shipments.all():
            shop.scan(parcel, "in_transit", NOW - number * timedelta(hours=5))
    url = links.order_url(order, locale="en").removeprefix("http://testserver")
    ada.get(url)
    with django_assert_max_num_queries(22):
        ada.get(url)
