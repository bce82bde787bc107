"""Whatever takes a text to customers or away from them asks the search tests before, or tells of them after."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import call_command
from django.db import connection, transaction

from core import clock
from core.models import AuditEntry
from kb import import_runs, importing, pieces, publishing, refilling, schedule, search_alarm, search_tests, tasks
from kb.import_reports import Asked
from kb.models import Article, BulkChange, Category, Plan, RunReason, SearchTest
from kb.publishing import Text
from kb.search import checking, foresight, indexing, query
from tests.kb.conftest import NOW
from tests.kb.test_facts import block, fact

pytestmark = pytest.mark.django_db
LIST = "/desk/articles/"
RIVAL = {"title": "Refund, refund, refund", "summary": "", "body": "Refund refund refund."}


@pytest.fixture
def shop(write) -> dict[str, Article]:
    articles = {"refund": write("When a refund arrives", "We refund you."), "return": write("Return a parcel")}
    indexing.rebuild()
    return articles


@pytest.fixture
def test(shop) -> SearchTest:
    """Passes now; a rival for the first place breaks it, or the end of its article."""
    return search_tests.add(locale="en", query="refund", article=shop["refund"], top=1, by=None)


@pytest.fixture
def bea(staff) -> User:
    user = staff("reviewer")
    User.objects.filter(pk=user.pk).update(email="bea@shop.example.com")
    user.refresh_from_db()
    return user


@pytest.fixture
def desk(client, bea):
    client.force_login(bea)
    return client


def text(answer) -> str:
    return answer.content.decode()


def again(client, asked, test: SearchTest):
    """Press "Do it all the same" on the page that asks."""
    sent = dict(asked.context["kept"])
    return client.post(asked.context["action"], {**sent, "despite_tests": str(test.pk)})


def rival(article: Article, *, by: User | None = None) -> None:
    publishing.save_draft(article, Text(**RIVAL), version=article.draft.version, by=by)


def test_a_new_article_is_kept_as_a_draft_until_the_editor_has_seen_what_fails(shop, test, desk):
    form = {**RIVAL, "category": Category.objects.get().pk, "locale": "en", "action": "publish"}
    asked = desk.post(f"{LIST}new/", form)
    assert asked.status_code == 409
    assert "Publishing this text would break 1 search test" in text(asked)
    made = Article.objects.latest("pk")
    assert (made.state, made.draft.title) == ("draft", RIVAL["title"])
    assert again(desk, asked, test).status_code == 302
    made.refresh_from_db()
    assert made.state == "published"
    assert Article.objects.count() == 3, "the second press makes no second article"


def test_an_earlier_text_is_asked_about_before_it_is_shown_again(shop, test, desk):
    article = shop["return"]
    rival(article)
    publishing.publish(article, by=None)
    old = article.live_revision
    publishing.save_draft(article, Text("Return a parcel", "", "Text."), version=article.draft.version, by=None)
    publishing.publish(article, by=None)
    asked = desk.post(f"{LIST}{article.pk}/revisions/{old.number}/", {"action": "revert"})
    assert asked.status_code == 409
    assert "Showing this text again would break 1 search test" in text(asked)
    assert again(desk, asked, test).status_code == 302
    article.refresh_from_db()
    assert article.live_revision_id == old.pk


def test_archiving_asks_first(shop, test, desk):
    url = f"{LIST}{shop['refund'].pk}/archive/"
    asked = desk.post(url, {"leads": "nowhere"})
    assert asked.status_code == 409
    assert "Archiving would break 1 search test" in text(asked)
    shop["refund"].refresh_from_db()
    assert shop["refund"].state == "published"
    assert checking.check(test).is_passed
    assert again(desk, asked, test).status_code == 302
    shop["refund"].refresh_from_db()
    assert shop["refund"].state == "archived"


def test_archiving_what_no_test_needs_asks_nothing(shop, test, desk):
    assert desk.post(f"{LIST}{shop['return'].pk}/archive/", {"leads": "nowhere"}).status_code == 302


def test_many_at_once_are_foreseen_as_if_archived_one_by_one(shop, write):
    for number in range(3):
        write(f"Refund {number}", "Refund refund.")
    indexing.rebuild()
    tests = [
        search_tests.add(locale="en", query="refund", article=article, top=2, by=None)
        for article in Article.objects.order_by("pk")
        if "efund" in article.draft.title
    ]
    _run, checked = checking.run(why=RunReason.ASKED)
    passed = {each.test.pk for each in checked if each.is_passed}
    gone = [test.article_id for test in tests if test.pk in passed]
    foreseen = foresight.by_archiving(gone)
    for pk in gone:
        publishing.archive(Article.objects.get(pk=pk), by=None)
    indexing.apply_changes()
    fails = {test.pk for test in tests if not checking.check(test).is_passed}
    assert {each.test.pk for each in foreseen.broken} == fails & passed
    assert {each.test.pk for each in foreseen.mended} == {test.pk for test in tests} - fails - passed
    assert fails & passed, "one of those that go was among the first"


def test_the_preview_of_a_bulk_archive_names_the_tests_and_doing_it_needs_no_second_page(shop, test, desk):
    chosen = {"action": "archive", "leads": "nowhere", "article": [shop["refund"].pk, shop["return"].pk]}
    preview = desk.post(f"{LIST}bulk/", chosen, follow=True)
    assert "1 search test that passes now would fail." in text(preview)
    assert "“<bdi>refund</bdi>”" in text(preview)
    url = f"{LIST}bulk/{BulkChange.objects.get().pk}/"
    assert desk.post(url).status_code == 409, "who has not seen it is asked"
    assert Article.objects.published().count() == 2
    assert f'name="despite_tests" value="{test.pk}"' in text(preview)
    assert desk.post(url, {"despite_tests": test.pk}).status_code == 302
    assert not Article.objects.published().exists()


def test_planning_shows_what_would_fail_and_says_what_happens_then(shop, test, desk):
    article = shop["return"]
    rival(article)
    url = f"{LIST}{article.pk}/plan/"
    form = {"kind": "publish", "publish-at": "2026-03-03T09:00", "version": article.draft.version}
    asked = desk.post(url, form)
    assert asked.status_code == 409
    assert "would break 1 search test" in text(asked)
    assert "The plan is carried out at its minute whatever the tests say then" in text(asked)
    assert not Plan.objects.exists()
    assert again(desk, asked, test).status_code == 302
    assert Plan.objects.get().revision.title == RIVAL["title"]
    assert "you and the article" in text(desk.get(url))


def test_planning_the_end_of_an_article_asks_too(shop, test, desk):
    form = {"kind": "archive", "archive-at": "2026-03-03T09:00", "leads": "nowhere"}
    assert desk.post(f"{LIST}{shop['refund'].pk}/plan/", form).status_code == 409
    assert not Plan.objects.exists()


def test_a_plan_that_breaks_a_test_is_carried_out_and_told_to_its_people(
    shop, test, bea, mails, django_user_model, django_capture_on_commit_callbacks
):
    owner = django_user_model.objects.create_user("olga", "olga@shop.example.com", is_staff=True)
    article = shop["return"]
    Article.objects.filter(pk=article.pk).update(owner=owner)
    rival(article, by=bea)
    nine = NOW + timedelta(days=1)
    schedule.plan_publication(article, by=bea, at=nine, now=NOW)
    search_alarm.run()
    with clock.frozen(nine + timedelta(seconds=5)):
        schedule.do_planned(now=clock.now())
        indexing.apply_changes()
    with clock.frozen(nine + timedelta(seconds=25)), django_capture_on_commit_callbacks(execute=True):
        assert search_alarm.run().failing == 1
    article.refresh_from_db()
    assert article.live_revision.title == RIVAL["title"]
    assert {address for one in mails.outbox for address in one.to} == {"bea@shop.example.com", "olga@shop.example.com"}
    told = mails.outbox[0]
    assert told.subject == "1 search test fails since “Refund, refund, refund” was published"
    assert "“refund” (en): “When a refund arrives” is at place 2; wanted: 1" in told.body
    assert AuditEntry.objects.filter(action="search_test.broken_by_plan").count() == 1
    with clock.frozen(nine + timedelta(days=1)), django_capture_on_commit_callbacks(execute=True):
        search_alarm.run()
    assert len(mails.outbox) == 2, "it is told once"


def test_a_test_that_fails_without_any_plan_is_told_to_nobody_by_mail(
    shop, test, bea, mails, django_capture_on_commit_callbacks
):
    search_alarm.run()
    rival(shop["return"], by=bea)
    publishing.publish(shop["return"], by=None)
    indexing.apply_changes()
    with clock.frozen(NOW + timedelta(hours=1)), django_capture_on_commit_callbacks(execute=True):
        assert search_alarm.run().failing == 1
    assert mails.outbox == []


@pytest.fixture
def mails(settings, monkeypatch):
    """What is sent, at once."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    monkeypatch.setattr(tasks.mail_to_desk, "delay", tasks.mail_to_desk)
    return mail


