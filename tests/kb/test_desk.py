from __future__ import annotations

import pytest

from kb import experiments, publishing
from kb.models import Article, Draft, Experiment
from kb.publishing import Text
from kb.search import indexing, query

pytestmark = pytest.mark.django_db

LIST = "/desk/articles/"


@pytest.fixture
def desk(browser, staff):
    """A browser signed in as a member of staff with this role."""

    def sign_in(role: str):
        client = browser()
        client.force_login(staff(role))
        return client

    return sign_in


def edit_url(article: Article) -> str:
    return f"{LIST}{article.pk}/"


def form(article: Article, **changed: object) -> dict[str, object]:
    draft = Draft.objects.get(article=article)
    return {
        "title": draft.title,
        "summary": draft.summary,
        "category": article.category_id,
        "body": draft.body,
        "version": draft.version,
        "action": "save",
        **changed,
    }


def text(response) -> str:
    return response.content.decode()


@pytest.mark.parametrize(
    ("role", "list_status", "edit_status"),
    [("writer", 200, 200), ("reviewer", 200, 200), ("admin", 200, 200), ("analyst", 200, 403), ("ops", 403, 403)],
)
def test_each_role_opens_what_it_may(desk, write, role, list_status, edit_status):
    article = write("Late")
    client = desk(role)
    assert client.get(LIST).status_code == list_status
    assert client.get(edit_url(article)).status_code == edit_status
    assert client.get(f"{LIST}new/").status_code == edit_status


def test_nobody_else_comes_in(browser, write):
    article = write("Late")
    for path in (LIST, edit_url(article), f"{LIST}new/", f"{LIST}{article.pk}/revisions/1/"):
        assert browser().get(path).headers["Location"].startswith("/desk/sign-in/")


def test_the_list_shows_where_every_article_stands(desk, write):
    write("Draft only", publish=False)
    changed = write("Changed")
    publishing.save_draft(changed, Text("Changed", "", "New"), version=1, by=None)
    publishing.archive(write("Old"), by=None)
    page = text(desk("writer").get(LIST))
    for words in ("Draft only", "Changed", "Old", "Published, draft changed", "Archived"):
        assert words in page


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("state=draft", ["Beta"]),
        ("state=published", ["Alpha", "Gamma", "Delta es"]),
        ("state=changed", ["Gamma"]),
        ("q=ALPH", ["Alpha"]),
        ("q=needle", ["Gamma"]),
        ("locale=es", ["Delta es"]),
        ("q=alpha&state=draft", []),
        ("state=nonsense", ["Alpha", "Beta", "Gamma", "Delta es"]),
    ],
)
def test_the_list_is_filtered(desk, write, query, titles):
    write("Alpha")
    write("Beta", publish=False)
    changed = write("Gamma")
    publishing.save_draft(changed, Text("Gamma", "", "a needle"), version=1, by=None)
    write("Delta es", locale="es")
    shown = desk("writer").get(f"{LIST}?{query}").context["articles"]
    assert {article.shown_title for article in shown} == set(titles)


def test_the_list_is_filtered_by_category_and_sorted(desk, write, shelf):
    write("B")
    write("A")
    write("C", on="payments")
    client = desk("writer")
    shown = client.get(f"{LIST}?category={shelf('delivery').pk}&sort=title").context["articles"]
    assert [article.shown_title for article in shown] == ["A", "B"]
    shown = client.get(f"{LIST}?sort=-title").context["articles"]
    assert [article.shown_title for article in shown] == ["C", "B", "A"]
    assert client.get(f"{LIST}?sort=;drop&page=99").status_code == 200


def test_the_list_asks_as_often_however_long_it_is(desk, write, django_assert_num_queries):
    client = desk("writer")
    write("One")
    client.get(LIST)
    with django_assert_num_queries(8) as few:
        client.get(LIST)
    for number in range(30):
        write(f"More {number}")
    with django_assert_num_queries(len(few)):
        client.get(LIST)


def test_a_new_article_is_a_draft_until_it_is_published(desk, shelf, browser):
    client = desk("reviewer")
    given = {"title": "Customs", "summary": "", "category": shelf().pk, "body": "# Pay\n\nOnce.", "locale": "en"}
    page = client.post(f"{LIST}new/", {**given, "action": "save"}, follow=True)
    article = Article.objects.get()
    assert "The draft is saved" in text(page)
    assert article.state == "draft"
    assert browser().get("/en/a/customs/").status_code == 404
    page = client.post(edit_url(article), form(article, action="publish"), follow=True)
    assert "Customers see it now" in text(page)
    assert "Once." in text(browser().get("/en/a/customs/"))
    article.refresh_from_db()
    assert article.live_revision.created_by.username == "reviewer"


