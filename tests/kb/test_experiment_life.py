"""A test from its plan to its decision: what is refused, what is told, what editors find afterwards."""

from __future__ import annotations

import importlib
import math
from datetime import timedelta
from itertools import product

import pytest
from django.db import connection

from core import clock
from core.models import AuditEntry
from kb import events, experiments, piece_uses, pieces, publishing, reviews
from kb.experiments import Arm, ExperimentError
from kb.models import Article, Decision, Draft, Experiment, ExperimentState, Mode, PublishingRules
from kb.publishing import Text
from tests.kb.conftest import NOW
from tests.kb.experimenting import planned, started, text_of

pytestmark = pytest.mark.django_db

STEPS = {
    experiments.START: lambda test: experiments.start(test, by=None),
    experiments.PAUSE: lambda test: experiments.pause(test, by=None),
    experiments.RESUME: lambda test: experiments.resume(test, by=None),
    experiments.STOP: lambda test: experiments.stop(test, by=None),
    experiments.FINISH: lambda test: experiments.finish(test),
    experiments.COMPLETE: lambda test: experiments.complete(test, decision=Decision.KEEP, by=None),
}
WAY_TO = {
    ExperimentState.DRAFT: [],
    ExperimentState.RUNNING: ["start"],
    ExperimentState.PAUSED: ["start", "pause"],
    ExperimentState.STOPPED: ["start", "stop"],
    ExperimentState.FINISHED: ["start", "finish"],
    ExperimentState.COMPLETED: ["start", "finish", "complete"],
}


def body_of_draft(article: Article) -> str:
    return Draft.objects.get(article=article).body


def write_in_draft(article: Article, body: str, **more) -> None:
    draft = Draft.objects.get(article=article)
    publishing.save_draft(article, Text(draft.title, draft.summary, body), version=draft.version, **{"by": None} | more)


@pytest.mark.parametrize(("state", "step"), list(product(ExperimentState, experiments.EVENTS)))
def test_every_step_from_every_state_does_what_the_table_says(write, state, step):
    test = planned(write("Late", "Text A"))
    for before in WAY_TO[state]:
        STEPS[before](test)
    assert test.state == state
    after = experiments.NEXT[state, step]
    entries = AuditEntry.objects.count()
    if after is None:
        with pytest.raises(ExperimentError, match=f"“{state.label}”"):
            STEPS[step](test)
    else:
        STEPS[step](test)
    test.refresh_from_db()
    assert test.state == (after or state)
    assert AuditEntry.objects.count() == entries + (after is not None)


def test_every_step_is_in_the_audit_log_and_told(write, person, django_capture_on_commit_callbacks):
    told = []
    names = ("started", "ramped", "paused", "resumed", "finished", "completed", "stopped")
    signals = [getattr(events, f"experiment_{name}") for name in names]

    def hear(sender, event, **_more) -> None:
        told.append(event)

    for signal in signals:
        signal.connect(hear)
    article, bea = write("Late", "Text A"), person("bea")
    with django_capture_on_commit_callbacks(execute=True):
        test = started(article, by=bea)
        experiments.ramp(test, by=bea, allocation=0.5)
        experiments.pause(test, by=bea, why="a banner is up")
        experiments.resume(test, by=bea)
        experiments.finish(test)
        experiments.complete(test, decision="keep", by=bea, why="no difference")
        experiments.stop(started(article), by=bea, why="a typo in b")
    for signal in signals:
        signal.disconnect(hear)
    assert [type(event).__name__.removeprefix("Experiment").lower() for event in told] == [
        "started", "ramped", "paused", "resumed", "finished", "completed", "started", "stopped",
    ]  # fmt: skip
    assert {(event.at, event.article_id) for event in told} == {(NOW, article.pk)}
    log = AuditEntry.objects.filter(target_type="kb.experiment", target_id=str(test.pk)).order_by("pk")
    assert [(entry.action, entry.by_name) for entry in log] == [
        ("experiment.planned", ""), ("experiment.started", "bea"), ("experiment.ramped", "bea"),
        ("experiment.paused", "bea"), ("experiment.resumed", "bea"), ("experiment.finished", ""),
        ("experiment.completed", "bea"),
    ]  # fmt: skip
    assert log.last().detail["why"] == "no difference"
    assert Experiment.objects.get(state="stopped").why_ended == "a typo in b"


