"""Looks at tests are kept as they were said; deadlines end; the command prints what a look would say."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.db.models import F

from analytics import tasks, verdicts, weighing
from analytics.judging.shapes import Code
from analytics.models import Verdict
from analytics.stats import earning
from core import clock
from core.models import AuditEntry
from kb.models import Epoch, Exposure
from tests.analytics import history
from tests.analytics.experiments import START, called, epoch, experiment, exposed, later

pytestmark = pytest.mark.django_db


def crowd(made, *, good: dict[str, tuple[int, int]], when=START, number: int = 1) -> None:
    """{arm: (who were resolved, all)} exposed at once; the others contact us the next day."""
    for arm, (hits, units) in good.items():
        for place in range(units):
            visitor = exposed(made, arm, when, epoch=number)
            if place >= hits:
                called(visitor, when + timedelta(days=1))


@transaction.atomic
def at_once(change) -> None:
    """With what the database looks at only when a transaction ends."""
    change()
    transaction.get_connection().check_constraints()


def test_a_look_is_kept_with_its_counts_its_plan_and_its_sentence() -> None:
    made = experiment()
    crowd(made, good={"a": (20, 60), "b": (48, 60)})
    verdict = verdicts.look(made, now=later(8), kind="asked")
    assert (verdict.code, verdict.units, verdict.kind) == ("best", 120, "asked")
    assert verdict.sentence.startswith("Revision 2 resolves")
    assert [(cell["arm"], cell["judged"], cell["contacts"]) for cell in verdict.counts] == [
        ("a", 60, 40),
        ("b", 60, 12),
    ]
    assert verdict.declared["planned"] == 4_000
    assert verdicts.latest(made) == verdict
    verdict.refresh_from_db()
    assert verdicts.judgement_of(verdict).of("a", "b").said == "better"


def test_a_verdict_cannot_be_changed_and_goes_only_with_its_experiment() -> None:
    made = experiment()
    verdict = verdicts.look(made, now=later(1))
    for change in (lambda: Verdict.objects.update(sentence="Publish it."), verdict.delete):
        with pytest.raises(DatabaseError, match="kept as it was said"):
            at_once(change)
    made.epochs.all().delete()
    made.variants.all().delete()
    made.delete()
    transaction.get_connection().check_constraints()
    assert not Verdict.objects.exists()


def test_late_contacts_change_what_later_looks_count_and_no_verdict() -> None:
    made = experiment()
    crowd(made, good={"a": (40, 60), "b": (40, 60)})
    first = verdicts.look(made, now=later(8))
    for visitor in Exposure.objects.filter(variant__key="b").values_list("visitor", flat=True)[:10]:
        called(visitor, later(2))
    second = verdicts.look(made, now=later(9))
    first.refresh_from_db()
    assert sum(cell["contacts"] for cell in first.counts) == 40
    assert sum(cell["contacts"] for cell in second.counts) > 40


def test_looks_are_nightly_and_a_failing_test_holds_up_no_other(monkeypatch) -> None:
    made, other = experiment(), experiment(history.article("Send it back", topic="returns"))
    broken, real = made.pk, verdicts.compute
    monkeypatch.setattr(verdicts, "log", type("Quiet", (), {"exception": staticmethod(lambda *said: None)}))

    def compute(row, *, now):
        if row.pk == broken:
            raise ValueError("broken")
        return real(row, now=now)

    monkeypatch.setattr(verdicts, "compute", compute)
    assert verdicts.look_nightly(now=later(1)) == 1
    assert verdicts.look_nightly(now=later(1, hours=2)) == 0
    assert verdicts.look_nightly(now=later(2)) == 1
    broken = 0
    with clock.frozen(later(2, hours=1)):
        tasks.judge_experiments()
    assert [Verdict.objects.filter(experiment=each).count() for each in (made, other)] == [1, 2]


def test_an_asked_look_does_not_stand_in_for_the_nights() -> None:
    made = experiment()
    verdicts.look(made, now=later(1), kind="asked")
    assert verdicts.look_nightly(now=later(1)) == 1


def test_after_the_deadline_and_its_window_the_last_look_finishes_the_test() -> None:
    made = experiment(mode="deadline", due_at=later(3), planned_units=120)
    crowd(made, good={"a": (30, 60), "b": (45, 60)})
    assert verdicts.look(made, now=later(9)).kind == "nightly"
    made.refresh_from_db()
    assert made.state == "running"
    last = verdicts.look(made, now=later(10))
    made.refresh_from_db()
    assert (last.kind, last.code, made.state) == ("final", "best", "finished")
    assert verdicts.judgement_of(last).fractions == (0.999, 1.0)
    assert verdicts.look_nightly(now=later(11)) == 0


def test_a_deadline_waits_until_the_contacts_are_in() -> None:
    made = experiment(mode="deadline", due_at=later(3), planned_units=120)
    history.contact(later(9), person="somebody", source="gorgias", is_heard=False)
    assert verdicts.look(made, now=later(20)).kind == "nightly"
    history.contact(later(10), person="somebody", source="gorgias", is_heard=False)
    assert verdicts.look(made, now=later(20)).kind == "final"


def test_a_stopped_test_is_looked_at_until_its_windows_are_over() -> None:
    experiment(state="stopped", ended_at=later(5))
    nights = [verdicts.look_nightly(now=later(day)) for day in (6, 11, 12, 13)]
    assert nights == [1, 1, 1, 0]


def test_epochs_are_judged_by_the_weights_that_held() -> None:
    made = experiment(weights=(3, 1))
    epoch(made, 2, later(1), {"a": 1, "b": 1})
    for number, sizes in ((1, (30, 10)), (2, (20, 20))):
        crowd(made, good={"a": (0, sizes[0]), "b": (0, sizes[1])}, number=number)
    split = verdicts.judgement_of(verdicts.look(made, now=later(8))).split
    assert split.drawn == {"a": 50.0, "b": 30.0}
    assert split.counted == {"a": 50, "b": 30}


def test_confirmed_asks_for_no_coverage() -> None:
    made = experiment(metric="confirmed")
    for _ in range(20):
        exposed(made, "a", is_returning=False)
        exposed(made, "b", is_returning=False)
    assert verdicts.look(made, now=later(8)).code == Code.TOO_EARLY
    other = experiment(history.article("Send it back", topic="returns"))
    for _ in range(20):
        exposed(other, "a", is_returning=False)
        exposed(other, "b", is_returning=False)
    assert verdicts.look(other, now=later(8)).code == Code.WITHHELD


# --- Earning ---


def test_a_test_that_earns_gets_a_days_shares_once_with_its_seed_in_the_log() -> None:
    made = experiment(earns=True)
    crowd(made, good={"a": (20, 40), "b": (24, 40)})
    with clock.frozen(later(8)):
        new = weighing.weigh(made, now=later(8))
        assert weighing.weigh(made, now=later(8, hours=1)) is None
    assert new.number == 2
    assert new.weights["b"] > new.weights["a"] >= earning.FLOOR
    entry = AuditEntry.objects.get(action="experiment.weighed")
    again = earning.shares([20, 24], [40, 40], seed=entry.detail["seed"])
    assert new.weights == dict(zip("ab", (round(share, 4) for share in again), strict=True))
    with clock.frozen(later(9)):
        tasks.weigh_experiments()
        tasks.weigh_experiments()
    assert Epoch.objects.filter(experiment=made).count() == 3


def test_a_day_with_the_same_shares_is_no_new_epoch_and_is_not_weighed_again() -> None:
    made = experiment(earns=True)
    crowd(made, good={"a": (0, 40), "b": (40, 40)})
    with clock.frozen(later(8)):
        weighing.weigh(made, now=later(8))
    with clock.frozen(later(9)):
        weighing.weigh(made, now=later(9))
        weighing.weigh(made, now=later(9, hours=1))
    assert Epoch.objects.filter(experiment=made).count() == 2
    assert AuditEntry.objects.filter(action="experiment.weighed").count() == 2


def test_only_running_tests_that_earn_get_new_shares() -> None:
    experiment()
    experiment(history.article("Send it back", topic="returns"), earns=True, state="paused")
    assert weighing.weigh_daily(now=later(8)) == 0


def test_a_test_whose_split_is_off_earns_no_further() -> None:
    made = experiment(earns=True)
    crowd(made, good={"a": (150, 150), "b": (60, 60)})
    assert verdicts.look(made, now=later(8)).code == Code.BLOCKED
    assert weighing.weigh(made, now=later(8)) is None


# --- The command ---


def printed(*arguments: str) -> str:
    out = StringIO()
    with clock.frozen(later(8)):
        call_command("verdict", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_the_same_as_a_look_and_keeps_nothing() -> None:
    made = experiment()
    crowd(made, good={"a": (20, 60), "b": (48, 60)})
    data = json.loads(printed(str(made.pk), "--json"))
    assert not Verdict.objects.exists()
    looked = verdicts.look(made, now=later(8))
    assert data["sentence"] == looked.sentence
    assert [(cell["arm"], cell["revision"], cell["successes"], cell["of"]) for cell in data["cells"]] == [
        ("a", 1, 20, 60), ("b", 2, 48, 60),
    ]  # fmt: skip
    assert data["compared"][0]["low"] > 0
    assert data["split"]["counted"] == {"a": 60, "b": 60}
    text = printed("shorter first line")
    assert looked.sentence in text
    assert "b against a: better" in text
    assert "Split: as drawn" in text


def test_the_command_finds_by_slug_and_says_what_there_is() -> None:
    made = experiment()
    assert "Nobody has seen it yet" in printed(made.article.slug)
    printed(made.article.slug, "--store")
    assert Verdict.objects.get().kind == "asked"
    with pytest.raises(CommandError, match=f"no test “nonsense”.*\n +{made.pk}"):
        printed("nonsense")
    experiment(history.article("Send it back", topic="returns"))
    with pytest.raises(CommandError, match="Several tests have that name"):
        printed(made.name)
    type(made).objects.update(started_at=None, name=F("id"))
    with pytest.raises(CommandError, match="has not been started"):
        printed(str(made.pk))
