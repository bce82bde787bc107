from __future__ import annotations

import threading

import pytest
from django.db import InternalError, connection, transaction
from django.db.utils import IntegrityError

from kb import publishing
from kb.models import Article, Draft, IndexChange, Redirect, Revision
from kb.publishing import DraftConflict, EmptyText, NotAllowed, SlugTaken, Text
from tests import workers

pytestmark = pytest.mark.django_db


def edit(article: Article, body: str, *, by=None) -> Draft:
    draft = Draft.objects.get(article=article)
    return publishing.save_draft(article, Text(draft.title, draft.summary, body), version=draft.version, by=by)


def test_publishing_freezes_the_draft_and_tells_search(write):
    article = write("My parcel is late", "It is *late*.", publish=False)
    before = IndexChange.objects.count()
    revision = publishing.publish(article, by=None, ring=False)
    article.refresh_from_db()
    assert article.state == "published"
    assert article.live_revision == revision
    assert (revision.number, revision.html, revision.text) == (1, "<p>It is <em>late</em>.</p>", "It is late.")
    assert IndexChange.objects.count() == before + 1


def test_publishing_the_same_text_again_makes_no_revision(write):
    article = write("Late")
    version = article.version
    publishing.publish(article, by=None)
    assert article.revisions.count() == 1
    assert article.version == version


@pytest.mark.parametrize(
    "change",
    ["title = 'x'", "summary = 'x'", "body = 'x'", "html = 'x'", "text = 'x'", "headings = '[]'", "comment = 'x'",
     "is_major = true", "number = 9", "created_at = now()", "created_by_id = 1", "article_id = 1"],
)  # fmt: skip
def test_the_database_refuses_to_alter_a_frozen_revision(write, change):
    revision = write("Late").live_revision
    with pytest.raises((InternalError, IntegrityError), match="frozen"), transaction.atomic():
        connection.cursor().execute(f"UPDATE kb_revision SET {change} WHERE id = %s", [revision.pk])
    revision.refresh_from_db()
    assert revision.title == "Late"


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_to_remove_a_revision_without_its_article(write):
    article = write("Late")
    edit(article, "two")
    publishing.publish(article, by=None, ring=False)
    with pytest.raises((InternalError, IntegrityError), match="frozen"):
        connection.cursor().execute("DELETE FROM kb_revision WHERE article_id = %s AND number = 1", [article.pk])
    assert article.revisions.count() == 2
    Article.objects.filter(pk=article.pk).update(live_revision=None, state="draft")
    article.delete()
    assert not Revision.objects.exists()


def test_a_revision_outlives_its_authors_account(write, staff):
    writer = staff("writer")
    article = write("Late", publish=False)
    revision = publishing.publish(article, by=writer, ring=False)
    writer.delete()
    revision.refresh_from_db()
    assert revision.created_by is None


def test_a_second_editor_cannot_overwrite_the_first_unseen(write, staff):
    article = write("Late", "one")
    opened = Draft.objects.get(article=article).version
    publishing.save_draft(article, Text("Late", "", "first"), version=opened, by=staff("writer"))
    with pytest.raises(DraftConflict) as caught:
        publishing.save_draft(article, Text("Late", "", "second"), version=opened, by=None)
    assert caught.value.mine.body == "second"
    assert caught.value.theirs.body == "first"
    assert caught.value.saved_by.username == "writer"
    assert Draft.objects.get(article=article).body == "first"


def test_saving_the_same_text_is_no_save(write):
    article = write("Late", "one")
    draft = edit(article, "one")
    assert draft.version == 1


def test_an_editor_publishes_the_draft_that_they_saw_or_nothing(write):
    article = write("Late", "one")
    seen = edit(article, "two").version
    edit(article, "three")
    with pytest.raises(DraftConflict):
        publishing.publish(article, by=None, version=seen)
    article.refresh_from_db()
    assert article.live_revision.body == "one"


@pytest.mark.parametrize(("title", "body", "field"), [(" ", "x", "title"), ("x", " \n", "body")])
def test_nothing_empty_is_published(write, title, body, field):
    article = write("x", "x", publish=False)
    publishing.save_draft(article, Text(title, "", body), version=1, by=None)
    with pytest.raises(EmptyText) as caught:
        publishing.publish(article, by=None)
    assert caught.value.field == field
    assert not article.revisions.exists()


def test_reverting_shows_the_old_text_itself(write):
    article = write("Late", "one")
    first = article.live_revision
    edit(article, "two")
    publishing.publish(article, by=None)
    publishing.revert(article, first, by=None)
    article.refresh_from_db()
    assert article.live_revision == first
    assert article.revisions.count() == 2
    assert Draft.objects.get(article=article).body == "one"


