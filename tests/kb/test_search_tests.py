"""Search tests: kept, run, and asked before something goes live."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from core import clock
from core.models import AuditEntry
from core.roles import ANALYST, REVIEWER, WRITER
from kb import publishing, search_tests
from kb.models import Article, Placement, RunReason, SearchTest, SearchTestOutcome, SearchTestRun, Synonym
from kb.publishing import Text
from kb.search import checking, foresight, indexing, query, tuning
from tests.kb.conftest import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(write) -> dict[str, Article]:
    articles = {
        "refund": write("When a refund arrives", "We refund you within five days."),
        "return": write("Return a parcel", "Pack it, print the label, send it back."),
        "voucher": write("Use a voucher", "Type the voucher at the till."),
    }
    indexing.rebuild()
    return articles


@pytest.fixture
def desk(client, staff):
    def sign_in(role: str):
        client.force_login(staff(role))
        return client

    return sign_in


def demand(article: Article, text: str, **more) -> SearchTest:
    return search_tests.add(locale=article.locale, query=text, article=article, by=None, **more)


def page_of(response) -> str:
    return response.content.decode()


def test_a_test_passes_where_its_article_is_high_enough_and_says_where_it_stands(shop):
    good, bad = demand(shop["refund"], "refund"), demand(shop["return"], "refund")
    run, checked = checking.run(why=RunReason.ASKED)
    assert [(each.test.pk, each.position, each.is_passed) for each in checked] == [
        (good.pk, 1, True),
        (bad.pk, None, False),
    ]
    assert (run.tests, run.failing, run.at) == (2, 1, NOW)
    assert checking.failing() == [bad]


def test_only_what_changed_is_kept_and_since_when(shop):
    test = demand(shop["return"], "refund")
    for hours in range(3):
        with clock.frozen(NOW + timedelta(hours=hours)):
            checking.run(why=RunReason.NIGHTLY)
    assert SearchTestRun.objects.count() == 3
    assert SearchTestOutcome.objects.count() == 1
    tuning.place(kind="pin", locale="en", query="refund", article_id=shop["return"].pk, by=None)
    with clock.frozen(NOW + timedelta(hours=4)):
        checking.run(why=RunReason.CHANGE)
    standing = checking.standings([test.pk])[test.pk]
    assert (standing.is_passed, standing.position, standing.since) == (True, 1, NOW + timedelta(hours=4))


def test_tests_run_after_a_change_and_once_a_night_and_not_else(shop):
    demand(shop["refund"], "refund")
    assert checking.run_if_due().why == RunReason.CHANGE
    assert checking.run_if_due() is None
    tuning.add_synonym(locale="en", words="coupon", means="voucher", by=None)
    assert checking.run_if_due().why == RunReason.CHANGE
    publishing.save_draft(shop["return"], Text("Return a parcel", "", "Another text."), version=1, by=None)
    assert checking.run_if_due() is None, "a draft changes nothing"
    publishing.publish(shop["return"], by=None, ring=False)
    assert checking.run_if_due() is None, "the index has not got the text yet"
    indexing.apply_changes()
    assert checking.run_if_due().why == RunReason.CHANGE
    assert checking.run_if_due() is None
    with clock.frozen(NOW + timedelta(hours=24)):
        assert checking.run_if_due().why == RunReason.NIGHTLY
        assert checking.run_if_due() is None


def test_what_a_synonym_would_break_is_known_and_nothing_is_changed(shop):
    demand(shop["voucher"], "code", top=1)
    tuning.add_synonym(locale="en", words="code", means="voucher", by=None)
    demand(shop["return"], "label")
    foreseen = foresight.by_tuning(lambda: tuning.remove_synonym(Synonym.objects.get().pk), locale="en")
    assert [(each.test.query, each.now.position, each.then.position) for each in foreseen.broken] == [("code", 1, None)]
    assert (foreseen.tried, foreseen.of) == (2, 2)
    assert Synonym.objects.count() == 1
    assert not AuditEntry.objects.filter(action="synonym.removed").exists()
    assert query.find("code", locale="en").results, "customers still find it"


def test_what_a_publication_would_break_is_known_and_nothing_is_changed(shop):
    test = demand(shop["refund"], "refund", top=1)
    other = shop["return"]
    publishing.save_draft(other, Text("Refund, refund, refund", "", "Refund refund refund."), version=1, by=None)
    version = Article.objects.get(pk=other.pk).version
    foreseen = foresight.by_publishing(Article.objects.select_related("draft").get(pk=other.pk), by=None)
    assert [(each.test, each.now.position, each.then.position) for each in foreseen.broken] == [(test, 1, 2)]
    assert foreseen.broken[0].then.answers[0].title == "Refund, refund, refund"
    fresh = Article.objects.select_related("live_revision").get(pk=other.pk)
    assert (fresh.version, fresh.live_revision.title, fresh.revisions.count()) == (version, "Return a parcel", 1)
    indexing.apply_changes()
    assert query.find("refund", locale="en").results[0].article_id == shop["refund"].pk
    # What was read inside must not stay with the engine that others ask.
    assert checking.check(test).position == 1


def test_a_new_text_of_its_own_article_is_foreseen_too(shop):
    demand(shop["refund"], "refund")
    publishing.save_draft(shop["refund"], Text("Money back", "", "Within five days."), version=1, by=None)
    article = Article.objects.select_related("draft", "live_revision").get(pk=shop["refund"].pk)
    assert len(foresight.by_publishing(article, by=None).broken) == 1


def test_the_desk_asks_before_a_synonym_goes_live(shop, desk):
    tuning.place(kind="pin", locale="en", query="cash", article_id=shop["voucher"].pk, by=None)
    demand(shop["voucher"], "cash", top=1)
    client = desk(REVIEWER)
    pin = Placement.objects.get()
    given = {"query": "cash", "locale": "en"}
    asked = client.post(reverse("desk:search-placement-remove", args=[pin.pk]), given)
    assert asked.status_code == 409
    page = page_of(asked)
    assert "would break 1 search test" in page
    assert "Use a voucher" in page
    assert Placement.objects.exists()
    seen = {**given, "despite_tests": str(SearchTest.objects.get().pk)}
    assert client.post(reverse("desk:search-placement-remove", args=[pin.pk]), seen).status_code == 302
    assert not Placement.objects.exists()
    assert AuditEntry.objects.filter(action="placement.removed", by__username=REVIEWER).exists()


def test_the_preview_of_a_synonym_names_the_tests_that_would_fail(shop, desk):
    demand(shop["refund"], "refund", top=1)
    given = {"locale": "en", "words": "five days", "means": "refund"}
    page = page_of(desk(REVIEWER).get(reverse("desk:search-synonym-preview"), given))
    assert "The 1 search test of this language would come out as well as now." in page


def test_the_desk_asks_before_a_text_goes_live_and_publishes_all_the_same(shop, desk):
    test = demand(shop["refund"], "refund", top=1)
    client, other = desk(REVIEWER), shop["return"]
    form = {
        "title": "Refund, refund, refund", "summary": "", "body": "Refund refund refund.", "version": 1,
        "category": other.category_id, "action": "publish", "is_major": "on",
    }  # fmt: skip
    url = reverse("desk:article-edit", args=[other.pk])
    asked = client.post(url, form)
    assert asked.status_code == 409
    page = page_of(asked)
    assert 'name="is_major" value="on"' in page
    assert "Publishing this text would break 1 search test" in page
    other.refresh_from_db()
    assert other.live_revision.title == "Return a parcel"
    assert client.post(url, {**form, "despite_tests": str(test.pk)}).status_code == 302
    other.refresh_from_db()
    assert other.live_revision.title == "Refund, refund, refund"
    assert other.live_revision.is_major


def test_a_test_is_added_changed_and_removed_on_the_desk_and_audited(shop, desk):
    client = desk(REVIEWER)
    given = {"locale": "en", "query": "refund", "article": "when-a-refund-arrives", "top": 3, "note": "most asked"}
    answer = client.post(reverse("desk:search-tests"), given, follow=True)
    assert "it passes: place 1" in page_of(answer)
    test = SearchTest.objects.get()
    again = client.post(reverse("desk:search-tests"), given)
    assert again.status_code == 422
    assert "such a test already" in page_of(again)
    url = reverse("desk:search-test", args=[test.pk])
    changed = client.post(url, {**given, "article": "return a parcel"}, follow=True)
    assert "it fails now" in page_of(changed)
    assert "Failed: not in the first ten" in page_of(client.get(url))
    assert "1 search test fails" in page_of(client.get(reverse("desk:search")))
    client.post(reverse("desk:search-test-remove", args=[test.pk]))
    assert not checking.current().exists()
    assert SearchTestOutcome.objects.filter(test=test).exists(), "its history stays"
    told = AuditEntry.objects.filter(action__startswith="search_test.").order_by("pk")
    actions = list(told.values_list("action", flat=True))
    assert actions == ["search_test.added", "search_test.changed", "search_test.removed"]


def test_others_read_the_tests_and_change_none(shop, desk):
    demand(shop["refund"], "refund")
    for role in (WRITER, ANALYST):
        client = desk(role)
        assert "refund" in page_of(client.get(reverse("desk:search-tests")))
        client.post(
            reverse("desk:search-tests"), {"locale": "en", "query": "x", "article": "return-a-parcel", "top": 1}
        )
        assert client.post(reverse("desk:search-tests-import"), {"lines": "x"}).status_code == 403
    assert SearchTest.objects.count() == 1


def test_lines_go_out_and_come_in_again_and_a_broken_one_stops_no_other(shop):
    demand(shop["refund"], "refund, please", note="a, b")
    lines = "".join(search_tests.export_lines(checking.current()))
    assert lines == 'locale,query,article,top,note\nen,"refund, please",when-a-refund-arrives,3,"a, b"\n'
    done = search_tests.import_lines(
        lines
        + "en,label,return-a-parcel\n"
        + "en,label,no such thing\n"
        + "xx,label,return-a-parcel\n"
        + "en,label,return-a-parcel,eleven\n"
        + "en,voucher,Use a voucher,99\n"
        + "en,just two\n"
        + "en,code,a,1\n",
        by=None,
    )
    assert (done.added, done.same) == (1, 1)
    assert [number for number, _why in done.errors] == [4, 5, 6, 7, 8, 9]
    assert "no such thing" in done.errors[0][1]
    assert "Several titles fit “a”" in done.errors[-1][1]


def test_the_command_fails_where_a_test_does(shop, capsys):
    call_command("search_tests")
    assert "0 of 0" in capsys.readouterr().out
    demand(shop["refund"], "refund")
    call_command("search_tests", "--json")
    assert json.loads(capsys.readouterr().out)["results"][0]["passed"]
    demand(shop["return"], "refund")
    with pytest.raises(CommandError, match="1 of 2 search tests fail") as failed:
        call_command("search_tests", "--locale", "en")
    assert failed.value.returncode == 1
    assert "return-a-parcel is not among the first ten" in capsys.readouterr().out


def test_an_unpublished_article_fails_its_test(shop):
    test = demand(shop["refund"], "refund")
    publishing.archive(shop["refund"], by=None)
    assert not checking.check(test).is_passed


def test_only_tests_that_a_change_can_touch_are_asked_and_the_others_count_as_tried(shop, monkeypatch):
    for word in ("refund", "label", "vouchre", "parcel back"):
        demand(shop["refund"], word)
    asked = []
    monkeypatch.setattr(foresight.checking, "check", lambda test: asked.append(test.query) or _checked(test))
    foreseen = foresight.by_tuning(
        lambda: tuning.add_synonym(locale="en", words="voucher", means="refund", by=None), locale="en"
    )
    assert set(asked) == {"refund", "vouchre"}, "a mistyped word is what was meant"
    assert (foreseen.tried, foreseen.of) == (4, 4)
    asked.clear()
    foresight.by_tuning(
        lambda: tuning.place(kind="pin", locale="en", query="labels", article_id=shop["return"].pk, by=None),
        locale="en",
    )
    assert set(asked) == {"label"}


def _checked(test: SearchTest) -> checking.Checked:
    return checking.Checked(test, 1, (), "x")
