"""Tests of articles and their verdicts for programs with a key."""

from __future__ import annotations

import pytest

from analytics import verdicts
from core import keys
from core.models import Scope
from tests.analytics import history
from tests.analytics.experiments import experiment, exposed, later

pytestmark = pytest.mark.django_db


def ask(client, path: str, *, scope: str = Scope.RESULTS_READ):
    key = keys.create(name=f"bi {scope} {path}"[:80], scopes=[Scope(scope)], by=None)[1]
    return client.get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {key}"})


def test_a_test_with_its_newest_verdict_and_every_look(client) -> None:
    made = experiment(hypothesis="Fewer ask.")
    exposed(made, "b")
    verdicts.look(made, now=later(1))
    verdicts.look(made, now=later(8))
    data = ask(client, f"experiments/{made.pk}").json()
    assert data["experiment"]["hypothesis"] == "Fewer ask."
    assert data["experiment"]["arms"][0] == {"key": "a", "revision": 1, "is_control": True}
    assert data["verdict"]["cells"][0]["judged"] == 1
    assert [look["judged"] for look in data["looks"]] == [1, 0]
    assert ask(client, "experiments/99").status_code == 404


def test_the_list_is_narrowed_and_costs_the_same_for_many(client, django_assert_max_num_queries) -> None:
    made = experiment()
    verdicts.look(made, now=later(1))
    for title in ("Two", "Three"):
        experiment(history.article(title), state="stopped", ended_at=later(1))
    with django_assert_max_num_queries(10):
        data = ask(client, "experiments").json()
    assert [row["id"] for row in data["experiments"]] == [made.pk + 2, made.pk + 1, made.pk]
    assert data["experiments"][2]["latest"]["code"] == "nobody"
    assert data["experiments"][0]["latest"] is None
    assert ask(client, "experiments?state=running&limit=1").json()["total"] == 1
    assert ask(client, f"experiments?article={made.article_id}").json()["total"] == 1
    assert ask(client, "experiments?state=flying").status_code == 400


def test_without_the_scope_nothing_is_told(client) -> None:
    made = experiment()
    for path in ("experiments", f"experiments/{made.pk}"):
        assert ask(client, path, scope=Scope.SEARCH_READ).status_code == 403
        assert client.get(f"/api/v1/{path}").status_code == 403
