from __future__ import annotations

import re
import uuid

import pytest

from core import visitors
from kb import events, experiments, publishing
from kb.experiments import Arm
from kb.models import Draft, Experiment, Exposure, Vote
from kb.publishing import Text
from kb.search import indexing
from tests.kb.conftest import BOT, NOW

pytestmark = pytest.mark.django_db


class Ear:
    """What was fired by the requests made through it."""

    def __init__(self, capture) -> None:
        self.capture = capture
        self.events = []

    def _hear(self, event, **_):
        self.events.append(event)

    def get(self, client, path, **headers):
        signals = (events.article_viewed, events.searched, events.help_opened, events.voted)
        for signal in signals:
            signal.connect(self._hear)
        try:
            with self.capture(execute=True):
                return client.get(path, headers=headers)
        finally:
            for signal in signals:
                signal.disconnect(self._hear)


@pytest.fixture
def ear(django_capture_on_commit_callbacks):
    return Ear(django_capture_on_commit_callbacks)


def text(response) -> str:
    return response.content.decode()


def test_the_home_page_shows_shelves_that_have_something_on_them(write, shelf, browser, ear):
    write("My parcel is late")
    shelf("vouchers")
    page = ear.get(browser(), "/en/")
    assert page.status_code == 200
    assert 'href="/en/c/delivery/"' in text(page)
    assert 'href="/en/a/my-parcel-is-late/"' in text(page)
    assert "Vouchers" not in text(page)
    (event,) = ear.events
    assert (event.topic, event.locale, event.is_returning, event.at) == ("", "en", False, NOW)


def test_a_category_shows_its_articles(write, browser, ear):
    write("My parcel is late")
    write("Pay by card", on="payments")
    page = ear.get(browser(), "/en/c/delivery/")
    assert "My parcel is late" in text(page)
    assert "Pay by card" not in text(page)
    assert 'href="/en/c/payments/"' in text(page)
    assert ear.events[0].topic == "order_status"


def test_a_category_is_found_by_its_slug_of_another_language(write, browser):
    write("My parcel is late")
    assert browser().get("/es/c/delivery/").headers["Location"] == "/es/c/delivery-es/"


def test_an_article_is_shown_with_its_parts_and_counted(write, browser, ear):
    article = write("Late", "## One\n\nText.\n\n## Two\n\nText.\n\n## Three\n\nText.", summary="In short.")
    client = browser()
    page = ear.get(client, "/en/a/late/")
    assert "<h1>Late</h1>" in text(page)
    assert "In short." in text(page)
    assert '<a href="#sec-two">Two</a>' in text(page)
    assert f"article={article.pk}" in text(page)
    assert client.cookies[visitors.COOKIE].value == ear.events[0].visitor
    ear.get(client, "/en/a/late/")
    first, again = ear.events
    assert (first.article_id, first.revision_id, first.variant_id) == (article.pk, article.live_revision_id, None)
    assert (first.is_returning, again.is_returning) == (False, True)
    assert first.visitor == again.visitor


def test_an_article_page_asks_the_database_at_most_four_times(write, browser, django_assert_max_num_queries):
    for number in range(5):
        write(f"Late {number}", "A parcel is late.")
    indexing.rebuild()
    client = browser()
    client.get("/en/a/late-0/")
    with django_assert_max_num_queries(4):
        page = client.get("/en/a/late-0/")
    assert "Late 1" in text(page)  # related


@pytest.mark.parametrize("path", ["/en/", "/en/c/delivery/", "/en/search/?q=parcel", "/en/search/?q=zzz"])
def test_pages_ask_as_often_however_many_articles_there_are(write, browser, path, django_assert_max_num_queries):
    for number in range(12):
        write(f"Late {number}", "A parcel is late.")
    indexing.rebuild()
    client = browser()
    client.get(path)
    with django_assert_max_num_queries(3):
        client.get(path)


