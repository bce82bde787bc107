"""The flow of journeys: each band is as many journeys as it opens on, and the drawing is of those numbers."""

from __future__ import annotations

import random
import re
import uuid
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.urls import reverse

from analytics import flow_picture, journey_flow, periods, settling
from analytics.models import Event, EventKind, Journey, JourneyDay
from analytics.reports import flow, flow_compared, journeys, timeline
from analytics.stats.proportions import Rate, difference
from core import clock
from kb.models import SearchLog
from tests.analytics import history
from tests.analytics.history import ANNA, BEN, CARA, at

pytestmark = pytest.mark.django_db
DAYS = {"from": "2026-03-02", "to": "2026-03-29"}


def visitor(number: int) -> uuid.UUID:
    return uuid.UUID(int=1_000 + number)


@pytest.fixture
def a_month(db):
    """A few dozen journeys of every kind, settled."""
    chance = random.Random(4)
    articles = [history.article(f"About {topic}", topic) for topic in ("delivery", "returns", "")]
    for number in range(60):
        who, when = visitor(number), at(days=chance.randrange(12), minutes=chance.randrange(400))
        for step in range(chance.randrange(1, 4)):
            moment = when + timedelta(minutes=step * 3)
            kind = chance.randrange(4)
            if kind == 0:
                history.searched(who, "parcel", moment, is_returning=chance.random() < 0.6)
            elif kind == 1:
                history.opened(who, moment, is_returning=chance.random() < 0.6)
            else:
                history.read(who, chance.choice(articles), moment, is_returning=chance.random() < 0.6)
                if chance.random() < 0.4:
                    history.voted(who, articles[0], moment, is_helpful=chance.random() < 0.5)
        if chance.random() < 0.2:
            history.contact(when + timedelta(days=2), visitor=who, person=f"p{number}", why=history.reason("delivery"))
    with clock.frozen(at(days=18)):
        settling.settle()
    return articles


def period(**more: str) -> periods.Period:
    return periods.read(DAYS | more, now=at(days=27))[0]


ASKED = [
    {},
    *({"outcome": value} for value in ("contacted", "contacted_other", "denied", "confirmed", "silent", "empty")),
    *({"outcome": value} for value in ("unlinkable", "immature", "great")),
    {"mature": "yes"}, {"linkable": "yes"}, {"linkable": "no"}, {"has_read": "yes"}, {"has_read": "no"},
    {"voted": "yes"}, {"contact": "no"}, {"helped": "maybe"}, {"contradicted": "yes"}, {"topic": "delivery"},
    {"topic": "none"}, {"topic": "returns,none", "has_read": "yes"}, {"lang": "en"}, {"lang": "de"},
    *({"entry": entry} for entry in (*journeys.ENTRIES, "sideways")), {"article": "x"},
    {"entry": "search", "linkable": "yes", "outcome": "silent"},
]  # fmt: skip


def test_what_is_counted_is_what_is_listed(a_month):
    seen = set()
    for window in ("1", "7", "14"):
        first, second, _third = (str(article.pk) for article in a_month)
        of_articles = ({"article": first}, {"beside": f"{first},{second}", "has_read": "yes"}, {"beside": first})
        for asked in (*ASKED, *of_articles, {"beside": f"{first},x"}):
            listed = journeys.narrowed(period(window=window), asked).count()
            assert flow.build(period(window=window), asked).journeys == listed, asked
            seen |= {tuple(asked.items())} if listed else set()
    assert len(seen) > 18  # the month has something of nearly everything


@pytest.mark.parametrize("by", ["topic", "article"])
def test_each_column_has_every_journey_once_and_each_band_opens_on_its_own(a_month, signed_in, by):
    titles = {article.pk: article.live_revision.title for article in a_month}
    shown = flow.build(period(), {}, articles=titles if by == "article" else None)
    assert shown.journeys == Journey.objects.count()
    for column in shown.columns:
        assert sum(node.journeys for node in column) == shown.journeys
    for link in shown.links:
        assert journeys.narrowed(period(), link.narrowed).count() == link.journeys > 0
    page = signed_in().get(reverse("desk:journeys"), DAYS | {"by": by}).content.decode()
    bands = re.findall(r'<a href="([^"]+)" class="flow-band[^"]*" aria-label="[^"]*?: (\d+) of (\d+) journeys', page)
    assert len(bands) == len(shown.links)
    for href, number, of in bands:
        assert int(of) == shown.journeys
        asked = dict(parse_qsl(urlsplit(href.replace("&amp;", "&")).query))
        assert journeys.narrowed(period(), asked).count() == int(number)


