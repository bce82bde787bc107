"""While a test runs or pauses, its article says what its arms say: each way to customers refuses, with the reason."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.models import AuditEntry
from kb import experiments, importing, publishing, reviews, schedule
from kb.models import Article, Draft, Experiment, Plan, Review
from kb.publishing import Text, UnderTest
from tests.kb.conftest import NOW
from tests.kb.experimenting import started
from tests.kb.test_importing import lines, row

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=1)
SAYS = "A test is running on this article"


@pytest.fixture
def bea(person):
    return person("bea")


@pytest.fixture
def under_test(write, bea):
    """A published article with an earlier text, a changed draft in review, a planned publication, and a test."""
    article = write("Late", "Text 0")
    change(article, "Text A")
    publishing.publish(article, by=None)
    change(article, "Text P")
    schedule.plan_publication(article, by=bea, at=LATER, now=NOW)
    change(article, "Text R")
    reviews.ask(article, by=bea)
    started(article)
    return article


def change(article: Article, body: str) -> None:
    draft = Draft.objects.get(article=article)
    publishing.save_draft(article, Text("Late", "", body), version=draft.version, by=None)


WAYS = {
    "publish the draft": lambda article, by: publishing.publish(article, by=by),
    "publish the product's own": lambda article, _by: publishing.publish(article, by=None),
    "publish what is in review": lambda article, by: publishing.publish(
        article, by=by, revision=Review.objects.get().revision
    ),
    "publish a text of the test": lambda article, by: publishing.publish(
        article, by=by, revision=Experiment.objects.get().variants.get(key="b").revision
    ),
    "show an earlier text": lambda article, by: publishing.revert(article, article.revisions.last(), by=by),
    "plan the draft": lambda article, by: schedule.plan_publication(article, by=by, at=LATER, now=NOW),
    "plan what is in review": lambda article, by: schedule.plan_publication(
        article, by=by, at=LATER, now=NOW, revision=Review.objects.get().revision
    ),
}


@pytest.mark.parametrize("is_paused", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_customers_refuses(under_test, bea, way, is_paused):
    if is_paused:
        experiments.pause(Experiment.objects.get(), by=bea)
    before = Article.objects.values().get(), Plan.objects.count(), under_test.revisions.count()
    with pytest.raises(UnderTest, match=SAYS):
        WAYS[way](under_test, bea)
    assert (Article.objects.values().get(), Plan.objects.count(), under_test.revisions.count()) == before


@pytest.mark.parametrize("end", ["stop", "finish"])
@pytest.mark.parametrize("way", WAYS)
def test_each_way_is_open_again_when_the_test_has_ended(under_test, bea, way, end):
    getattr(experiments, end)(Experiment.objects.get(), by=bea)
    WAYS[way](under_test, bea)


def test_the_desks_pages_say_it(under_test, bea, browser):
    client = browser()
    client.force_login(bea)
    here = f"/desk/articles/{under_test.pk}/"
    draft, review = Draft.objects.get(article=under_test), Review.objects.get()
    given = {"title": "Late", "body": draft.body, "version": draft.version, "action": "publish"}
    for path, sent in (
        (here, given | {"category": under_test.category_id, "locale": "en"}),
        (f"{here}revisions/1/", {"action": "revert"}),
        (f"{here}review/{review.pk}/end/", {"action": "publish"}),
        (f"{here}plan/", {"kind": "publish", "version": draft.version, "publish-at": "2026-03-05T09:00"}),
    ):
        assert SAYS in client.post(path, sent, follow=True).content.decode(), path
    under_test.refresh_from_db()
    assert under_test.live_revision.body == "Text A"


def test_a_publication_that_comes_due_fails_in_sight_and_can_be_tried_again_afterwards(under_test, bea):
    schedule.do_planned(now=LATER)
    plan = Plan.objects.get()
    assert (plan.state, SAYS in plan.reason) == ("failed", True)
    assert AuditEntry.objects.filter(action="plan.failed").exists()
    assert schedule.try_again(plan, by=bea, now=LATER).state == "failed", "it still runs"
    experiments.stop(Experiment.objects.get(), by=bea)
    assert schedule.try_again(plan, by=bea, now=LATER).state == "done"
    under_test.refresh_from_db()
    assert under_test.live_revision.body == "Text P"


def test_archiving_at_its_time_stops_the_test(under_test, bea):
    schedule.plan_archive(under_test, by=bea, at=LATER, now=NOW)
    schedule.do_planned(now=LATER)
    assert Experiment.objects.get().state == "stopped"


@pytest.mark.parametrize("state", ["published", "draft"])
def test_an_import_of_another_text_is_refused_and_leaves_the_draft_alone(tmp_path, state):
    file = tmp_path / "articles.jsonl"
    importing.run(lines(file, row("a")))
    article = Article.objects.get()
    started(article)
    report = importing.run(lines(file, row("a", body="New from the file.", state=state)))
    assert SAYS in str(report.problems[0])
    assert Draft.objects.get(article=article).body == article.live_revision.body


def test_what_is_no_text_may_change(under_test, bea, shelf):
    """Its owner, its address, a review that it is still right; its shelf, too."""
    publishing.rename_slug(under_test, "later", by=bea)
    publishing.review(under_test, by=bea)
    publishing.move(under_test, shelf("returns"), by=bea)
    assert experiments.live_on(under_test) is not None


def test_a_draft_goes_on_being_written(under_test):
    change(under_test, "Text for after the test")
    assert Draft.objects.get(article=under_test).body == "Text for after the test"
