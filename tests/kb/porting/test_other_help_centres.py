from __future__ import annotations

import json

import pytest

from kb import importing, publishing
from kb.import_reports import Asked
from kb.models import Article, Category, OldAddress
from kb.publishing import Text
from tests.kb.porting.samples import (
    intercom_article,
    intercom_collection,
    zendesk_article,
    zendesk_section,
    zendesk_translation,
    zipped,
)

pytestmark = pytest.mark.django_db
PARCEL = "<p>See <a href='/hc/en-us/articles/12-Returns#h1'>returns</a>.</p>"


@pytest.fixture
def zendesk(tmp_path):
    return zipped(
        tmp_path / "zendesk.zip",
        {
            "en-us/articles_1.json": {
                "articles": [zendesk_article(11, "Where is my parcel", PARCEL)],
                "count": 3, "next_page": "…", "page": 1, "page_count": 2, "per_page": 1, "previous_page": None,
                "sort_by": "position", "sort_order": "asc",
            },
            "en-us/articles_2.json": {
                "articles": [
                    zendesk_article(11, "Where is my parcel", PARCEL),  # pages overlap
                    zendesk_article(12, "Returns", "<h2 id='h1'>How</h2><p>Send it back.</p>"),
                    zendesk_article(13, "Half", "<p>Not done.</p>", draft=True),
                    zendesk_article(14, "Secret", "<p>For agents.</p>", user_segment_id=5),
                ]
            },
            "translations/11.json": {
                "translations": [
                    zendesk_translation(11, "Where is my parcel", "<p>x</p>", "en-us"),
                    zendesk_translation(11, "Dónde", "<p>Aquí.</p>", "es"),
                    zendesk_translation(99, "Nadie", "<p>?</p>", "es"),
                ]
            },
            "sections.json": {"sections": [zendesk_section(98838, "Orders")]},
            "es/sections.json": {"sections": [zendesk_section(98838, "Pedidos", locale="es")]},
            "categories.json": {"categories": [{"id": 888, "name": "All", "locale": "en-us", "html_url": "…"}]},
            "article_attachments.json": {"article_attachments": [{"id": 1, "article_id": 11, "file_name": "a.png"}]},
        },
    )  # fmt: skip


def test_zendesk_guide_comes_in_with_its_languages_shelves_and_addresses(zendesk, browser):
    report = importing.run(zendesk, asked=Asked())
    assert (report.format, str(report)) == ("zendesk", "5 new, 0 changed, 0 unchanged, 1 refused")
    assert "Article 99 of this translation is not in the export." in str(report.problems[0])
    found = {(a.external_id, a.locale): a for a in Article.objects.select_related("live_revision")}
    assert set(found) == {("11", "en"), ("11", "es"), ("12", "en"), ("13", "en"), ("14", "en")}
    parcel = found["11", "en"]
    assert parcel.live_revision.body == "See [returns](article:12#h1)."
    assert parcel.translation_group == found["11", "es"].translation_group
    assert found["11", "es"].made_from_id == parcel.live_revision_id
    assert (found["13", "en"].state, found["14", "en"].visibility) == ("draft", "staff")
    shelf = Category.objects.get()
    assert dict(shelf.texts.values_list("locale", "name")) == {"en": "Orders", "es": "Pedidos"}
    assert found["12", "en"].live_revision.body == "## How {#h1}\n\nSend it back."


def test_old_addresses_of_zendesk_lead_to_where_the_article_is_now(zendesk, browser):
    importing.run(zendesk, asked=Asked())
    for old, now in (
        ("/hc/en-us/articles/11-Where-is-my-parcel", "/en/a/where-is-my-parcel/"),
        ("/hc/en-us/articles/11-An-older-title?page=2", "/en/a/where-is-my-parcel/"),
        ("/hc/en-us/articles/11", "/en/a/where-is-my-parcel/"),
        ("/HC/EN-US/articles/11/", "/en/a/where-is-my-parcel/"),
        ("/hc/es/articles/11-Dónde", "/es/a/donde/"),
        ("/hc/en-us/sections/98838-Orders", "/en/c/orders/"),
    ):
        answer = browser().get(old)
        assert (answer.status_code, answer.headers.get("Location")) == (301, now), old
    publishing.rename_slug(Article.objects.get(external_id="11", locale="en"), "late")
    assert browser().get("/hc/en-us/articles/11").headers["Location"] == "/en/a/late/", "one hop, not two"
    assert browser().get("/hc/en-us/articles/13-Half").status_code == 404, "a draft is nobody's business"
    assert browser().get("/hc/en-us/articles/77-Never").status_code == 404