def test_more_topics_than_can_be_named_are_one_band_that_opens_on_all_of_them(db):
    for number in range(flow.NAMED + 3):
        for reader in range(2 if number < flow.NAMED else 1):
            read = history.article(f"About {number} {reader}", f"topic-{number}")
            history.read(visitor(10 * number + reader), read, at(number))
    with clock.frozen(at(days=1)):
        settling.settle()
    others = flow.build(period(), {}).columns[1][-1]
    assert (others.name, others.journeys) == ("Other topics", 3)
    assert journeys.narrowed(period(), others.narrowed).count() == 3


@pytest.fixture
def many_articles(db):
    """One more than can be named and two, each of a topic of its own; the first two led to a contact."""
    written = [history.article(f"Text {number}", f"topic-{number}") for number in range(flow.NAMED_ARTICLES + 3)]
    for number, text in enumerate(written):
        for reader in range(2 if number < flow.NAMED_ARTICLES else 1):
            history.read(visitor(10 * number + reader), text, at(number))
    for number in (0, 10):
        history.contact(at(days=1), visitor=visitor(number), person=f"p{number}")
    with clock.frozen(at(days=20)):
        settling.settle()
    return written


def test_the_middle_names_the_articles_read_most_and_the_others_are_one_band_that_opens_on_them(many_articles):
    shown = journey_flow.build(period(), {"by": "article"})
    middle = shown.flow.columns[1]
    assert [node.name for node in middle] == [f"Text {n}" for n in range(flow.NAMED_ARTICLES)] + ["Other articles"]
    others = middle[-1].narrowed
    assert journeys.narrowed(period(), others).count() == middle[-1].journeys == 3
    deeper = journey_flow.build(period(), {"by": "article", **others}).flow
    assert [node.name for node in deeper.columns[1]] == ["Text 10", "Text 11", "Text 12"]


def test_others_of_the_others_leave_out_all_that_were_named(many_articles, monkeypatch):
    monkeypatch.setattr(flow, "NAMED_ARTICLES", 4)
    asked: dict[str, str] = {"by": "article"}
    seen: list[str] = []
    for _time in range(5):
        middle = journey_flow.build(period(), asked).flow.columns[1]
        seen += [node.name for node in middle if node.key != flow.OTHERS]
        if middle[-1].key != flow.OTHERS:
            break
        asked |= middle[-1].narrowed
    assert sorted(seen) == sorted(f"Text {number}" for number in range(len(many_articles)))


@pytest.mark.parametrize(
    ("asked", "by"),
    [({}, "article"), ({"by": "topic"}, "topic"), ({"by": "moon"}, "article"), ({"topic": "topic-1"}, "article")],
)
def test_articles_are_in_the_middle_unless_they_are_too_many_for_it(many_articles, monkeypatch, asked, by):
    assert journey_flow.build(period(), asked).by == by
    monkeypatch.setattr(flow, "NAMED_ARTICLES", 3)  # 6 of 23 journeys
    is_narrowed = "topic" in asked
    assert journey_flow.build(period(), asked).by == ("article" if is_narrowed else "topic")


def test_one_article_has_its_own_picture_and_says_how_many_contacted_us_about_it(many_articles, signed_in):
    nothing = journey_flow.build(period(), {"by": "article", "has_read": "no"})
    assert (nothing.journeys, nothing.by) == (0, "article")
    last = many_articles[-1]
    page = signed_in().get(reverse("desk:journeys"), DAYS | {"article": last.pk})
    assert [node.name for node in page.context["flow"].columns[1]] == ["Text 12"]
    whole = signed_in().get(reverse("desk:journeys"), DAYS | {"by": "article"})
    (contacted,) = re.findall(r'<a href="([^"]+)">1 contacted us about it</a>', whole.content.decode())[:1]
    asked = dict(parse_qsl(urlsplit(contacted.replace("&amp;", "&")).query))
    assert (asked["article"], asked["outcome"]) == (str(many_articles[0].pk), "contacted")
    assert journeys.narrowed(period(), asked).count() == 1


