"""What a page says of how long it was read: believed as far as it can be true, and no further."""

import json
import re
from datetime import date
from urllib.parse import urljoin

import pytest
from django.test import Client

from analytics import settling, staying
from analytics.models import Event, Journey, LinkDay
from analytics.views import stayed as door
from core import clock, visitors
from core.models import RateWindow
from tests.analytics import history
from tests.analytics.history import ANNA, BEN, CARA, at
from tests.analytics.test_settling import settle

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def parcel():
    return history.article("Where is my parcel")


@pytest.fixture(autouse=True)
def no_network_is_over():
    door._over.clear()


def browser(visitor=ANNA, **headers: str) -> Client:
    client = Client(headers={"user-agent": FIREFOX, **headers})
    if visitor:
        client.cookies[visitors.COOKIE] = str(visitor)
    return client


def tell(client, article, *, seconds=40, scrolled=80, link=None, after=60.0, path="/en/stayed/"):
    """So many seconds after the article was opened."""
    of_link = {} if link is None else {"link": link}
    said = json.dumps({"article": article.pk, "seconds": seconds, "scrolled": scrolled} | of_link)
    with clock.frozen(at(after / 60)):
        return client.post(path, said, content_type="text/plain;charset=UTF-8").status_code


def stays():
    return list(Event.objects.filter(kind="stayed").order_by("at").values_list("seconds", "scrolled"))


def test_a_stay_is_of_the_read_that_we_recorded(parcel):
    history.read(ANNA, parcel, at(), variant_id=5)
    assert tell(browser(), parcel) == 204
    (event,) = Event.objects.filter(kind="stayed")
    assert (event.visitor, event.at, event.seconds, event.scrolled) == (ANNA, at(1), 40, 80)
    assert (event.article_id, event.revision_id, event.variant_id) == (parcel.pk, parcel.live_revision_id, 5)
    assert event.data is None


def glance(visitor=ANNA, *, page="help", link=True, after=60.0):
    with clock.frozen(at(after / 60)):
        said = json.dumps({"page": page, "link": link})
        return browser(visitor).post("/en/stayed/", said, content_type="text/plain;charset=UTF-8").status_code


def links():
    found = Event.objects.filter(link_seen__isnull=False).order_by("at")
    return list(found.values_list("article_id", "data", "link_seen"))


def test_of_the_link_each_reading_is_heard_once(parcel):
    history.read(ANNA, parcel, at())
    tell(browser(), parcel, seconds=5, link=False, after=10)
    tell(browser(), parcel, seconds=5, link=True, after=60)  # a page that was made up, or says it again
    assert links() == [(parcel.pk, None, False)]
    assert stays() == [(5, 80), (5, 80)]
    history.read(ANNA, parcel, at(2))
    tell(browser(), parcel, seconds=0, scrolled=0, link=True, after=121)
    tell(browser(), parcel, seconds=0, scrolled=0, link=True, after=122)
    assert links() == [(parcel.pk, None, False), (parcel.pk, None, True)]


def test_a_page_that_is_no_article_tells_of_the_link_as_often_as_it_was_opened():
    history.opened(ANNA, at())
    history.searched(ANNA, "parcel", at(0.5))
    assert [glance(), glance(after=61), glance(page="search", link=False, after=62)] == [204, 204, 204]
    assert links() == [(None, {"on": "help"}, True), (None, {"on": "search"}, False)]
    assert glance(BEN) == 204  # who opened nothing
    assert glance(after=25 * 3600) == 204  # long after
    assert len(links()) == 2


def test_what_pages_say_of_the_link_is_counted_by_day_beside_all_that_were_opened(parcel):
    for visitor in (ANNA, BEN, CARA):
        history.opened(visitor, at())
        history.read(visitor, parcel, at(1))
        history.read(visitor, parcel, at(2))
    glance()
    glance(BEN, link=False)
    for visitor in (ANNA, BEN):
        tell(browser(visitor), parcel, seconds=1, link=True, after=200)
    settle(days=1)
    told = LinkDay.objects.order_by("page").values_list("day", "page", "views", "told", "seen")
    assert list(told) == [(date(2026, 3, 2), "help", 3, 2, 1), (date(2026, 3, 2), "read", 6, 2, 2)]


