"""Charts as data and as tables; what happened meanwhile; comparison, segment and saved views of the dashboard."""

from __future__ import annotations

import itertools
import json
import math
import re
from datetime import date, timedelta

import pytest
from django.contrib.auth.models import User
from django.template import Context, Template
from django.urls import reverse
from django.utils.html import escape

from analytics import figures, markers, periods, saved_views, settling
from analytics.figures import Chart, Kind, Mark, MarkKind, Point, Series
from analytics.models import Marker, SavedView
from core import audit, clock
from core.contrast import ratio
from kb.models import Draft, Experiment
from notifications.models import Incident, Rule
from tests.analytics import history
from tests.analytics.conftest import NOW
from tests.analytics.history import at
from tests.test_design_tokens import scheme

FIRST = date(2026, 3, 2)
ALL = ("analyst", "ops", "admin", "writer", "reviewer")


def a_chart(**changed) -> Chart:
    said = {
        "name": "looks",
        "title": "Effect so far",
        "reads": "B is better.",
        "points": figures.days(FIRST, FIRST + timedelta(days=2)),
        "series": (Series("B", (1.5, None, -1234.56), low=(0.5, None, -2000), high=(2.5, None, 3)),),
        "source": "12 of 40 visitors.",
        "unit": "points",
        "decimals": 1,
        "x_title": "Day",
    }
    return Chart(**said | changed)


def shown(chart: Chart) -> str:
    return Template("{% load figures %}{% chart figure %}").render(Context({"figure": chart}))


def cells(html: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", html, re.S)
    return [[re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.S)] for row in rows]


def test_the_table_says_every_number_with_its_bounds_and_a_gap_is_no_zero():
    assert cells(shown(a_chart())) == [
        ["Day", "B"],
        ["Mon 2 Mar 2026", "1.5 (0.5 to 2.5)"],
        ["Tue 3 Mar 2026", "–"],
        ["Wed 4 Mar 2026", "−1,234.6 (−2,000.0 to 3.0)"],
    ]


def test_what_adds_up_says_its_sum_without_what_it_is_held_against():
    stacked = [Series("Late", (1, 2, 3)), Series("Refund", (4, 0, None)), Series("Before", (9, 9, 9), is_compared=True)]
    chart = a_chart(kind=Kind.BARS, series=stacked, adds_up=True, decimals=0)

    assert [row[:2] for row in cells(shown(chart))] == [
        ["Day", "All"],
        ["Mon 2 Mar 2026", "5"],
        ["Tue 3 Mar 2026", "2"],
        ["Wed 4 Mar 2026", "3"],
    ]
    assert chart.data["totals"] == [5, 2, 3]


def test_the_script_gets_the_same_numbers_and_nobody_breaks_out_of_them():
    html = shown(a_chart(title="</script><b>", marks=[Mark(FIRST, MarkKind.RELEASE, "<i>New</i>")]))
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', html, re.S)[1])

    assert data["series"][0]["values"] == [1.5, None, -1234.56]
    assert data["series"][0]["high"] == [2.5, None, 3]
    assert data["title"] == "</script><b>"
    assert "<b>" not in html
    assert escape("<i>New</i>") in html


def test_a_mark_belongs_to_the_point_it_falls_into():
    marks = [Mark(FIRST + timedelta(days=days), MarkKind.RELEASE, str(days)) for days in (8, -1, 0, 6, 7)]
    weeks = figures.days(FIRST, FIRST + timedelta(days=13), step=7)
    chart = a_chart(points=weeks, series=(Series("B", (1, 2)),), marks=marks)

    assert [(index, mark.label) for index, mark in chart.placed] == [(0, "0"), (0, "6"), (1, "7"), (1, "8")]
    assert [point.label for point in weeks] == ["Mon 2 Mar 2026 – Sun 8 Mar 2026", "Mon 9 Mar 2026 – Sun 15 Mar 2026"]
    assert a_chart(points=[Point("A"), Point("B")], series=(Series("B", (1, 2)),), marks=marks).placed == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"series": (Series("B", (1, 2)),)},
        {"series": (Series("B", (1, 2, 3), low=(1, 2, 3)),)},
        {"series": (Series("B", (1, 2, 3), low=(1, 2), high=(1, 2, 3)),)},
        {"kind": Kind.INTERVALS, "series": (Series("B", (1, 2, 3)),)},
    ],
)
def test_a_chart_that_could_not_be_drawn_is_refused(wrong):
    with pytest.raises(ValueError, match=r"numbers for|one side only|with bounds"):
        a_chart(**wrong)


# As seen with no red, no green, no blue cones: Machado, Oliveira, Fernandes 2009, severity 1.0, on linear sRGB.
SEEN = {
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}


def oklab(colour: str, cones: tuple) -> tuple[float, float, float]:
    values = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values]
    red, green, blue = (min(1, max(0, sum(a * b for a, b in zip(row, linear, strict=True)))) for row in cones)
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    medium = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


