"""Experiments that are judged by something else than contacts prevented: beside the ledger, in no sum of it."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse

from analytics import periods, settling, verdicts
from analytics.exposure_rows import NARROWED
from analytics.reports import effect_others, effects
from analytics.stats.proportions import Rate
from kb.models import SearchLog
from tests.analytics import history
from tests.analytics.conftest import NOW
from tests.analytics.experiments import called, experiment, exposed, later
from tests.analytics.history import at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]


def days(**given) -> periods.Period:
    return periods.read(given, now=NOW)[0]


def a_test(metric: str = "resolution", *, wrote: tuple[int, int] = (60, 10), **declared):
    """Two texts, 100 readers each, of whom so many contacted us about it; looked at once all is over."""
    made = experiment(history.article(f"Parcel {metric} {wrote}"), metric=metric, **declared)
    for arm, hits in zip("ab", wrote, strict=True):
        for n in range(100):
            visitor = exposed(made, arm)
            if n < hits:
                called(visitor, later(1))
    verdicts.look(made, now=later(9), kind="asked")
    return made


def drawn(learnt: int, plain: int, *, wrote: tuple[int, int]) -> None:
    """Visitors who searched once, and of each half so many who contacted us on the same day."""
    for ranking, number, hits in (("learnt", learnt, wrote[0]), ("plain", plain, wrote[1])):
        for n in range(number):
            who = history.uuid.uuid4()
            SearchLog.objects.create(
                at=at(n), visitor=str(who), kind="page", text="x", key="x", locale="en", total=1, shown=[1],
                engine="e", took_ms=1, ranking=ranking,
            )  # fmt: skip
            if n < hits:
                called(who, at(n + 60))


def table_of(period: periods.Period) -> dict[str, dict[str, object]]:
    (found,) = [table for table in effects.tables(period, NOW) if table.name == "others"]
    keys = [column.key for column in found.columns]
    return {str(row[0]): dict(zip(keys, row, strict=True)) for row in found.rows}


def test_a_test_judged_by_resolution_stands_on_effects_and_in_no_sum(signed_in):
    made = a_test()

    (found,) = effect_others.of_tests(days())
    assert (found.key, str(found.code)) == (f"test:{made.pk}:b", "better")
    assert (found.control, found.treated) == (Rate(40, 100), Rate(90, 100))
    assert found.points is not None
    assert 0 < found.points.low < 50 < found.points.high < 100
    ledger = effects.build(days(), NOW)
    assert not [one.key for one in ledger.entries if one.key.startswith("test:")]
    assert (ledger.prevented_at_least, ledger.saved_at_least) == (None, None)
    row = table_of(days())[found.key]
    assert (row["measures"], row["verdict"], row["low"]) == (found.measures, "better", found.points.low)

    page = signed_in().get(reverse("desk:effects")).content.decode()
    assert "Judged by something else: in no sum above" in page
    assert f'<a href="{found.url}"><bdi>Shorter first line</bdi></a>' in page
    assert "Revision 2 resolves" in page
    assert f'<a href="{found.url}">' not in signed_in("ops").get(reverse("desk:effects")).content.decode()
    for href, number in re.findall(r'href="(/desk/exposures/[^"]+)">(\d+)</a>', page):
        assert signed_in().get(unescape(href)).context["page"].paginator.count == int(number)
    assert sorted(found.rows) == ["control", "control_hits", "treated", "treated_hits"]


@pytest.mark.parametrize(
    ("metric", "declared", "expected"),
    [("confirmed", {}, ("too_early", False)), ("resolution", {"earns": True}, ("better", False))],
)
def test_a_line_without_a_size_says_why(metric, declared, expected):
    a_test(metric, **declared)
    (found,) = effect_others.of_tests(days())
    assert (str(found.code), found.points is not None) == expected
    assert found.said
    assert {hits for pair in effect_others._ROWS.values() for hits in pair} <= NARROWED.keys()


def test_what_is_judged_by_contacts_or_has_not_begun_is_no_other():
    a_test("contact")
    experiment(history.article("Returns"), started_at=None, state="draft")
    experiment(history.article("Refunds"), started_at=NOW + timedelta(days=1))
    assert effect_others.of_tests(days()) == []


def test_of_a_test_judged_by_contacts_the_readers_of_these_days_open(signed_in):
    made = a_test("contact")
    settling.settle()
    (found,) = [one for one in effects.build(days(), NOW).entries if one.key == f"test:{made.pk}:b"]
    assert (str(found.code), found.exposed, found.seen) == ("shown", 100, 100)
    client = signed_in()
    for name, number in (("control", 100), ("control_hits", 60), ("treated_hits", 10), ("seen", 100)):
        assert client.get(found.rows[name]).context["page"].paginator.count == number, name
    assert client.get(found.rows["seen"].replace("2026-03-02", "2026-03-03")).context["page"].paginator.count == 0
    assert "who saw it: the share that could be judged" in client.get(reverse("desk:effects")).content.decode()


def test_the_learnt_order_of_search_is_measured_by_contacts_and_blocked_where_its_split_is_unsound(signed_in):
    drawn(100, 100, wrote=(25, 70))
    page = signed_in().get(reverse("desk:effect-search")).content.decode()
    row = table_of(days())["search"]
    assert (row["control"], row["treated"], row["verdict"]) == (Rate(70, 100), Rate(25, 100), "better")
    assert isinstance(row["high"], float)
    assert -100 < row["high"] < 0
    assert "Fewer contact us within 24 hours." in page
    assert "search/health/#h-learning" in page
    assert "search/health" not in signed_in("ops").get(reverse("desk:effect-search")).content.decode()
    assert effects.build(days(), NOW).prevented_at_least is None

    drawn(100, 0, wrote=(0, 0))
    row = table_of(days())["search"]
    assert (row["verdict"], row["low"], row["high"]) == ("blocked", None, None)


@pytest.mark.parametrize(
    ("setting", "says"),
    [("test", "no search of these days"), ("on", "nobody is kept without it"), ("off", "order of search is off")],
)
def test_without_a_draw_it_says_why_there_is_nothing(signed_in, settings, setting, says):
    settings.SEARCH_LEARNING = setting
    assert says in signed_in().get(reverse("desk:effect-search")).content.decode()
    assert "search" not in table_of(days())
