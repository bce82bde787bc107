"""Pages are rendered once and kept; whatever changes what they show is seen at the next request."""

from __future__ import annotations

import gzip
import threading
import uuid

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from core import clock, visitors
from kb import experiments, live, page_facts, publishing
from kb.live import Shelf
from kb.models import Article, CategoryText, ContentCount, Exposure, Vote
from kb.publishing import Text
from kb.search import indexing
from tests.kb.conftest import NOW
from tests.kb.test_help_pages import start_test, text
from tests.kb.test_votes import Reader

pytestmark = pytest.mark.django_db

LATE = "/en/a/late/"


def queries_of(client, path: str) -> list[str]:
    """What the page asks; where a web server runs, the view event is written beside the requests, and who is left out
    is gathered."""
    with CaptureQueriesContext(connection) as asked:
        assert client.get(path).status_code == 200
    # Of a prepared statement Django knows no text.
    asked_for = [query["sql"] or "" for query in asked.captured_queries]
    beside = ("INSERT INTO analytics_event", "INSERT INTO analytics_leftoutday")
    return [sql for sql in asked_for if not any(insert in sql for insert in beside)]


@pytest.fixture
def shop_of_articles(write):
    """Articles that are related and stand beside each other."""
    for name in ("Early", "Late", "Later"):
        write(name, "A parcel is late.")
    indexing.rebuild()


def test_an_article_asks_three_times_when_cold_and_once_when_warm(shop_of_articles, browser):
    client = browser()
    client.get("/en/")
    assert len(queries_of(client, LATE)) == 3
    assert len(queries_of(client, LATE)) == 1
    Reader(client, LATE).vote("no", reason="unclear")
    queries_of(client, LATE)
    assert len(queries_of(client, LATE)) == 1  # with what they said of it
    assert len(queries_of(browser(), LATE)) == 1  # a new visitor
    assert len(queries_of(browser("Bot/1.0 bot"), LATE)) == 1


def test_an_article_under_test_asks_once_more_to_store_the_exposure_and_then_once(write, browser):
    start_test(write("Late", "Text A"))
    client = browser()
    client.get(LATE)
    assert len(queries_of(client, LATE)) == 1
    assert Exposure.objects.count() == 1
    assert len(queries_of(browser(), LATE)) == 2


@pytest.mark.parametrize("path", ["/en/", "/en/c/delivery/"])
def test_other_pages_ask_once_when_warm(shop_of_articles, browser, path):
    client = browser()
    client.get(path)
    assert len(queries_of(client, path)) == 1


def test_a_page_that_is_kept_is_not_rendered_again(shop_of_articles, browser):
    first, again = browser().get(LATE), browser().get(LATE)
    assert first.templates
    assert not again.templates
    assert again.content == first.content


def publish(slug: str, body: str) -> None:
    article = Article.objects.get(slug=slug)
    publishing.save_draft(article, Text(slug.title(), "", body), version=article.draft.version, by=None)
    publishing.publish(article, by=None, ring=False)


def archive(slug: str) -> None:
    publishing.archive(Article.objects.get(slug=slug), by=None)


CHANGES = [
    ("its text", lambda: publish("late", "Quite new."), lambda page: "Quite new." in page),
    ("itself taken away", lambda: archive("late"), lambda page: "We could not find that page" in page),
    (
        "itself for staff",
        lambda: Article.objects.update(visibility="staff"),
        lambda page: "We could not find that page" in page,
    ),
    ("a neighbour and related one taken away", lambda: archive("later"), lambda page: "/en/a/later/" not in page),
    (
        "a related one's address",
        lambda: publishing.rename_slug(Article.objects.get(slug="later"), "latest"),
        lambda page: "/en/a/latest/" in page,
    ),
    (
        "the category's name",
        lambda: CategoryText.objects.filter(locale="en").update(name="Parcels"),
        lambda page: "Parcels" in page,
    ),
    ("a review", lambda: publishing.review(Article.objects.get(slug="late")), lambda page: "Reviewed on" in page),
]


@pytest.mark.parametrize(("_what", "change", "is_seen"), CHANGES, ids=[what for what, _, _ in CHANGES])
def test_what_a_page_shows_is_never_old(shop_of_articles, browser, _what, change, is_seen):
    client = browser()
    assert not is_seen(text(client.get(LATE)))
    with clock.frozen(NOW.replace(hour=12)):
        change()
        assert is_seen(text(client.get(LATE)))


def test_a_test_and_its_end_are_seen_at_once(write, browser):
    article = write("Late", "Text A")
    client = browser()
    client.get(LATE)
    experiment = start_test(article)
    arms = experiments.arms_of(list(experiment.variants.select_related("experiment")))
    others = [client for client in (browser() for _ in range(40)) if client.get(LATE)]
    in_b = [one for one in others if arms.key_for(one.cookies[visitors.COOKIE].value) == "b"]
    assert all("Text B" in text(one.get(LATE)) for one in in_b)
    experiments.stop(experiment, by=None)
    assert all("Text A" in text(one.get(LATE)) for one in others)


def test_nobody_sees_another_visitors_vote(shop_of_articles, browser):
    Reader(browser(), LATE).vote("yes")
    assert "Did this answer your question?" in text(browser().get(LATE))


def test_nothing_of_a_visitor_gets_into_a_kept_page(shop_of_articles, browser, staff):
    desk = browser()
    desk.force_login(staff("writer"))
    desk.get(LATE)
    marked = browser()
    marked.cookies["messages"] = "x"
    marked.get(LATE)
    page = browser(referer="https://secret.example.com/r").get(f"{LATE}?token=s3cret&voted=yes")
    assert page.templates  # theirs were not kept
    assert "s3cret" not in text(page)
    assert "secret.example" not in text(page)
    assert "csrf" not in text(page)
    assert set(page.cookies) == {visitors.COOKIE}