def test_reverting_loses_no_unpublished_draft(write):
    article = write("Late", "one")
    first = article.live_revision
    edit(article, "two")
    publishing.publish(article, by=None)
    edit(article, "three, unfinished")
    publishing.revert(article, first, by=None)
    assert Draft.objects.get(article=article).body == "three, unfinished"


def test_an_article_reverts_only_to_its_own_texts(write):
    with pytest.raises(NotAllowed):
        publishing.revert(write("One"), write("Two").live_revision, by=None)


def test_archived_and_published_again_it_has_its_old_revision(write):
    article = write("Late")
    publishing.archive(article, by=None)
    article.refresh_from_db()
    assert article.state == "archived"
    with pytest.raises(NotAllowed):
        publishing.archive(article, by=None)
    publishing.publish(article, by=None)
    assert article.state == "published"
    assert article.revisions.count() == 1


def test_a_draft_has_nothing_to_revert_to(write):
    with pytest.raises(NotAllowed):
        publishing.revert(write("New", publish=False), write("Other").live_revision, by=None)


def test_a_renamed_article_is_found_at_its_old_address(write):
    article = write("Late")
    publishing.rename_slug(article, "parcel is late")
    article.refresh_from_db()
    assert article.slug == "parcel-is-late"
    assert Redirect.objects.get(old_slug="late").article == article


def test_an_address_that_another_article_has_is_refused(write):
    write("Taken")
    article = write("Late")
    with pytest.raises(SlugTaken, match=r"“Taken” \(Published\) has the address “taken”"):
        publishing.rename_slug(article, "taken")
    article.refresh_from_db()
    assert article.slug == "late"
    assert not Redirect.objects.exists()


def test_an_address_from_which_old_links_lead_elsewhere_is_refused(write):
    publishing.rename_slug(write("Late"), "later")
    with pytest.raises(SlugTaken, match="lead to the article “Late”"):
        publishing.rename_slug(write("Other"), "late")
    assert write("Late").slug == "late-2", "nor does a new article take it"


def test_an_article_goes_back_to_an_address_that_it_had(write, browser):
    article = write("Late")
    for slug in ("later", "latest", "late"):
        publishing.rename_slug(article, slug)
    assert set(Redirect.objects.values_list("old_slug", flat=True)) == {"later", "latest"}
    for old in ("later", "latest"):
        response = browser().get(f"/en/a/{old}/")
        assert (response.status_code, response["Location"]) == (301, "/en/a/late/"), "one hop"
    assert browser().get("/en/a/late/").status_code == 200


def test_articles_of_one_title_get_addresses_of_their_own(write):
    assert [write("Late").slug for _ in range(3)] == ["late", "late-2", "late-3"]
    assert write("Late", locale="es").slug == "late"
    assert write("Где заказ").slug == "где-заказ"
    assert write("???").slug == "article"


@pytest.mark.django_db(transaction=True)
def test_revisions_published_at_once_are_numbered_without_gaps_or_doubles(write):
    article = write("Late", "0")
    failures = []

    def publish(number: int) -> None:
        try:
            for _ in range(20):
                own = Article.objects.get(pk=article.pk)
                draft = Draft.objects.get(article=own)
                try:
                    publishing.save_draft(own, Text("Late", "", f"text {number}"), version=draft.version, by=None)
                    publishing.publish(own, by=None, ring=False)
                    return
                except DraftConflict:
                    continue
            failures.append(number)
        finally:
            connection.close()

    threads = [threading.Thread(target=publish, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    numbers = sorted(Revision.objects.filter(article=article).values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 2


@pytest.mark.django_db(transaction=True)
def test_one_title_written_by_many_at_once_gives_each_an_address(shelf):
    category = shelf()
    made = []

    def create() -> None:
        made.append(publishing.create_article(locale="en", category=category, title="Same", body="x", by=None).slug)
        connection.close()

    threads = [threading.Thread(target=create) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == ["same", *(f"same-{n}" for n in range(2, 7))]


@pytest.mark.django_db(transaction=True)
def test_publishing_rings_for_the_worker_once_it_is_committed(write):
    workers.empty_queues()
    publishing.publish(write("Late", publish=False), by=None)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pgmq.q_preempt WHERE message::text LIKE '%kb.apply_index_changes%'")
        assert cursor.fetchone()[0] == 1
    workers.empty_queues()