# --- Against the days before ---


def test_outcomes_stand_against_the_days_before_of_as_many_mature_journeys(db, signed_in):
    parcel = history.article("Where is my parcel")
    for number in range(80):
        is_now = number < 40
        history.read(visitor(number), parcel, at(number, days=2 if is_now else -20))
        if number < 4 or 40 <= number < 64:
            history.contact(at(days=4 if is_now else -18), visitor=visitor(number), person=f"p{number}")
    history.read(visitor(99), parcel, at(days=26))  # too early to say
    with clock.frozen(at(days=27)):
        settling.settle()
        turns = {turn.outcome: turn for turn in flow_compared.build(period(), {}, flow.build(period(), {}))}
        page = signed_in().get(reverse("desk:journeys"), DAYS)
    contacted = turns["contacted"]
    assert (contacted.now.rate, contacted.before.rate) == (Rate(4, 40), Rate(24, 40))
    assert contacted.interval == difference(Rate(4, 40), Rate(24, 40))
    assert (contacted.is_fall, contacted.is_rise, turns["silent"].is_rise) == (True, False, True)
    text = page.content.decode()
    links = re.findall(r'<a href="([^"]+)">(\d+)</a>', text[text.index("h-turns") : text.index('id="list"')])
    assert [number for _url, number in links if number in ("4", "24")][:2] == ["4", "24"]
    for url, number in links:
        asked = dict(parse_qsl(urlsplit(url.replace("&amp;", "&")).query))
        assert journeys.narrowed(periods.read(asked, now=at(days=27))[0], asked).count() == int(number)


def test_nothing_is_compared_where_it_would_say_nothing(a_month):
    for more, asked in (({"compare": "none"}, {}), ({}, {"outcome": "contacted"}), ({}, {"mature": "yes"})):
        shown = flow.build(period(**more), asked)
        assert flow_compared.build(period(**more), asked, shown) == []
    turns = flow_compared.build(period(), {}, flow.build(period(), {}))
    assert {turn.interval for turn in turns} == {None}  # nothing happened before
    assert "Withheld" in turns[0].before.why_withheld or "No journey" in turns[0].before.why_withheld


def test_the_first_event_says_by_what_a_journey_began_however_late_it_comes_in(db):
    parcel = history.article("Where is my parcel")
    history.read(ANNA, parcel, at(5))
    history.opened(BEN, at())
    history.read(BEN, parcel, at(1))
    history.read(CARA, parcel, at())
    with clock.frozen(at(days=1)):
        settling.settle()
        history.searched(ANNA, "parcel", at())
        settling.settle()
    assert dict(Journey.objects.values_list("visitor", "entry")) == {ANNA: "search", BEN: "help", CARA: "read"}
    assert sorted(JourneyDay.objects.filter(window=7).values_list("entry", flat=True)) == ["help", "read", "search"]


def test_who_looked_at_their_order_just_before_began_there(db):
    parcel = history.article("Where is my parcel")
    for visitor, minutes in ((ANNA, 30), (BEN, 31)):
        history.read(visitor, parcel, at(days=1))
        history.looked_at_order(visitor, at(-minutes, days=1))
    history.read(CARA, parcel, at())
    history.looked_at_order(CARA, at(5))  # from help to the order
    with clock.frozen(at(days=2)):
        settling.settle()
    assert dict(Journey.objects.values_list("visitor", "entry")) == {ANNA: "order", BEN: "read", CARA: "read"}
    with clock.frozen(at(days=3)):
        history.looked_at_order(BEN, at(-2, days=1))  # heard of late
        settling.settle()
        history.voted(ANNA, parcel, at(1, days=1), is_helpful=True)
        settling.settle()
    assert dict(Journey.objects.values_list("visitor", "entry")) == {ANNA: "order", BEN: "order", CARA: "read"}
    assert {node.key: node.journeys for node in flow.build(period(), {}).columns[0]} == {"order": 2, "article": 1}
    assert journeys.narrowed(period(), {"entry": "order"}).count() == 2