def test_running_twice_changes_nothing(zendesk):
    importing.run(zendesk, asked=Asked())
    before = [list(Article.objects.order_by("pk").values_list()), list(OldAddress.objects.order_by("pk").values_list())]
    report = importing.run(zendesk, asked=Asked())
    assert str(report) == "0 new, 0 changed, 5 unchanged, 1 refused"
    after = [list(Article.objects.order_by("pk").values_list()), list(OldAddress.objects.order_by("pk").values_list())]
    assert before == after


def test_one_article_a_file_is_read_too(tmp_path):
    (tmp_path / "11.json").write_text(json.dumps({"article": zendesk_article(11, "One", "<p>1</p>")}))
    (tmp_path / "12.json").write_text(json.dumps(zendesk_article(12, "Two", "<p>2</p>")))
    (tmp_path / "13.json").write_text(json.dumps([zendesk_article(13, "Three", "<p>3</p>")]))
    within = zendesk_article(14, "Four", "<p>4</p>")
    within["translations"] = [{"locale": "de", "title": "Vier", "body": "<p>4</p>", "draft": False}]
    (tmp_path / "14.json").write_text(json.dumps(within))
    assert importing.run(tmp_path, asked=Asked()).new == 5


def test_links_into_the_old_help_centre_that_lead_nowhere_are_kept_and_told(tmp_path):
    body = (
        '<p><a href="/hc/en-us/articles/77-Gone">a</a> <a href="https://acme.zendesk.com/hc/en-us/articles/78">b</a> '
        '<a href="https://other.example/hc/en-us/articles/79">c</a> <img src="/hc/article_attachments/5/p.png" alt="P">'
    )
    file = zipped(tmp_path / "z.zip", {"a.json": {"articles": [zendesk_article(1, "A", body)]}})
    report = importing.run(file, asked=Asked())
    told = " ".join(note.what for _, note in report.notes)
    assert "articles/77-Gone leads to the old help centre" in told
    assert "articles/78 leads to the old help centre" in told
    assert "articles/79" not in told
    assert "The picture https://acme.zendesk.com/hc/article_attachments/5/p.png is on another site" in told
    body = Article.objects.get().live_revision.body
    assert "[a](https://acme.zendesk.com/hc/en-us/articles/77-Gone)" in body


def test_an_article_that_came_with_an_earlier_import_is_linked_to(tmp_path):
    first = zipped(tmp_path / "1.zip", {"a.json": {"articles": [zendesk_article(12, "Returns", "<p>x</p>")]}})
    importing.run(first, asked=Asked())
    second = zipped(tmp_path / "2.zip", {"a.json": {"articles": [zendesk_article(11, "Parcel", PARCEL)]}})
    importing.run(second, asked=Asked())
    assert "article:12" in Article.objects.get(external_id="11").live_revision.body


def test_json_that_is_cut_off_gives_what_is_whole(tmp_path):
    text = json.dumps({"articles": [zendesk_article(n, f"A{n}", "<p>x</p>") for n in range(1, 5)]})
    (tmp_path / "a.json").write_text(text[: text.index('"id": 4') + 40])
    report = importing.run(tmp_path / "a.json", asked=Asked())
    assert (report.new, report.refused) == (3, 1)
    assert "Before that it was read: 3 whole." in str(report.problems[0])


