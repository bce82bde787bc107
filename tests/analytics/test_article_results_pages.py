"""The pages of articles' results on small histories with known answers."""

from __future__ import annotations

import random
import re
import uuid

import pytest
from django.urls import reverse

from analytics import periods, settling
from analytics.models import Event, EventKind, Outcome
from analytics.reports import article_searches, articles, journeys
from analytics.reports.articles import Narrowed
from analytics.stats.proportions import Interval, Rate, newcombe
from kb.models import SearchClick, SearchLog, Vote
from tests.analytics import history
from tests.analytics.conftest import NOW
from tests.analytics.history import at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]
LIST = "/desk/results/"


def visitor(number: int) -> uuid.UUID:
    return uuid.UUID(int=1000 + number)


def asked(**given) -> periods.Period:
    period, wrong = periods.read({name.rstrip("_"): str(value) for name, value in given.items()}, now=NOW)
    assert not wrong
    return period


def readers(article, number: int, *, contacts: int, start: int, day: float = 2) -> None:
    for n in range(start, start + number):
        history.read(visitor(n), article, at(n - start, days=day))
        if n < start + contacts:
            history.contact(at(n - start + 60, days=day), visitor=visitor(n), person=f"p{n}", why=DELIVERY())


def DELIVERY():
    return history.reason("delivery")


def rows(*, sort: str = "-contact", narrowed: Narrowed = articles.EVERYTHING, **given):
    period = asked(**given)
    before = journeys.tally(period.before())
    return articles.rows(period, journeys.tally(period), before=before, sort=sort, narrowed=narrowed)


def text(response) -> str:
    return " ".join(response.content.decode().split())


def test_the_surest_to_lead_to_contacts_come_first_and_what_is_withheld_last():
    many, few, blind = (history.article(title) for title in ("Many", "Few", "Blind"))
    readers(many, 60, contacts=20, start=0)  # 33 %, lower end 23 %
    readers(few, 30, contacts=11, start=100)  # 37 %, lower end 22 %
    readers(blind, 4, contacts=4, start=200)
    settling.settle()
    assert [row.title for row in rows()] == ["Many", "Few", "Blind"]
    assert [row.title for row in rows(sort="contact")] == ["Many", "Few", "Blind"], "upper ends 46 and 54 %"
    assert [row.title for row in rows(sort="-views")] == ["Many", "Few", "Blind"]
    assert [row.title for row in rows(narrowed=Narrowed(words="EW"))] == ["Few"]
    assert not rows(narrowed=Narrowed(locale="de"))
    assert not rows(narrowed=Narrowed(topic="refunds"))
    total = articles.total(rows())
    assert (total.views, total.last_reads, total.contact_after_read.rate) == (94, 94, Rate(35, 94))


def test_a_change_is_said_with_its_interval_and_only_where_neither_side_is_withheld():
    worse, young = history.article("Worse"), history.article("Young")
    readers(worse, 40, contacts=4, start=0, day=-20)
    readers(worse, 40, contacts=14, start=100, day=2)
    readers(young, 10, contacts=4, start=200, day=-20)
    readers(young, 40, contacts=4, start=300, day=2)
    settling.settle()
    found = {row.title: row for row in rows(sort="-change")}
    change = found["Worse"].change
    assert round(change.points, 4) == 0.25
    assert (round(change.interval.low, 3), round(change.interval.high, 3)) == (
        0.067,
        0.416,
    )  # of 22.1 to 50.5 and 4.0 to 23.1 %
    assert change.is_worse
    assert change.before.rate == Rate(4, 40)
    assert found["Young"].change is None


def test_of_a_visitors_votes_of_a_day_on_a_text_the_last_counts():
    article = history.article("Late")
    for n in range(4):
        history.read(visitor(n), article, at(days=1))
        history.voted(visitor(n), article, at(1, days=1), is_helpful=n == 3)
    history.voted(visitor(0), article, at(2, days=1), is_helpful=False)  # the reason, told after the no
    history.voted(visitor(1), article, at(2, days=1), is_helpful=True)
    settling.settle()
    assert rows()[0].no == Rate(2, 4)