@pytest.fixture
def file(tmp_path, shop):
    rows = [{"id": str(number), "category": "delivery", **RIVAL, "title": f"{RIVAL['title']} {number}"} for number in
            range(3)]  # fmt: skip
    path = tmp_path / "rivals.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def test_a_dry_run_names_the_tests_that_would_fail_and_changes_nothing(test, file, desk):
    kept = import_runs.store("rivals.jsonl", [file.read_bytes()])
    run = import_runs.ask(kept, Asked(is_dry=True), enqueue=lambda _id: None)
    import_runs.work(run.pk, enqueue=lambda _id: None)
    run.refresh_from_db()
    assert [(one["query"], one["now"], one["then"]) for one in run.search_tests["broken"]] == [("refund", 1, 4)]
    assert Article.objects.count() == 2
    assert query.find("refund", locale="en").total == 1
    page = text(desk.get(f"{LIST}port/{run.pk}/"))
    assert "1 search test that passes now would fail" in page
    assert "now place 1, must be the first; then place 4." in page
    importing.run(file)
    assert checking.check(test).position == 4, "as it was foreseen"


def test_the_command_names_them_too(test, file, capsys):
    call_command("import_articles", str(file), "--dry-run")
    assert "search test “refund” (en) would fail" in capsys.readouterr().err


