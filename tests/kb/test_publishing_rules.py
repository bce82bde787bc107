"""Four eyes as a switch of the desk: it counts at once, for every way to customers, and for what is on its way."""

from __future__ import annotations

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile

from core.models import AuditEntry
from kb import (
    experiment_drafts,
    experiments,
    four_eyes,
    import_runs,
    publishing,
    publishing_rules,
    reviews,
    schedule,
    tasks,
)
from kb.models import Article, Experiment, ImportRun, Plan, PublishingRules, Review
from kb.publishing import NotAllowed, OwnText
from tests.kb.conftest import NOW
from tests.kb.test_publishing import edit

pytestmark = pytest.mark.django_db
PAGE = "/desk/publishing/"
NOON = NOW.replace(hour=12)
SIX = NOW.replace(hour=18)
LINE = (
    b'{"kind": "article", "id": "1", "locale": "en", "title": "From a file", "body": "Text.", "category": "delivery"}\n'
)


@pytest.fixture
def ada(person):
    return person("ada", "admin")


@pytest.fixture
def admin(ada, browser):
    client = browser()
    client.force_login(ada)
    return client


def text_of(answer) -> str:
    return answer.content.decode()


def test_an_administrator_switches_it_on_and_it_counts_at_once(admin, ada, write, person):
    article, ann = write("Late", publish=False), person("ann")
    edit(article, "by ann", by=ann)
    assert not four_eyes.is_on()
    page = text_of(admin.post(PAGE, {"four_eyes": "on"}, follow=True))
    assert "From now on nobody publishes their own text." in page
    assert "checked" in page
    with pytest.raises(OwnText):
        publishing.publish(article, by=ann)
    entry = AuditEntry.objects.get(action="publishing.four_eyes_on")
    assert entry.by == ada

    assert "may publish their own" in text_of(admin.post(PAGE, {}, follow=True))
    publishing.publish(article, by=ann, ring=False)
    assert AuditEntry.objects.filter(action="publishing.four_eyes_off").count() == 1


def test_the_same_again_changes_nothing_and_stands_in_no_log(ada):
    assert publishing_rules.switch(is_on=True, by=ada)
    assert not publishing_rules.switch(is_on=True, by=ada)
    assert AuditEntry.objects.filter(action__startswith="publishing.").count() == 1
    assert PublishingRules.objects.count() == 1


def test_the_environment_decides_over_the_desk(admin, ada, settings):
    settings.FOUR_EYES = True
    page = text_of(admin.get(PAGE))
    assert "cannot be switched off here" in page
    assert "disabled" in page
    answer = admin.post(PAGE, {})
    assert answer.status_code == 409
    assert "FOUR_EYES in the environment decides this" in text_of(answer)
    assert four_eyes.is_on()
    with pytest.raises(NotAllowed):
        publishing_rules.switch(is_on=False, by=ada)


@pytest.mark.parametrize("role", ["writer", "reviewer", "ops", "analyst"])
def test_nobody_else_switches_it(person, browser, role):
    client = browser()
    client.force_login(person("eve", role))
    assert client.post(PAGE, {"four_eyes": "on"}).status_code == 403
    assert not four_eyes.is_on()


def test_no_way_to_customers_lets_a_text_of_before_through(write, person, ada, browser):
    """Written, given to review, planned and published while it was off."""
    article, ann = write("Late", "old"), person("ann")
    edit(article, "first by ann", by=ann)
    publishing.publish(article, by=ann, ring=False)
    first = article.live_revision
    edit(article, "second by ann", by=ann)
    review = reviews.ask(article, by=ann)
    publishing_rules.switch(is_on=True, by=ada)
    for what in ({}, {"revision": review.revision}):
        with pytest.raises(OwnText):
            publishing.publish(article, by=ann, **what)
        with pytest.raises(OwnText):
            schedule.plan_publication(article, by=ann, at=NOON, now=NOW, **what)
    with pytest.raises(OwnText):
        publishing.revert(article, first, by=ann)
    planned, _key = experiment_drafts.begin(article, version=article.draft.version, by=ann)
    with pytest.raises(experiments.ExperimentError):
        experiments.start(planned, by=ann)
    assert Experiment.objects.get().state == "draft"
    assert Article.objects.get(pk=article.pk).live_revision == first
    publishing.publish(article, by=person("bea"), revision=review.revision, ring=False)
    assert Article.objects.get(pk=article.pk).live_revision.body == "second by ann"