WRONG = [
    ({"name": " "}, "Give the test a name"),
    ({"name": "n" * 121}, "too long"),
    ({"hypothesis": "h" * 1001}, "too long"),
    ({"allocation": 1.01}, "between 0 and 1"),
    ({"allocation": -0.1}, "between 0 and 1"),
    ({"allocation": math.nan}, "between 0 and 1"),
    ({"metric": "clicks"}, "judged by"),
    ({"mode": "whenever"}, "open-ended or has a deadline"),
    ({"worthwhile": 0}, "worth having"),
    ({"worthwhile": math.nan}, "worth having"),
    ({"window_days": 0}, "1 to 60 days"),
    ({"window_days": 61}, "1 to 60 days"),
]


@pytest.mark.parametrize(("declared", "why"), WRONG, ids=lambda given: str(given)[:40])
def test_what_cannot_be_declared_is_refused_with_what_to_do(write, declared, why):
    article = write("Late", "Text A")
    with pytest.raises(ExperimentError, match=why):
        planned(article, **declared)
    assert not Experiment.objects.exists()
    test = planned(article)
    with pytest.raises(ExperimentError, match=why):
        experiments.revise(test, by=None, **declared)


@pytest.mark.parametrize("weight", [0.0, -1.0, math.nan, math.inf])
def test_a_weight_that_is_none_is_refused_wherever_it_is_given(write, weight):
    article = write("Late", "Text A")
    with pytest.raises(ExperimentError, match="above zero"):
        planned(article, others=[Arm("b", text_of(article, "B"), weight)])
    test = started(article)
    with pytest.raises(ExperimentError, match="above zero"):
        experiments.ramp(test, by=None, weights={"a": 1, "b": weight})
    assert experiments.weights_of(test) == {"a": 1, "b": 1}


def test_two_to_five_texts_each_of_the_article_and_each_another(write):
    article = write("Late", "Text A")
    assert planned(article, "B", "C", "D", "E").variants.count() == 5
    with pytest.raises(ExperimentError, match="5 texts at most"):
        planned(article, "B", "C", "D", "E", "F")
    with pytest.raises(ExperimentError, match="at least two"):
        planned(article, others=[])
    with pytest.raises(ExperimentError, match="must all belong"):
        planned(article, others=[Arm("b", write("Other").live_revision)])
    with pytest.raises(ExperimentError, match="a and b say the same"):
        planned(article, others=[Arm("b", article.live_revision)])
    with pytest.raises(ExperimentError, match="the same key"):
        planned(article, others=[Arm("b", text_of(article, "B")), Arm("b", text_of(article, "C"))])


def test_texts_of_an_archived_article_make_no_test(write):
    article = write("Late", "Text A")
    test = planned(article)
    publishing.archive(article, by=None)
    with pytest.raises(ExperimentError, match="Publish it first"):
        planned(article)
    with pytest.raises(ExperimentError, match="archived"):
        experiments.start(test, by=None)


def test_a_test_that_could_never_end_does_not_start(write):
    article = write("Late", "Text A")
    with pytest.raises(ExperimentError, match="Nobody would be in"):
        started(article, allocation=0)
    for missing in ({}, {"due_at": NOW + timedelta(days=9)}, {"planned_units": 500}):
        with pytest.raises(ExperimentError, match="needs its day and the number"):
            experiments.start(planned(article, mode=Mode.DEADLINE), by=None, **missing)
    with pytest.raises(ExperimentError, match="is over"):
        experiments.start(planned(article, mode=Mode.DEADLINE), by=None, planned_units=500, due_at=NOW)
    Article.objects.update(visibility="staff")
    with pytest.raises(ExperimentError, match="Only staff read"):
        started(article)