def test_every_help_page_says_where_to_tell_and_has_a_way_to_us(parcel, settings):
    settings.WIDGET_HOSTS = ["https://shop.example"]
    pages = ["", f"a/{parcel.slug}/", "search/?q=parcel", "search/?q=qqxxzz"]
    for page in (*pages, *(f"../embed/en/{page}" for page in pages)):
        html = browser().get(urljoin("/en/", page), follow=True).content.decode()
        contact = re.search(r'data-to="\S+/stayed/" data-contact="(\S+)"', html)
        assert contact, page
        assert re.search(rf'<a [^>]*href="{contact[1]}["?]', html), page


def test_a_page_in_the_widget_tells_too(parcel, settings):
    settings.WIDGET_HOSTS = ["https://shop.example"]
    history.read(ANNA, parcel, at())
    assert tell(browser(**{"sec-fetch-site": "same-origin"}), parcel, path="/embed/en/stayed/") == 204
    assert stays() == [(40, 80)]


def test_a_page_that_is_hidden_and_opened_again_tells_what_came_since(parcel):
    history.read(ANNA, parcel, at())
    tell(browser(), parcel, seconds=40, scrolled=50, after=60)
    tell(browser(), parcel, seconds=30, scrolled=90, after=120)
    assert stays() == [(40, 50), (30, 90)]


def test_nobody_stays_longer_than_since_they_opened_it_or_than_half_an_hour(parcel):
    history.read(ANNA, parcel, at())
    tell(browser(), parcel, seconds=1800, scrolled=10, after=60)
    tell(browser(), parcel, seconds=1800, scrolled=20, after=90)
    tell(browser(), parcel, seconds=1800, scrolled=30, after=36_000)
    tell(browser(), parcel, seconds=1800, scrolled=30, after=37_000)  # nothing of it can be new
    assert stays() == [(60, 10), (30, 20), (1710, 30)]


def test_one_read_is_heard_of_so_often(parcel, monkeypatch):
    monkeypatch.setattr(staying, "_TIMES", 2)
    history.read(ANNA, parcel, at())
    for minute in (1, 2, 3):
        tell(browser(), parcel, seconds=1, after=60 * minute)
    assert len(stays()) == 2


@pytest.mark.parametrize(
    ("visitor", "minutes"), [(BEN, 1), (ANNA, 24 * 60 + 1)], ids=["somebody else's read", "a read of days ago"]
)
def test_what_was_not_read_by_this_visitor_lately_is_no_stay(parcel, visitor, minutes):
    history.read(ANNA, parcel, at())
    assert tell(browser(visitor), parcel, after=60 * minutes) == 204
    assert stays() == []