@pytest.mark.parametrize("seed", range(3))
def test_the_counts_of_days_say_what_the_rows_say(seed: int):
    random_ = random.Random(seed)
    several = [history.article(title) for title in ("One", "Two", "Three")]
    for n in range(70):
        day, minute = random_.randrange(-10, 27), 0
        for which in random_.sample(several, random_.randint(1, 3)):
            history.read(visitor(n), which, at(minute, days=day), is_returning=random_.random() < 0.8)
            minute += 3
        if random_.random() < 0.3:
            history.voted(visitor(n), which, at(minute, days=day), is_helpful=random_.random() < 0.5)
        if random_.random() < 0.4:
            history.contact(at(minute + 9, days=day), visitor=visitor(n), person=f"p{n}", why=DELIVERY())
    settling.settle()
    period = asked()
    found = {row.id: row for row in rows()}
    for article in several:
        row, own = found[article.pk], list(journeys.narrowed(period, {"article": str(article.pk)}))
        of_week = [(journey.outcome, journey.is_linkable) for journey in own]
        reads = Event.objects.filter(
            kind=EventKind.READ, article_id=article.pk, at__gte=period.start, at__lt=period.end
        )
        seen_in = journeys.narrowed(period, {"read": str(article.pk)})
        assert row.views == reads.count()
        assert row.journeys == seen_in.count()
        assert row.last_reads == len(own)
        mature = [outcome for outcome, _linkable in of_week if outcome]
        linkable = [outcome for outcome, is_linkable in of_week if outcome and is_linkable]
        assert row.contact_after_read.rate == Rate(linkable.count(Outcome.CONTACTED), len(linkable))
        assert (row.confirmed.rate.hits, row.confirmed.rate.of) == (mature.count(Outcome.CONFIRMED), len(mature))
        judged = seen_in.filter(is_linkable=True, outcome__isnull=False)
        assert row.shared.journeys == pytest.approx(sum(1 / len(journey.reads) for journey in judged))
        assert row.shared.contacted == pytest.approx(
            sum(1 / len(journey.reads) for journey in judged.filter(outcome=Outcome.CONTACTED))
        )


def test_the_list_opens_on_rows_and_on_what_each_number_means(signed_in):
    article = history.article("Where is my parcel")
    readers(article, 40, contacts=6, start=0)
    settling.settle()
    page = text(signed_in().get(LIST))
    for wanted in (
        "outcome=contacted&amp;linkable=yes",
        "/desk/metrics/#sec-contact-after-read",
        "interval 7.1 to 29.1 %",
    ):
        assert wanted in page
    assert f'href="/desk/results/{article.pk}/?from=' in page
    assert "journeys/?" not in text(signed_in("writer").get(LIST)), "who may not open rows has no link to them"
    assert "No article that was read matches" in text(signed_in().get(LIST, {"q": "gift"}))
    assert "No article was read in these days" in text(
        signed_in().get(LIST, {"from": "2025-01-01", "to": "2025-01-07"})
    )


def test_a_list_of_more_than_a_page_keeps_its_total(signed_in):
    for n in range(52):
        history.read(visitor(n), history.article(f"Article {n:02}"), at(days=2))
    settling.settle()
    first, second = (text(signed_in().get(LIST, {"page": page})) for page in (1, 2))
    assert "Article 00" in first
    assert "Article 51" in second
    for shown in (first, second):
        assert "All 52 articles" in shown


def test_the_number_of_queries_does_not_grow_with_articles(signed_in, django_assert_max_num_queries):
    for n in range(12):
        history.read(visitor(n), history.article(f"Article {n:02}"), at(days=2))
    settling.settle()
    client = signed_in()
    with django_assert_max_num_queries(18):
        client.get(LIST)
    with django_assert_max_num_queries(34):
        client.get(f"{LIST}{journeys.tally(asked()).cells[0].article_id}/")


