"""The way of a text to customers: every stage and every event; four eyes; review; archive and where it leads."""

from __future__ import annotations

from itertools import product

import pytest
from django.contrib.auth.models import User
from django.core import mail

from core.models import AuditEntry
from kb import experiment_drafts, experiments, flow, publishing, reviews, schedule
from kb.flow import EVENTS, NEXT, Stage
from kb.models import Article, Draft, DraftEditor, Experiment, Plan, Remark, Review
from kb.publishing import NotAllowed, OwnText, Text
from tests.kb.conftest import NOW
from tests.kb.test_publishing import edit

pytestmark = pytest.mark.django_db


@pytest.fixture
def four_eyes(settings):
    settings.FOUR_EYES = True


def test_every_stage_knows_what_every_event_does():
    assert set(NEXT) == set(product(Stage, EVENTS))


def _bring(article: Article, stage: Stage, ann: User) -> None:
    if stage not in (Stage.DRAFT, Stage.IN_REVIEW):
        publishing.publish(article, by=None, ring=False)
    if stage in (Stage.ARCHIVED, Stage.RETURN_IN_REVIEW):
        publishing.archive(article, by=None)
    if stage in (Stage.IN_REVIEW, Stage.CHANGE_IN_REVIEW, Stage.RETURN_IN_REVIEW):
        edit(article, "in review", by=ann)
        reviews.ask(article, by=ann)


def _happen(article: Article, event: str, ann: User) -> None:
    open_review = Review.objects.filter(article=article, state="open").first() or Review(
        article=article, revision=article.live_revision
    )
    match event:
        case flow.ASK:
            edit(article, "to be reviewed", by=ann)
            reviews.ask(article, by=ann)
        case flow.SEND_BACK:
            reviews.send_back(open_review, by=ann, reason="Shorter.")
        case flow.WITHDRAW:
            reviews.withdraw(open_review, by=ann)
        case flow.PLAN:
            edit(article, "planned", by=ann)
            schedule.plan_publication(article, by=ann, at=NOW.replace(hour=12), now=NOW)
        case flow.PUBLISH:
            edit(article, "published", by=ann)
            publishing.publish(article, by=ann, ring=False)
        case flow.REVERT:
            publishing.revert(article, article.revisions.last() or article.live_revision, by=ann)
        case flow.ARCHIVE:
            publishing.archive(article, by=ann)


@pytest.mark.parametrize(("stage", "event"), list(product(Stage, EVENTS)), ids=lambda value: str(value))
def test_every_pair_of_stage_and_event_does_what_the_table_says(write, person, stage, event):
    article, ann = write("Late", publish=False), person("ann")
    _bring(article, stage, ann)
    assert flow.stage_of(article) == stage
    wanted = NEXT[stage, event]
    if wanted is None:
        with pytest.raises(NotAllowed):
            _happen(article, event, ann)
        wanted = stage
    else:
        _happen(article, event, ann)
    assert flow.stage_of(Article.objects.get(pk=article.pk)) == wanted


# --- Four eyes ---


def test_a_writer_with_the_right_to_publish_cannot_publish_their_own_text(write, person, four_eyes):
    article, ann, bea = write("Late", publish=False), person("ann"), person("bea")
    edit(article, "by ann", by=ann)
    with pytest.raises(OwnText):
        publishing.publish(article, by=ann)
    publishing.publish(article, by=bea, ring=False)
    assert article.state == "published"


def test_somebody_who_changed_a_word_on_the_way_cannot_publish_it_either(write, person, four_eyes):
    article, ann, bea = write("Late", publish=False), person("ann"), person("bea")
    edit(article, "by ann", by=ann)
    edit(article, "by ann and bea", by=bea)
    with pytest.raises(OwnText):
        publishing.publish(article, by=ann)
    with pytest.raises(OwnText):
        publishing.publish(article, by=bea)
    publishing.publish(article, by=person("cid"), ring=False)
    assert not DraftEditor.objects.exists(), "with the publication it begins anew"


