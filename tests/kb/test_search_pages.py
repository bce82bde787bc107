from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from core import clock
from core.roles import ADMIN, ANALYST, OPS, REVIEWER, WRITER
from kb import publishing
from kb.models import (
    IndexJob,
    IndexJobKind,
    IndexJobState,
    Placement,
    PlacementKind,
    SearchClick,
    SearchKind,
    SearchLog,
    Synonym,
    Visibility,
)
from kb.search import asking, health, indexing, jobs, placements, tuning
from tests.kb.conftest import BOT, NOW

pytestmark = pytest.mark.django_db


def text(response) -> str:
    return response.content.decode()


def hits(page: str) -> list[str]:
    """The links of the answers, in order; the featured one first."""
    found = re.findall(r'(?:<h2[^>]*>|<p class="hit-more">)<a href="([^"]+)"', page)
    return [link.replace("&amp;", "&") for link in found]


@pytest.fixture
def shop(write):
    """Twelve articles about parcels on two shelves, found by the word "parcel"."""
    for number in range(9):
        write(f"Parcel question {number}", "A parcel may be late.")
    for number in range(3):
        write(f"Paying for a parcel {number}", "Pay for the parcel by card.", on="payments")
    indexing.rebuild()


@pytest.fixture
def desk(client, staff):
    """The desk, signed in with a role."""

    def sign_in(role: str):
        client.force_login(staff(role))
        return client

    return sign_in


# The page of answers


def test_a_corrected_query_says_so_and_offers_the_words_as_typed(write, browser):
    write("Refund", "We refund you.")
    indexing.rebuild()
    page = text(browser().get("/en/search/?q=refnud"))
    assert "<strong>refund</strong>" in page
    link = re.search(r'Search instead for <a href="([^"]+)">refnud</a>', page)[1].replace("&amp;", "&")
    literal = text(browser().get(link))
    assert "<strong>refund</strong>" not in literal
    assert hits(literal) == []


def test_an_answer_opened_from_the_list_is_logged_with_its_place(shop, browser):
    client = browser()
    page = text(client.get("/en/search/?q=parcel"))
    link = hits(page)[2]
    assert client.get(link).status_code == 200
    assert client.get(link).status_code == 200
    click = SearchClick.objects.get()
    made = SearchLog.objects.get()
    assert (click.search_id, click.position, click.article_id) == (made.pk, 3, made.shown[2])
    assert (made.kind, made.text, made.total, made.at) == (SearchKind.PAGE, "parcel", 12, NOW)


def test_more_answers_keep_counting_and_are_no_new_search(shop, browser):
    client = browser()
    first = text(client.get("/en/search/?q=parcel"))
    assert "Answers 1 to 10 of 12" in first
    more = re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")
    second = text(client.get(more))
    assert "Answers 11 to 12 of 12" in second
    assert '<ol class="hits" start="11">' in second
    assert 'rel="prev"' in second
    assert not set(hits(first)) & set(hits(second))
    client.get(hits(second)[1])
    assert SearchLog.objects.count() == 1
    assert SearchClick.objects.get().position == 12


@pytest.mark.parametrize("where", ["page=0", "page=-1", "page=9999999", "page=x", "in=x", "in=99999999999999999999",
                                   "in=77", "lang=xx", "s=nonsense&page=2", "verbatim=maybe"])  # fmt: skip
def test_no_parameter_breaks_the_page(shop, browser, where):
    assert browser().get(f"/en/search/?q=parcel&{where}").status_code == 200


@pytest.mark.parametrize("reader", ["head", "bot", "optout"])
def test_who_is_not_counted_is_shown_answers_and_leaves_no_click(shop, browser, reader):
    client = {"head": browser(), "bot": browser(BOT), "optout": browser(**{"sec-gpc": "1"})}[reader]
    if reader == "head":
        assert client.head("/en/search/?q=parcel").status_code == 200
        assert not SearchLog.objects.exists()
        return
    client.get(hits(text(client.get("/en/search/?q=parcel")))[0])
    assert SearchLog.objects.get().visitor == ""
    assert not SearchClick.objects.exists()


def test_a_head_request_for_an_article_is_no_click(shop, browser):
    client = browser()
    client.head(hits(text(client.get("/en/search/?q=parcel")))[0])
    assert not SearchClick.objects.exists()


