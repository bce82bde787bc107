"""A test of an article from the first step to its decision, as the desk does it."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from analytics.judging.shapes import Code, Guard, Judgement
from analytics.models import Event, EventKind, Verdict
from core import clock
from core.models import AuditEntry
from kb import experiments, publishing
from kb.experiments import Arm
from kb.models import Article, Category, Draft, Experiment, Exposure, PublishingRules, Revision
from kb.publishing import Text
from tests.analytics.history import at

pytestmark = pytest.mark.django_db
NOW = at(days=60)


@pytest.fixture(autouse=True)
def _now():
    with clock.frozen(NOW):
        yield


def written(title: str = "Late parcels") -> Article:
    shelf, _ = Category.objects.get_or_create(key="delivery", defaults={"topic": "delivery"})
    article = publishing.create_article(title=title, body="Text A", category=shelf, locale="en", by=None)
    publishing.publish(article, by=None, ring=False)
    return article


def frozen(article: Article, body: str) -> Revision:
    draft = Draft.objects.get(article=article)
    publishing.save_draft(article, Text(article.draft.title, "", body), version=draft.version, by=None)
    return publishing.freeze(article, by=None)


def planned(article: Article, *bodies: str, **declared) -> Experiment:
    others = [Arm(key, frozen(article, body)) for key, body in zip("bcde", bodies or ("Text B",), strict=False)]
    declared.setdefault("hypothesis", "Fewer ask.")
    plan = declared.pop("plan", {"is_chosen": True})
    made = experiments.create(
        article, name="Shorter", control=Arm("a", article.live_revision), others=others, by=None, **declared
    )
    experiments.revise(made, by=None, plan=plan)
    return made


def read(article: Article, *, readers: int, contacts: int) -> None:
    """So many readers in 28 days, all linkable, the first `contacts` of whom contact us the day after."""
    since = NOW - timedelta(days=35)
    events = []
    for number in range(readers):
        visitor = uuid.UUID(int=number + 1)
        when = since + timedelta(days=34.9 * number / readers)
        events.append(
            Event(
                kind=EventKind.READ, at=when, visitor=visitor, is_returning=True, article_id=article.pk,
                revision_id=article.live_revision_id, topic="delivery",
            )
        )  # fmt: skip
        if number < contacts:
            soon = when + timedelta(hours=3)
            events.append(Event(kind=EventKind.CONTACT, at=soon, visitor=visitor, contact_id=number + 1))
    Event.objects.bulk_create(events)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE analytics_event")


def to(experiment: Experiment, step: str, *more: str) -> str:
    return reverse(f"desk:experiment-{step}", args=[experiment.pk, *more])


def text(answer) -> str:
    return " ".join(answer.content.decode().split())


def plan_form(**changed) -> dict[str, object]:
    return {"points": "10", "allocation": "100", "mode": "deadline", "weight-a": "1", "weight-b": "1", **changed}


def seen(experiment: Experiment) -> str:
    experiment.refresh_from_db()
    return f"{experiment.state}-{experiment.epochs.count()}"


def do(client: Client, experiment: Experiment, name: str, **form) -> str:
    form.setdefault("seen", seen(experiment))
    return text(client.post(to(experiment, "act", name), form, follow=True))


def running(article: Article, **declared) -> Experiment:
    experiment = planned(article, **declared)
    experiments.start(experiment, by=None, planned_units=900)
    return experiment


def finished(article: Article, *bodies: str) -> Experiment:
    experiment = planned(article, *bodies)
    experiments.start(experiment, by=None)
    experiments.finish(experiment)
    return experiment


class TestFromTheTextsToTheStart:
    def test_each_step_keeps_what_was_said_and_the_last_one_starts_it(self, signed_in):
        article = written()
        read(article, readers=700, contacts=200)
        experiment = planned(article, hypothesis="", plan={})
        editor = signed_in("writer")
        assert "Text B" in text(editor.get(to(experiment, "compare")))
        said = {"name": "Shorter", "hypothesis": "Half as long.", "metric": "contact", "window_days": "3"}
        assert editor.post(to(experiment, "hypothesis"), said).url == to(experiment, "plan")
        page = text(editor.get(to(experiment, "plan")))
        assert "At 20 readers a day" in page
        assert "% contacted us about it" in page
        assert editor.post(to(experiment, "plan"), plan_form(points="12")).url == to(experiment, "start")
        page = text(editor.get(to(experiment, "start")))
        assert "A reviewer or an administrator starts it" in page
        editor.post(to(experiment, "start"))
        experiment.refresh_from_db()
        assert experiment.state == "draft"

        assert signed_in("reviewer").post(to(experiment, "start")).status_code == 302
        experiment.refresh_from_db()
        assert experiment.state == "running"
        assert (experiment.metric, experiment.window_days, experiment.worthwhile) == ("contact", 3, 0.12)
        assert experiment.planned_units == 2 * experiment.plan["units_an_arm"]
        assert experiment.due_at == NOW + timedelta(days=experiment.plan["days"])
        assert experiment.plan["days"] % 7 == 0
        assert experiment.plan["readers_a_day"] == pytest.approx(20, abs=1)
        assert AuditEntry.objects.filter(action="experiment.started").count() == 1

    def test_nobody_starts_what_could_never_end(self, signed_in):
        article = written()
        read(article, readers=70, contacts=20)
        experiment = planned(article)
        page = signed_in("reviewer").post(to(experiment, "start"))
        assert page.status_code == 409
        assert "It would take" in text(page)
        assert "Take only a larger effect as worthwhile" in text(page)
        experiment.refresh_from_db()
        assert experiment.state == "draft"

    def test_an_article_that_nobody_reads_is_named_as_such(self, signed_in):
        page = text(signed_in("reviewer").get(to(planned(written()), "plan")))
        assert "It could never end." in page
        assert "Nobody has read this article" in page

    def test_without_a_hypothesis_it_does_not_start(self, signed_in):
        article = written()
        read(article, readers=700, contacts=200)
        page = text(signed_in("reviewer").post(to(planned(article, hypothesis=" ", worthwhile=0.12), "start")))
        assert "There is no hypothesis yet." in page

    def test_a_plan_that_nobody_has_looked_at_does_not_start_but_proposes_its_mode(self, signed_in):
        article = written()
        read(article, readers=700, contacts=200)
        experiment = planned(article, worthwhile=0.12, plan={})
        client = signed_in("reviewer")
        assert "Its plan has not been saved yet." in text(client.post(to(experiment, "start")))
        assert re.search(r'value="deadline"[^>]* checked', text(client.get(to(experiment, "plan"))))

    def test_a_new_live_text_is_taken_as_the_control_before_it_starts(self, signed_in):
        article = written()
        read(article, readers=700, contacts=200)
        experiment = planned(article, worthwhile=0.12)
        newer = frozen(article, "Text A2")
        publishing.publish(article, by=None, revision=newer, ring=False)
        reviewer = signed_in("reviewer")
        assert "is not the live one any more" in text(reviewer.get(to(experiment, "start")))
        reviewer.post(to(experiment, "compare"), {"action": "renew"})
        assert experiment.variants.get(is_control=True).revision == newer
        assert reviewer.post(to(experiment, "start")).status_code == 302

    def test_where_four_eyes_are_asked_for_nobody_starts_their_own_text(self, signed_in):
        article = written()
        read(article, readers=700, contacts=200)
        reviewer = signed_in("reviewer")
        url = reverse("desk:article-edit", args=[article.pk])
        form = {
            "title": "Late parcels",
            "category": article.category_id,
            "body": "Mine",
            "version": 1,
            "action": "test",
        }
        reviewer.post(url, form)
        PublishingRules.objects.create(four_eyes=True)
        experiment = Experiment.objects.get()
        experiments.revise(experiment, by=None, hypothesis="x", worthwhile=0.12, plan={"is_chosen": True})
        assert "nobody publishes their own" in text(reviewer.get(to(experiment, "start")))
        reviewer.post(to(experiment, "start"))
        experiment.refresh_from_db()
        assert experiment.state == "draft"
        signed_in("admin").post(to(experiment, "start"))
        experiment.refresh_from_db()
        assert experiment.state == "running"

    def test_the_figures_follow_the_form_before_it_is_saved(self, signed_in):
        article = written()
        read(article, readers=700, contacts=200)
        experiment = planned(article)
        client = signed_in("analyst")
        quick = text(client.get(to(experiment, "figures"), plan_form(points="20")))
        slow = text(client.get(to(experiment, "figures"), plan_form(points="10")))
        weeks = [re.findall(r"<b>(\d+) weeks?</b>", answer) for answer in (quick, slow)]
        assert int(weeks[0][0]) < int(weeks[1][0])
        assert "Fill in the fields" in text(client.get(to(experiment, "figures"), plan_form(points="nan")))
        experiment.refresh_from_db()
        assert experiment.worthwhile == 0.05

    def test_a_test_that_has_started_is_planned_no_more(self, signed_in):
        experiment = running(written())
        client = signed_in("reviewer")
        for step in ("compare", "hypothesis", "plan", "start"):
            answer = client.post(to(experiment, step), plan_form(), follow=True)
            assert "is frozen" in text(answer), step


class TestTheTextsOfATest:
    def test_a_text_of_the_history_is_added_and_removed_again(self, signed_in):
        article = written()
        experiment = planned(article)
        third = frozen(article, "Text C")
        client = signed_in("writer")
        client.post(to(experiment, "compare"), {"action": "add", "revision": third.number})
        assert [arm.key for arm in experiment.variants.all()] == ["a", "b", "c"]
        client.post(to(experiment, "compare"), {"action": "remove", "key": "b"})
        assert [arm.key for arm in experiment.variants.all()] == ["a", "c"]

    @pytest.mark.parametrize(
        ("form", "says"),
        [
            ({"action": "add", "revision": "999"}, "Choose one of this article"),
            ({"action": "add", "revision": "x" * 5000}, "Choose one of this article"),
            ({"action": "add", "revision": "2"}, "is in the test already"),
            ({"action": "remove", "key": "a"}, "The live text stays"),
            ({"action": "remove", "key": "b"}, "at least two texts"),
            ({"action": "remove", "key": "z"}, "not in the test any more"),
            ({"action": "drop tables"}, ""),
        ],
    )
    def test_what_makes_no_test_is_refused(self, signed_in, form, says):
        experiment = planned(written())
        page = text(signed_in("writer").post(to(experiment, "compare"), form, follow=True))
        assert says in page
        assert [arm.key for arm in experiment.variants.all()] == ["a", "b"]

    def test_another_articles_text_is_never_added(self, signed_in):
        experiment = planned(written())
        other = written("Returns")
        for number in range(3):
            frozen(other, f"Text {number}")
        theirs = other.revisions.order_by("-number").first()
        signed_in("writer").post(to(experiment, "compare"), {"action": "add", "revision": theirs.number})
        signed_in("writer").post(to(experiment, "compare"), {"action": "add", "revision": theirs.pk})
        assert {arm.revision.article for arm in experiment.variants.all()} == {experiment.article}

    def test_there_are_five_at_most(self, signed_in):
        article = written()
        experiment = planned(article, "B", "C", "D", "E")
        sixth = frozen(article, "F")
        page = signed_in("writer").post(
            to(experiment, "compare"), {"action": "add", "revision": sixth.number}, follow=True
        )
        assert "at most 5 texts" in text(page)
        assert experiment.variants.count() == 5


class TestWhatIsTyped:
    @pytest.mark.parametrize(
        "changed",
        [
            {"hypothesis": "x" * 1_000_000},
            {"hypothesis": ""},
            {"name": ""},
            {"name": "x" * 121},
            {"metric": "money"},
            {"window_days": "1000"},
            {"window_days": "-1"},
        ],
    )
    def test_a_hypothesis_that_cannot_be_kept_is_refused_in_its_form(self, signed_in, changed):
        experiment = planned(written())
        form = {"name": "n", "hypothesis": "h", "metric": "contact", "window_days": "7", **changed}
        assert signed_in("writer").post(to(experiment, "hypothesis"), form).status_code == 422
        experiment.refresh_from_db()
        assert (experiment.name, experiment.metric) == ("Shorter", "resolution")

    def test_a_null_character_is_left_out(self, signed_in):
        experiment = planned(written())
        form = {"name": "n\0", "hypothesis": "h\0", "metric": "contact", "window_days": "7"}
        assert signed_in("writer").post(to(experiment, "hypothesis"), form).status_code == 302
        experiment.refresh_from_db()
        assert experiment.hypothesis == "h"

    @pytest.mark.parametrize(
        "changed",
        [
            {"weight-b": "nan"},
            {"weight-b": "0"},
            {"weight-b": "-1"},
            {"weight-b": "1e9"},
            {"weight-b": ""},
            {"points": "nan"},
            {"points": "inf"},
            {"points": "0"},
            {"points": "100"},
            {"allocation": "101"},
            {"allocation": "nan"},
            {"mode": "whichever"},
        ],
    )
    def test_a_plan_of_nonsense_is_refused_in_its_form(self, signed_in, changed):
        experiment = planned(written())
        assert signed_in("writer").post(to(experiment, "plan"), plan_form(**changed)).status_code == 422
        experiment.refresh_from_db()
        assert (experiment.worthwhile, experiment.mode) == (0.05, "open")

    def test_fifty_arms_in_the_form_are_those_of_the_test(self, signed_in):
        experiment = planned(written())
        many = {f"weight-{number}": "1" for number in range(50)}
        assert signed_in("writer").post(to(experiment, "plan"), plan_form(**many)).status_code == 302
        assert experiments.weights_of(experiment) == {"a": 1.0, "b": 1.0}


class TestWhatIsDoneToATest:
    def test_pause_and_resume(self, signed_in):
        experiment = running(written())
        client = signed_in("reviewer")
        assert "Everybody sees the live text." in do(client, experiment, "pause")
        experiment.refresh_from_db()
        assert experiment.state == "paused"
        do(client, experiment, "resume")
        experiment.refresh_from_db()
        assert experiment.state == "running"

    def test_more_readers_take_part_as_a_new_epoch(self, signed_in):
        experiment = running(written(), allocation=0.1)
        client = signed_in("reviewer")
        page = text(client.get(to(experiment, "act", "ramp")))
        assert "10 % of the readers take part now" in page
        assert 'value="10"' not in page
        do(client, experiment, "ramp", allocation="25")
        assert [epoch.allocation for epoch in experiments.epochs_of(experiment)] == [0.1, 0.25]
        do(client, experiment, "ramp", allocation="10")  # no way back
        do(client, experiment, "ramp", allocation="nan")
        assert len(experiments.epochs_of(experiment)) == 2

    def test_weights_change_by_an_epoch(self, signed_in):
        experiment = running(written())
        do(signed_in("reviewer"), experiment, "weights", **{"weight-a": "1", "weight-b": "3"})
        assert experiments.epochs_of(experiment)[-1].weights == {"a": 1.0, "b": 3.0}

    def test_the_weights_of_a_test_that_earns_are_nobodys_to_change(self, signed_in):
        experiment = running(written(), earns=True)
        form = {"weight-a": "1", "weight-b": "3"}
        assert "This test earns while it runs" in do(signed_in("reviewer"), experiment, "weights", **form)
        assert len(experiments.epochs_of(experiment)) == 1

    def test_a_stop_says_why(self, signed_in):
        experiment = running(written())
        client = signed_in("reviewer")
        assert client.post(to(experiment, "act", "stop"), {"seen": seen(experiment), "why": " "}).status_code == 422
        do(client, experiment, "stop", why="The price changed.")
        experiment.refresh_from_db()
        assert (experiment.state, experiment.why_ended) == ("stopped", "The price changed.")

    def test_a_draft_is_discarded_and_its_texts_stay(self, signed_in):
        article = written()
        experiment = planned(article)
        do(signed_in("writer"), experiment, "discard")
        experiment.refresh_from_db()
        assert experiment.state == "stopped"
        assert article.revisions.count() == 2

    @pytest.mark.parametrize("name", ["pause", "ramp", "weights", "stop"])
    def test_what_was_decided_on_an_old_page_is_not_done(self, signed_in, name):
        experiment = running(written(), allocation=0.1)
        old = seen(experiment)
        experiments.ramp(experiment, by=None, allocation=0.5)
        form = {"allocation": "100", "weight-a": "1", "weight-b": "9", "why": "x", "seen": old}
        assert "Nothing was done: the test was changed since" in do(signed_in("reviewer"), experiment, name, **form)
        experiment.refresh_from_db()
        assert (experiment.state, experiment.epochs.count()) == ("running", 2)

    @pytest.mark.parametrize("name", ["resume", "complete", "discard"])
    def test_what_its_state_does_not_allow_is_refused_with_the_state(self, signed_in, name):
        assert "Nothing was done: the test is “Running” now" in do(signed_in("reviewer"), running(written()), name)

    @pytest.mark.parametrize("name", ["pause", "ramp", "weights", "stop"])
    @pytest.mark.parametrize("role", ["writer", "analyst"])
    def test_only_who_may_publish_decides(self, signed_in, name, role):
        experiment = running(written(), allocation=0.1)
        form = {"allocation": "100", "weight-a": "1", "weight-b": "9", "why": "x"}
        assert "Reviewers and administrators decide" in do(signed_in(role), experiment, name, **form)
        experiment.refresh_from_db()
        assert (experiment.state, experiment.epochs.count()) == ("running", 1)

    def test_looking_does_nothing(self, signed_in):
        experiment = running(written())
        signed_in("reviewer").get(to(experiment, "act", "stop"), {"seen": seen(experiment), "why": "x"})
        experiment.refresh_from_db()
        assert experiment.state == "running"

    def test_a_form_without_its_token_is_refused(self, signed_in):
        experiment = running(written())
        client = Client(enforce_csrf_checks=True)
        client.cookies = signed_in("reviewer").cookies
        assert client.post(to(experiment, "act", "pause"), {"seen": seen(experiment)}).status_code == 403

    def test_there_is_nothing_else_to_do(self, signed_in):
        assert signed_in("reviewer").get(to(running(written()), "act", "explode")).status_code == 404


def said(experiment: Experiment, code: Code, *arms: str, units: int = 900, **more) -> Verdict:
    judged = Judgement(code, NOW, units, arms=arms, **more)
    return Verdict.objects.create(
        experiment=experiment, at=NOW, kind="nightly", watermark=NOW, code=code.value, units=units, counts=[],
        declared={}, said=judged.as_data(), sentence="Text 2 resolves 4 to 11 points more; publish it.",
    )  # fmt: skip


class TestTheEnd:
    def test_what_a_look_has_shown_is_ended_and_decided_next(self, signed_in):
        experiment = running(written())
        said(experiment, Code.BEST, "b")
        client = signed_in("reviewer")
        assert "4 to 11 points more" in text(client.get(to(experiment, "act", "finish")))
        answer = client.post(to(experiment, "act", "finish"), {"seen": seen(experiment)})
        assert answer.url == to(experiment, "act", "complete")
        experiment.refresh_from_db()
        assert experiment.state == "finished"

    @pytest.mark.parametrize("looked", [True, False])
    def test_what_shows_nothing_yet_is_ended_only_by_who_says_so(self, signed_in, looked):
        experiment = running(written())
        if looked:
            said(experiment, Code.UNCLEAR, units=400)
        client = signed_in("reviewer")
        assert client.post(to(experiment, "act", "finish"), {"seen": seen(experiment)}).status_code == 422
        experiment.refresh_from_db()
        assert experiment.state == "running"
        do(client, experiment, "finish", is_sure="on")
        experiment.refresh_from_db()
        assert experiment.state == "finished"

    def test_the_whole_plan_is_an_end_whatever_it_shows(self, signed_in):
        experiment = running(written())
        said(experiment, Code.UNCLEAR, units=900)
        assert (
            signed_in("reviewer").post(to(experiment, "act", "finish"), {"seen": seen(experiment)}).status_code == 302
        )


class TestTheDecision:
    @pytest.mark.parametrize(
        ("code", "arms", "decision", "doubt"),
        [
            (Code.BEST, ("b",), "publish-b", ""),
            (Code.BETTER, ("b", "c"), "publish-c", ""),
            (Code.SAME, (), "publish-b", ""),
            (Code.SAME, (), "keep", ""),
            (Code.BLOCKED, (), "discard", ""),
            (Code.INCONCLUSIVE, (), "keep", ""),
            (Code.BEST, ("b",), "publish-c", "It was not shown that this text does better"),
            (Code.INCONCLUSIVE, (), "publish-b", "It was not shown that this text does better"),
            (Code.BLOCKED, (), "publish-b", "its figures cannot be trusted"),
            (Code.BEST, ("b",), "keep", "Another text was shown to do better"),
            (Code.BEST, ("b",), "discard", "Nothing is known to be wrong with its figures"),
        ],
    )
    def test_what_no_look_supports_is_asked_twice(self, signed_in, code, arms, decision, doubt):
        experiment = finished(written(), "Text B", "Text C")
        said(experiment, code, *arms)
        client = signed_in("reviewer")
        page = text(client.get(to(experiment, "act", "complete")))
        assert (doubt or "4 to 11 points more") in page
        form = {"seen": seen(experiment), "decision": decision, "why": "So."}
        assert client.post(to(experiment, "act", "complete"), form).status_code == (422 if doubt else 302)
        experiment.refresh_from_db()
        assert experiment.state == ("finished" if doubt else "completed")
        if doubt:
            assert client.post(to(experiment, "act", "complete"), form | {"is_sure": "on"}).status_code == 302

    def test_harm_by_a_guard_rail_is_a_doubt_though_the_metric_is_better(self, signed_in):
        experiment = finished(written())
        said(experiment, Code.BEST, "b", guards=(Guard("form", "b", 50, 60, 30, 60, -0.5, -0.1, is_harmed=True),))
        assert "A guard-rail shows harm" in text(signed_in("reviewer").get(to(experiment, "act", "complete")))

    def test_without_any_look_nothing_is_known_of_a_text(self, signed_in):
        experiment = finished(written())
        assert "No look has been taken" in text(signed_in("reviewer").get(to(experiment, "act", "complete")))

    def test_keeping_is_logged_with_its_reason(self, signed_in):
        experiment = finished(written())
        do(signed_in("reviewer"), experiment, "complete", decision="keep", why="No difference.", is_sure="on")
        experiment.refresh_from_db()
        assert (experiment.state, experiment.decision, experiment.decided_why) == (
            "completed", "keep", "No difference.",
        )  # fmt: skip

    def test_the_text_that_was_chosen_is_live_afterwards(self, signed_in):
        article = written()
        experiment = finished(article, "Text B", "Text C")
        do(signed_in("reviewer"), experiment, "complete", decision="publish-c", why="Clear.", is_sure="on")
        article.refresh_from_db()
        assert article.live_revision.body == "Text C"
        experiment.refresh_from_db()
        assert experiment.published.key == "c"

    @pytest.mark.parametrize(
        "form",
        [
            {"decision": "publish-b", "why": " "},
            {"decision": "publish-a", "why": "x"},
            {"decision": "publish-z", "why": "x"},
            {"decision": "", "why": "x"},
            {"decision": "keep", "why": "x" * 301},
        ],
    )
    def test_a_decision_without_a_reason_or_a_text_is_none(self, signed_in, form):
        experiment = finished(written())
        answer = signed_in("reviewer").post(
            to(experiment, "act", "complete"), {"seen": seen(experiment), "is_sure": "on", **form}
        )
        assert answer.status_code == 422
        experiment.refresh_from_db()
        assert experiment.state == "finished"


class TestTheList:
    URL = "/desk/experiments/"

    def test_without_tests_it_teaches_and_points_to_an_article(self, signed_in):
        assert "Nothing has been tested yet" in text(signed_in("analyst").get(self.URL))

    def test_each_stands_under_what_it_needs(self, signed_in, django_assert_max_num_queries):
        done = finished(written("Done"))
        live = running(written("Live"))
        planned(written("Planned"))
        said(live, Code.UNCLEAR)
        ended = running(written("Ended"))
        experiments.stop(ended, by=None, why="A mistake in it.")
        Exposure.objects.create(
            experiment=live, variant=live.variants.get(key="b"), visitor=uuid.uuid4(), at=NOW, is_returning=True
        )
        client = signed_in("reviewer")
        with django_assert_max_num_queries(25):
            page = text(client.get(self.URL))
        order = [
            page.index(words)
            for words in ("Needs you", "4 to 11 points more", "1 of 900", "Begun by", "A mistake in it.")
        ]
        assert order == sorted(order)
        assert f"/desk/experiments/{done.pk}/do/complete/" in page
        assert "Being planned <b>1</b>" in page

    def test_it_is_narrowed_by_state_and_by_words(self, signed_in):
        for title in ("Late", "Lost"):
            planned(written(title))
        client = signed_in("writer")
        assert "No test matches" in text(client.get(self.URL, {"only": "past"}))
        page = text(client.get(self.URL, {"q": "lost"}))
        assert ">Lost<" in page
        assert ">Late<" not in page
        for odd in ({"only": "'; --"}, {"q": "\0" * 10 + "x" * 5000}, {"page": "-1"}):
            assert client.get(self.URL, odd).status_code == 200