def test_intercom_comes_in_with_its_languages_collections_and_addresses(tmp_path, browser):
    es = {"type": "article_content", "title": "Dónde", "description": "", "body": "<p>Aquí.</p>", "state": "published",
          "url": "https://help.acme.example/es/articles/39-donde"}  # fmt: skip
    body = '<p>See <a href="https://help.acme.example/en/articles/40-returns">returns</a>.</p>'
    body += '<div class="intercom-interblocks-callout" style="background-color: #eee"><p>Mind this.</p></div>'
    translated = {"type": "article_translated_content", "es": es, "fr": None}
    articles = [
        intercom_article(39, "Where is it", body, translated_content=translated),
        intercom_article(40, "Returns", "<p>x</p>", parent_id=None, state="draft"),
    ]
    file = zipped(
        tmp_path / "i.zip",
        {
            "articles.json": {"type": "list", "data": articles, "total_count": 2, "pages": {"type": "pages"}},
            "collections.json": {"type": "list", "data": [intercom_collection(143, "Shipping")]},
        },
    )
    report = importing.run(file, asked=Asked())
    assert (report.format, report.new, report.problems) == ("intercom", 3, [])
    article = Article.objects.get(external_id="39", locale="en")
    assert article.live_revision.body == "See [returns](article:40).\n\n> Mind this."
    assert article.live_revision.summary == "What it says."
    assert dict(article.category.texts.values_list("locale", "name")) == {"en": "Shipping", "es": "Envíos"}
    assert Article.objects.get(external_id="40").state == "draft"
    assert browser().get("/en/articles/39-an-older-title").headers["Location"] == "/en/a/where-is-it/"
    assert browser().get("/es/articles/39-donde").headers["Location"] == "/es/a/donde/"
    assert browser().get("/en/collections/143-shipping").headers["Location"] == "/en/c/shipping/"


def test_a_shelf_of_the_same_name_is_taken_and_told(tmp_path, shelf):
    shelf("orders")
    files = {"a.json": {"articles": [zendesk_article(1, "A", "x")], "sections": [zendesk_section(98838, "Orders")]}}
    report = importing.run(zipped(tmp_path / "z.zip", files), asked=Asked())
    assert Article.objects.get().category.key == "orders"
    assert "The shelf “Orders” of the file is the shelf “orders” here." in [note.what for _, note in report.notes]


def test_a_language_that_we_call_otherwise_is_mapped_or_refused(tmp_path):
    files = {"a.json": {"articles": [zendesk_article(1, "A", "<p>x</p>", locale="fil")]}}
    file = zipped(tmp_path / "z.zip", files)
    report = importing.run(file, asked=Asked())
    assert "'fil' is not a language of this help centre." in str(report.problems[0])
    assert "--locale-map fil=" in str(report.problems[0])
    assert importing.run(file, asked=Asked(locale_map={"fil": "de"})).new == 1
    assert Article.objects.get().locale == "de"


def test_a_dry_run_and_the_import_say_the_same(zendesk, write):
    write("Returns", slug="returns")
    dry = importing.run(zendesk, asked=Asked(is_dry=True))
    assert Article.objects.count() == 1
    done = importing.run(zendesk, asked=Asked())
    assert (str(dry), dry.problems) == (str(done), done.problems)
    assert Article.objects.get(external_id="12").slug == "returns-2"


def test_what_the_desk_changed_is_a_conflict_until_overwriting_is_asked(tmp_path):
    def file(body: str):
        return zipped(tmp_path / "z.zip", {"a.json": {"articles": [zendesk_article(1, "A", body)]}})

    importing.run(file("<p>one</p>"), asked=Asked())
    article = Article.objects.get()
    publishing.save_draft(article, Text("A", "", "by hand"), version=1, by=None)
    publishing.publish(article, by=None)
    report = importing.run(file("<p>two</p>"), asked=Asked())
    assert (report.conflict, report.changed) == (1, 0)
    assert "changed on the desk since it was imported" in str(report.problems[0])
    assert importing.run(file("<p>two</p>"), asked=Asked(overwrites=True)).changed == 1
    article.refresh_from_db()
    assert article.live_revision.body == "two"
    assert importing.run(file("<p>two</p>"), asked=Asked()).unchanged == 1
    assert importing.run(file("<p>three</p>"), asked=Asked()).changed == 1


def test_as_drafts_nothing_is_published(zendesk):
    importing.run(zendesk, asked=Asked(as_drafts=True))
    assert not Article.objects.published().exists()
    assert Article.objects.count() == 5
    assert importing.run(zendesk, asked=Asked(as_drafts=True)).unchanged == 5
