"""A reader of an article under test: one text wherever and whenever they read it, counted once, at no extra query."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from core import clock, visitors
from core.erasure import Subject
from kb import assignment, erasing, experiments, live, publishing
from kb.models import Epoch, Experiment, Exposure
from kb.search import indexing
from tests.kb.conftest import BOT, NOW
from tests.kb.experimenting import started
from tests.kb.test_kept_pages import queries_of

pytestmark = pytest.mark.django_db

LATE = "/en/a/late/"
TEXTS = {"a": "Text A", "b": "Text B"}


@pytest.fixture
def reader(browser):
    """A browser that has been here before, as this visitor."""

    def make(visitor: str, **headers: str):
        client = browser(**headers)
        client.cookies[visitors.COOKIE] = visitor
        return client

    return make


def arms_of(test: Experiment) -> assignment.Arms:
    return experiments.arms_of(list(test.variants.select_related("experiment")))


def drawn(test: Experiment, key: str) -> str:
    """A visitor who is drawn into this arm ("": who is not in the test) by what holds now."""
    arms = arms_of(test)
    return next(one for n in range(10_000) if arms.key_for(one := str(uuid.UUID(int=n * 7919, version=4))) == key)


def shows(client, path: str = LATE, **headers: str) -> str:
    """The key of the text that the page shows."""
    page = client.get(path, headers=headers).content.decode()
    (key,) = [key for key, text in TEXTS.items() if text in page]
    return key


@pytest.mark.parametrize("is_kept", [True, False])
def test_who_has_seen_a_text_keeps_it_whatever_a_later_epoch_says(write, reader, is_kept):
    test = started(write("Late", "Text A"))
    one = drawn(test, "b")
    assert shows(reader(one)) == "b"
    experiments.ramp(test, by=None, weights={"a": 10_000, "b": 1e-6})
    assert arms_of(Experiment.objects.get()).key_for(one) == "a", "by the new weights they would be in the other arm"
    for allocation in (None, 0.0):
        if allocation is not None:
            experiments.ramp(test, by=None, allocation=allocation)
        if not is_kept:
            live.shelf.forget()
        assert [shows(reader(one)) for _ in range(2)] == ["b", "b"]
    assert Exposure.objects.count() == 1


def test_who_is_new_is_drawn_by_the_newest_epoch_and_counted_in_it(write, reader, browser):
    test = started(write("Late", "Text A"))
    first, second = drawn(test, "b"), str(uuid.uuid4())
    reader(first).get(LATE)
    with clock.frozen(NOW + timedelta(days=1)):
        experiments.ramp(test, by=None, weights={"a": 1e-6, "b": 10_000})
        assert shows(reader(second)) == "b"
        browser().get(LATE)
    stored = {(str(row.visitor), row.epoch, row.is_returning, row.at - NOW) for row in Exposure.objects.all()}
    newcomer = next(row for row in Exposure.objects.all() if str(row.visitor) not in (first, second))
    assert stored == {
        (first, 1, True, timedelta()),
        (second, 2, True, timedelta(days=1)),
        (str(newcomer.visitor), 2, False, timedelta(days=1)),
    }


def test_a_larger_share_keeps_everybody_and_a_smaller_one_lets_nobody_new_in(write, reader):
    test = started(write("Late", "Text A"), allocation=0.5)
    inside, outside = drawn(test, "b"), drawn(test, "")
    assert (shows(reader(inside)), shows(reader(outside))) == ("b", "a")
    assert Exposure.objects.count() == 1
    experiments.ramp(test, by=None, allocation=1e-9)
    assert (shows(reader(inside)), shows(reader(str(uuid.uuid4())))) == ("b", "a")
    assert Exposure.objects.count() == 1
    experiments.ramp(test, by=None, allocation=1.0)
    reader(outside).get(LATE)
    assert Exposure.objects.count() == 2


def test_a_pause_shows_everybody_the_live_text_and_resuming_each_their_own(write, reader):
    test = started(write("Late", "Text A"))
    one, two = drawn(test, "b"), drawn(test, "a")
    reader(one).get(LATE)
    experiments.pause(test, by=None)
    assert (shows(reader(one)), shows(reader(two))) == ("a", "a")
    assert Exposure.objects.count() == 1, "nobody is counted while it pauses"
    experiments.resume(test, by=None)
    assert shows(reader(one)) == "b"


@pytest.mark.parametrize("end", ["stop", "finish"])
def test_after_its_end_everybody_sees_the_live_text_and_nobody_is_counted(write, reader, end):
    test = started(write("Late", "Text A"))
    one = drawn(test, "b")
    reader(one).get(LATE)
    getattr(experiments, end)(test, by=None)
    assert shows(reader(one)) == "a"
    reader(str(uuid.uuid4())).get(LATE)
    assert Exposure.objects.count() == 1


def test_a_page_in_the_shops_own_and_a_translation_that_is_missing_show_the_same_text(write, reader, settings):
    settings.WIDGET_HOSTS = ["https://shop.example.com"]
    test = started(write("Late", "Text A"))
    one = reader(drawn(test, "b"))
    assert [shows(one, path) for path in (LATE, "/embed/en/a/late/", "/es/a/late/")] == ["b", "b", "b"]
    assert Exposure.objects.count() == 1


def test_lists_search_and_the_api_show_the_live_text_and_count_nobody(write, reader):
    test = started(write("Late", "Text A of a parcel"), "Text B of a parcel")
    indexing.rebuild()
    one = reader(drawn(test, "b"))
    for path in ("/en/", "/en/c/delivery/", "/en/search/?q=parcel", "/api/v1/search?q=parcel&locale=en"):
        assert "Text B" not in one.get(path).content.decode(), path
    assert not Exposure.objects.exists()


def test_a_page_that_the_browser_has_already_counts_as_seen(write, reader):
    """The answer 304 shows the reader the text as 200 does."""
    test = started(write("Late", "Text A"))
    one, other = reader(drawn(test, "a")), reader(drawn(test, "b"))
    etag = one.get(LATE)["ETag"]
    Exposure.objects.all().delete()
    again = one.get(LATE, headers={"If-None-Match": etag})
    assert again.status_code == 304
    assert Exposure.objects.count() == 1
    assert other.get(LATE, headers={"If-None-Match": etag}).status_code == 200, "each arm has an ETag of its own"


@pytest.mark.parametrize("headers", [{"sec-purpose": "prefetch;prerender"}, {"purpose": "prefetch"}])
def test_a_page_under_test_is_not_prefetched(write, reader, headers):
    """Shown later from where it was put, it could be neither counted nor in the visitor's arm."""
    article = write("Late", "Text A")
    one = str(uuid.uuid4())
    assert reader(one, **headers).get(LATE).status_code == 200
    started(article)
    answer = reader(one, **headers).get(LATE)
    assert (answer.status_code, answer["Cache-Control"], answer.content) == (409, "no-store", b"")
    assert reader(one, **headers).get("/en/").status_code == 200
    assert not Exposure.objects.exists()


