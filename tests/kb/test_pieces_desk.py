"""The desk's pages of facts and blocks, and what the editor's page shows of them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from core import clock
from kb import facts, pieces, refilling
from kb.models import Article, Draft, Piece
from tests.kb.conftest import NOW
from tests.kb.test_facts import block, change, fact

pytestmark = pytest.mark.django_db

FACT = "/desk/facts/return-window/"


@pytest.fixture
def desk(staff):
    def make(role: str = "reviewer") -> Client:
        client = Client()
        client.force_login(staff(role))
        return client

    return make


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found
    return found[1]


def form(client: Client, **fields: str) -> dict[str, str]:
    page = client.get(FACT).content.decode()
    return {"name": "Return window", "seen": hidden(page, "seen"), **fields}


def test_the_list_tells_what_each_says_now_and_later_and_where(desk, write):
    window = fact("return-window", "30 days")
    write("A", "{{fact:return-window}}")
    change(window, "45 days", at=NOW + timedelta(days=3))
    page = desk("writer").get("/desk/facts/").content.decode()
    assert "{{fact:return-window}}" in page
    assert "30 days" in page
    assert "5 Mar 2026, 10:00" in page
    assert "45 days" in page
    assert "New fact" not in page


@pytest.mark.parametrize("sort", ["facts", "blocks"])
def test_the_list_costs_the_same_queries_however_many_there_are(desk, django_assert_max_num_queries, sort):
    for number in range(30):
        fact(f"f-{number}", "30 days")
        block(f"b-{number}", "Text")
    client = desk()
    with django_assert_max_num_queries(8):
        client.get(f"/desk/{sort}/")


def test_an_editor_makes_a_fact_and_a_block(desk):
    client = desk()
    assert "Length of time" in client.get("/desk/facts/new/").content.decode()
    bad = client.post("/desk/facts/new/?kind=duration", {"name": "Window", "key": "window", "value_all": "soon"})
    assert bad.status_code == 422
    assert "Write a number and a unit" in bad.content.decode()
    good = {"name": "Window", "key": "window", "value_all": "30 days", "value_es": "4 weeks"}
    assert client.post("/desk/facts/new/?kind=duration", good).status_code == 302
    assert facts.value("window", "en") == "30 days"
    assert facts.value("window", "es") == "4 semanas"
    note = {"name": "Note", "key": "note", "value_all": "> In {{fact:window}}."}
    assert client.post("/desk/blocks/new/", note).status_code == 302
    assert Piece.objects.get(sort="block", key="note").kind == "markdown"


@pytest.mark.parametrize("role", ["writer", "analyst", "ops"])
def test_others_read_and_change_nothing(desk, role):
    window = fact("return-window", "30 days")
    client = desk(role)
    assert "Reviewers can change it" in client.get(FACT).content.decode()
    client.post(FACT, {"name": "X", "value_all": "45 days", "action": "save", "seen": pieces.newest(window)})
    assert client.post("/desk/facts/new/?kind=duration", {}).status_code == 403
    assert client.post(f"{FACT}archive/").status_code == 403
    assert facts.value("return-window", "en") == "30 days"
    window.refresh_from_db()
    assert window.archived_at is None


def test_a_change_is_previewed_then_saved(desk, write):
    fact("return-window", "30 days")
    article = write("Sending back", "You have {{fact:return-window}}.")
    client = desk()
    wanted = form(client, value_all="45 days", action="preview")
    shown = client.post(FACT, wanted).content.decode()
    assert "You have 30 days." in shown
    assert "You have 45 days." in shown
    assert facts.value("return-window", "en") == "30 days"
    saved = client.post(FACT, {**wanted, "action": "save", "previewed": hidden(shown, "previewed")}, follow=True)
    assert "The articles that use it follow now" in saved.content.decode()
    assert "0 of 1 texts" in saved.content.decode()
    refilling.run()
    assert "1 live text says it as it is now" in client.get(f"{FACT}progress/").content.decode()
    assert Article.objects.get(pk=article.pk).live_revision.text == "You have 45 days."


def test_what_was_changed_after_the_preview_is_previewed_again(desk):
    fact("return-window", "30 days")
    client = desk()
    wanted = form(client, value_all="45 days", action="preview")
    sign = hidden(client.post(FACT, wanted).content.decode(), "previewed")
    again = client.post(FACT, {**wanted, "value_all": "60 days", "action": "save", "previewed": sign})
    assert "What would change" in again.content.decode()
    assert facts.value("return-window", "en") == "30 days"


def test_a_second_editor_is_told_and_keeps_what_was_typed(desk):
    window = fact("return-window", "30 days")
    client = desk()
    wanted = form(client, value_all="60 days", action="preview")
    sign = hidden(client.post(FACT, wanted).content.decode(), "previewed")
    change(window, "45 days")
    answer = client.post(FACT, {**wanted, "action": "save", "previewed": sign})
    assert answer.status_code == 409
    assert "Somebody else changed it" in answer.content.decode()
    assert 'value="60 days"' in answer.content.decode()
    assert facts.value("return-window", "en") == "45 days"


def test_a_scheduled_change_is_shown_and_taken_back(desk):
    window = fact("return-window", "30 days")
    client = desk()
    wanted = form(client, value_all="45 days", effective_at="2026-12-01T00:00", action="preview")
    sign = hidden(client.post(FACT, wanted).content.decode(), "previewed")
    page = client.post(FACT, {**wanted, "action": "save", "previewed": sign}, follow=True).content.decode()
    assert "A change is scheduled for 1 December 2026, 00:00" in page
    client.post(f"{FACT}{window.versions.first().pk}/withdraw/")
    with clock.frozen(NOW + timedelta(days=400)):
        assert facts.value("return-window", "en") == "30 days"


def test_taking_a_used_one_out_of_use_is_refused_with_the_list(desk, write):
    fact("return-window", "30 days")
    write("Sending back", "{{fact:return-window}}")
    answer = desk().post(f"{FACT}archive/", {"action": "archive"})
    assert answer.status_code == 409
    assert "It is used in 1 places, so it stays" in answer.content.decode()
    assert "Sending back" in answer.content.decode()


def test_the_editors_page_shows_the_values_and_what_can_be_inserted(desk, write):
    window = fact("return-window", "30 days")
    fact("free-delivery", "£50", kind="money")
    article = write("A", "You have {{fact:return-window}}.", locale="es")
    change(window, "45 days", at=NOW + timedelta(days=3))
    page = desk("writer").get(f"/desk/articles/{article.pk}/").content.decode()
    shown = desk("reviewer").post("/desk/articles/preview/?locale=es", {"body": "You have {{fact:return-window}}."})
    assert "You have 30 días." in shown.content.decode()
    assert "Return window changes by itself on 5 March 2026, 10:00: 30 días → 45 días." in page
    assert "{{fact:free-delivery}}" in page


def test_facts_add_one_query_to_the_editors_page(desk, write, django_assert_max_num_queries):
    fact("return-window", "30 days")
    block("returns", "In {{fact:return-window}}.")
    article = write("A", "You have {{fact:return-window}}.\n\n{{block:returns}}")
    client = desk()
    client.get(f"/desk/articles/{article.pk}/")
    with django_assert_max_num_queries(12):
        client.get(f"/desk/articles/{article.pk}/")


def test_the_preview_names_what_cannot_be_filled(desk):
    fact("return-window", "30 days")
    client = desk("writer")
    shown = client.post("/desk/articles/preview/?locale=es", {"body": "{{fact:return-window}} {{fact:none}}"})
    assert "30 días" in shown.content.decode()
    assert "there is no such fact" in shown.content.decode()
    assert "{{fact:none}} (line 1)" in shown.content.decode()


def test_publishing_from_the_desk_says_why_it_is_refused(desk, write):
    article = write("A", "{{fact:none}}", publish=False)
    draft = Draft.objects.get(article=article)
    fields = {"title": "A", "body": "{{fact:none}}", "category": article.category_id, "version": draft.version}
    page = desk().post(f"/desk/articles/{article.pk}/", {**fields, "action": "publish"}, follow=True).content.decode()
    assert "The draft is saved but not published" in page
    assert "there is no such fact" in page


def test_the_choices_for_the_writing_surface(desk):
    fact("return-window", "30 days")
    block("returns", "In {{fact:return-window}}.")
    fact("planned", "1 day", effective_at=NOW + timedelta(days=1))
    answer = desk("writer").get("/desk/blocks/choices.json?locale=es")
    assert answer.json() == [
        {"insert": "{{fact:planned}}", "label": "Planned", "shows": ""},
        {"insert": "{{fact:return-window}}", "label": "Return window", "shows": "30 días"},
        {"insert": "{{block:returns}}", "label": "returns", "shows": "In {{fact:return-window}}."},
    ]
    assert Client().get("/desk/blocks/choices.json").status_code == 302


def test_a_public_page_asks_nothing_about_facts(write, browser, django_assert_max_num_queries):
    fact("return-window", "30 days")
    article = write("A", "You have {{fact:return-window}}.")
    plain = write("B", "You have time.")
    client = browser()
    counts = []
    for slug in (plain.slug, article.slug):
        client.get(f"/en/a/{slug}/")
        with django_assert_max_num_queries(20) as captured:
            client.get(f"/en/a/{slug}/")
        counts.append(len(captured))
    assert counts[0] == counts[1]
    assert not any("piece" in query["sql"] for query in captured.captured_queries)