def test_the_plan_can_change_until_the_start_and_never_after(write):
    article = write("Late", "Text A")
    test = planned(article, hypothesis="Shorter is clearer")
    others = [Arm("b", text_of(article, "B2"), 2), Arm("c", text_of(article, "C"), 3)]
    experiments.revise(test, by=None, name="Shorter", metric="contact", window_days=3, mode="deadline")
    experiments.revise(test, by=None, control=Arm("a", article.live_revision, 1), others=others)
    experiments.revise(test, by=None, weights={"a": 4, "b": 5, "c": 6})
    due = NOW + timedelta(days=20)
    experiments.start(test, by=None, planned_units=900, due_at=due, plan={"days": 20})
    test.refresh_from_db()
    assert (test.name, test.hypothesis, test.metric, test.window_days) == (
        "Shorter",
        "Shorter is clearer",
        "contact",
        3,
    )
    assert (test.planned_units, test.due_at, test.plan, test.started_at) == (900, due, {"days": 20}, NOW)
    (epoch,) = experiments.epochs_of(test)
    assert (epoch.number, epoch.since, epoch.allocation, epoch.weights) == (1, NOW, 1, {"a": 4, "b": 5, "c": 6})
    for change in ({"metric": "resolution"}, {"weights": {"a": 1, "b": 1, "c": 1}}, {"allocation": 0.1}):
        with pytest.raises(ExperimentError, match="stop it and plan a new one"):
            experiments.revise(test, by=None, **change)


def test_the_shops_own_window_is_what_a_test_waits_for(write, settings):
    settings.OUTCOME_WINDOW_DAYS = 14
    assert planned(write("Late", "Text A")).window_days == 14


def test_a_share_is_raised_in_steps_and_each_is_an_epoch(write):
    test = started(write("Late", "Text A"), allocation=0.1)
    with clock.frozen(NOW + timedelta(days=1)):
        experiments.ramp(test, by=None, allocation=0.5)
        again = experiments.ramp(test, by=None, allocation=0.5)
    with clock.frozen(NOW + timedelta(days=2)):
        experiments.ramp(test, by=None, weights={"a": 1, "b": 3})
    epochs = experiments.epochs_of(test)
    assert [(epoch.number, epoch.allocation, epoch.weights) for epoch in epochs] == [
        (1, 0.1, {"a": 1, "b": 1}), (2, 0.5, {"a": 1, "b": 1}), (3, 0.5, {"a": 1, "b": 3}),
    ]  # fmt: skip
    assert again == epochs[1], "the same once more is no epoch"
    assert [epoch.since - NOW for epoch in epochs] == [timedelta(days=day) for day in range(3)]
    assert Experiment.objects.get().allocation == 0.5
    assert experiments.weights_of(test) == {"a": 1, "b": 3}


def test_epochs_are_of_a_test_that_runs_and_name_all_its_texts(write):
    test = planned(write("Late", "Text A"))
    with pytest.raises(ExperimentError, match="It has not begun"):
        experiments.ramp(test, by=None, allocation=0.5)
    experiments.start(test, by=None)
    for weights in ({"a": 1}, {"a": 1, "b": 1, "c": 1}, {}):
        with pytest.raises(ExperimentError, match="every text of the test"):
            experiments.ramp(test, by=None, weights=weights)
    with pytest.raises(ExperimentError, match="between 0 and 1"):
        experiments.ramp(test, by=None, allocation=math.nan)
    experiments.stop(test, by=None)
    with pytest.raises(ExperimentError, match="plan a new test"):
        experiments.ramp(test, by=None, allocation=0.5)


def test_another_test_on_the_article_is_named_where_one_does_not_start(write):
    article = write("Late", "Text A")
    started(article, name="Pictures")
    with pytest.raises(ExperimentError, match="“Pictures”, is running on this article"):
        started(article, "Text C")