def test_head_a_bot_and_who_consents_to_nothing_are_not_counted_and_see_the_live_text(write, reader, browser):
    test = started(write("Late", "Text A"))
    one = drawn(test, "b")
    assert reader(one).head(LATE).status_code == 200
    assert shows(reader(one, **{"sec-gpc": "1"})) == "a"
    bot = browser(BOT)
    bot.cookies[visitors.COOKIE] = one
    assert shows(bot) == "a"
    assert not Exposure.objects.exists()


def test_a_reader_gets_the_answer_where_the_exposure_cannot_be_stored(write, reader, monkeypatch, caplog):
    test = started(write("Late", "Text A"))

    def fail(**_given) -> None:
        raise DatabaseError("read only")

    monkeypatch.setattr(assignment, "expose", fail)
    assert shows(reader(drawn(test, "b"))) == "b"
    assert "an exposure was not stored" in caplog.text


def test_a_test_costs_a_page_no_query_but_the_one_insert(write, reader):
    """Cold: the three queries of any article. Warm: one. The first time that a visitor sees it, one INSERT more."""
    article = write("Late", "Text A")
    indexing.rebuild()
    reader(str(uuid.uuid4())).get("/en/")
    without = [len(queries_of(reader(str(uuid.uuid4())), LATE)) for _ in range(2)]
    test = started(article)
    seen = reader(drawn(test, "b"))
    first = queries_of(seen, LATE)
    assert [sql for sql in first if "INSERT" in sql and "kb_exposure" in sql]
    live.shelf.forget()
    assert [len(queries_of(seen, LATE)) for _ in range(2)] == without
    with CaptureQueriesContext(connection) as asked:
        assert reader(drawn(test, "a")).get(LATE).status_code == 200
    wrote = [query["sql"] for query in asked.captured_queries if (query["sql"] or "").startswith("INSERT")]
    assert len([sql for sql in wrote if "kb_" in sql]) == 1


