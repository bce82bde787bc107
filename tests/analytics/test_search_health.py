"""Search health: its numbers, its clusters, and what becomes of acting on them."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from analytics import periods, rollups
from analytics.models import RollupKind, SearchDay
from analytics.periods import Period
from analytics.reports import search_answers, search_counts, search_health, search_query, search_rows
from analytics.reports.registry import REPORTS
from core import clock
from kb.models import Article, Placement, SearchClick, SearchLog, Synonym
from kb.search import tuning
from kb.search.keys import key_of
from tests.analytics import history
from tests.analytics.counts_on_pages import bare
from tests.analytics.history import at
from tests.analytics.test_dashboard import Links
from tests.analytics.test_links import main_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]

PERIOD = Period(at().date(), at(days=27).date(), 7)
URL = "/desk/search/health/"
QUERY = "/desk/search/health/query/"


@pytest.fixture(autouse=True)
def _index(settings, tmp_path):
    settings.SEARCH_INDEX_DIR = tmp_path / "index"


def visitor(number: int) -> uuid.UUID:
    return uuid.UUID(int=1000 + number)


def search(number, query, when, *, total=0, opened=None, of=None, **more):
    values = {"locale": "en", "key": key_of(query, more.get("locale", "en"))} | more
    made = SearchLog.objects.create(
        at=when, visitor=str(visitor(number)), kind="page", text=query, total=total, engine="x", took_ms=1,
        reformulates=of, **values,
    )  # fmt: skip
    if opened:
        SearchClick.objects.create(search=made, article_id=opened, position=2, at=when)
    return made


def count() -> None:
    """Every day's searches, as settling counts them."""
    rollups.mark(RollupKind.SEARCHES, [PERIOD.first + timedelta(days=number) for number in range(-40, 30)])
    rollups.make_due(windows=[7])


def build(period: Period = PERIOD):
    count()
    return search_health.build(period, now=clock.now())


def text(response) -> str:
    return " ".join(response.content.decode().split())


def test_each_number_is_of_its_own_denominator_and_held_against_the_days_before():
    for number in range(10):
        search(number, "late", at(days=3), total=2, opened=7 if number < 4 else None)
    for number in range(10, 16):
        search(number, "refund", at(days=4))
    search(20, "wrap", at(days=4), total=1, featured=3)
    search(21, "wrap", at(days=-2))
    history.contact(at(60, days=3), visitor=visitor(0))
    found = build()
    now = found.now
    assert (now.no_answer.hits, now.no_answer.of) == (6, 17)
    assert (now.no_click.hits, now.no_click.of) == (6, 10)
    assert (now.contact.hits, now.contact.of) == (1, 17)
    assert (found.before.searches, found.before.without_answer) == (1, 1)
    assert build(periods.replace(PERIOD, compare=periods.Compare.NONE)).before is None


def test_contacts_count_only_for_days_whose_24_hours_are_over():
    search(1, "late", at(days=24))
    search(2, "late", at(days=25))
    search(3, "late", at(days=26))
    search(4, "late", at(days=27))
    history.contact(at(10, days=26), visitor=visitor(3))
    found = build()
    assert found.decided_until == date(2026, 3, 27)
    assert (found.now.searches, found.now.contact.hits, found.now.contact.of) == (4, 0, 2)


def test_a_source_that_lags_keeps_contacts_undecided():
    search(1, "late", at(days=1))
    search(2, "late", at(days=20))
    history.contact(at(days=10), person="p9", source="zendesk")
    assert build().now.contact.of == 1


def test_languages_stand_apart_and_one_can_be_chosen():
    search(1, "late", at(days=1))
    search(2, "spät", at(days=1), locale="de")
    found = build()
    assert [(row.locale, row.now.searches) for row in found.languages] == [("de", 1), ("en", 1)]
    german = build(periods.replace(PERIOD, segment=periods.Segment(locale="de")))
    assert (german.now.searches, [row.locale for row in german.languages]) == (1, ["de"])