def test_an_import_that_breaks_nothing_says_so_and_one_that_takes_too_long_says_why(test, file, tmp_path, monkeypatch):
    harmless = tmp_path / "harmless.jsonl"
    harmless.write_text(json.dumps({"id": "1", "title": "Gift cards", "category": "delivery", "body": "Cards."}))
    run, _report = import_runs.run_here(harmless, Asked(is_dry=True))
    assert (run.search_tests["broken"], run.search_tests["tried"], run.search_tests["of"]) == ([], 1, 1)
    monkeypatch.setattr("kb.import_foresight.MOST_SECONDS", -1.0)
    run, _report = import_runs.run_here(file, Asked(is_dry=True))
    assert "too large to try it out" in run.search_tests["why"]
    assert Article.objects.count() == 2


def saved(client, url: str, **fields: str):
    """The form of a fact or a block: what would change, then saved."""
    shown = client.post(url, {**fields, "action": "preview"})
    signed = {"previewed": shown.context["previewed"], "seen": shown.context["seen"]}
    return client.post(url, {**fields, **signed, "action": "save"})


def test_a_block_is_not_changed_until_the_editor_has_seen_which_test_fails(shop, desk, write):
    note = block("note", "Call us.")
    many = [write(f"Parcel {number}", "{{block:note}}") for number in range(3)]
    costs = write("Costs", "Whoever sends a parcel back has paid the postage, and we pay that when it is here.")
    indexing.rebuild()
    test = search_tests.add(locale="en", query="postage", article=costs, top=1, by=None)
    filled = {"name": "Note", "value_all": "Postage, postage, postage."}
    asked = saved(desk, "/desk/blocks/note/", **filled)
    assert asked.status_code == 409
    assert "This change would break 1 search test" in text(asked)
    assert pieces.newest(note) == note.versions.get().pk, "nothing has changed"
    assert checking.check(test).is_passed
    assert [article.revisions.count() for article in many] == [1, 1, 1]
    assert again(desk, asked, test).status_code == 302
    refilling.run()
    assert [article.revisions.count() for article in many] == [2, 2, 2]


def test_a_fact_that_no_test_can_mind_is_changed_at_once(shop, test, desk, write, django_assert_max_num_queries):
    window = fact("return-window", "30 days")
    write("Window", "Within {{fact:return-window}}.")
    with django_assert_max_num_queries(90):
        assert saved(desk, "/desk/facts/return-window/", name="Window", value_all="45 days").status_code == 302
    assert window.versions.count() == 2


@pytest.mark.django_db(transaction=True)
def test_foreseeing_what_archiving_does_locks_no_row(write, monkeypatch):
    gone = [write(f"Refund {number}", "Refund refund.") for number in range(3)]
    stays = write("When a refund arrives", "We refund you.")
    indexing.rebuild()
    search_tests.add(locale="en", query="refund 1", article=gone[1], top=1, by=None)
    search_tests.add(locale="en", query="when a refund arrives", article=stays, top=1, by=None)
    really, free = checking.check, []

    def nobody_waits() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            for table, column in foresight._OF_ARTICLES.items():
                cursor.execute(f"SELECT FROM {table} WHERE {column} = ANY(%s) FOR UPDATE NOWAIT", [ids])
                free.append(cursor.rowcount)
        connection.close()

    def check(asked):
        other = threading.Thread(target=nobody_waits)
        other.start()
        other.join()
        return really(asked)

    ids = [article.pk for article in gone]
    monkeypatch.setattr(checking, "check", check)
    foreseen = foresight.by_archiving(ids)
    assert [each.test.query for each in foreseen.broken] == ["refund 1"]
    assert foreseen.tried == 2
    assert free, "others could lock every row meanwhile"
    assert all(free)
    assert Article.objects.published().count() == 4, "nothing is left in the way of the tables"