def test_archiving_says_in_the_test_why_it_ended(write):
    article = write("Late", "Text A")
    test = started(article)
    publishing.archive(article, by=None)
    test.refresh_from_db()
    assert (test.state, test.why_ended, test.ended_at) == ("stopped", "The article was archived.", NOW)


# --- The decision ---


def test_the_winner_is_published_and_the_draft_says_the_same(write, person):
    article, bea = write("Late", "Text A"), person("bea")
    test = started(article, "Text B", "Text C")
    write_in_draft(article, "Text C")
    experiments.finish(test)
    winner = test.variants.get(key="b")
    experiments.complete(test, decision=Decision.PUBLISH, variant=winner, by=bea, why="4 to 11 points more")
    article.refresh_from_db()
    test.refresh_from_db()
    assert article.live_revision == winner.revision
    assert body_of_draft(article) == "Text B", "the draft held a loser's text"
    assert (test.state, test.decision, test.published, test.decided_by) == ("completed", "publish", winner, bea)
    assert (test.decided_at, test.decided_why) == (NOW, "4 to 11 points more")
    write_in_draft(article, "More of it", by=bea)
    assert publishing.publish(article, by=bea).number == 4, "life goes on"


def test_words_that_were_in_no_test_stay_in_the_draft(write):
    article = write("Late", "Text A")
    test = started(article)
    write_in_draft(article, "Text B, and a new paragraph")
    experiments.finish(test)
    experiments.complete(test, decision="publish", variant=test.variants.get(key="b"), by=None)
    assert body_of_draft(article) == "Text B, and a new paragraph"


@pytest.mark.parametrize(("decision", "draft"), [("keep", "Text A"), ("discard", "Text B")])
def test_what_is_kept_takes_the_losers_text_out_of_the_draft(write, decision, draft):
    article = write("Late", "Text A")
    test = started(article)
    live = article.live_revision
    write_in_draft(article, "Text B")
    experiments.finish(test)
    experiments.complete(test, decision=decision, by=None)
    article.refresh_from_db()
    assert article.live_revision == live
    assert body_of_draft(article) == draft
    assert Experiment.objects.get().published is None


def test_what_is_published_is_a_text_of_the_test_and_not_what_is_live(write):
    article = write("Late", "Text A")
    test, other = started(article), started(write("Other", "Text A"))
    experiments.finish(test)
    for variant, why in (
        (None, "Say which text"),
        (other.variants.get(key="b"), "Say which text"),
        (test.variants.get(key="a"), "read this text already"),
    ):
        with pytest.raises(ExperimentError, match=why):
            experiments.complete(test, decision="publish", variant=variant, by=None)
    assert Experiment.objects.get(pk=test.pk).state == "finished"


def test_the_winner_does_not_go_over_a_text_that_it_was_never_compared_with(write):
    article = write("Late", "Text A")
    test = started(article)
    experiments.finish(test)
    write_in_draft(article, "Quite new")
    publishing.publish(article, by=None)
    with pytest.raises(ExperimentError, match="never compared with it"):
        experiments.complete(test, decision="publish", variant=test.variants.get(key="b"), by=None)
    experiments.complete(test, decision="keep", by=None)
    assert body_of_draft(article) == "Quite new"


def test_a_decision_brings_no_archived_article_back(write):
    article = write("Late", "Text A")
    test = started(article)
    experiments.finish(test)
    publishing.archive(article, by=None)
    with pytest.raises(ExperimentError, match="was archived"):
        experiments.complete(test, decision="publish", variant=test.variants.get(key="b"), by=None)
    experiments.complete(test, decision="discard", by=None)
    article.refresh_from_db()
    assert article.state == "archived"


