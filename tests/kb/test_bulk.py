"""One action for many articles: planned, shown, done article by article."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock
from core.models import AuditEntry
from kb import bulk, experiments, publishing
from kb.models import Article, BulkChange, BulkOutcome, Experiment
from kb.publishing import Text

pytestmark = pytest.mark.django_db
LIST = "/desk/articles/"


@pytest.fixture
def desk(browser, staff):
    def sign_in(role: str):
        client = browser()
        client.user = staff(role)
        client.force_login(client.user)
        return client

    return sign_in


def plan(client, action: str, *articles: Article, **given):
    chosen = {"action": action, "leads": "nowhere", "article": [article.pk for article in articles], **given}
    return client.post(f"{LIST}bulk/", chosen, follow=True)


def carry_out(client):
    change = BulkChange.objects.get(state="planned")
    return client.post(f"{LIST}bulk/{change.pk}/", follow=True)


def text(page) -> str:
    return page.content.decode()


def test_the_preview_says_what_would_happen_and_does_nothing(desk, write):
    late, old = write("Late"), write("Old")
    publishing.archive(old, by=None)
    page = plan(desk("reviewer"), "archive", late, old)
    assert "1 article will be changed." in text(page)
    assert "It is archived already." in text(page)
    assert "Do it: change 1 article" in text(page)
    late.refresh_from_db()
    assert late.state == "published"


def test_what_was_previewed_is_done_and_each_article_is_in_the_audit_log(desk, write):
    client = desk("reviewer")
    articles = [write("One"), write("Two")]
    plan(client, "archive", *articles)
    page = carry_out(client)
    assert "2 articles changed." in text(page)
    assert {article.state for article in Article.objects.all()} == {"archived"}
    entries = AuditEntry.objects.filter(action="article.archived", by=client.user)
    assert {entry.target_id for entry in entries} == {str(article.pk) for article in articles}
    whole = AuditEntry.objects.get(action="articles.archive_bulk")
    assert whole.detail == {"done": 2, "skipped": 0, "all": 2}


def test_the_preview_warns_of_links_and_tests_that_archiving_ends(desk, write):
    late = write("Late")
    write("Guide", "[late](article:late)")
    publishing.save_draft(late, Text("Late", "", "B"), version=1, by=None)
    challenger = publishing.freeze(late, by=None)
    experiment = experiments.create(
        late,
        name="t",
        control=experiments.Arm("a", late.live_revision),
        others=[experiments.Arm("b", challenger)],
        by=None,
    )
    experiments.start(experiment, by=None)
    client = desk("reviewer")
    page = text(plan(client, "archive", late))
    assert "Other articles link to it" in page
    assert "The test that runs on it stops." in page
    carry_out(client)
    assert Experiment.objects.get().state == "stopped"


def test_a_writer_archives_nothing_and_moves_only_what_customers_do_not_see(desk, write, shelf):
    live, draft = write("Live"), write("Draft", publish=False)
    client = desk("writer")
    assert "Only a reviewer may archive" in text(plan(client, "archive", live))
    page = plan(client, "category", live, draft, to_category=shelf("payments").pk)
    assert "only a reviewer may move a published article" in text(page)
    carry_out(client)
    assert {article.title: article.category.key for article in _with_titles()} == {
        "Live": "delivery",
        "Draft": "payments",
    }


def _with_titles() -> list[Article]:
    rows = list(Article.objects.select_related("draft", "category"))
    for row in rows:
        row.title = row.draft.title
    return rows


def test_owners_and_dates_are_set_and_what_has_them_is_left_alone(desk, write, staff):
    one, two = write("One"), write("Two")
    client = desk("writer")
    boss = staff("admin")
    plan(client, "owner", one, two, to_owner=boss.pk)
    carry_out(client)
    assert set(Article.objects.values_list("owner__username", flat=True)) == {"admin"}
    assert "It is theirs already." in text(plan(client, "owner", one, to_owner=boss.pk))
    plan(client, "review", one, to_date="2026-06-01")
    BulkChange.objects.filter(action="owner", state="planned").delete()
    carry_out(client)
    one.refresh_from_db()
    assert str(one.review_by) == "2026-06-01"
    entry = AuditEntry.objects.get(action="article.review_date_set")
    assert (entry.target_id, entry.detail) == (str(one.pk), {"to": "2026-06-01"})
    assert AuditEntry.objects.filter(action="article.owner_changed").count() == 2


@pytest.mark.parametrize(
    ("action", "given", "said"),
    [
        ("explode", {}, "Choose what to do"),
        ("category", {}, "Choose the category"),
        ("category", {"to_category": "99999"}, "This category is no more"),
        ("owner", {"to_owner": "99999"}, "no longer on the desk"),
        ("owner", {}, "Choose who becomes the owner"),
        ("review", {"to_date": "soon"}, "This is no day"),
        ("review", {"to_date": "2020-01-01"}, "This day is over"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_to_do(desk, write, action, given, said):
    page = plan(desk("reviewer"), action, write("Late"), **given)
    assert said in text(page)
    assert not BulkChange.objects.exists()


def test_nothing_chosen_is_refused_and_the_filters_stay(desk, write):
    page = plan(desk("reviewer"), "archive", filters="q=late")
    assert "Choose at least one article" in text(page)
    assert page.request["QUERY_STRING"] == "q=late"


def test_all_that_match_are_taken_not_only_the_page_in_sight(desk, write):
    for number in range(60):
        write(f"Late {number}")
    write("Other")
    client = desk("reviewer")
    page = plan(client, "owner", scope="every", filters="q=late&page=2", to_owner=client.user.pk)
    assert "60 articles will be changed." in text(page)
    assert page.context["steps"].paginator.count == 60


def test_what_joined_the_list_after_the_preview_is_not_touched(desk, write):
    client = desk("reviewer")
    plan(client, "archive", write("Late one"), scope="every", filters="q=late")
    write("Late two")
    carry_out(client)
    assert dict(Article.objects.values_list("slug", "state")) == {"late-one": "archived", "late-two": "published"}


def test_what_changed_after_the_preview_is_left_alone_with_the_reason(desk, write):
    one, two = write("One"), write("Two")
    client = desk("reviewer")
    plan(client, "archive", one, two)
    publishing.archive(one, by=None)
    page = carry_out(client)
    assert "1 article changed." in text(page)
    assert "It is archived already." in text(page)


def test_carrying_it_out_twice_does_it_once(desk, write):
    client = desk("reviewer")
    plan(client, "archive", write("One"))
    change = BulkChange.objects.get()
    for _press in range(2):
        client.post(f"{LIST}bulk/{change.pk}/", follow=True)
    assert AuditEntry.objects.filter(action="article.archived").count() == 1
    assert BulkOutcome.objects.count() == 1


def test_one_that_is_refused_by_the_database_stops_no_other(desk, write, monkeypatch):
    one, two, three = write("One"), write("Two"), write("Three")
    real = publishing.archive

    def fails_for_two(article, **given):
        if article.pk == two.pk:
            raise publishing.NotAllowed("Not this one.")
        real(article, **given)

    monkeypatch.setattr(publishing, "archive", fails_for_two)
    client = desk("reviewer")
    plan(client, "archive", one, two, three)
    page = carry_out(client)
    assert "2 articles changed." in text(page)
    assert "Not this one." in text(page)
    assert dict(Article.objects.values_list("pk", "state"))[two.pk] == "published"


def test_a_long_change_is_done_beside_and_goes_on_where_it_was_cut_short(desk, write):
    articles = [write(f"Late {number}") for number in range(bulk.AT_ONCE + 1)]
    client = desk("reviewer")
    plan(client, "owner", *articles, to_owner=client.user.pk)
    page = carry_out(client)
    assert "At work: 0 of 51" in text(page)
    change = BulkChange.objects.get()
    # Two were done when the worker was killed.
    for article in articles[:2]:
        bulk._one(change, bulk.wish_of(change), article.pk)
    bulk.work()
    page = client.get(f"{LIST}bulk/{change.pk}/", headers={"HX-Request": "true"})
    assert "51 articles changed." in text(page)
    assert "<h1>" not in text(page)
    assert AuditEntry.objects.filter(action="article.owner_changed").count() == 51


def test_nobody_else_sees_or_carries_out_my_plan(desk, write):
    plan(desk("reviewer"), "archive", write("One"))
    change = BulkChange.objects.get()
    other = desk("admin")
    assert other.get(f"{LIST}bulk/{change.pk}/").status_code == 404
    other.post(f"{LIST}bulk/{change.pk}/")
    assert Article.objects.get().state == "published"


def test_a_plan_that_nobody_carried_out_is_thrown_away(desk, write):
    client = desk("reviewer")
    article = write("One")
    plan(client, "archive", article)
    BulkChange.objects.update(made_at=clock.now() - timedelta(days=2))
    plan(client, "archive", article)
    assert BulkChange.objects.count() == 1


def test_archiving_asks_what_readers_find_at_the_addresses(desk, write):
    client = desk("reviewer")
    page = plan(client, "archive", write("Late"), leads="")
    assert "Choose what readers find at the addresses of the archived articles." in text(page)
    page = plan(client, "archive", Article.objects.get(), leads="article", to_article="nothing like it")
    assert "No published article has the title or address “nothing like it”." in text(page)
    assert not BulkChange.objects.exists()


def test_readers_of_all_are_led_to_one_article_in_their_language(desk, write, browser):
    one, two, target = write("One"), write("Dos", locale="es"), write("Answer")
    guide = write("Guide", "[x](article:one)")
    answer_es = write("Respuesta", locale="es", translation_group=target.translation_group)
    client = desk("reviewer")
    page = plan(client, "archive", one, two, target, leads="article", to_article="answer")
    assert "Archive, and lead readers to “Answer”" in text(page)
    assert "Its readers are led to “Answer”." in text(page)
    assert "Its readers are led to “Respuesta”." in text(page)
    assert "Other articles link to it: their readers are led on." in text(page)
    assert "The readers of the others are led to it: it stays." in text(page)
    carry_out(client)
    leads = dict(Article.objects.filter(state="archived").values_list("pk", "leads_to"))
    assert leads == {one.pk: target.pk, two.pk: answer_es.pk}
    assert browser().get("/en/a/one/").headers["Location"] == "/en/a/answer/"
    assert guide.links.get().state == "moved", "no broken link"


def test_each_may_lead_to_the_category_it_stood_in(desk, write, browser):
    client = desk("reviewer")
    page = plan(client, "archive", write("One"), write("Two", on="returns"), leads="category")
    assert "Its readers are led to the category." in text(page)
    carry_out(client)
    keys = dict(Article.objects.values_list("slug", "leads_to_category__key"))
    assert keys == {"one": "delivery", "two": "returns"}
    assert browser().get("/en/a/two/").status_code == 301


def test_where_the_target_goes_while_it_runs_the_rest_stays_and_says_why(desk, write):
    articles = [write(f"Late {number}") for number in range(bulk.AT_ONCE + 1)]
    target = write("Answer")
    client = desk("reviewer")
    plan(client, "archive", *articles, leads="article", to_article="answer")
    carry_out(client)
    publishing.archive(target, by=None)
    bulk.work()
    change = BulkChange.objects.get()
    assert (change.state, bulk.progress(change)["skipped"]) == ("done", 51)
    assert "is not published any more" in change.outcomes.first().why_not
    assert Article.objects.published().count() == 51


def test_the_field_offers_articles_as_one_types(desk, write):
    write("Answer")
    client = desk("reviewer")
    assert "Answer" in text(client.get(f"{LIST}bulk/targets/?to_article=answ"))
    assert client.get(f"{LIST}bulk/targets/?to_article=%00").status_code == 200