def test_a_form_with_mistakes_loses_nothing_that_was_written(desk, write):
    article = write("Late")
    page = desk("writer").post(edit_url(article), form(article, title="", body="A long new text"))
    assert page.status_code == 422
    assert "A long new text" in text(page)
    assert Draft.objects.get(article=article).title == "Late"


def test_a_writer_saves_and_a_reviewer_publishes(desk, write):
    article = write("Late")
    page = desk("writer").post(edit_url(article), form(article, body="New", action="publish"), follow=True)
    assert "Ask a reviewer" in text(page)
    article.refresh_from_db()
    assert article.live_revision.body == "Some text."
    assert Draft.objects.get(article=article).body == "New"
    desk("reviewer").post(edit_url(article), form(article, action="publish"))
    article.refresh_from_db()
    assert article.live_revision.body == "New"


def test_two_editors_both_keep_their_texts(desk, write):
    article = write("Late")
    opened = form(article)
    desk("writer").post(edit_url(article), {**opened, "body": "The first editor's text"})
    second = desk("reviewer")
    page = second.post(edit_url(article), {**opened, "body": "The second editor's text"})
    assert page.status_code == 409
    assert "The first editor&#x27;s text" in text(page)
    assert "The second editor&#x27;s text" in text(page)
    assert Draft.objects.get(article=article).body == "The first editor's text"
    # Knowing both, the second one saves over the first.
    version = page.context["form"].initial["version"]
    second.post(edit_url(article), {**opened, "body": "Both", "version": version})
    assert Draft.objects.get(article=article).body == "Both"


def test_an_article_moves_to_another_shelf(desk, write, shelf):
    article = write("Late")
    wish = form(article, category=shelf("payments").pk)
    desk("writer").post(edit_url(article), wish)
    article.refresh_from_db()
    assert article.category.key == "delivery", "what customers see at once is the reviewer's to change"
    desk("reviewer").post(edit_url(article), wish)
    article.refresh_from_db()
    assert article.category.key == "payments"


def test_the_preview_is_what_customers_will_see_and_harmless(desk):
    client = desk("writer")
    page = text(client.post(f"{LIST}preview/", {"body": "## Hi\n\n<script>alert(1)</script> *there*"}))
    assert '<h2 id="sec-hi">Hi</h2>' in page
    assert "<em>there</em>" in page
    assert "<script>" not in page


def test_an_article_is_archived_by_a_reviewer_only(desk, write, browser):
    article = write("Late")
    wish = {"leads": "nowhere"}
    assert desk("writer").post(f"{edit_url(article)}archive/", wish).status_code == 403
    assert browser().get("/en/a/late/").status_code == 200
    desk("reviewer").post(f"{edit_url(article)}archive/", wish)
    assert browser().get("/en/a/late/").status_code == 404


def test_an_old_revision_is_copied_into_the_draft_or_shown_again(desk, write, browser):
    article = write("Late", "one")
    publishing.save_draft(article, Text("Late", "", "two"), version=1, by=None)
    publishing.publish(article, by=None)
    url = f"{LIST}{article.pk}/revisions/1/"
    client = desk("reviewer")
    assert "one" in text(client.get(url))
    version = Draft.objects.get(article=article).version
    client.post(url, {"action": "restore", "version": version})
    assert Draft.objects.get(article=article).body == "one"
    assert "two" in text(browser().get("/en/a/late/"))
    client.post(url, {"action": "revert"})
    assert "<p>one</p>" in text(browser().get("/en/a/late/"))


def test_restoring_never_overwrites_a_draft_that_somebody_changed_meanwhile(desk, write):
    article = write("Late", "one")
    publishing.save_draft(article, Text("Late", "", "in the making"), version=1, by=None)
    page = desk("reviewer").post(f"{LIST}{article.pk}/revisions/1/", {"action": "restore", "version": 1}, follow=True)
    assert "left alone" in text(page)
    assert Draft.objects.get(article=article).body == "in the making"


def test_a_writer_cannot_show_an_old_text_again(desk, write):
    article = write("Late", "one")
    publishing.save_draft(article, Text("Late", "", "two"), version=1, by=None)
    publishing.publish(article, by=None)
    desk("writer").post(f"{LIST}{article.pk}/revisions/1/", {"action": "revert"})
    article.refresh_from_db()
    assert article.live_revision.body == "two"


def begin(client, article: Article, **changed):
    return client.post(edit_url(article), form(article, action="test", **changed), follow=True)