@pytest.mark.parametrize(
    ("agent", "headers"),
    [
        (BOT, {}),
        ("", {}),
        ("Mozilla/5.0 Firefox/140.0", {"sec-purpose": "prefetch"}),
        ("Mozilla/5.0 Firefox/140.0", {"sec-gpc": "1"}),
    ],
)
def test_who_must_not_be_counted_reads_and_is_not_counted(write, browser, ear, agent, headers):
    article = write("Late", "Text A")
    if "sec-purpose" not in headers:  # see test_a_page_under_test_is_not_prefetched
        start_test(article)
    for path in ("/en/", "/en/c/delivery/", "/en/a/late/", "/en/search/?q=late"):
        page = ear.get(browser(agent), path, **headers)
        assert page.status_code == 200
        assert visitors.COOKIE not in page.cookies
    assert ear.events == []
    assert not Exposure.objects.exists()


def test_staff_are_not_counted(write, browser, ear, staff):
    start_test(write("Late"))
    client = browser()
    client.force_login(staff("writer"))
    assert "<h1>Late</h1>" in text(ear.get(client, "/en/a/late/"))
    assert ear.events == []
    assert not Exposure.objects.exists()


def start_test(article, **more) -> Experiment:
    article.refresh_from_db()
    draft = Draft.objects.get(article=article)
    publishing.save_draft(article, Text("Late", "", "Text B"), version=draft.version, by=None)
    arms = [Arm("a", article.live_revision), Arm("b", publishing.freeze(article, by=None))]
    experiment = experiments.create(article, name="t", control=arms[0], others=arms[1:], by=None, **more)
    experiments.start(experiment, by=None)
    return experiment


def test_visitors_of_a_test_see_their_text_every_time_and_are_exposed_once(write, browser, ear):
    experiment = start_test(write("Late", "Text A"))
    seen: list[str] = []
    while len(seen) < 60 and len(set(seen)) < 2:
        client = browser()
        first = text(ear.get(client, "/en/a/late/"))
        assert ("Text A" in first) != ("Text B" in first)
        for _again in range(2):
            assert ("Text B" in text(ear.get(client, "/en/a/late/"))) == ("Text B" in first)
        arms = experiments.arms_of(list(experiment.variants.select_related("experiment")))
        variant = experiment.variants.get(key=arms.key_for(client.cookies[visitors.COOKIE].value))
        assert variant.revision.body in first
        assert ear.events[-1].variant_id == variant.pk
        assert ear.events[-1].revision_id == variant.revision_id
        seen.append(variant.key)
    assert set(seen) == {"a", "b"}
    assert Exposure.objects.filter(experiment=experiment).count() == len(seen)


def test_a_visitor_outside_the_test_sees_the_live_text_and_is_not_exposed(write, browser):
    start_test(write("Late", "Text A"), allocation=1e-9)
    assert "Text A" in text(browser().get("/en/a/late/"))
    assert not Exposure.objects.exists()


def test_a_page_that_was_not_found_exposes_nobody(write, browser):
    start_test(write("Late"))
    browser().get("/en/a/latee/")
    browser().head("/en/a/late/")
    assert not Exposure.objects.exists()


def test_search_shows_answers_and_tells_what_it_really_searched(write, browser, ear):
    article = write("My parcel is late", "A <b>parcel</b> is late.")
    other = write("Sizes", "How large a <b>parcel</b> may be.")
    indexing.rebuild()
    page = ear.get(browser(), "/en/search/?q=pracel")
    assert "<mark>parcel</mark>" in text(page)
    assert "<strong>parcel</strong>" in text(page)
    assert "<b>parcel</b>" not in text(page)
    (event,) = ear.events
    assert (event.query, event.corrected, event.total, event.shown) == (
        "pracel",
        "parcel",
        2,
        (article.pk, other.pk),
    )


def test_a_search_without_an_answer_offers_the_shelves_and_a_person(write, browser, ear):
    write("My parcel is late")
    indexing.rebuild()
    page = ear.get(browser(), "/en/search/?q=zebra")
    assert 'href="/en/c/delivery/"' in text(page)
    assert "/en/contact/?q=zebra" in text(page)
    assert (ear.events[0].total, ear.events[0].shown) == (0, ())