def test_no_other_way_to_customers_lets_a_writer_through(write, person, four_eyes):
    article, ann, bea = write("Late", "old"), person("ann"), person("bea")
    edit(article, "by ann", by=ann)
    review = reviews.ask(article, by=ann)
    with pytest.raises(OwnText):
        publishing.publish(article, by=ann, revision=review.revision)
    with pytest.raises(OwnText):
        schedule.plan_publication(article, by=ann, at=NOW.replace(hour=12), now=NOW, revision=review.revision)
    with pytest.raises(OwnText):
        schedule.plan_publication(article, by=ann, at=NOW.replace(hour=12), now=NOW)
    publishing.publish(article, by=bea, revision=review.revision)
    edit(article, "by bea", by=bea)
    publishing.publish(article, by=ann, ring=False)
    with pytest.raises(OwnText):
        publishing.revert(article, review.revision, by=ann)
    publishing.revert(article, review.revision, by=bea)


def test_asking_for_a_review_makes_it_ones_own_text(write, person, four_eyes):
    article, ann, bea = write("Late", publish=False), person("ann"), person("bea")
    edit(article, "by ann", by=ann)
    review = reviews.ask(article, by=bea, assignee=person("cid"))
    with pytest.raises(OwnText):
        publishing.publish(article, by=bea, revision=review.revision)


def test_nobody_is_asked_to_review_their_own_text(write, person, four_eyes):
    article, ann, bea = write("Late", publish=False), person("ann"), person("bea")
    edit(article, "by ann", by=ann)
    edit(article, "by both", by=bea)
    with pytest.raises(OwnText, match="bea wrote"):
        reviews.ask(article, by=ann, assignee=bea)


def test_a_test_of_ones_own_draft_is_no_way_around(write, person, four_eyes):
    article, ann = write("Late", "A"), person("ann")
    edit(article, "B", by=ann)
    planned, _key = experiment_drafts.begin(article, version=2, by=ann)
    with pytest.raises(experiments.ExperimentError, match="nobody shows customers their own"):
        experiments.start(planned, by=ann)
    experiments.start(planned, by=person("bea"))
    assert Experiment.objects.get().state == "running"


def test_the_product_itself_needs_no_second_pair_of_eyes(write, person, four_eyes):
    article = write("Late", "old")
    edit(article, "by ann", by=person("ann"))
    publishing.publish(article, by=None, comment="a fact changed", ring=False)
    assert article.live_revision.body == "by ann"


def test_without_the_setting_everybody_publishes_what_they_wrote(write, person):
    article, ann = write("Late", publish=False), person("ann")
    edit(article, "by ann", by=ann)
    publishing.publish(article, by=ann, ring=False)
    assert article.live_revision.created_by == ann


# --- Review ---


def test_what_was_reviewed_is_what_is_published(write, person):
    article, ann, bea = write("Late", "old"), person("ann", "writer"), person("bea")
    edit(article, "reviewed", by=ann)
    review = reviews.ask(article, by=ann, assignee=bea, comment="new times", is_major=True)
    edit(article, "reviewed, and more", by=ann)
    publishing.publish(article, by=bea, revision=review.revision)
    article.refresh_from_db()
    review.refresh_from_db()
    assert (article.live_revision.body, article.live_revision.comment) == ("reviewed", "new times")
    assert article.live_revision.is_major
    assert Draft.objects.get(article=article).body == "reviewed, and more"
    assert review.state == "approved"
    assert list(DraftEditor.objects.values_list("user__username", flat=True)) == ["ann"], "who went on writing"


def test_the_assignee_is_told_by_mail_and_finds_it_in_their_list(
    write, person, django_capture_on_commit_callbacks, monkeypatch, settings
):
    from kb import tasks

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    monkeypatch.setattr(tasks.mail_to_desk, "delay", tasks.mail_to_desk)
    article, ann, bea = write("Late", publish=False), person("ann", "writer"), person("bea")
    with django_capture_on_commit_callbacks(execute=True):
        review = reviews.ask(article, by=ann, assignee=bea, comment="new times")
    assert [(m.to, "new times" in m.body) for m in mail.outbox] == [(["bea@shop.example.com"], True)]
    assert f"/desk/articles/{article.pk}/review/" in mail.outbox[0].body
    assert list(reviews.waiting_for(bea)) == [review]
    assert not reviews.waiting_for(person("cid")).exists()
    with django_capture_on_commit_callbacks(execute=True):
        reviews.send_back(review, by=bea, reason="Too long.")
    assert mail.outbox[1].to == ["ann@shop.example.com"]
    assert "Too long." in mail.outbox[1].body


def test_a_writer_is_no_assignee(write, person):
    with pytest.raises(NotAllowed, match="no reviewer"):
        reviews.ask(write("Late", publish=False), by=person("ann"), assignee=person("wim", "writer"))


