"""Each point of a chart opens its rows, and what happened meanwhile stands on every time line."""

from __future__ import annotations

import re
import uuid

import pytest
from django.urls import reverse

from analytics import markers, periods, rollups, settling, verdicts
from analytics.models import Event, EventKind, LeftOutDay, RollupKind
from analytics.reports import experiment_page, journeys
from core import audit, clock
from kb.models import SearchLog
from kb.search.keys import key_of
from notifications.models import Incident, Rule
from tests.analytics import experiments, history
from tests.analytics.conftest import NOW
from tests.analytics.history import at

pytestmark = pytest.mark.django_db
ALL = ("analyst", "ops", "admin", "writer", "reviewer")


def happened(when) -> None:
    """On one day an article is edited, an incident begins, and a colleague writes a release down."""
    text = history.article("Edited")
    with clock.frozen(when):
        audit.record(None, "article.published", text, revision=1, title="Edited")
    rule = Rule.objects.create(key="strike", name="Strike", holdout_share=0)
    Incident.objects.create(name="Strike", began_at=when, state="running", rule=rule, made_at=when)
    markers.add(when.date(), "New checkout", by=None)


def kinds(chart) -> set[str]:
    return {mark.kind.value for _point, mark in chart.placed} & {"article", "incident", "release"}


EACH = {"article", "incident", "release"}


@pytest.fixture
def a_shop(today):
    """Readings on two days, searches of one query on two, and a bot; something happened on the fourth."""
    parcel = history.article("Where is my parcel")
    for number, days in enumerate((2, 2, 2, 9)):
        history.read(uuid.UUID(int=100 + number), parcel, at(number, days=days))
    for number, days in enumerate((*[3] * 11, 12)):
        SearchLog.objects.create(
            at=at(number, days=days), visitor=str(uuid.UUID(int=200 + number)), kind="page", text="late", total=0,
            engine="x", took_ms=1, locale="en", key=key_of("late", "en"),
        )  # fmt: skip
    happened(at(days=4))
    LeftOutDay.objects.create(day=at(days=4).date(), why="bot", pages=3)
    settling.settle()
    rollups.mark(RollupKind.SEARCHES, [at(days=days).date() for days in range(28)])
    rollups.make_due(windows=[7])
    return parcel


def opened(chart, client, count) -> list[int]:
    """How many rows each point has that opens some, by `count` of its page's context."""
    return [count(client.get(point.url).context) for point in chart.points if point.url]


def test_points_of_data_health_open_readings_and_journeys_and_each_time_line_has_what_happened(a_shop, signed_in):
    client = signed_in()
    context = client.get(reverse("desk:data-health")).context
    coverage, incoming = context["charts"]
    assert opened(incoming, client, lambda page: page["page"].paginator.count) == [3, 1]
    assert opened(coverage, client, lambda page: page["page"].paginator.count) == [3, 1]
    assert [kinds(chart) for chart in (coverage, incoming, context["left_out_chart"])] == [EACH] * 3


def test_points_of_searches_open_the_searches_of_their_days(a_shop, signed_in):
    client = signed_in()
    days = client.get(reverse("desk:search-health")).context["chart"]
    assert opened(days, client, lambda page: len(page["listed"].rows)) == [11, 1]
    query = client.get(reverse("desk:search-query"), {"key": key_of("late", "en"), "lang": "en"}).context["chart"]
    assert opened(query, client, lambda page: len(page["listed"].rows)) == [11, 1]
    assert (kinds(days), kinds(query)) == (EACH, EACH)


def test_points_of_an_article_open_its_views_and_journeys_for_who_may_read_them(a_shop, signed_in):
    client = signed_in()
    context = client.get(reverse("desk:article-scorecard", args=[a_shop.pk])).context
    for chart in (context["rates"], context["views"]):
        assert opened(chart, client, lambda page: page["page"].paginator.count) == [3, 1]
    side = client.get(reverse("desk:article-evidence", args=[a_shop.pk])).context["views"]
    assert opened(side, client, lambda page: page["page"].paginator.count) == [3, 1]
    editors = signed_in("writer").get(reverse("desk:article-scorecard", args=[a_shop.pk])).context
    assert not editors["rates"].has_addresses
    assert not editors["views"].has_addresses