def test_a_link_passed_on_to_a_friend_is_no_click_of_the_first_search(shop, browser):
    client = browser()
    link = hits(text(client.get("/en/search/?q=parcel")))[0]
    assert browser().get(link).status_code == 200
    assert not SearchClick.objects.exists()


def test_chips_narrow_the_answers_and_can_be_taken_away(shop, shelf, browser):
    client = browser()
    page = text(client.get("/en/search/?q=parcel"))
    chips = re.findall(r'<a class="pick" href="([^"]+)">([^<]+) <span class="num">(\d+)</span>', page)
    assert sorted((name, count) for _, name, count in chips) == [("Delivery", "9"), ("Payments", "3")]
    url = next(url for url, name, _ in chips if name == "Payments").replace("&amp;", "&")
    narrowed = text(client.get(url))
    assert len(hits(narrowed)) == 3
    assert 'aria-current="true"' in narrowed
    cleared = re.search(r'class="pick pick-clear" href="([^"]+)"', narrowed)[1].replace("&amp;", "&")
    assert len(hits(text(client.get(cleared)))) == 10


def test_a_search_without_an_answer_offers_tips_topics_and_a_person(shop, browser):
    page = text(browser().get("/en/search/?q=zebra"))
    assert "We found no answer for “zebra”" in page
    assert "/en/contact/?q=zebra" in page
    assert 'href="/en/c/delivery/"' in page
    assert "Look in all topics" not in page


def test_a_search_that_fails_says_so_and_offers_topics_and_a_person(shop, browser, monkeypatch):
    def broken(*_a, **_k):
        raise asking.NoAnswer("whoosh/1: no disk; database: gone")

    monkeypatch.setattr(asking, "ask", broken)
    page = browser().get("/en/search/?q=parcel")
    assert page.status_code == 503
    assert "Search is not working right now" in text(page)
    assert "/en/contact/?q=parcel" in text(page)
    assert 'href="/en/c/delivery/"' in text(page)
    assert "no disk" not in text(page), "the reason is the desk's business"
    assert SearchLog.objects.get().error == "whoosh/1: no disk; database: gone"


def test_a_whole_message_is_searched_by_its_telling_words_and_the_page_says_so(shop, browser):
    message = "hello I hope you are well and I wonder where my parcel may be by now thank you " * 20
    page = text(browser().get("/en/search/", {"q": message}))
    assert "That is a long text" in page
    assert hits(page)
    slips = text(browser().get("/en/search/", {"q": "parcle " * 1_000}))
    said = slips.partition('class="did-you">')[2].partition("</p>")[0]
    assert "<strong>parcel" in said
    assert said.count("parcel") + said.partition("<a")[2].partition(">")[2].count("parcle") < 40, "its beginning only"
    assert "That is a long text" not in text(browser().get("/en/search/?q=parcel"))


def test_staff_see_which_answers_are_theirs_alone_and_may_search_another_language(write, browser, staff):
    write("Parcel", "All about the parcel.")
    write("Paquete", "Todo sobre el paquete.", locale="es")
    hidden = write("Parcel refunds above 500", "Ask the parcel team.")
    hidden.visibility = Visibility.STAFF
    hidden.version += 1
    hidden.save()
    indexing.rebuild()
    customer = text(browser().get("/en/search/?q=parcel"))
    assert "above 500" not in customer
    assert "Staff: search in" not in customer
    client = browser()
    client.force_login(staff(WRITER))
    page = text(client.get("/en/search/?q=parcel"))
    assert "above 500" in page
    assert page.count("Staff only") == 1
    assert "above 500" not in text(client.get("/en/search/?q=parcel&as=customer"))
    spanish = re.search(r'<a href="([^"]+)">Spanish</a>', page)[1].replace("&amp;", "&")
    assert "lang=es" in spanish
    assert SearchLog.objects.filter(visitor="").count() == 2, "staff are in the log, but not counted"


def test_an_article_for_staff_has_no_page_for_customers(write, browser, staff):
    write("For all")
    hidden = write("For staff")
    hidden.visibility = Visibility.STAFF
    hidden.save()
    indexing.rebuild()
    assert browser().get("/en/a/for-staff/").status_code == 404
    assert "For staff" not in text(browser().get("/en/c/delivery/"))
    client = browser()
    client.force_login(staff(WRITER))
    assert client.get("/en/a/for-staff/").status_code == 200


