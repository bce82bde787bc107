"""From journeys that began with a search to signals, and the test of the learnt ranking."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.management import call_command

from analytics import periods, search_learning, settling
from analytics.reports import search_learning as report
from analytics.stats import srm
from core import clock
from kb.models import SearchClick, SearchKind, SearchLog, SearchSignal
from kb.search import learning
from tests.analytics import history
from tests.analytics.history import at

pytestmark = pytest.mark.django_db
NOW = at(days=27)


def person(number: int) -> UUID:
    return UUID(int=1000 + number)


def searched(visitor, when, *, shown, opened=None, ranking="", key="custom", reformulates=None) -> SearchLog:
    """A row of the log, with the click and the read that followed."""
    made = SearchLog.objects.create(
        at=when,
        visitor=str(visitor),
        kind=SearchKind.PAGE,
        text=key,
        key=key,
        locale="en",
        total=len(shown),
        shown=[article.pk for article in shown],
        engine="whoosh/1",
        took_ms=1.0,
        ranking=ranking,
        reformulates=reformulates,
    )
    history.searched(visitor, key, when, shown=made.shown)
    if opened is not None:
        then = when + timedelta(seconds=20)
        history.read(visitor, opened, then)
        position = shown.index(opened) + 1
        SearchClick.objects.create(search=made, article_id=opened.pk, position=position, at=then + timedelta(seconds=1))
    return made


def settle() -> None:
    with clock.frozen(NOW):
        settling.settle()
        search_learning.learn()


@pytest.fixture
def articles():
    return [history.article("Customs duties"), history.article("Customs forms")]


def test_openings_and_their_outcomes_become_a_signal_for_the_query_and_for_all(articles):
    good, bad = articles
    for number in range(12):
        searched(person(number), at(minutes=number), shown=[good, bad], opened=good)
        if number < 6:
            history.voted(person(number), good, at(minutes=number + 1), is_helpful=True)
    for number in range(12, 24):
        searched(person(number), at(minutes=number), shown=[good, bad], opened=bad)
        history.contact(at(minutes=number + 5), visitor=person(number), why=history.reason("delivery"))
    settle()
    of_good = SearchSignal.objects.get(article_id=good.pk, key="")
    assert (of_good.openings, of_good.locale) == (12, "en")
    assert of_good.confirmed == pytest.approx(0.5)
    assert of_good.contacted == 0
    of_bad = SearchSignal.objects.get(article_id=bad.pk, key="custom")
    assert of_bad.contacted == pytest.approx(1)
    assert of_bad.reads == pytest.approx(12)


def test_a_query_with_few_openings_has_no_signal_of_its_own(articles):
    good, bad = articles
    for number in range(9):
        searched(person(number), at(minutes=number), shown=[good, bad], opened=good)
    settle()
    assert [signal.key for signal in SearchSignal.objects.all()] == [""]


def test_an_article_read_on_the_way_earns_nothing(articles):
    first, last = articles
    searched(person(1), at(0), shown=[first, last], opened=first)
    history.read(person(1), last, at(3))
    history.voted(person(1), last, at(4), is_helpful=True)
    settle()
    signal = SearchSignal.objects.get(article_id=first.pk)
    assert (signal.confirmed, signal.contacted) == (0, 0)


def test_what_is_not_decided_or_not_linkable_counts_for_nothing(articles):
    good, bad = articles
    searched(person(1), at(days=25), shown=[good, bad], opened=good)
    with clock.frozen(at(days=1)):
        history.read(person(2), good, at(0), is_returning=False)
    settle()
    assert not SearchSignal.objects.exists()


def test_learning_twice_changes_nothing(articles):
    good, bad = articles
    for number in range(3):
        searched(person(number), at(minutes=number), shown=[good, bad], opened=good)
    settle()
    once = list(SearchSignal.objects.values_list("key", "article_id", "reads", "confirmed"))
    settle()
    assert list(SearchSignal.objects.values_list("key", "article_id", "reads", "confirmed")) == once


def test_impressions_are_counted_by_rank(articles):
    good, bad = articles
    searched(person(1), at(0), shown=[good, bad], opened=bad)
    searched(person(2), at(1), shown=[good, bad])
    searched(person(3), at(2), shown=[bad, good])
    found = {(one.article_id, one.rank): (one.shown, one.clicks) for one in search_learning._impressions(at(-1))}
    assert found == {(good.pk, 1): (2, 0), (bad.pk, 2): (2, 1), (bad.pk, 1): (1, 0), (good.pk, 2): (1, 0)}
    assert learning.propensities(search_learning._impressions(at(-1)))[1] == 0.5


# --- The test of the learnt ranking ---


def build() -> report.SearchLearning:
    period, _wrong = periods.read({}, now=NOW)
    return report.build(period, now=NOW)


def test_each_visitor_counts_once_by_the_first_search_in_an_arm(articles):
    good, bad = articles
    first = searched(person(1), at(0), shown=[good, bad], ranking="learnt")
    searched(person(1), at(0.5), shown=[good, bad], opened=good, ranking="learnt", reformulates=first)
    searched(person(2), at(0), shown=[good, bad], opened=good, ranking="plain")
    searched(person(3), at(0), shown=[good, bad], opened=good)
    found = build()
    assert (found.learnt.clicked.hits, found.learnt.clicked.of) == (0, 1)
    assert found.learnt.reformulated.hits == 1
    assert (found.plain.clicked.hits, found.plain.clicked.of) == (1, 1)


def test_contacts_within_a_day_count_by_visitor_and_by_person(articles):
    good, bad = articles
    for number, hours in ((1, 23), (2, 25), (3, 1)):
        searched(person(number), at(0), shown=[good, bad], ranking="plain")
        if number != 3:
            history.contact(at(60 * hours), visitor=person(number))
    searched(person(3), at(5), shown=[good, bad], ranking="plain")
    assert (build().plain.contacted.hits, build().plain.contacted.of) == (1, 3)


def test_a_search_of_the_last_day_is_not_over(articles):
    searched(person(1), NOW - timedelta(hours=23), shown=articles, ranking="plain")
    assert build().plain.visitors == 0


def test_uneven_arms_show_no_difference(articles):
    rows = [
        SearchLog(at=at(0), visitor=str(person(n)), kind="page", text="x", key="x", locale="en", total=1, engine="e",
                  took_ms=1, ranking="learnt" if n % 4 else "plain")
        for n in range(400)
    ]  # fmt: skip
    SearchLog.objects.bulk_create(rows)
    found = build()
    assert found.is_mismatched
    assert found.clicked is None


def test_a_clear_difference_is_shown_with_its_interval(articles):
    rows = [
        SearchLog(at=at(0), visitor=str(person(n)), kind="page", text="x", key="x", locale="en", total=1, engine="e",
                  took_ms=1, ranking="learnt" if n % 2 else "plain")
        for n in range(2000)
    ]  # fmt: skip
    SearchLog.objects.bulk_create(rows)
    SearchClick.objects.bulk_create(
        SearchClick(search=row, article_id=1, position=1, at=at(1))
        for n, row in enumerate(rows)
        if n % 10 < (6 if row.ranking == "learnt" else 3)
    )
    found = build()
    assert found.clicked.points == pytest.approx(20, abs=0.1)
    assert 0 < found.clicked.interval.low < 20 < found.clicked.interval.high
    assert found.clicked.is_shown
    assert found.contacted.is_too_early


def test_the_sample_ratio_check_matches_published_values():
    """χ² of 3.841 and 10.828 are p = .05 and .001 at one degree of freedom."""
    assert srm.p_value(50, 50) == 1
    assert srm.p_value(0, 0) == 1
    total = 100_000
    for chi2, p in ((3.841, 0.05), (10.828, 0.001)):
        off = (chi2 * total) ** 0.5 / 2
        assert srm.p_value(round(total / 2 + off), round(total / 2 - off)) == pytest.approx(p, rel=0.02)


def test_the_command_prints_it(articles, capsys):
    searched(person(1), at(0), shown=articles, opened=articles[0], ranking="learnt")
    with clock.frozen(NOW):
        call_command("report", "search_learning")
        assert "Learnt: 1 visitors" in capsys.readouterr().out
        call_command("report", "search_learning", "--json")
    tables = {table["name"]: table["rows"] for table in json.loads(capsys.readouterr().out)["tables"]}
    assert tables["arms"][0]["clicked"]["of"] == 1
    assert set(tables["test"][0]) == {"setting", "signals", "srm_p"}