def test_like_queries_are_one_row_and_one_contact_of_two_leads_no_list():
    for number in range(3):
        search(number, "gift wrap", at(days=2))
        search(number + 10, "gift wrap price", at(days=2), total=3)
    for number in range(20, 60):
        search(number, "late parcel", at(days=2), total=1)
        if number < 32:
            history.contact(at(30, days=2), visitor=visitor(number))
    for number in (70, 71):
        search(number, "invoice", at(days=2))
    history.contact(at(30, days=2), visitor=visitor(70))
    search(80, "alone", at(days=2))
    search(81, "how to", at(days=2), key="how to")
    found = build()
    assert [one.text for one in found.open] == ["late parcel", "invoice", "gift wrap"]
    wrap = found.open[2]
    assert ([query.text for query in wrap.queries], wrap.counts.searches) == (["gift wrap", "gift wrap price"], 6)
    assert (wrap.counts.without_answer, wrap.counts.without_click) == (3, 3)
    late = found.open[0].counts
    assert late.contacts_at_least == pytest.approx(late.contact.interval.low * 40)
    assert found.single == 1


def test_what_people_read_in_the_end_proposes_the_synonym():
    parcel, other = history.article("Where is my parcel"), history.article("Gift cards")
    for number in range(3):
        first = search(number, "package", at(days=2), shown=[other.pk], total=1)
        search(number, "parcel", at(0.5, days=2), total=4, opened=parcel.pk, of=first)
    search(5, "package", at(days=1), total=1, opened=other.pk)
    count()
    (found,) = [one for one in search_health.build(PERIOD, now=clock.now()).open if one.text == "package"]
    assert found.answers.read == search_answers.Shown(parcel.pk, "Where is my parcel", 3)
    assert [shown.title for shown in found.answers.shown] == ["Gift cards"]
    assert (found.answers.words, found.answers.means) == ("package", "parcel")


def test_no_synonym_is_proposed_of_words_that_both_have():
    assert search_answers.synonym("lost package", "Your parcel is lost", "en") == ("package", "parcel")
    assert search_answers.synonym("parcels", "Your parcel is lost", "en") == ("", "")


def acting(signed_in, role: str):
    parcel = history.article("Where is my parcel")
    for day in range(1, 21):
        for number in range(2):
            first = search(day * 10 + number, "package", at(days=day))
            search(day * 10 + number, "parcel", at(0.5, days=day), total=4, opened=parcel.pk, of=first)
    count()
    return signed_in(role), parcel


def test_one_click_pins_what_people_read_and_brings_the_editor_back(signed_in):
    client, parcel = acting(signed_in, "reviewer")
    page = text(client.get(URL))
    assert "Pin “Where is my parcel”" in page
    assert "words=package&amp;means=parcel&amp;back=%2Fdesk%2Fsearch%2Fhealth%2F" in page
    given = {"kind": "pin", "query": "package", "locale": "en", "article": parcel.pk, "back": URL}
    answer = client.post(reverse("desk:search-place"), given)
    assert answer.headers["Location"] == URL
    assert Placement.objects.get().key == key_of("package", "en")
    after = text(client.get(URL))
    assert "Something was done" in after
    assert "“Where is my parcel” pinned on “package”" in after
    assert "Too early to compare" in after


def test_a_synonym_brings_the_editor_back_and_nowhere_else(signed_in):
    client, _parcel = acting(signed_in, "reviewer")
    form = text(client.get(reverse("desk:search-synonyms"), {"words": "package", "means": "parcel", "back": URL}))
    assert 'value="parcel"' in form
    assert f'name="back" value="{URL}"' in form
    given = {"locale": "en", "words": "package", "means": "parcel", "is_two_way": "on"}
    for back, to in (("https://evil.example/desk/", "/desk/search/tuning/synonyms/?locale=en"), (URL, URL)):
        Synonym.objects.all().delete()
        answer = client.post(reverse("desk:search-synonyms"), {**given, "back": back})
        assert answer.headers["Location"] == to


def test_what_was_done_shows_the_days_before_and_since_and_calls_it_no_effect(signed_in):
    client, parcel = acting(signed_in, "analyst")
    for day in range(22, 27):
        search(day, "package", at(days=day), total=3, opened=parcel.pk)
    tuning.add_synonym(locale="en", words="package", means="parcel", by=None)
    Synonym.objects.update(created_at=at(days=21))
    (one,) = [one for one in build().done if one.text == "package"]
    acted = one.acted
    assert (acted.days, acted.newest.on) == (5, at(days=21).date())
    assert (acted.before.searches, acted.before.without_answer) == (10, 10)  # days 16 to 20
    assert (acted.after.searches, acted.after.without_answer) == (5, 0)
    page = text(client.get(URL))
    assert "Synonym package ↔ parcel" in page
    assert "Before and since is no effect" in page