def test_the_vote_is_on_the_text_that_the_visitor_keeps(write, reader):
    test = started(write("Late", "Text A"))
    one = reader(drawn(test, "b"))
    page = one.get(LATE)
    token = page.context["vote_token"]
    one.post("/en/vote/", {"token": token, "helpful": "no"})
    experiments.ramp(test, by=None, weights={"a": 10_000, "b": 1e-6})
    live.shelf.forget()
    for _kept in range(2):
        shown = one.get(LATE).content.decode()
        assert "Text B" in shown
        assert "Did this answer your question?" not in shown


def test_exposures_of_a_forgotten_visitor_stay_counted(write, reader):
    test = started(write("Late", "Text A"))
    one = drawn(test, "b")
    reader(one).get(LATE)
    erasing.PART.erase(Subject(address="ann@example.com", alias=uuid.uuid4().hex, visitors=(one,)))
    row = Exposure.objects.get()
    assert str(row.visitor) != one
    assert (row.variant.key, row.epoch, row.is_returning) == ("b", 1, True)


# --- A cache in front ---


class SharedCache:
    """A CDN that keeps what HTTP lets it keep (RFC 9111) and hands it to whoever asks with the same varying headers."""

    def __init__(self) -> None:
        self.kept: dict[str, list] = {}
        self.hits = 0

    def get(self, client, path: str) -> str:
        request = {"cookie": str(client.cookies.get(visitors.COOKIE, "")), "accept-encoding": ""}
        for vary, answer in self.kept.get(path, []):
            if all(request.get(name, "") == value for name, value in vary.items()):
                self.hits += 1
                return answer
        response = client.get(path)
        said = {part.strip().split("=")[0] for part in response.get("Cache-Control", "").lower().split(",")}
        body = response.content.decode()
        if not said & {"private", "no-store", "no-cache"} and "Set-Cookie" not in response.headers:
            names = [name.strip().lower() for name in response.get("Vary", "").split(",") if name.strip()]
            self.kept.setdefault(path, []).append(({name: request.get(name, "") for name in names}, body))
        return body


def test_no_shared_cache_hands_one_arms_text_to_a_visitor_of_another(write, reader, browser, staff):
    test = started(write("Late", "Text A"))
    cdn = SharedCache()
    clients = [reader(drawn(test, "a")), reader(drawn(test, "b")), reader(drawn(test, "a"), **{"sec-gpc": "1"})]
    somebody = browser()
    somebody.force_login(staff("writer"))
    for client, text in [*zip(clients, ("Text A", "Text B", "Text A"), strict=True), (somebody, "Text A")] * 2:
        assert text in cdn.get(client, LATE)
    assert cdn.hits == 0


@pytest.mark.parametrize("is_tested", [True, False])
def test_a_page_says_the_same_to_caches_with_a_test_and_without(write, browser, staff, is_tested):
    article = write("Late", "Text A")
    if is_tested:
        started(article)
    somebody = browser()
    somebody.force_login(staff("writer"))
    for client in (browser(), browser(BOT), somebody):
        answer = client.get(LATE)
        assert answer["Cache-Control"] == "private, no-cache"
        assert {"Cookie", "Accept-Encoding"} <= {name.strip() for name in answer["Vary"].split(",")}


def test_a_test_that_is_archived_leaves_no_arm_behind(write, reader):
    article = write("Late", "Text A")
    test = started(article)
    one = reader(drawn(test, "b"))
    one.get(LATE)
    publishing.archive(article, by=None)
    publishing.publish(article, by=None)
    assert shows(one) == "a"
    assert Epoch.objects.count() == 1
