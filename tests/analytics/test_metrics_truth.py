"""Worlds whose truth is known: both ways of telling the product of them agree, and its numbers hold what is true."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from analytics import settling, spreads
from analytics.models import Identity, Journey
from analytics.simulation import world, world_pages, world_rows, world_truth
from analytics.stats.proportions import Rate, wilson
from bench import _metrics_truth as truth
from core import clock, people
from kb import search
from kb.search import indexing
from tests.analytics.history import MONDAY

FACTS = [name for name in settling.FACTS if name not in ("contact_id", "decide_at")]


def journeys() -> list[tuple[object, ...]]:
    rows = Journey.objects.order_by("visitor", "started_at").values_list("visitor", "started_at", *FACTS)
    return [tuple(json.dumps(value, sort_keys=True, default=str) for value in row) for row in rows]


def settle(*, days: float) -> None:
    with clock.frozen(MONDAY + timedelta(days=days)):
        settling.settle(rebuild=True)


@pytest.mark.django_db
def test_pages_and_rows_lead_to_the_same_journeys(settings, tmp_path, django_capture_on_commit_callbacks):
    settings.SEARCH_INDEX_DIR = tmp_path / "index"
    settings.SUGGESTIONS_OFF_SHARE = 0.5
    model = replace(
        world.usual(), visitors=14, strangers=0.1, late_parcel=0, straight=0.4, suggestions_answer=0.7
    )
    with clock.frozen(MONDAY - timedelta(days=60)):
        shop = world_rows.open_shop(model, at=clock.now())
        indexing.rebuild()
    told = list(world.lives(model, seed=10, key=people.person_key))
    done = Counter(deed.kind for life in told for deed in life.deeds)
    assert set(done) == {"help", "search", "read", "vote", "form", "suggested", "answered"}
    try:
        with django_capture_on_commit_callbacks(execute=True):
            walked = world_pages.walk(model, shop, told, start=MONDAY)
    finally:
        search.engine().close()
    assert not [what for what in walked if what.startswith("failed")]
    settle(days=60)
    by_pages, ties = journeys(), set(Identity.objects.values_list("visitor", "person", "at"))
    assert len(by_pages) > 15
    world_rows.clear()
    world_rows.write(model, shop, told, start=MONDAY)
    settle(days=60)
    assert journeys() == by_pages
    assert set(Identity.objects.values_list("visitor", "person", "at")) == ties