def test_save_and_start_makes_a_draft_of_a_test_and_freezes_the_text(desk, write):
    article = write("Late", "Text A")
    client = desk("writer")
    page = begin(client, article, body="Text B")
    experiment = Experiment.objects.get()
    assert page.redirect_chain == [(f"/desk/experiments/{experiment.pk}/texts/", 302)]
    bodies = {variant.key: variant.revision.body for variant in experiment.variants.all()}
    assert bodies == {"a": "Text A", "b": "Text B"}
    assert experiment.variants.get(is_control=True).key == "a"
    assert (experiment.state, experiment.name) == ("draft", "Late")
    assert experiments.live_on(article) is None, "nobody sees it yet"
    assert Draft.objects.get(article=article).body == "Text B"
    assert "Go on planning" in text(client.get(edit_url(article)))


def test_pressing_it_again_leaves_one_test_and_one_text(desk, write):
    article = write("Late", "Text A")
    client = desk("reviewer")
    for _click in range(2):
        begin(client, article, body="Text B")
    assert Experiment.objects.count() == 1
    assert article.revisions.count() == 2


def test_another_draft_becomes_one_more_text_of_the_same_test_up_to_five(desk, write):
    article = write("Late", "Text A")
    client = desk("reviewer")
    for body in ("Text B", "Text C", "Text D", "Text E"):
        page = begin(client, article, body=body)
    assert "The draft is text E of the test" in text(page)
    page = begin(client, article, body="Text F")
    assert "at most 5 texts" in text(page)
    assert Experiment.objects.get().variants.count() == 5
    assert article.revisions.count() == 5, "no text was frozen for a test that has no room"
    assert Draft.objects.get(article=article).body == "Text F", "what was written is saved"


def test_a_test_needs_a_difference_and_a_live_text(desk, write):
    client = desk("reviewer")
    assert "says the same" in text(begin(client, write("Same")))
    assert "Publish the article first" in text(begin(client, write("New", publish=False)))
    assert "is empty" in text(begin(client, write("Empty"), body=" "))
    assert not Experiment.objects.exists()


def test_no_test_is_begun_over_a_draft_that_somebody_else_saved(desk, write):
    article = write("Late", "Text A")
    publishing.save_draft(article, Text("Late", "", "Theirs"), version=1, by=None)
    begin(desk("reviewer"), article, body="Mine", version=1)
    assert not Experiment.objects.exists()


@pytest.mark.parametrize(("state", "says"), [("running", "Its texts are locked"), ("paused", "Its texts are locked")])
def test_the_editor_says_what_runs_and_why_the_text_is_locked(desk, write, state, says):
    article = write("Late", "Text A")
    client = desk("reviewer")
    begin(client, article, body="Text B")
    experiment = Experiment.objects.get()
    experiments.start(experiment, by=None, planned_units=1200)
    if state == "paused":
        experiments.pause(experiment, by=None)
    page = text(client.get(edit_url(article)))
    assert says in page
    assert "0 of the 1,200 that it needs" in page
    assert f"/desk/experiments/{experiment.pk}/" in page
    page = begin(client, article, body="Text C")
    assert "is running on this article" in text(page)


def test_the_editor_asks_for_the_decision_about_a_finished_test(desk, write):
    article = write("Late", "Text A")
    client = desk("reviewer")
    begin(client, article, body="Text B")
    experiment = Experiment.objects.get()
    experiments.start(experiment, by=None)
    experiments.finish(experiment)
    assert "It waits for a decision" in text(client.get(edit_url(article)))


def test_an_analyst_begins_no_test(desk, write):
    assert begin(desk("analyst"), write("Late"), body="Text B").status_code == 403


def test_an_editor_says_who_may_read_an_article(write, desk):
    article = write("Refund limits of the service desk")
    indexing.rebuild()
    assert query.find("refund limits", locale="en").total == 1
    reviewer = desk("reviewer")
    assert reviewer.post(edit_url(article), form(article, visibility="staff")).status_code == 302
    article.refresh_from_db()
    assert article.visibility == "staff"
    assert query.find("refund limits", locale="en").total == 0
    indexing.apply_changes()
    assert query.find("refund limits", locale="en").total == 0
    assert query.find("refund limits", locale="en", is_staff=True).results[0].is_staff_only
    assert "Staff only" in text(reviewer.get(LIST))
    # A form without the field leaves it as it is.
    assert reviewer.post(edit_url(article), form(article)).status_code == 302
    article.refresh_from_db()
    assert article.visibility == "staff"
