"""What to write next: gaps, and what becomes of them."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.urls import reverse

from analytics import gaps, rollups, settling, shop_days
from analytics.models import GapDecision, RollupKind
from analytics.periods import Period
from analytics.reports import gaps as report
from core.models import AuditEntry
from kb.models import Article, Category, SearchClick, SearchLog
from tests.analytics import history
from tests.analytics.history import at, read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]

PERIOD = Period(at().date(), at(days=27).date(), 7)
URL = "/desk/articles/next/"


@pytest.fixture(autouse=True)
def _index(settings, tmp_path):
    settings.SEARCH_INDEX_DIR = tmp_path / "index"


def visitor(number: int) -> uuid.UUID:
    return uuid.UUID(int=1000 + number)


def search(number, query, when, *, total=0, opened=None, featured=None, key="", corrected=""):
    made = SearchLog.objects.create(
        at=when, visitor=str(visitor(number)), kind="page", text=query, key=key or " ".join(sorted(query.split())),
        locale="en", total=total, engine="x", took_ms=1, featured=featured, corrected=corrected,
    )  # fmt: skip
    if opened:
        SearchClick.objects.create(search=made, article_id=opened, position=1, at=when)
    rollups.mark(RollupKind.SEARCHES, [shop_days.day_of(when)])
    rollups.make_due(windows=[7])


def count_contacts():
    rollups.mark(RollupKind.CONTACTS, [PERIOD.first + timedelta(days=number) for number in range(PERIOD.days)])
    rollups.make_due(windows=[7])


def build(**more):
    count_contacts()
    return report.build(PERIOD, gaps.known(), **more)


def text(response) -> str:
    return " ".join(response.content.decode().split())


def test_like_queries_that_led_nowhere_are_one_row_with_the_contacts_that_followed():
    for number in range(3):
        search(number, "gift wrap", at(days=2))
    search(3, "gift wrap price", at(days=3), total=4)
    search(3, "gift wrap", at(days=3))
    search(4, "late parcel", at(days=3))
    search(5, "late parcel", at(days=3))
    search(6, "only one asked", at(days=3))
    history.contact(at(days=4), visitor=visitor(0))
    history.contact(at(days=20), visitor=visitor(1))  # too long after
    history.contact(at(days=1), visitor=visitor(2))  # before
    first, second = build().clusters
    assert [query.text for query in first.queries] == ["gift wrap", "gift wrap price"]
    assert (first.failed, first.searches, first.without_answer) == (5, 5, 4)
    assert (first.contacted.hits, first.contacted.of) == (1, 4)
    assert (second.text, second.contacted.hits, second.contacted.of) == ("late parcel", 0, 2)
    assert build().single == 1


def test_the_contacts_after_a_query_are_shown_with_their_interval(signed_in):
    for number in range(4):
        search(number, "gift wrap", at(days=2))
    history.contact(at(days=4), visitor=visitor(0))
    shown = text(signed_in("writer").get(URL))
    assert '1 of 4 visitors<span class="sub">4.6 to 69.9 %</span>' in shown  # Wilson of 1 of 4


def test_a_mistyped_query_is_in_the_row_of_what_was_meant_and_a_mere_beginning_in_none():
    for number in range(3):
        search(number, "track order", at(days=2))
        search(number, "how to", at(days=2))
    search(4, "trcak odrer", at(days=2), key="trcak odrer", corrected="track order")
    (gap,) = build().clusters
    assert [query.text for query in gap.queries] == ["track order", "trcak odrer"]


def test_one_contact_after_one_visitor_leads_no_list():
    for number in range(2):
        search(number, "gift wrap", at(days=2))
    history.contact(at(days=3), visitor=visitor(0))
    for number in range(10, 30):
        search(number, "late parcel", at(days=2))
        if number < 18:
            history.contact(at(days=3), visitor=visitor(number))
    assert [gap.text for gap in build().clusters] == ["late parcel", "gift wrap"]


def test_a_query_that_mostly_leads_somewhere_is_no_gap():
    article = history.article("Late")
    for number in range(3):
        search(number, "late", at(days=2), total=1, opened=article.pk)
    search(4, "late", at(days=2), total=1)
    search(5, "answered above", at(days=2), total=1, featured=article.pk)
    assert build().clusters == ()


def test_a_reason_without_a_published_article_is_a_gap_and_one_with_is_not():
    history.article("Late", topic="delivery")
    gift = history.reason("gift")
    wrap = history.reason("wrap", gift)
    history.contact(at(days=2), why=wrap)
    history.contact(at(days=2), why=wrap)
    history.contact(at(days=2), why=history.reason("delivery"))
    history.contact(at(days=2))
    found = build()
    (gap,) = found.reasons
    assert (gap.code, gap.contacts, gap.parts) == ("gift", 2, (("Wrap", 2),))
    assert (found.contacts, found.uncoded) == (4, 1)
    Category.objects.create(key="wrapping", topic="wrap")
    assert build().reasons, "a shelf without an article covers nothing"
    history.article("Wrapping", topic="wrap")
    Category.objects.filter(key="wrap").update(topic="wrap")
    assert not build().reasons


def test_articles_rank_by_the_contacts_that_followed_at_the_least():
    often, once, rarely = history.article("Often"), history.article("Once"), history.article("Rarely")
    why = history.reason("delivery")
    number = 0
    for article, readers, contacts in ((often, 60, 12), (once, 1, 1), (rarely, 90, 3)):
        for reader in range(readers):
            number += 1
            read(visitor(number), article, at(days=reader % 15))
            if reader < contacts:
                history.contact(at(30, days=reader % 15), visitor=visitor(number), why=why)
    settling.settle()
    found = build()
    assert [gap.title for gap in found.failing] == ["Often", "Rarely"]
    assert found.too_few == 1, "one contact after one reader leads no list"
    rate = found.failing[0].contact_after_read.rate
    assert (rate.hits, rate.of) == (12, 60)
    assert found.failing[0].at_least == pytest.approx(rate.interval.low * 60)


def test_a_gap_is_dismissed_with_a_reason_and_comes_back_when_it_has_grown(signed_in):
    for number in range(4):
        search(number, "gift wrap", at(days=2))
    client = signed_in("writer")
    given = {"kind": "searches", "locale": "en", "key": "gift wrap", "days": "28"}
    assert "Say why" in text(client.post(f"{URL}dismiss/", given, follow=True))
    page = text(client.post(f"{URL}dismiss/", {**given, "why": "We wrap nothing"}, follow=True))
    assert "gift wrap" not in page
    assert "With what was dismissed <b>1</b>" in page
    assert "We wrap nothing" in text(client.get(URL, {"all": "1"}))
    entry = AuditEntry.objects.get(action="gap.dismissed")
    assert (entry.label, entry.by_name) == ("gift wrap", "writer")
    for number in range(4, 6):
        search(number, "wrap gift", at(days=4))
    assert "gift wrap" not in text(client.get(URL)), "two more are not enough"
    search(6, "gift wrap", at(days=4))
    assert "has grown since it was dismissed" in text(client.get(URL))


def test_a_gap_becomes_a_draft_with_the_customers_words(signed_in):
    history.article("Late", topic="delivery")
    for number in range(4):
        search(number, "gift *wrap*", at(days=2), key="gift wrap")
    client = signed_in("writer")
    given = {"kind": "searches", "locale": "en", "key": "gift wrap", "days": "28"}
    answer = client.post(f"{URL}draft/", given)
    article = Article.objects.get(state="draft")
    assert answer.headers["Location"] == reverse("desk:article-edit", args=[article.pk])
    assert article.draft.title == "Gift *wrap*"
    assert "“gift \\*wrap\\*”: 4 of 4 searches led nowhere" in article.draft.body
    assert not article.revisions.exists()
    assert GapDecision.objects.get().article_id == article.pk
    page = text(client.get(URL))
    assert "being written" in page
    assert "New draft" not in page
    again = {**given, "key": "no such query"}
    assert "no longer there" in text(client.post(f"{URL}draft/", again, follow=True))


def test_a_draft_about_a_reason_stands_on_the_shelf_of_its_topic(signed_in):
    Category.objects.create(key="first", topic="other")
    Category.objects.create(key="presents", topic="gift", position=9)
    history.contact(at(days=2), why=history.reason("gift"))
    count_contacts()
    signed_in("writer").post(f"{URL}draft/", {"kind": "reason", "key": "gift"})
    article = Article.objects.get()
    assert (article.draft.title, article.category.key) == ("Gift", "presents")
    assert "Gift: 1 contacts" in article.draft.body


def test_an_empty_shop_says_what_will_be_here(signed_in):
    page = text(signed_in("writer").get(URL))
    assert "Nobody contacted us in these days" in page
    assert "No article can be ranked yet" in page
    assert "nobody searched in these days" in page


@pytest.mark.parametrize(
    ("role", "reads", "writes"),
    [("writer", 200, 302), ("reviewer", 200, 302), ("analyst", 200, 403), ("ops", 403, 403), ("admin", 200, 302)],
)
def test_each_role_does_what_it_may(signed_in, role, reads, writes):
    client = signed_in(role)
    assert client.get(URL).status_code == reads
    for what in ("draft", "dismiss"):
        assert client.post(f"{URL}{what}/", {"kind": "article", "key": "1"}).status_code == writes


@pytest.mark.parametrize(("role", "tunes"), [("writer", False), ("analyst", False), ("reviewer", True)])
def test_who_may_not_tune_search_is_not_sent_to_do_it(signed_in, role, tunes):
    for number in range(3):
        search(number, "gift wrap", at(days=2))
    page = text(signed_in(role).get(URL))
    assert "gift wrap" in page
    assert ("/desk/search/tuning/synonyms/?locale=en" in page) is tunes
    assert ("/desk/search/tuning/?locale=en" in page) is tunes