@pytest.mark.parametrize("name", ["light", "dark"])
def test_series_are_seen_and_told_apart_by_who_sees_few_colours(name):
    colours = scheme(name)
    tones = [colours[f"chart-{number}"] for number in range(1, 7)]

    assert [tone for tone in tones if ratio(tone, colours["surface"]) < 3] == []
    near = {
        (eyes, one, other): distance
        for eyes, cones in SEEN.items()
        for one, other in itertools.combinations(tones, 2)
        if (distance := math.dist(oklab(one, cones), oklab(other, cones))) < 0.075
    }
    assert near == {}


def test_the_help_says_that_a_point_opens_only_where_one_does():
    points = [Point("Mon", url="/rows/"), Point("Tue"), Point("Wed")]
    opening, closed = shown(a_chart(points=points, opens="Show the readings")), shown(a_chart())

    assert "Enter opens the rows of the point" in opening
    assert "A click or Enter on a point opens its rows; on touch" in opening
    assert '"link": "Show the readings"' in opening
    assert "opens the rows of the point" not in closed
    assert "Escape away from the points" in closed


# --- What happened meanwhile ---


def a_period(**asked) -> periods.Period:
    period, wrong = periods.read({key.rstrip("_"): str(value) for key, value in asked.items()}, now=NOW)
    assert not wrong
    return period


@pytest.fixture
def a_busy_month(today):
    """A text published on day 1, five on day 2, a test from day 3 to 9, an incident since day 5, a release on day 6;
    and a draft of an incident, a text and a release of before."""
    parcel = history.article("Where is my parcel")
    Draft.objects.create(article=parcel, title="Where is my parcel", updated_at=NOW)
    refunds = history.article("Refund times", topic="refunds")
    for days, texts in ((1, [parcel]), (2, [refunds] * 5), (-3, [parcel])):
        for text in texts:
            with clock.frozen(at(days=days)):
                audit.record(None, "article.published", text, revision=1, title=text.live_revision.title)
    Experiment.objects.create(article=parcel, name="Shorter", started_at=at(days=3), ended_at=at(days=9))
    rule = Rule.objects.create(key="strike", name="Strike", holdout_share=0)
    Incident.objects.create(name="Strike", began_at=at(days=5), state="running", rule=rule, made_at=NOW)
    Incident.objects.create(name="A draft", began_at=at(days=5), made_at=NOW)
    markers.add(at(days=6).date(), "New checkout", by=None)
    markers.add(at(days=-6).date(), "Old checkout", by=None)
    return parcel


@pytest.mark.django_db
def test_all_that_happened_in_the_period_is_marked_on_its_day(a_busy_month):
    assert [(mark.on.day, mark.kind.value, mark.label) for mark in markers.collect(a_period(), reader=ALL)] == [
        (3, "article", "“Where is my parcel” was published"),
        (4, "article", "5 texts were published"),
        (5, "experiment", "Test “Shorter” began"),
        (7, "incident", "Strike began"),
        (8, "release", "New checkout"),
        (11, "experiment", "Test “Shorter” ended"),
    ]


@pytest.mark.django_db
def test_around_one_article_stand_its_own_tests_and_what_hit_the_whole_shop(a_busy_month):
    other = history.article("Something else")

    shop = ["Strike began", "New checkout"]
    assert [mark.label for mark in markers.around(a_period(), reader=ALL, article_id=other.pk)] == shop
    own = [mark.label for mark in markers.around(a_period(), reader=ALL, article_id=a_busy_month.pk)]
    assert own == ["Test “Shorter” began", *shop, "Test “Shorter” ended"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "opened"), [("writer", {"article"}), ("ops", {"incident"}), ("analyst", {"article", "incident"})]
)
def test_a_mark_leads_only_where_the_reader_may_go(a_busy_month, signed_in, role, opened):
    client = signed_in(role)
    linked = [mark for mark in markers.collect(a_period(), reader=[role]) if mark.url]

    assert {mark.kind.value for mark in linked} == opened
    assert {client.get(mark.url).status_code for mark in linked} == {200}


@pytest.mark.django_db
def test_a_release_is_written_down_stands_on_the_dashboard_and_is_taken_off(today, signed_in):
    client = signed_in("ops")
    history.contact(at(days=3), person="p")
    client.post(reverse("desk:markers"), {"on": "2026-03-09", "label": "New checkout"})
    assert "New checkout" in client.get(reverse("desk:home")).content.decode()
    assert "New checkout" in client.get(reverse("desk:markers")).content.decode()

    client.post(reverse("desk:marker-remove", args=[Marker.objects.get().pk]))
    assert "Release</span>" not in client.get(reverse("desk:home")).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong", [{"on": "1999-01-01", "label": "x"}, {"on": "soon", "label": "x"}, {"on": "2026-03-09", "label": " "}]
)
def test_a_release_without_a_day_or_words_is_refused_and_what_was_typed_stays(today, signed_in, wrong):
    answer = signed_in("ops").post(reverse("desk:markers"), wrong)

    assert answer.status_code == 422
    assert f'value="{wrong["on"]}"' in answer.content.decode()
    assert not Marker.objects.exists()


# --- Comparison, segment, saved views ---