def test_answers_of_another_language_say_which(write, browser):
    write("Parcel")
    write("Mi paquete llega tarde", "Cuando el paquete llega tarde.", locale="es")
    indexing.rebuild()
    page = text(browser().get("/en/search/?q=paquete+llega+tarde"))
    assert "We found this in Spanish." in page
    assert "In Spanish" in page
    assert '<h2 lang="es">' in page


def test_a_pinned_answer_is_on_top_and_customers_are_not_told(shop, browser):
    client = browser()
    before = hits(text(client.get("/en/search/?q=parcel")))
    pinned = publishing.Article.objects.get(slug="paying-for-a-parcel-2")
    tuning.place(kind=PlacementKind.PIN, locale="en", query="parcel", article_id=pinned.pk, by=None)
    page = text(client.get("/en/search/?q=parcel"))
    assert hits(page)[0].startswith("/en/a/paying-for-a-parcel-2/")
    assert not before[0].startswith("/en/a/paying-for-a-parcel-2/")
    assert "inned" not in page


# As one types


def test_suggestions_are_a_fragment_of_links_that_may_be_kept_for_a_minute(shop, browser):
    answer = browser().get("/en/search/suggest?q=par")
    page = text(answer)
    assert answer.headers["Cache-Control"] == "private, max-age=60"
    assert "<html" not in page
    options = re.findall(r'<a role="option" aria-selected="false" tabindex="-1" href="(/en/a/[^"]+)"', page)
    assert options
    assert f'data-status="{len(options)} suggestions"' in page


def test_an_opened_suggestion_is_logged_as_a_search(shop, browser):
    client = browser()
    client.get("/en/")  # brings the cookie
    url = re.search(r'href="(/en/a/[^"]+)"', text(client.get("/en/search/suggest?q=par")))[1].replace("&amp;", "&")
    assert not SearchLog.objects.exists(), "typing alone is not logged"
    client.get(url)
    made = SearchLog.objects.get()
    assert (made.kind, made.text) == (SearchKind.SUGGEST, "par")
    assert SearchClick.objects.get().position == 1


@pytest.mark.parametrize("typed", ["", "%20", "%00", "%FF", "(", "x" * 5000, "%3Cscript%3E"])
def test_nothing_typed_breaks_the_suggestions(shop, browser, typed):
    answer = browser().get(f"/en/search/suggest?q={typed}")
    assert answer.status_code == 200
    assert "<script" not in text(answer)


def test_a_network_that_hammers_the_suggestions_is_told_to_wait(shop, browser, monkeypatch):
    monkeypatch.setattr("kb.views.search._SUGGESTIONS_A_MINUTE", 3)
    client = browser()
    codes = [client.get("/en/search/suggest?q=par").status_code for _ in range(5)]
    assert codes == [200, 200, 200, 429, 429]
    assert browser().get("/en/search/suggest?q=par", REMOTE_ADDR="192.0.2.9").status_code == 200
    with clock.frozen(NOW + timedelta(minutes=2)):
        assert client.get("/en/search/suggest?q=par").status_code == 200


# The desk


@pytest.mark.parametrize("name", ["search", "search-tuning", "search-synonyms", "search-try"])
def test_the_desks_pages_are_for_editors_and_managers(client, staff, name):
    url = reverse(f"desk:{name}")
    assert client.get(url).status_code == 302
    for role, status in ((WRITER, 200), (REVIEWER, 200), (ANALYST, 200), (ADMIN, 200), (OPS, 403)):
        client.force_login(staff(role))
        assert client.get(url).status_code == status, role


def test_empty_desk_pages_say_what_will_be_there(desk):
    client = desk(ADMIN)
    for name, words in (
        ("search", "Nothing is published yet"),
        ("search-tuning", "Nothing is pinned or hidden"),
        ("search-synonyms", "No synonyms yet"),
        ("search-try", "Type a query"),
    ):
        assert words in text(client.get(reverse(f"desk:{name}"))), name


def log(query: str, *, minutes: float = 5, visitor: str = "v", opened: bool = False, **more) -> SearchLog:
    """A search so many minutes ago."""
    values = {"kind": SearchKind.PAGE, "key": query, "locale": "en", "total": 3, "engine": "whoosh/1", "took_ms": 1.0}
    made = SearchLog.objects.create(text=query, visitor=visitor, at=NOW - timedelta(minutes=minutes), **(values | more))
    if opened:
        SearchClick.objects.create(search=made, article_id=1, position=1, at=made.at)
    return made