def test_one_article_shows_its_numbers_its_noes_and_the_searches_that_led_to_it(signed_in):
    article = history.article("Where is my parcel")
    readers(article, 40, contacts=6, start=0)
    for n in range(6, 10):
        history.voted(visitor(n), article, at(n + 2, days=2), is_helpful=False)
        Vote.objects.create(
            revision=article.live_revision, visitor=visitor(n), is_helpful=False, at=at(n + 2, days=2),
            reason="unclear" if n < 9 else "", comment="Call ann@example.com" if n == 6 else "",
        )  # fmt: skip
    for n in (0, 6, 12):
        made = SearchLog.objects.create(
            at=at(n, days=2), visitor=str(visitor(n)), kind="page", text="parcel", key="parcel", locale="en", total=1,
            shown=[article.pk], engine="x", took_ms=1,
        )  # fmt: skip
        SearchClick.objects.create(search=made, article_id=article.pk, position=n // 6 + 1, at=at(n, days=2))
    settling.settle()
    (query,) = article_searches.of(article.pk, asked()).queries
    assert (query.openings, query.position, query.voted, query.contacted) == (3, 2, Rate(1, 3), Rate(1, 3))
    client, rows = signed_in(), {"voted": [6], "known": [12, 6, 0], "contacted": [0], "judged": [12, 6, 0], "x": []}
    for after, who in rows.items():
        answer = client.get(f"{LIST}{article.pk}/openings/", {"lang": "en", "key": "parcel", "after": after})
        assert [row.who for row in answer.context["rows"]] == [str(visitor(n))[:8] for n in who], after
        assert f"after={after}" in answer.content.decode() or not who, "so have its rows as CSV"
    page = text(client.get(f"{LIST}{article.pk}/"))
    for wanted in (
        "15.0<small> %",
        "interval 7.1 to 29.1 %",
        "4 of 4 votes",
        ">3</a> of <a",
        "Call •••",
        ">1</a> of <a",
    ):
        assert wanted in page, wanted
    assert "ann@example.com" not in page
    assert "The live text was not changed in these days." in page


def test_of_whom_nobody_can_know_that_they_did_not_write_is_said(signed_in):
    article = history.article("Where is my parcel")
    readers(article, 40, contacts=6, start=0)
    for n in (10, 11, 50):
        if n == 50:
            history.read(visitor(n), article, at(n, days=2), is_returning=False)
        history.voted(visitor(n), article, at(n + 2, days=2), is_helpful=True)
    settling.settle()
    page, overview = (
        text(signed_in().get(url, {"from": "2026-03-02", "to": "2026-03-08"}))
        for url in (f"{LIST}{article.pk}/", reverse("desk:home"))
    )
    for shown in (page, overview):
        assert re.search(r"Whether <a [^>]*linkable=no[^>]*>1</a> of those who said so wrote to us all the same", shown)


def test_a_deleted_article_keeps_its_numbers_and_an_unknown_one_has_no_page(signed_in):
    article = history.article("Gone")
    readers(article, 3, contacts=0, start=0)
    settling.settle()
    pk, other = article.pk, history.article("Unread")
    type(article).objects.filter(pk=pk).update(live_revision=None, state="draft")
    article.revisions.all().delete()
    article.delete()
    page = text(signed_in().get(f"{LIST}{pk}/"))
    assert f"Article {pk} has been deleted." in page
    assert "Deleted article" in text(signed_in().get(LIST))
    assert "Nobody read it in these days" in text(signed_in().get(f"{LIST}{other.pk}/"))
    assert signed_in().get(f"{LIST}999999/").status_code == 404


@pytest.mark.parametrize("role", ["writer", "reviewer", "analyst", "admin", "ops"])
def test_everybody_of_the_desk_opens_both(signed_in, role):
    article = history.article("Late")
    client = signed_in(role)
    assert client.get(reverse("desk:article-scorecards")).status_code == 200
    assert client.get(reverse("desk:article-scorecard", args=[article.pk])).status_code == 200


def test_an_interval_of_a_change_is_newcombes():
    # Newcombe 1998, table II, method 10.
    for one, two, low, high in (((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090)):
        found = newcombe(one, two)
        assert Interval(round(found.low, 4), round(found.high, 4)) == Interval(low, high)