def test_the_list_is_narrowed_by_the_form_and_says_to_what(a_month, signed_in):
    client = signed_in()
    page = client.get(reverse("desk:journeys"), DAYS | {"topic": "delivery", "entry": "search", "linkable": "yes"})
    text = page.content.decode()
    number = journeys.narrowed(period(), {"topic": "delivery", "entry": "search", "linkable": "yes"}).count()
    assert page.context["page"].paginator.count == number > 0
    assert '<option value="search" selected>' in text
    assert "began with a search" in text
    empty = client.get(reverse("desk:journeys"), DAYS | {"lang": "de"}).content.decode()
    assert "No journey matches" in empty
    assert "flow-band" not in empty
    assert "flow-band" not in client.get(reverse("desk:journeys"), DAYS | {"read": str(a_month[0].pk)}).content.decode()


def test_the_page_does_not_look_at_every_journey_of_its_days(a_month, signed_in, django_assert_max_num_queries):
    client = signed_in()
    with django_assert_max_num_queries(17) as asked:
        client.get(reverse("desk:journeys"), DAYS)
    of_rows = [query["sql"] for query in asked.captured_queries if 'FROM "analytics_journey"' in query["sql"]]
    assert len(of_rows) == 1
    assert "LIMIT 50" in of_rows[0]


def test_a_drawing_has_bands_as_high_as_their_journeys_and_none_outside():
    drawn = flow_picture.draw([[30, 10], [40], [10, 30]], [(0, 0, 0, 30), (0, 1, 0, 10), (1, 0, 0, 10), (1, 0, 1, 30)])
    first, second = drawn.bars[0]
    assert first.height == pytest.approx(3 * second.height, abs=0.2)
    assert drawn.bars[1][0].height == pytest.approx(first.height + second.height, abs=0.2)
    for column in drawn.bars:
        assert all(
            bar.y >= 0 and bar.y + bar.height <= drawn.height and bar.x + drawn.bar <= drawn.width for bar in column
        )
    assert len(set(drawn.paths)) == 4
    assert flow_picture.draw([[], [], []], []).paths == []


# --- One journey ---


def test_a_search_says_what_was_shown_and_a_reading_for_how_long(db):
    parcel, gifts = history.article("Where is my parcel"), history.article("Gift cards")
    search = SearchLog.objects.create(
        at=at(), visitor=str(ANNA), kind="page", text="wher is parcel", key="parcel", locale="en", total=2,
        shown=[parcel.pk, gifts.pk], engine="x/1", took_ms=1,
    )  # fmt: skip
    Event.objects.create(kind=EventKind.SEARCH, at=at(), visitor=ANNA, is_returning=True, search_id=search.pk)
    history.read(ANNA, parcel, at(1))
    for minute, seconds in ((2, 50), (3, 25)):
        Event.objects.create(
            kind=EventKind.STAYED, at=at(minute), visitor=ANNA, article_id=parcel.pk, seconds=seconds, scrolled=80
        )
    with clock.frozen(at(days=20)):
        settling.settle()
        story = timeline.tell(Journey.objects.get())
    assert [step.text for step in story.steps] == ["Searched", "Read an article"]
    assert story.steps[0].notes == ("Shown: Where is my parcel; Gift cards", "Opened nothing.")
    assert story.steps[1].notes == ("In use for 1 min 15 s, 80 % of it in sight.",)
    assert [decided.text for decided in story.decided][:1] == ["read, and we heard no more"]
    assert "of a contact within 7 days we would have known" in story.decided[2].why
    assert story.linkable.startswith("Yes: the browser brought our id back")


def test_a_contact_stands_after_the_end_and_says_why_the_outcome_is_what_it_is(db):
    parcel = history.article("Where is my parcel")
    history.read(ANNA, parcel, at(), is_returning=False)
    history.contact(at(days=2), visitor=ANNA, person="p1", why=history.reason("returns"))
    with clock.frozen(at(days=5)):
        settling.settle()
        story = timeline.tell(Journey.objects.get())
    assert [step.text for step in story.later] == ["Contacted us"]
    assert "Returns" in story.later[0].detail
    assert (
        story.decided[1].why
        == "They wrote on 4 Mar 2026, 09:00 about Returns, and what was read last is about delivery."
    )
    assert story.decided[2].text == ""
    assert story.decided[2].why.startswith("Decided once 9 Mar 2026, 09:00 is over")
    assert story.linkable.startswith("No: a first visit.")