def test_a_day_tells_its_slow_failed_and_fallback_searches(desk):
    for ms in range(1, 101):
        log(f"q{ms}", took_ms=float(ms))
    log("broken", error="whoosh/1: the index is gone", total=0)
    log("rescued", is_fallback=True)
    log("yesterday", minutes=25 * 60, took_ms=9999.0)
    day = health.day(now=NOW)
    assert (day.searches, day.fallbacks, day.failures) == (102, 1, 1)
    assert day.p50 == pytest.approx(49.5)
    assert 94 <= day.p95 <= 97
    assert [row.text for row in day.slowest] == ["q100", "q99", "q98", "q97", "q96"]
    assert "the index is gone" in text(desk(ANALYST).get(reverse("desk:search")))


def test_changes_that_the_index_has_not_read_yet_are_counted(write, django_capture_on_commit_callbacks):
    write("One")
    indexing.rebuild()
    assert health.index().languages == [("en", 1, 1)]
    write("Two")
    found = health.index()
    assert found.languages == [("en", 1, 2)]
    assert found.waiting >= 1
    assert found.waiting_seconds >= 0


def test_a_missing_index_is_said_on_the_page(write, desk):
    write("One")
    page = text(desk(ADMIN).get(reverse("desk:search")))
    assert "The index of this host cannot be used" in page or "In the index" in page


def test_a_check_runs_once_and_tells_what_differs(write, desk, django_capture_on_commit_callbacks):
    write("One")
    indexing.rebuild()
    write("Two")
    asked = []
    with django_capture_on_commit_callbacks(execute=True):
        job = jobs.ask(IndexJobKind.VERIFY, by=None, enqueue=asked.append)
        assert jobs.ask(IndexJobKind.VERIFY, by=None, enqueue=asked.append) == job, "one at a time"
    assert asked == [job.pk]
    jobs.run(job.pk)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.missing, job.stale, job.ghosts) == (IndexJobState.DONE, 1, 0, 0)
    assert "Differs" in text(desk(WRITER).get(reverse("desk:search-job", args=["verify"])))


def test_a_rebuild_brings_the_index_up_to_date_and_shows_how_far_it_is(write, desk):
    write("One")
    job = jobs.ask(IndexJobKind.REBUILD, by=None, enqueue=lambda _: None)
    client = desk(ADMIN)
    page = text(client.get(reverse("desk:search-job", args=["rebuild"])))
    assert 'hx-trigger="every 1s"' in page
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.total, job.done) == (IndexJobState.DONE, 1, 1)
    assert job.generation == health.index().stats.generation
    assert not indexing.verify()
    assert "every 1s" not in text(client.get(reverse("desk:search-job", args=["rebuild"])))


def test_work_whose_worker_died_may_be_asked_for_anew():
    dead = IndexJob.objects.create(kind=IndexJobKind.REBUILD, state=IndexJobState.RUNNING)
    IndexJob.objects.filter(pk=dead.pk).update(asked_at=NOW - timedelta(days=300), beat_at=NOW - timedelta(days=300))
    job = jobs.ask(IndexJobKind.REBUILD, by=None, enqueue=lambda _: None)
    dead.refresh_from_db()
    assert job != dead
    assert dead.state == IndexJobState.FAILED
    assert "worker" in dead.error


def test_only_managers_rebuild(desk):
    assert desk(REVIEWER).post(reverse("desk:search-job-ask", args=["rebuild"])).status_code == 403
    assert not IndexJob.objects.exists()
    assert desk(ADMIN).post(reverse("desk:search-job-ask", args=["rebuild"])).status_code == 302
    assert IndexJob.objects.get().asked_by.username == ADMIN


def test_an_editor_sees_what_a_synonym_would_change_and_adds_it(write, desk, browser):
    write("Refund", "We refund you within five days.")
    indexing.rebuild()
    client = desk(REVIEWER)
    given = {"locale": "en", "words": "cash back", "means": "refund", "is_two_way": "on"}
    seen = text(client.get(reverse("desk:search-synonym-preview"), given))
    assert "now finds 0" in seen
    assert "would find 1" in seen
    assert not Synonym.objects.exists()
    assert hits(text(browser().get("/en/search/?q=cash+back"))) == [], "a preview changes nothing for customers"
    assert client.post(reverse("desk:search-synonyms"), given).status_code == 302
    assert hits(text(browser().get("/en/search/?q=cash+back")))[0].startswith("/en/a/refund/")
    page = text(client.get(reverse("desk:search-synonyms")))
    assert "cash back" in page
    assert REVIEWER in page
    again = client.post(reverse("desk:search-synonyms"), given)
    assert again.status_code == 422
    assert "synonyms already" in text(again)
    client.post(reverse("desk:search-synonym-remove", args=[Synonym.objects.get().pk]))
    assert hits(text(browser().get("/en/search/?q=cash+back"))) == []