def test_nobody_shows_customers_their_own_text_by_way_of_a_test(write, person):
    article, ann, bea = write("Late", "Text A"), person("ann"), person("bea")
    PublishingRules.objects.update_or_create(pk=1, defaults={"four_eyes": True})
    other = text_of(article, "Text B", by=ann)
    arms = {"control": Arm("a", article.live_revision), "others": [Arm("b", other)]}
    test = experiments.create(article, name="Steps first", by=ann, **arms)
    with pytest.raises(ExperimentError, match="Ask another reviewer"):
        experiments.start(test, by=ann)
    experiments.start(test, by=bea)
    experiments.finish(test)
    winner = test.variants.get(key="b")
    with pytest.raises(ExperimentError, match="nobody publishes their own"):
        experiments.complete(test, decision="publish", variant=winner, by=ann)
    test.refresh_from_db()
    assert test.state == "finished"
    experiments.complete(test, decision="publish", variant=winner, by=bea)
    article.refresh_from_db()
    assert article.live_revision == other


def test_a_winner_whose_fact_changed_since_is_published_as_it_reads_now(write):
    says = pieces.read_values("duration", {"": "30 days"})
    piece = pieces.create(sort="fact", key="window", name="Window", kind="duration", values=says, by=None)
    article = write("Late", "Text A")
    test = started(article, "In {{fact:window}}")
    experiments.finish(test)
    pieces.change(piece, pieces.read_values("duration", {"": "45 days"}), seen=pieces.newest(piece), by=None)
    winner = test.variants.get(key="b")
    assert not piece_uses.is_current(winner.revision)
    experiments.complete(test, decision="publish", variant=winner, by=None)
    article.refresh_from_db()
    assert article.live_revision.text == "In 45 days"


def test_the_articles_history_tells_its_tests(write, person, browser):
    article, bea = write("Late", "Text A"), person("bea")
    client = browser()
    client.force_login(bea)
    page = f"/desk/articles/{article.pk}/history/"
    planned(article, name="Never begun")
    assert "A/B test" not in client.get(page).content.decode().partition("<main")[2]
    experiments.stop(started(article, "C", name="Pictures"), by=bea, why="a typo in b")
    test = started(article, name="Steps first", hypothesis="Shorter is clearer", allocation=0.1)
    experiments.ramp(test, by=bea, allocation=0.5, why="nothing broke")
    experiments.finish(test)
    variant = test.variants.get(key="b")
    experiments.complete(test, decision="publish", variant=variant, by=bea, why="4 to 11 points more")
    shown = client.get(page).content.decode()
    for words in (
        "A/B test “Steps first”", "Shorter is clearer", "a (text 1)", "10 % of the visitors",
        "From then on: 50 % of the visitors. nothing broke", "Finished: its data are in",
        f"Completed: published b (text {variant.revision.number}). 4 to 11 points more", "(bea)",
        "A/B test “Pictures”", "Stopped. a typo in b",
    ):  # fmt: skip
        assert words in shown, words
    assert "Never begun" not in shown
    assert shown.count("(bea)") == 3, "who stopped one, raised and decided the other; nobody ended it"


def test_a_review_may_be_asked_for_while_a_test_runs(write, person):
    article, ann = write("Late", "Text A"), person("ann")
    started(article)
    write_in_draft(article, "Text C", by=ann)
    assert reviews.ask(article, by=ann).state == "open"


def test_a_test_that_ran_before_there_were_epochs_gets_its_first(write):
    """By the migration: without one, a share could not be raised and a verdict would have no stratum."""
    test, waiting = started(write("Late", "Text A"), allocation=0.3), planned(write("Other", "Text A"))
    experiments.epochs_of(test)[0].delete()
    sql = importlib.import_module("kb.migrations.0021_first_epochs").FIRST_EPOCHS
    for _again in range(2):
        with connection.cursor() as cursor:
            cursor.execute(sql)
    (epoch,) = experiments.epochs_of(test)
    assert (epoch.number, epoch.since, epoch.allocation, epoch.weights) == (1, NOW, 0.3, {"a": 1, "b": 1})
    assert experiments.epochs_of(waiting) == []