def test_no_query_is_no_search(browser, ear):
    assert ear.get(browser(), "/en/search/?q=+").status_code == 200
    assert ear.events == []


@pytest.mark.parametrize("query", ["%00", "%FF", "a" * 5000, "%3Cscript%3Ealert(1)%3C/script%3E"])
def test_no_query_breaks_the_page(write, browser, query):
    write("My parcel is late")
    page = browser().get(f"/en/search/?q={query}")
    assert page.status_code == 200
    assert "<script>alert" not in text(page)


def test_an_old_address_leads_to_the_new_one_for_good(write, browser):
    publishing.rename_slug(write("Late"), "parcel-late")
    page = browser().get("/en/a/late/")
    assert (page.status_code, page.headers["Location"]) == (301, "/en/a/parcel-late/")


def test_a_dead_address_offers_a_search_for_its_words(write, browser):
    write("My parcel is late")
    indexing.rebuild()
    page = browser().get("/en/a/parcel-late-help/")
    assert page.status_code == 404
    assert 'value="parcel late help"' in text(page)
    assert 'href="/en/a/my-parcel-is-late/"' in text(page)


def test_drafts_and_archived_articles_have_no_page(write, browser):
    write("New", publish=False)
    publishing.archive(write("Old"), by=None)
    assert browser().get("/en/a/new/").status_code == 404
    assert browser().get("/en/a/old/").status_code == 404
    assert browser().get("/en/-/a/old").status_code == 404


def test_an_untranslated_article_is_shown_in_the_default_language_with_a_note(write, browser, ear):
    write("Only English")
    page = ear.get(browser(), "/es/a/only-english/")
    assert page.status_code == 200
    assert '<article lang="en" dir="ltr">' in text(page)
    assert "fallback" in text(page)
    assert ear.events[0].locale == "es"
    assert "Only English" in text(browser().get("/es/c/delivery-es/"))


def test_a_translated_article_is_shown_in_the_readers_language(write, browser):
    english = write("Late", source="x", external_id="late")
    write("Tarde", locale="es", source="x", external_id="late", translation_group=english.translation_group)
    assert browser().get("/es/a/late/").headers["Location"] == "/es/a/tarde/"
    assert browser().get("/es/-/a/late").headers["Location"] == "/es/a/tarde/"
    assert browser().get("/en/-/a/late").headers["Location"] == "/en/a/late/"
    assert "Late" not in text(browser().get("/es/c/delivery-es/"))


def test_a_stable_link_without_a_language_follows_the_readers(write, browser):
    write("Late", source="x", external_id="late")
    page = browser(**{"accept-language": "es"}).get("/-/a/late", follow=True)
    assert page.redirect_chain[-1][0] == "/es/a/late/"


def test_every_page_is_complete_html_without_anything_inline(write, browser):
    write("Late", "## A\n\nx\n\n## B\n\nx\n\n## C\n\n| a | b |\n|:--|--:|\n| 1 | 2 |")
    indexing.rebuild()
    for path in ("/en/", "/en/c/delivery/", "/en/a/late/", "/en/search/?q=late", "/en/search/", "/en/a/gone/"):
        html = text(browser().get(path))
        assert not re.search(r"\sstyle=|\son\w+=|<script(?![^>]*(?:\bsrc=|ld\+json))", html), path
        assert "<title>" in html


def test_popular_answers_are_those_that_helped_then_one_of_each_shelf(write, browser):
    for number in range(7):
        write(f"Delivery {number}")
    write("Payment", on="payments")
    helped = write("Delivery that helped")
    Vote.objects.create(revision=helped.live_revision, visitor=uuid.uuid4(), is_helpful=True, at=NOW)
    titles = [card.title for card in browser().get("/en/").context["popular"]]
    assert titles[:3] == ["Delivery that helped", "Delivery 0", "Payment"]


def test_popular_answers_in_the_readers_language_come_first(write, browser):
    write("English")
    write("Español", locale="es")
    assert [card.title for card in browser().get("/es/").context["popular"]] == ["Español", "English"]