def test_a_synonym_one_way_is_not_doubled_by_one_both_ways(desk):
    client = desk(REVIEWER)
    one_way = {"locale": "en", "words": "cash back", "means": "refund"}
    assert client.post(reverse("desk:search-synonyms"), one_way).status_code == 302
    for words, means in (("cash back", "refund"), ("refund", "cash back")):
        answer = client.post(
            reverse("desk:search-synonyms"), {"locale": "en", "words": words, "means": means, "is_two_way": "on"}
        )
        assert "“cash back” finds “refund” already, one way. Remove that one below" in text(answer)
    assert client.post(reverse("desk:search-synonyms"), {**one_way, "locale": "es"}).status_code == 302
    back = {"locale": "en", "words": "refund", "means": "cash back"}
    assert client.post(reverse("desk:search-synonyms"), back).status_code == 302, "the other way, apart"
    assert Synonym.objects.count() == 3


def test_a_writer_reads_the_tuning_but_does_not_change_it(write, desk):
    article = write("Refund")
    indexing.rebuild()
    client = desk(WRITER)
    given = {"locale": "en", "words": "cash", "means": "refund"}
    client.post(reverse("desk:search-synonyms"), given)
    pin = {"kind": "pin", "locale": "en", "query": "refund", "article": article.pk}
    assert client.post(reverse("desk:search-place"), pin).status_code == 403
    assert not Synonym.objects.exists()
    assert not Placement.objects.exists()
    page = text(client.get(reverse("desk:search-tuning"), {"query": "refund"}))
    assert "Refund" in page
    assert "Pin<" not in page


def test_an_editor_pins_moves_hides_and_takes_back(shop, desk):
    client = desk(REVIEWER)
    articles = {a.slug: a.pk for a in publishing.Article.objects.all()}
    one, two = articles["parcel-question-7"], articles["parcel-question-8"]

    def shown():
        return [row.result.article_id for row in placements.of_query("parcel", locale="en").rows]

    def post(name, *args, **more):
        answer = client.post(reverse(f"desk:{name}", args=args), {"query": "parcel", "locale": "en", **more})
        assert answer.status_code == 302
        return client.get(answer.headers["Location"])

    post("search-place", kind="pin", article=one)
    post("search-place", kind="pin", article=two)
    assert shown()[:2] == [one, two]
    pin = Placement.objects.get(article=two)
    post("search-pin-move", pin.pk, to="up")
    assert shown()[:2] == [two, one]
    post("search-pin-move", pin.pk, to="up")
    assert shown()[:2] == [two, one]
    post("search-place", kind="hide", article=one)
    assert one not in shown()
    page = text(post("search-placement-remove", pin.pk))
    assert "Hidden from this query" in page
    assert f"by {REVIEWER}" in page
    post("search-placement-remove", Placement.objects.get().pk)
    assert one in shown()
    refused = text(post("search-place", kind="pin", article="99999999"))
    assert "no such article" in refused


def test_a_pin_of_an_article_that_nobody_can_read_is_shown_as_asleep(write, desk):
    article = write("Refund")
    write("Refund again")
    tuning.place(kind=PlacementKind.PIN, locale="en", query="refund", article_id=article.pk, by=None)
    publishing.archive(article, by=None)
    indexing.rebuild()
    page = text(desk(REVIEWER).get(reverse("desk:search-tuning"), {"query": "refund"}))
    assert "Pinned, but not shown" in page


def test_an_editor_finds_an_article_to_pin_by_its_title(write, desk):
    write("How to send it back")
    write("Refund")
    indexing.rebuild()
    page = text(desk(REVIEWER).get(reverse("desk:search-tuning"), {"query": "refund", "find": "BACK send"}))
    assert "How to send it back" in page


def test_trying_a_search_explains_it_and_logs_nothing(write, desk):
    write("Refund", "We refund you.")
    write("Other")
    indexing.rebuild()
    page = text(desk(WRITER).get(reverse("desk:search-try"), {"q": "refnud", "locale": "en"}))
    assert "Read as" in page
    assert "<code>refund</code>" in page
    assert not SearchLog.objects.exists()