def test_looks_of_a_test_open_what_they_said_and_have_what_happened_between_them():
    with clock.frozen(experiments.later(9)):
        made = experiments.experiment()
        for arm, hits in (("a", 20), ("b", 48)):
            for place in range(60):
                who = experiments.exposed(made, arm)
                if place >= hits:
                    experiments.called(who, experiments.later(1))
        for day in (8, 8.5):
            verdicts.look(made, now=experiments.later(day))
        happened(experiments.later(8))
        (line,) = experiment_page.build(made, reader=ALL).lines
    assert kinds(line.chart) == EACH
    assert line.chart.points
    assert {point.url for point in line.chart.points} <= {f"#look-{row.pk}" for row in made.verdicts.all()}


# --- A language on the overview ---


@pytest.fixture
def two_languages(today):
    """40 journeys in English, of which 4 contacted us; 35 in Spanish, of which 10 did."""
    texts = {code: history.article(f"Parcel {code}") for code in ("en", "es")}
    number = 1_000
    for code, of, contacts in (("en", 40, 4), ("es", 35, 10)):
        texts[code].locale = code
        texts[code].save()
        for place in range(of):
            number += 1
            history.read(uuid.UUID(int=number), texts[code], at(place, days=3))
            if place < contacts:
                made = history.contact(at(days=5), visitor=uuid.UUID(int=number), person=f"p{number}")
                made.locale = code
                made.save()
    Event.objects.filter(kind=EventKind.READ, article_id=texts["es"].pk).update(locale="es")
    settling.settle()


def test_a_language_narrows_journeys_and_how_they_ended_and_each_opens_its_own(two_languages, signed_in):
    client = signed_in()
    page = client.get(reverse("desk:home"), {"locale": "es"})
    tally = page.context["overview"].tally
    assert (tally.count(), tally.count("contacted"), page.context["overview"].all_contacts.now) == (35, 10, 10)
    whole = client.get(reverse("desk:home")).context["overview"].tally
    assert (whole.count(), whole.count("contacted")) == (75, 14)
    links = re.findall(r'<a href="/desk/journeys/\?([^"]+)">([\d,]+)</a>', page.content.decode())
    assert len(links) > 5
    for query, number in links:
        asked = dict(pair.split("=") for pair in query.replace("&amp;", "&").split("&"))
        period, _wrong = periods.read(asked, now=NOW)
        assert journeys.narrowed(period, asked).count() == int(number), asked


def test_what_no_language_narrows_says_so_beside_it(two_languages, signed_in):
    client = signed_in()
    said, of_channel = "Everybody’s: in all languages and channels.", "In all channels: a journey has none."
    texts = [
        client.get(reverse("desk:home"), asked).content.decode() for asked in ({}, {"locale": "es"}, {"source": "form"})
    ]
    assert [text.count(said) for text in texts] == [0, 4, 4]
    assert [text.count(of_channel) > 3 for text in texts] == [False, False, True]


def test_the_comparison_is_offered_only_where_something_is_compared(two_languages, signed_in):
    client = signed_in()
    offered = {
        name: 'id="period-compare"' in client.get(reverse(f"desk:{name}"), {"compare": "year"}).content.decode()
        for name in (
            "home",
            "journeys",
            "article-scorecards",
            "search-health",
            "effects",
            "data-health",
            "effect-visits",
        )
    }
    assert offered == {
        "home": True, "journeys": True, "article-scorecards": True, "search-health": True, "effects": True,
        "data-health": True, "effect-visits": False,
    }  # fmt: skip
    kept = client.get(reverse("desk:effect-visits"), {"compare": "year"}).content.decode()
    assert '<input type="hidden" name="compare" value="year">' in kept
