"""The side panel of the editor: what is known of one article, with its denominators."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.urls import reverse

from analytics import article_charts, settling
from analytics.periods import Period
from analytics.reports import evidence
from kb import experiments
from kb.models import Revision, SearchClick, SearchLog, Vote
from tests.analytics import history
from tests.analytics.history import at, read, voted

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]

PERIOD = Period(at().date(), at(days=27).date(), 7)


def loaded(article):
    return type(article).objects.select_related("live_revision", "draft").get(pk=article.pk)


def made(title="Late parcel"):
    article = history.article(title)
    from kb.models import Draft

    Draft.objects.create(article=article, title=title, updated_at=at())
    return article


def visitors(number, start=100):
    return [uuid.UUID(int=start + each) for each in range(number)]


def text(response) -> str:
    return " ".join(response.content.decode().split())


def search(visitor, query, when, *, shown, opened=None, kind="page", total=1):
    made = SearchLog.objects.create(
        at=when, visitor=str(visitor), kind=kind, text=query, key=query, locale="en", total=total, shown=shown,
        engine="x", took_ms=1,
    )  # fmt: skip
    if opened is not None:
        SearchClick.objects.create(search=made, article_id=opened, position=1, at=when)
    return made


def test_views_readers_and_outcomes_are_those_of_the_contract():
    article, late = made(), history.reason("delivery")
    for number, visitor in enumerate(visitors(40)):
        read(visitor, article, at(days=number % 10))
        if number < 4:
            history.contact(at(60, days=number % 10), visitor=visitor, why=late)
        elif number < 12:
            voted(visitor, article, at(1, days=number % 10), is_helpful=True)
    read(visitors(1)[0], article, at(5, days=0))
    settling.settle()
    found = evidence.build(loaded(article), PERIOD)
    assert (found.views, found.read_in) == (41, 40)
    assert (found.tally.confirmed.rate.hits, found.tally.confirmed.rate.of) == (8, 40)
    guarded = found.tally.contact_after_read
    assert (guarded.rate.hits, guarded.rate.of, guarded.why_withheld) == (4, 40, "")
    assert sum(number for _day, number in found.days) == 41
    assert (found.maturity.mature, found.maturity.next_on) == (40, None)


def test_what_is_too_young_or_too_little_says_when_it_will_do():
    article = made()
    for number, visitor in enumerate(visitors(12)):
        read(visitor, article, at(days=26 if number < 5 else 3))
    settling.settle()
    found = evidence.build(loaded(article), PERIOD)
    assert (found.maturity.journeys, found.maturity.mature) == (12, 7)
    assert found.maturity.next_on == at(days=33)
    assert "only 7 of the 30" in found.tally.contact_after_read.why_withheld
    assert found.maturity.weeks == 8  # 23 more at 12 in 28 days


def test_searches_that_led_here_have_their_share_of_those_that_listed_it(signed_in):
    article, other = made(), made("Other")
    for number, visitor in enumerate(visitors(6)):
        search(visitor, "late", at(days=1), shown=[article.pk, other.pk], opened=article.pk if number < 2 else None)
    search(visitors(1)[0], "late", at(days=1), shown=[other.pk])
    search(visitors(1)[0], "lat", at(days=1), shown=[article.pk], opened=article.pk, kind="suggest")
    search(visitors(1)[0], "late", at(days=-3), shown=[article.pk], opened=article.pk)
    found = evidence.build(loaded(article), PERIOD).searches
    assert [(query.text, query.openings, query.opened.hits, query.opened.of) for query in found.queries] == [
        ("late", 2, 2, 6),
        ("lat", 1, 0, 0),
    ]
    read(visitors(1)[0], article, at(days=2))
    settling.settle()
    page = text(signed_in().get(reverse("desk:article-evidence", args=[article.pk])))
    assert '33.3 %<span class="sub">2 of 6, 9.7 to 70.0 %</span>' in page
    assert (found.openings, found.different, found.is_cut) == (3, 2, False)


def test_votes_belong_to_a_text_and_their_words_are_masked(signed_in):
    article = made()
    old = article.live_revision
    new = Revision.objects.create(
        article=article, number=2, title="New", body="", html="", text="", created_at=at(days=5), is_major=True
    )
    article.live_revision = new
    article.save()
    one, two, three = visitors(3)
    Vote.objects.create(revision=old, visitor=one, is_helpful=False, reason="unclear", at=at(days=1), comment="Eh?")
    Vote.objects.create(
        revision=new, visitor=two, is_helpful=False, at=at(days=6), comment="write to me: ann@example.com, 07700 900123"
    )
    Vote.objects.create(revision=new, visitor=three, is_helpful=True, at=at(days=6))
    read(one, article, at(days=6))
    settling.settle()
    found = evidence.build(loaded(article), PERIOD)
    assert (found.votes.helpful.hits, found.votes.helpful.of) == (1, 3)
    assert [comment.text for comment in found.votes.comments] == ["write to me: •••, •••", "Eh?"]
    assert [(row.number, row.is_live, row.views, row.helpful.hits, row.helpful.of) for row in found.revisions] == [
        (2, True, 1, 1, 2),
        (1, False, 0, 0, 1),
    ]
    assert [(edit.number, edit.is_major) for edit in found.edits] == [(2, True), (1, False)]
    chart = article_charts.views(found, reader=[])
    assert [(index, mark.label) for index, mark in chart.placed] == [(0, "text 1"), (5, "text 2")]
    assert chart.totals is None
    assert sum(value or 0 for value in chart.series[0].values) == 1
    shown = text(signed_in().get(reverse("desk:article-evidence", args=[article.pk])))
    assert "votes were a yes; interval 6.1 to 79.2 %." in shown
    assert f"/desk/results/{article.pk}/votes/" in shown
    assert "9.5 to 90.5 %</span>" in shown


def test_the_running_test_shows_its_exposures(signed_in):
    article = made()
    other = Revision.objects.create(article=article, number=2, title="B", body="", html="", text="", created_at=at())
    test = experiments.create(
        article,
        name="Shorter",
        control=experiments.Arm("a", article.live_revision),
        others=[experiments.Arm("b", other)],
        by=None,
    )
    experiments.start(test, by=None)
    found = evidence.build(loaded(article), PERIOD)
    assert [(arm.key, arm.exposures) for arm in found.test.arms] == [("a", 0), ("b", 0)]
    assert "Not looked at yet" in text(signed_in().get(reverse("desk:article-evidence", args=[article.pk])))


@pytest.mark.parametrize(
    ("role", "status"), [("writer", 200), ("reviewer", 200), ("analyst", 200), ("admin", 200), ("ops", 403)]
)
def test_each_role_opens_what_it_may(signed_in, role, status):
    article = made()
    assert signed_in(role).get(reverse("desk:article-evidence", args=[article.pk])).status_code == status


def test_the_panel_is_a_fragment_for_the_editor_and_a_page_without_javascript(signed_in):
    article = made()
    url = reverse("desk:article-evidence", args=[article.pk])
    page, fragment = signed_in().get(url), signed_in().get(url, headers={"hx-request": "true"})
    assert "<!doctype html>" in text(page)
    assert "<!doctype html>" not in text(fragment)
    for shown in (page, fragment):
        assert "Nobody read this article in these 28 days." in text(shown)


def test_the_number_of_queries_does_not_grow(signed_in, django_assert_max_num_queries):
    article = made()
    for number, visitor in enumerate(visitors(30)):
        read(visitor, article, at(days=number % 20))
        search(visitor, f"late {number}", at(days=1), shown=[article.pk], opened=article.pk)
    settling.settle()
    client = signed_in()
    with django_assert_max_num_queries(20):
        page = text(client.get(reverse("desk:article-evidence", args=[article.pk]), {"days": "90"}))
    assert "30 openings from search" in page
    assert "not because of it" in page


def test_a_view_long_ago_is_in_ninety_days_only(signed_in):
    article = made()
    read(visitors(1)[0], article, at(days=27) - timedelta(days=60))
    settling.settle()
    url = reverse("desk:article-evidence", args=[article.pk])
    assert "Nobody read" in text(signed_in().get(url))
    quarter = text(signed_in().get(url, {"days": "90"}))
    assert "in <a" in quarter
    assert "Views by week" in quarter, "a bar is seven days there"
