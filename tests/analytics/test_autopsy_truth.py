"""The contact autopsy held against people of whom the simulator knows why they wrote."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from analytics import autopsies, rollups
from analytics.models import AutopsyFinding, Cause
from analytics.periods import Period, Segment
from analytics.reports import autopsy
from analytics.simulation import causes
from analytics.stats.proportions import Rate
from kb import search
from tests.analytics.conftest import NOW
from tests.analytics.history import MONDAY

PERIOD = Period(MONDAY.date(), NOW.date(), 7)
BY_FORM = replace(PERIOD, segment=Segment(source="form"))
# What it can say of somebody whom it cannot recognise, by what is true of them.
OF_STRANGERS = {
    Cause.UNCODED: {Cause.UNCODED},
    Cause.NO_ARTICLE: {Cause.NO_ARTICLE},
    Cause.NOT_FOUND: {Cause.NOT_FOUND},
    Cause.NOT_READ: {Cause.UNKNOWN},
    Cause.READ: {Cause.UNKNOWN, Cause.NOT_FOUND},
}


@pytest.fixture
def played(settings, tmp_path, monkeypatch, today, django_capture_on_commit_callbacks):
    """Whose each contact is; of each topic 40 are drawn and looked into."""
    settings.SEARCH_INDEX_DIR = tmp_path / "index"
    with django_capture_on_commit_callbacks(execute=True):
        causes.open_shop()
        desk = User.objects.create(username="desk")
        of = causes.walk(causes.writers(80, seed=5), start=MONDAY + timedelta(days=1), by=desk)
    monkeypatch.setattr(autopsies, "SAMPLE", 40)
    autopsies.examine(autopsies.draw(PERIOD.first, PERIOD.last), now=today)
    rollups.mark_all()
    rollups.make_due(windows=[7])
    yield of
    search.engine().close()


def shares(period: Period) -> tuple[int, dict[str, Rate]]:
    row = autopsy.build(period, now=NOW, reason=causes.DELIVERY).whole
    return row.reason.now, {share.cause: share.rate for share in row.shares}


@pytest.mark.django_db
def test_the_autopsy_finds_why_they_wrote_and_its_intervals_hold_the_truth_of_all(played):
    found = dict(AutopsyFinding.objects.values_list("contact_id", "cause"))
    known = {pk for pk in found if played[pk].is_by_form}
    assert {pk: found[pk] for pk in known} == {pk: played[pk].cause for pk in known}, "who came in their own browser"
    assert all(found[pk] in OF_STRANGERS[played[pk].cause] for pk in found.keys() - known)
    assert set(found.values()) == set(Cause), "each is there"

    about = [one for one in played.values() if one.reason]
    by_form = [one for one in about if one.is_by_form]
    for period, people in ((BY_FORM, by_form), (PERIOD, about)):
        truth = Counter(one.cause for one in people)
        contacts, rates = shares(period)
        assert contacts == len(people) > rates[Cause.READ].of, "of a part of them"
        shown = [Cause.NO_ARTICLE, *([Cause.READ, Cause.NOT_FOUND, Cause.NOT_READ] if people is by_form else [])]
        for cause in shown:
            assert truth[cause] / len(people) in rates[cause].interval, cause
    # Of all channels: what is known is the least, and with what is not known the most.
    unsure = rates[Cause.UNKNOWN].hits
    for cause, more in ((Cause.NOT_READ, unsure), (Cause.READ, unsure + rates[Cause.NOT_FOUND].hits)):
        at_most = Rate(rates[cause].hits + more, rates[cause].of)
        assert rates[cause].interval.low <= truth[cause] / len(about) <= at_most.interval.high, cause