def test_each_language_has_pages_of_its_own(shop_of_articles, browser):
    english, spanish = text(browser().get(LATE)), text(browser().get("/es/a/late/"))
    assert 'lang="es"' in spanish
    assert text(browser().get(LATE)) == english
    assert text(browser().get("/es/a/late/")) == spanish


def test_a_page_is_sent_compressed_to_who_takes_it_and_not_again_to_who_has_it(shop_of_articles, browser):
    plain = browser().get(LATE)
    packed = browser(**{"accept-encoding": "gzip, br"}).get(LATE)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    assert "Content-Encoding" not in plain.headers
    assert plain.headers["Cache-Control"] == "private, no-cache"
    known = browser(**{"if-none-match": plain.headers["ETag"]})
    assert known.get(LATE).status_code == 304
    publish("late", "New.")
    assert known.get(LATE).status_code == 200


def test_a_page_not_modified_is_a_view_all_the_same(shop_of_articles, browser, django_capture_on_commit_callbacks):
    from analytics.models import Event

    etag = browser().get(LATE).headers["ETag"]
    with django_capture_on_commit_callbacks(execute=True):
        assert browser(**{"if-none-match": etag}).get(LATE).status_code == 304
    assert Event.objects.filter(kind="read").count() == 1


@pytest.mark.parametrize(
    "path",
    [
        "/en/a/%00/",
        "/en/a/%FF%FE/",
        "/en/a/" + "x" * 10_000 + "/",
        "/en/c/" + "x" * 10_000 + "/",
        "/en/-/a/%00",
        "/en/-/a/" + "y/" * 5_000,
        "/en/?topic=%00&from=%FF",
        "/en/?from=" + "/x" * 5_000,
        "/en/?from=http://[",
        "/xx/a/late/",
        "/en/a/late/?via=%00&voted=%00",
        "/%",
        "/en/a/%F0%9F%93%A6/",
    ],
)
@pytest.mark.parametrize("method", ["get", "head"])
def test_no_address_breaks_a_page(shop_of_articles, browser, path, method):
    headers = {
        "if-modified-since": "yesterday",
        "if-none-match": "\x7f",
        "referer": "http://[::1",
        "accept-language": "*",
    }
    assert getattr(browser(**headers), method)(path).status_code in (200, 302, 404)


def test_old_facts_are_loaded_again_after_a_while_since_no_count_tells_of_the_index(write, browser, monkeypatch):
    write("Late", "A parcel is late.")
    indexing.rebuild()
    write("Later", "A parcel is late.")
    assert 'id="related-h"' not in text(browser().get(LATE))  # the index does not know them yet
    indexing.rebuild()
    monkeypatch.setattr(live, "KEPT_SECONDS", 0.0)
    assert 'id="related-h"' in text(browser().get(LATE))


@pytest.mark.django_db(transaction=True)
def test_changes_are_counted_with_their_commit_and_make_no_other_wait(write):
    write("Late")
    write("Early")
    before = live.count()
    changed, seen, done = threading.Event(), threading.Event(), threading.Event()

    def edit() -> None:
        with transaction.atomic():
            Article.objects.filter(slug="late").update(version=99)
            changed.set()
            seen.wait(20)
        connection.close()
        done.set()

    thread = threading.Thread(target=edit)
    thread.start()
    assert changed.wait(20)
    assert live.count() == before  # not committed
    slots = set(ContentCount.objects.values_list("slot", flat=True))
    Article.objects.filter(slug="early").update(version=98)  # by another connection, while the first is open
    assert live.count() == before + 1
    seen.set()
    thread.join()
    assert done.is_set()
    assert live.count() == before + 2
    assert slots <= set(ContentCount.objects.values_list("slot", flat=True))


def test_a_change_that_is_taken_back_is_no_change(write):
    write("Late")
    before = live.count()
    with transaction.atomic():
        Article.objects.update(version=7)
        assert live.count() > before
        transaction.set_rollback(True)
    assert live.count() == before


def test_votes_and_drafts_change_no_page(write):
    article = write("Late")
    before = live.count()
    Vote.objects.create(revision=article.live_revision, visitor=uuid.uuid4(), is_helpful=True, at=NOW)
    publishing.save_draft(article, Text("Late", "", "Other"), version=article.draft.version, by=None)
    assert live.count() == before


def test_a_page_whose_facts_were_loaded_again_and_are_the_same_is_not_rendered_again(
    shop_of_articles, browser, monkeypatch
):
    browser().get(LATE)
    monkeypatch.setattr(live, "KEPT_SECONDS", 0.0)
    client = browser()
    assert len(queries_of(client, LATE)) == 3
    assert not client.get(LATE).templates


def test_a_shelf_gives_up_what_was_used_least_lately():
    shelf = Shelf(most_bytes=100_000)
    for number in range(4):
        shelf.add(shelf.keep(number, None, 1), "page", "x" * 1_000)
    shelf.recall(0)
    shelf.keep(4, None, 1)
    assert [number for number in range(5) if shelf.recall(number)] == [0, 2, 3, 4]


def test_a_page_of_facts_that_were_given_up_is_not_counted():
    shelf = Shelf(most_bytes=100_000)
    old = shelf.keep("a", None, 1)
    shelf.keep("a", None, 2)
    shelf.add(old, "page", "x" * 90_000)
    shelf.keep("b", None, 2)
    assert shelf.recall("a")
    assert shelf.recall("b")


def test_facts_of_an_article_that_is_not_there_are_none(db):
    assert page_facts.article("gone", "en", visitor="") is None