def test_a_text_that_is_live_already_needs_no_review(write, person):
    with pytest.raises(NotAllowed, match="nothing to review"):
        reviews.ask(write("Late"), by=person("ann"))


def test_a_later_text_in_review_takes_the_place_of_the_earlier(write, person):
    article, ann = write("Late", publish=False), person("ann")
    first = reviews.ask(article, by=ann)
    edit(article, "two", by=ann)
    reviews.ask(article, by=ann)
    first.refresh_from_db()
    assert first.state == "replaced"
    assert Review.objects.filter(state="open").count() == 1


def test_a_comment_quotes_words_of_the_text_and_outlives_the_next_version(write, person):
    article, ann, bea = write("Late", "It takes **four** days.", publish=False), person("ann"), person("bea")
    revision = reviews.ask(article, by=ann).revision
    made = reviews.remark(revision, by=bea, text="Five?", quote="takes  four\ndays")
    assert made.quote == "takes four days"
    answer = reviews.remark(revision, by=ann, text="No, four.", parent=made)
    second = reviews.remark(revision, by=bea, text="Fine.", parent=answer)
    assert second.parent == made, "one thread"
    with pytest.raises(NotAllowed, match="not in the text"):
        reviews.remark(revision, by=bea, text="?", quote="seven days")
    with pytest.raises(NotAllowed, match="empty"):
        reviews.remark(revision, by=bea, text="  ")
    reviews.resolve(made, by=ann, is_resolved=True)
    made.refresh_from_db()
    assert made.resolved_by == ann
    reviews.resolve(made, by=bea, is_resolved=False)
    made.refresh_from_db()
    assert made.resolved_at is None
    assert Remark.objects.count() == 3


def test_the_pages_of_a_review(write, person, browser):
    article, wim, bea = write("Late", "It takes four days.", publish=False), person("wim", "writer"), person("bea")
    writer, reviewer = browser(), browser()
    writer.force_login(wim)
    reviewer.force_login(bea)
    url = f"/desk/articles/{article.pk}/"
    draft = {
        "title": "Late",
        "summary": "",
        "body": "It takes five days.",
        "version": 1,
        "category": article.category_id,
    }
    page = writer.post(url, {**draft, "action": "review", "assignee": bea.pk, "comment": "new"}, follow=True)
    assert "In review. The text is frozen" in page.content.decode()
    assert "It waits for bea" in page.content.decode()
    assert "Late" in reviewer.get("/desk/articles/reviews/").content.decode()
    assert reviewer.get("/desk/articles/reviews/").context["mine"][0].article == article
    reviewer.post(f"{url}review/comment/", {"quote": "five days", "text": "<b>Really?</b>"})
    page = reviewer.get(f"{url}review/").content.decode()
    assert '<mark id="quote-' in page
    assert "&lt;b&gt;Really?" in page
    review = Review.objects.get()
    end = f"{url}review/{review.pk}/end/"
    assert "Only a reviewer" in writer.post(end, {"action": "publish"}, follow=True).content.decode()
    assert "Say what has to change" in reviewer.post(end, {"action": "send_back"}, follow=True).content.decode()
    reviewer.post(end, {"action": "send_back", "reason": "Ask the depot."})
    assert "Ask the depot." in writer.get(url).content.decode()
    page = reviewer.post(end, {"action": "publish"}, follow=True).content.decode()
    assert "ended already" in page
    writer.post(url, {**draft, "version": 2, "body": "It takes 5 days.", "action": "review"})
    page = reviewer.get(f"{url}review/").content.decode()
    assert "no longer in the text" in page
    reviewer.post(f"{url}review/{Review.objects.first().pk}/end/", {"action": "publish"})
    assert "It takes 5 days." in browser().get("/en/a/late/").content.decode()


# --- Archive ---


