"""Effects in these days against those before: each with its interval, and a change only where it beats chance."""

from __future__ import annotations

import html
import re

import pytest
from django.urls import reverse

from analytics import periods, settling
from analytics.reports import effects_compared
from analytics.reports.effects_compared import Side, Turn
from analytics.stats import proportions
from analytics.stats.proportions import Rate
from tests.analytics import history
from tests.analytics.conftest import NOW
from tests.analytics.history import at
from tests.analytics.test_experiments_api import ask

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]
DAYS = {"from": "2026-03-09", "to": "2026-03-15"}


def tell(week: int, *, held_out: int, notified: int) -> None:
    """Of 60 held out and 60 notified so many contacted us."""
    for n in range(60):
        for arm, hits in (("held_out", held_out), ("notify", notified)):
            person = f"{arm}{week}{n}"
            history.message(person, at(n, days=7 * week + 1), arm=arm)
            if n < hits:
                history.contact(at(n, days=7 * week + 2), person=person)


def side(without: Rate, treated: Rate) -> Side:
    return Side(without, treated, proportions.prevented(held_out=without, notified=treated))


def turn(now: Side, before: Side) -> Turn:
    return Turn("rule:x", "X", now, before, "evidence", {}, ("held_out", "notify"))


def test_the_difference_is_that_of_both_effects_and_as_unsure_as_both():
    strong, weak = side(Rate(500, 1000), Rate(200, 1000)), side(Rate(500, 1000), Rate(480, 1000))
    fallen = turn(weak, strong)
    assert round(fallen.per_1000) == -280
    widths = [each.prevented.interval.high - each.prevented.interval.low for each in (weak, strong)]
    assert fallen.interval.high - fallen.interval.low > max(widths)
    assert (fallen.is_turn, turn(weak, weak).is_turn) == (True, False)
    assert turn(strong, strong).interval.low == -turn(strong, strong).interval.high
    nothing = Side(Rate(1, 2), Rate(0, 2), None)
    assert (turn(strong, nothing).interval, turn(strong, nothing).is_turn) == (None, False)


def test_an_effect_that_fell_is_told_side_by_side_and_opens_the_people_of_each(signed_in, client):
    tell(0, held_out=55, notified=2)
    tell(1, held_out=30, notified=28)
    settling.settle()
    found = effects_compared.build(periods.read(DAYS, now=NOW)[0])
    (fallen,) = found.turns
    assert (fallen.now.without, fallen.now.treated) == (Rate(30, 60), Rate(28, 60))
    assert (fallen.before.without, fallen.before.treated) == (Rate(55, 60), Rate(2, 60))
    assert fallen.interval.high < 0
    asker = signed_in()
    page = asker.get(reverse("desk:effects"), DAYS).content.decode()
    told = page.partition('id="h-compared"')[2].partition("</section>")[0]
    assert "more than chance" in told
    links = [(html.unescape(url), int(number)) for url, number in re.findall(r'<a href="([^"]+)">(\d+)</a>', told)]
    assert [number for _url, number in links] == [30, 60, 28, 60, 55, 60, 2, 60]
    for url, number in links:
        assert asker.get(url).context["page"].paginator.count == number, url
    answer = ask(client, "reports/effects?from=2026-03-09&to=2026-03-15").json()
    (row,) = next(table for table in answer["tables"] if table["name"] == "compared")["rows"]
    assert (row["key"], row["is_turn"], row["with_before"]["hits"]) == ("rule:trial", True, 2)


def test_too_few_and_a_wrong_split_claim_nothing_and_nothing_compared_shows_nothing(signed_in, client):
    tell(0, held_out=55, notified=2)
    tell(1, held_out=5, notified=2)
    for n in range(300):
        history.message(f"more{n}", at(n, days=-6))
    settling.settle()
    (few,) = effects_compared.build(periods.read(DAYS, now=NOW)[0]).turns
    assert (few.now.prevented, few.interval, few.is_turn) == (None, None, False)
    (split,) = effects_compared.build(periods.read({"from": "2026-02-23", "to": "2026-03-08"}, now=NOW)[0]).turns
    assert split.now.without == Rate(55, 60)
    assert (split.now.treated.of, split.now.prevented) == (360, None)
    asker = signed_in()
    told = asker.get(reverse("desk:effects"), {"from": "2026-02-23", "to": "2026-03-08"}).content.decode()
    assert "the split is wrong" in told.partition('id="h-compared"')[2]
    page = asker.get(reverse("desk:effects"), {**DAYS, "compare": "none"}).content.decode()
    assert "h-compared" not in page
    tables = ask(client, "reports/effects?compare=none").json()["tables"]
    assert "compared" not in {table["name"] for table in tables}