@pytest.fixture
def contacts_of_a_year(today):
    """In the last 28 days 3 from the form and 2 by phone, one of these Spanish; 4 in the days before; 1 a year ago."""
    for days in (0, 1, 1):
        history.contact(at(days=days), person=f"a{days}")
    for locale in ("en", "es"):
        made = history.contact(at(days=2), person=f"b{locale}", source="phone")
        made.locale = locale
        made.save()
    for _number in range(4):
        history.contact(at(days=-28), person="c")
    history.contact(at(days=-364), person="d")
    settling.settle()


def chart_of(client, **asked) -> Chart:
    return client.get(reverse("desk:home"), asked).context["days"]


@pytest.mark.django_db
def test_the_days_stand_against_the_days_before_a_year_before_or_nothing(contacts_of_a_year, signed_in):
    client = signed_in()

    before, year, nothing = (chart_of(client, compare=compare) for compare in ("before", "year", "none"))
    assert [list(chart.totals)[:3] for chart in (before, year, nothing)] == [[1, 2, 2]] * 3
    assert (before.series[-1].name, before.series[-1].values[0]) == ("28 days before", 4)
    assert (year.series[-1].name, year.series[-1].values[0]) == ("52 weeks before", 1)
    assert not any(series.is_compared for series in nothing.series)
    assert before.reads.startswith("5 contacts, against 4 in as many days before")
    assert year.reads.startswith("5 contacts, against 1 a year before")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "number"),
    [({}, 5), ({"source": "phone"}, 2), ({"locale": "es"}, 1), ({"locale": "es", "source": "form"}, 0)],
)
def test_a_segment_narrows_the_contacts_and_the_rows_that_they_open(contacts_of_a_year, signed_in, asked, number):
    client = signed_in()
    page = client.get(reverse("desk:home"), asked)

    assert page.context["overview"].all_contacts.now == sum(page.context["days"].totals) == number
    text = page.content.decode()
    assert ("Everybody’s, whatever is chosen" in text) is bool(asked)
    assert ("Narrowed to the language: contacts, journeys" in text) is ("locale" in asked)
    assert ("Narrowed to the channel: contacts only" in text) is ("source" in asked)
    for point, counted in zip(page.context["days"].points, page.context["days"].totals, strict=True):
        assert bool(point.url) is bool(counted)
        if point.url:
            assert client.get(point.url).context["contacts"].paginator.count == counted


@pytest.mark.django_db
def test_nonsense_in_the_address_is_named_and_narrows_nothing(contacts_of_a_year, signed_in):
    page = signed_in().get(reverse("desk:home"), {"compare": "moon", "locale": "xx", "source": "<b>", "days": "9" * 30})

    assert page.context["overview"].all_contacts.now == 5
    assert [sentence.split("”")[0] for sentence in page.context["wrong"]] == ["“moon", "“xx", "“<b>"]


@pytest.mark.django_db
def test_a_view_is_saved_by_name_opened_shared_and_deleted_by_its_owner(contacts_of_a_year, signed_in):
    mine, other = signed_in("analyst"), signed_in("writer")
    asked = {"from": "2026-03-04", "to": "2026-03-10", "compare": "year", "source": "phone", "window": "3"}
    mine.post(reverse("desk:saved-view"), asked | {"name": "Phones in March"})
    mine.post(reverse("desk:saved-view"), {"name": "Last month"})
    view = SavedView.objects.get(name="Phones in March")

    opened = mine.get(f"{reverse('desk:home')}?{view.query}")
    assert opened.context["period"].query == asked
    assert [(entry.view.name, entry.is_open) for entry in opened.context["views"]] == [
        ("Last month", False),
        ("Phones in March", True),
    ]
    assert other.get(reverse("desk:home")).context["views"] == []
    mine.post(reverse("desk:saved-view"), asked | {"name": "Phones in March", "is_shared": "1"})
    assert [(entry.view.name, entry.is_mine) for entry in other.get(reverse("desk:home")).context["views"]] == [
        ("Phones in March", False)
    ]

    assert other.post(reverse("desk:saved-view-remove", args=[view.pk])).status_code == 404
    mine.post(reverse("desk:saved-view-remove", args=[view.pk]))
    assert [each.name for each in SavedView.objects.all()] == ["Last month"]


@pytest.mark.django_db
def test_a_view_that_ends_today_goes_on_with_the_days(signed_in):
    with clock.frozen(NOW):
        owner = signed_in().session and User.objects.get(username="analyst")
        view = saved_views.save(owner, "Last fortnight", a_period(from_="2026-03-16"), is_shared=False)
    with clock.frozen(NOW + timedelta(days=3)):
        period, _wrong = periods.read(dict(pair.split("=") for pair in view.query.split("&")), now=clock.now())

    assert (period.first, period.last) == (date(2026, 3, 19), date(2026, 4, 1))


@pytest.mark.django_db
def test_nobody_saves_more_views_than_a_list_can_hold(signed_in, today, monkeypatch):
    monkeypatch.setattr(saved_views, "MOST", 2)
    client = signed_in()
    for name in ("a", "b", "c", "b"):
        client.post(reverse("desk:saved-view"), {"name": name})

    assert [view.name for view in SavedView.objects.all()] == ["a", "b"]