def test_a_review_that_waits_for_who_wrote_the_text_goes_to_any_reviewer(write, person, ada, admin):
    article, ann, bea = write("Late", publish=False), person("ann"), person("bea")
    edit(article, "by ann", by=ann)
    edit(article, "by ann and bea", by=bea)
    review = reviews.ask(article, by=ann, assignee=bea)
    other = write("Lost", publish=False)
    edit(other, "by ann", by=ann)
    stays = reviews.ask(other, by=ann, assignee=bea)
    assert "waits for bea" in text_of(admin.get(PAGE))
    publishing_rules.switch(is_on=True, by=ada)
    assert Review.objects.get(pk=review.pk).assignee is None
    assert Review.objects.get(pk=stays.pk).assignee == bea
    assert AuditEntry.objects.get(action="review.released").detail["assignee"] == "bea"
    assert not reviews.waiting_for(ann).exists()
    assert list(reviews.waiting_for(bea)) == [stays]
    assert set(reviews.waiting_for(person("cid"))) == {review}


def test_whoever_planned_their_own_text_is_told_and_the_plan_is_refused_at_its_time(
    write, person, ada, admin, django_capture_on_commit_callbacks, monkeypatch, settings
):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    monkeypatch.setattr(tasks.mail_to_desk, "delay", tasks.mail_to_desk)
    article, ann, bea = write("Late", "old"), person("ann"), person("bea")
    edit(article, "by ann", by=ann)
    plan = schedule.plan_publication(article, by=ann, at=NOON, now=NOW)
    assert "planned by ann" in text_of(admin.get(PAGE))
    with django_capture_on_commit_callbacks(execute=True):
        publishing_rules.switch(is_on=True, by=ada)
    assert [one.to for one in mail.outbox] == [["ann@shop.example.com"]]
    assert "Somebody else has to plan it" in mail.outbox[0].subject
    assert "They will be refused at their time" in text_of(admin.get(PAGE))
    schedule.do_planned(now=NOON)
    assert Plan.objects.get(pk=plan.pk).state == "failed"

    schedule.plan_publication(article, by=bea, at=SIX, now=NOON, revision=plan.revision)
    assert not publishing_rules.plans_of_own_text().exists()
    schedule.do_planned(now=SIX)
    assert Article.objects.get(pk=article.pk).live_revision.body == "by ann"


def test_it_warns_where_one_person_alone_may_publish(admin, person):
    assert "Four eyes need two people." in text_of(admin.get(PAGE))
    person("bea")
    assert "Four eyes need two people." not in text_of(admin.get(PAGE))


def test_whoever_brings_a_file_does_not_start_its_import(person, ada, browser, shelf, tmp_path):
    shelf()
    publishing_rules.switch(is_on=True, by=ada)
    clients = {name: browser() for name in ("ann", "bea")}
    for name, client in clients.items():
        client.force_login(person(name))
    clients["ann"].post(
        "/desk/articles/port/", {"format": "auto", "locale": "en", "file": SimpleUploadedFile("a.jsonl", LINE)}
    )
    dry = ImportRun.objects.get()
    import_runs.work(dry.pk, enqueue=lambda _pk: None)
    begin = f"/desk/articles/port/{dry.pk}/begin/"
    assert "You have brought this file" in text_of(clients["ann"].post(begin, follow=True))
    assert ImportRun.objects.count() == 1
    clients["bea"].post(begin)
    assert ImportRun.objects.count() == 2


def test_drafts_of_a_file_are_the_texts_of_who_brought_it(person, ada, shelf, tmp_path):
    shelf()
    ann = person("ann")
    publishing_rules.switch(is_on=True, by=ada)
    path = tmp_path / "a.jsonl"
    path.write_bytes(LINE)
    import_runs.run_here(path, import_runs.Asked(as_drafts=True, by=ann, locale="en"))
    article = Article.objects.get()
    with pytest.raises(OwnText):
        publishing.publish(article, by=ann)
    publishing.publish(article, by=person("bea"), ring=False)