def test_a_one_way_synonym_is_about_queries_with_all_of_its_words_only():
    for number in range(2):
        search(number, "cash back", at(days=2))
        search(number + 10, "parcel cash", at(days=2))
        search(number + 20, "refund", at(days=2))
    tuning.add_synonym(locale="en", words="cash back", means="refund", is_two_way=False, by=None)
    Synonym.objects.update(created_at=at(days=20))
    assert [one.text for one in build().done] == ["cash back"]


def test_a_row_becomes_a_draft_by_the_flow_that_there_is_already(signed_in):
    client, _parcel = acting(signed_in, "writer")
    page = text(client.get(URL))
    assert "New draft" in page
    assert "Pin “" not in page, "who may not tune search is not sent to do it"
    given = {
        "kind": "searches", "locale": "en", "key": key_of("package", "en"), "from": PERIOD.first.isoformat(),
        "to": PERIOD.last.isoformat(),
    }  # fmt: skip
    answer = client.post(reverse("desk:next-draft"), given)
    made = Article.objects.get(state="draft")
    assert answer.headers["Location"] == reverse("desk:article-edit", args=[made.pk])
    assert "“package”: 40 of 40 searches led nowhere" in made.draft.body
    assert "being written" in text(client.get(URL))


def test_a_query_shows_its_rows_and_leads_to_who_contacted_us_where_one_may(signed_in):
    parcel = history.article("Where is my parcel")
    first = search(1, "package", at(days=2), total=2, shown=[parcel.pk])
    search(1, "parcel", at(0.5, days=2), total=4, opened=parcel.pk, of=first)
    search(2, "package", at(days=3), total=2, opened=parcel.pk)
    search(2, "package", at(1, days=3), total=0)
    search(3, "package", at(days=4))
    contact = history.contact(at(90, days=4), visitor=visitor(3))
    count()
    key = key_of("package", "en")
    given = {"lang": "en", "key": key}
    found = search_query.build(PERIOD, now=clock.now(), locale="en", keys=[key])
    rows = searches_of(key).rows
    assert [(row.total, row.looks, row.next) for row in rows] == [(0, 1, ""), (2, 2, ""), (2, 1, "parcel")]
    assert [(one.position, one.title, one.times) for one in found.opened] == [(2, "Where is my parcel", 1)]
    assert [(one.text, one.times) for one in found.next] == [("parcel", 1)]
    assert rows[0].contact_id == contact.pk
    for what, hits in (("without_answer", 1), ("without_click", 1), ("reformulated", 1), ("contacted", 1)):
        assert len(searches_of(key, what=what).rows) == hits
        assert getattr(found.counts, what) == hits
    counts = found.counts
    for what, hits in (("answered", counts.no_click.of), ("decided", counts.contact.of), ("with_passage", 0)):
        assert len(searches_of(key, what=what).rows) == hits
    link = reverse("desk:contact", args=[contact.pk])
    assert link in text(signed_in("analyst").get(QUERY, given))
    assert link not in text(signed_in("writer").get(QUERY, given))
    assert [row.text for row in search_rows.listed(PERIOD, now=clock.now(), what="contacted").rows] == ["package"]


def test_every_rate_opens_the_searches_that_it_counts_and_those_that_it_is_of(signed_in):
    """Today's are not decided, nor are their contacts counted; some had a passage above the answers."""
    for n in range(36):
        day = n % 3 if n < 30 else 27
        search(n, "gift card" if n % 2 else "parcel", at(n, days=day), total=n % 4, featured=1 if n % 5 == 1 else None)
        if n % 7 == 0:
            history.contact(at(n + 1, days=day), visitor=visitor(n))
    for n in range(10):
        search(50 + n, "parcel", at(n, days=-5), total=n % 2)
    count()
    client = signed_in()
    given = {"from": PERIOD.first, "to": PERIOD.last, "lang": "en", "key": key_of("parcel", "en")}
    for page in (URL, f"{QUERY}?{urlencode(given)}"):
        html = main_of(client.get(page))
        assert bare(html) == []
        numbers = {
            (href, number) for href, number in Links(html).numbers if "search/health/query" in href or href[0] == "?"
        }
        assert {"what=answered" in href for href, _number in numbers} == {True, False}
        assert {"what=decided" in href for href, _number in numbers} == {True, False}
        assert len(numbers) > 7
        for href, number in numbers:
            href = href if href[0] == "/" else QUERY + href
            assert len(client.get(href).context["listed"].rows) == number, href
    taken = client.get(reverse("desk:rows-csv", args=["searches"]), {**given, "what": "decided"})
    assert b"".join(taken.streaming_content).count(b"\n") - 1 == len(searches_of(given["key"], what="decided").rows)
    assert not search_rows.listed(Period(PERIOD.last, PERIOD.last, 7), now=clock.now(), what="decided").rows