def test_a_forged_article_is_no_stay(parcel):
    history.read(ANNA, history.article("Refunds"), at())
    assert tell(browser(), parcel) == 204
    assert stays() == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no json",
        "[]",
        "[" * 190,
        '{"article": 1, "seconds": 5}',
        '{"article": 1, "seconds": 5, "scrolled": 5, "at": "2027-03-02T10:00:00Z"}',
        '{"article": 1, "seconds": 5, "scrolled": 5, "visitor": "00000000-0000-0000-0000-000000000002"}',
        '{"article": 1, "seconds": 5, "scrolled": 5, "revision": 7}',
        '{"article": "1", "seconds": 5, "scrolled": 5}',
        '{"article": 1, "seconds": 5.5, "scrolled": 5}',
        '{"article": 1, "seconds": NaN, "scrolled": 5}',
        '{"article": true, "seconds": 5, "scrolled": 5}',
        '{"article": 1, "seconds": -5, "scrolled": 5}',
        '{"article": 1, "seconds": 1801, "scrolled": 5}',
        '{"article": 1, "seconds": 5, "scrolled": 101}',
        '{"article": 99999999999999999999, "seconds": 5, "scrolled": 5}',
        '{"article": 1, "seconds": 5, "scrolled": 5, "link": 1}',
        '{"article": 1, "seconds": 5, "scrolled": 5, "link": null}',
        '{"article": 1, "link": true}',
        '{"page": "help", "link": "true"}',
        '{"page": "read", "link": true}',
        '{"page": "stayed", "link": true}',
        '{"page": ["help"], "link": true}',
        '{"page": "help", "link": true, "visitor": 2}',
        '{"page": "help"}',
        "\udcff",
    ],
)
def test_any_other_shape_is_refused_before_anything_is_asked(body, django_assert_num_queries):
    raw = body.encode("utf-8", "surrogateescape")
    with django_assert_num_queries(0):
        assert browser().post("/en/stayed/", raw, content_type="text/plain").status_code == 400


def test_a_megabyte_is_refused_unread(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert browser().post("/en/stayed/", b"x" * 1_000_000, content_type="text/plain").status_code == 413


@pytest.mark.parametrize(
    "client",
    [
        browser(**{"user-agent": "Googlebot/2.1"}),
        browser(**{"sec-purpose": "prefetch"}),
        browser(**{"sec-gpc": "1"}),
        browser(visitor=None),
    ],
    ids=["a bot", "a prefetch", "no consent", "no cookie"],
)
def test_who_is_not_counted_tells_nothing(client, parcel):
    history.read(ANNA, parcel, at())
    assert tell(client, parcel) == 204
    assert stays() == []


def test_staff_tell_nothing(signed_in, parcel):
    client = signed_in("editor")
    client.cookies[visitors.COOKIE] = str(ANNA)
    client.defaults["HTTP_USER_AGENT"] = FIREFOX
    history.read(ANNA, parcel, at())
    assert tell(client, parcel) == 204
    assert stays() == []


def test_another_site_and_a_get_are_refused(parcel):
    history.read(ANNA, parcel, at())
    assert tell(browser(**{"sec-fetch-site": "cross-site"}), parcel) == 403
    assert browser().get("/en/stayed/").status_code == 405
    assert stays() == []


def test_one_address_is_stopped_and_then_costs_no_query(parcel, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(door, "_OF_A_NETWORK", 3)
    history.read(ANNA, parcel, at())
    said = [tell(browser(visitor=BEN), parcel) for _ in range(5)]
    assert said == [204, 204, 204, 429, 429]
    with django_assert_num_queries(0):
        assert tell(browser(), parcel) == 429
    assert stays() == []


def test_one_visitor_is_stopped(parcel, monkeypatch):
    monkeypatch.setattr(staying, "_OF_A_VISITOR", 2)
    history.read(ANNA, parcel, at())
    for minute in (1, 2, 3):
        tell(browser(), parcel, seconds=1, after=60 * minute)
    assert len(stays()) == 2
    assert RateWindow.objects.filter(key=f"stay:{ANNA}").exists()


def test_a_stay_is_no_new_help_seeking(parcel):
    history.read(ANNA, parcel, at())
    settle(days=1)
    tell(browser(), parcel, seconds=900, after=3 * 3600)
    with clock.frozen(at(days=1)):
        assert settling.settle().visitors == 0
    assert list(Journey.objects.values_list("started_at", "ended_at")) == [(at(), at())]


def test_the_journeys_page_tells_of_it(parcel, signed_in):
    history.read(ANNA, parcel, at())
    tell(browser(), parcel)
    settle(days=1)
    page = signed_in().get(f"/desk/journeys/{Journey.objects.get().pk}/").content.decode()
    assert "In use for 40 s, 80 % of it in sight." in page