def test_readers_of_an_archived_article_are_led_where_the_editor_said(write, browser, desk_client, shelf):
    client = desk_client("reviewer")
    old, new, third = write("Old way"), write("New way"), write("Third way")
    publishing.rename_slug(old, "older-way")
    page = client.post(f"/desk/articles/{old.pk}/archive/", {"leads": "article", "to": "no such thing"})
    assert page.status_code == 422
    client.post(f"/desk/articles/{old.pk}/archive/", {"leads": "article", "to": "New WAY"})
    for slug in ("older-way", "old-way"):
        response = browser().get(f"/en/a/{slug}/")
        assert (response.status_code, response["Location"]) == (301, "/en/a/new-way/")
        assert response["Cache-Control"] == "max-age=3600", "since publishing brings the article back"
    # Archived in its turn: still one hop.
    publishing.archive(new, by=None, leads_to=third)
    assert browser().get("/en/a/old-way/")["Location"] == "/en/a/third-way/"
    publishing.archive(third, by=None, leads_to_category=third.category)
    assert browser().get("/en/a/old-way/")["Location"] == "/en/c/delivery/"
    publishing.publish(new, by=None, ring=False)
    assert browser().get("/en/a/old-way/")["Location"] == "/en/a/new-way/"
    publishing.publish(old, by=None, ring=False)
    assert browser().get("/en/a/older-way/").status_code == 200
    publishing.archive(old, by=None)
    assert browser().get("/en/a/older-way/").status_code == 404


@pytest.fixture
def desk_client(browser, staff):
    def sign_in(role: str):
        client = browser()
        client.force_login(staff(role))
        return client

    return sign_in


def test_an_archived_article_leads_only_to_what_readers_can_open(write):
    old, draft, staff_only = write("Old"), write("Draft", publish=False), write("Staff")
    publishing.move(staff_only, staff_only.category, visibility="staff")
    for to in (draft, staff_only, old):
        with pytest.raises(NotAllowed):
            publishing.archive(old, by=None, leads_to=to)
    assert old.state == "published"


def test_two_articles_that_lead_to_each_other_end_at_the_page_for_dead_addresses(write, browser):
    one, two = write("One"), write("Two")
    publishing.archive(one, by=None, leads_to=two)
    Article.objects.filter(pk=two.pk).update(state="archived", leads_to=one)
    assert browser().get("/en/a/one/").status_code == 404


def test_links_in_texts_follow_an_article_to_its_new_address(write, browser):
    article = write("Late")
    publishing.rename_slug(article, "later")
    response = browser().get("/en/-/a/late")
    assert response["Location"] == "/en/a/later/"


def test_archiving_stops_a_test_and_says_so(write, person, browser):
    article, bea = write("Late", "A"), person("bea")
    edit(article, "B")
    client = browser()
    client.force_login(bea)
    planned, _key = experiment_drafts.begin(article, version=2, by=bea)
    experiments.start(planned, by=bea)
    assert experiments.live_on(article)
    assert "is running on this article" in client.get(f"/desk/articles/{article.pk}/archive/").content.decode()
    page = client.post(f"/desk/articles/{article.pk}/archive/", {"leads": "nowhere"}, follow=True).content.decode()
    assert "It is stopped; what it measured is kept" in page
    assert Experiment.objects.get().state == "stopped"
    assert AuditEntry.objects.filter(action="experiment.stopped").exists()


def test_archiving_calls_off_the_review_and_the_plans(write, person):
    article, ann = write("Late", "old"), person("ann")
    edit(article, "new", by=ann)
    schedule.plan_publication(article, by=ann, at=NOW.replace(hour=12), now=NOW)
    edit(article, "newer", by=ann)
    reviews.ask(article, by=ann)
    publishing.archive(article, by=ann)
    assert (Review.objects.get().state, Plan.objects.get().state) == ("withdrawn", "cancelled")


def test_what_editors_do_is_in_the_audit_log(write, person):
    article, ann, bea = write("Late", publish=False), person("ann"), person("bea")
    edit(article, "one", by=ann)
    edit(article, "two", by=ann)
    review = reviews.ask(article, by=ann)
    publishing.publish(article, by=bea, revision=review.revision)
    publishing.rename_slug(article, "later", by=bea)
    publishing.archive(article, by=bea)
    log = [(entry.by_name, entry.action) for entry in AuditEntry.objects.order_by("pk")]
    assert log == [
        ("", "article.created"),
        ("ann", "draft.changed"),  # once for a sitting
        ("ann", "review.asked"),
        ("bea", "article.published"),
        ("bea", "article.renamed"),
        ("bea", "article.archived"),
    ]


def test_a_text_of_two_versions_is_not_stored_by_a_refused_publication(write, person, four_eyes):
    article, ann = write("Late", "old"), person("ann")
    edit(article, "new", by=ann)
    with pytest.raises(OwnText):
        publishing.publish(article, by=ann)
    assert article.revisions.count() == 1
    assert Text.of(Draft.objects.get(article=article)).body == "new"