def searches_of(key: str, **more):
    return search_rows.listed(PERIOD, now=clock.now(), locale="en", keys=[key], **more)


@pytest.mark.parametrize("what", ["", "without_answer", "contacted"])
def test_every_search_that_a_number_counts_is_on_one_of_its_pages(what, signed_in, monkeypatch):
    monkeypatch.setattr(search_rows, "ROWS", 3)
    monkeypatch.setattr(search_rows, "LOOKED_AT", 4)
    monkeypatch.setattr(search_rows, "_AT_MOST", 2)
    same = at(10, days=3)
    for number in range(23):
        moment = same if number < 5 else at(number, days=number // 4)
        for look in range(1 + number % 2):  # some looked at the answers again, between two of others
            search(number, "package", moment + timedelta(minutes=7 * look), total=number % 3)
        if number % 6 == 0:
            history.contact(moment + timedelta(minutes=30), visitor=visitor(number))
    count()
    key = key_of("package", "en")
    client, found, pages = signed_in("analyst"), [], 0
    given = {"lang": "en", "key": key, "what": what, "from": PERIOD.first, "to": PERIOD.last}
    url = f"{QUERY}?{urlencode(given)}"
    while url and pages < 30:
        page = client.get(url)
        found += [(row.at, row.looks) for row in page.context["listed"].rows]
        older = page.context["listed"].older
        assert bool(older) == ('rel="next"' in page.content.decode())
        url, pages = f"{QUERY}?{urlencode(given | {'older': older})}" if older else "", pages + 1
    counts = search_query.build(PERIOD, now=clock.now(), locale="en", keys=[key]).counts
    assert len(found) == (getattr(counts, what) if what else counts.searches)
    assert found == sorted(found, key=lambda one: one[0], reverse=True)
    assert pages > 1
    assert client.get(f"{QUERY}?older=nonsense").status_code == 200
    assert client.get(f"{QUERY}?older={'9' * 40}.{uuid.UUID(int=1)}").status_code == 200


def test_a_query_that_nobody_asked_is_said_to_be_none(signed_in):
    for given in ({"lang": "en", "key": "nothing"}, {"lang": "xx", "key": "'"}, {"key": "a\0b"}, {}):
        answer = signed_in().get(QUERY, given)
        assert answer.status_code == (404 if given.get("key") and "\0" not in given["key"] else 200)


def test_an_empty_shop_and_one_with_few_searches_say_so(signed_in):
    client = signed_in()
    assert "No searches in these days" in text(client.get(URL))
    search(1, "late", at(days=2))
    count()
    page = text(client.get(URL))
    assert "Not enough data yet" in page
    assert "1</a> searches; a rate takes 30" in page
    assert "100.0" not in page


def test_the_page_takes_the_same_few_queries_however_much_was_searched(signed_in, django_assert_max_num_queries):
    for number in range(60):
        search(number, f"query{number % 30}", at(days=number % 20))
    count()
    client = signed_in()
    client.get(URL)
    with django_assert_max_num_queries(30):
        assert client.get(URL).status_code == 200


def test_the_report_has_the_numbers_of_the_page():
    for number in range(4):
        search(number, "gift wrap", at(days=2))
    count()
    tables = {table.name: table for table in REPORTS["search_health"].tables(PERIOD, clock.now())}
    assert set(tables) == {"totals", "days", "clusters", "queries"}
    for table in tables.values():
        assert all(len(row) == len(table.columns) for row in table.rows)
    assert tables["totals"].rows[0][2] == 4
    assert tables["clusters"].rows[0][:4] == ("en", "gift wrap", 1, 4)
    assert sum(row[2] for row in tables["days"].rows) == SearchDay.objects.get().searches


def test_counts_add_up():
    one = search_counts.Counts(searches=3, without_answer=1)
    assert search_counts.total([one, one]) == search_counts.Counts(searches=6, without_answer=2)
