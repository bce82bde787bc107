from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import call_command

from kb import experiments, importing, pieces, publishing, refilling
from kb.models import Article, Category, CategoryText, Draft, IndexChange, Piece, Revision
from kb.publishing import Text
from kb.search import indexing, query

pytestmark = pytest.mark.django_db


def row(id: str, /, **values: object) -> dict[str, object]:
    return {"id": id, "title": f"Title {id}", "category": "Delivery", "body": f"Body of {id}.", **values}


def lines(path: Path, *rows: object) -> Path:
    """A .jsonl file; a row of bytes is written as it is."""
    written = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in rows]
    path.write_bytes(b"\n".join(written) + b"\n")
    return path


def markdown(path: Path, head: str, body: str = "Text.") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"---\n{head}\n---\n\n{body}\n", encoding="utf-8")
    return path


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "articles.jsonl"


def test_new_articles_are_published_and_found(file):
    report = importing.run(lines(file, row("a", body="All about customs duties."), row("b")))
    assert str(report) == "2 new, 0 changed, 0 unchanged, 0 refused"
    assert Article.objects.published().count() == 2
    assert [result.title for result in query.find("customs", locale="en").results] == ["Title a"]


def written() -> list[object]:
    return [Revision.objects.count(), IndexChange.objects.count(), *Draft.objects.values_list("version", flat=True)]


def test_the_same_file_again_writes_nothing(file):
    importing.run(lines(file, row("a"), row("b")))
    before = written()
    report = importing.run(file)
    assert str(report) == "0 new, 0 changed, 2 unchanged, 0 refused"
    assert written() == before


def test_what_changed_gets_a_new_revision_and_keeps_its_address(file):
    importing.run(lines(file, row("a"), row("b")))
    report = importing.run(lines(file, row("a", title="Other", summary="New."), row("b")))
    assert (report.changed, report.unchanged) == (1, 1)
    article = Article.objects.get(external_id="a")
    assert article.slug == "title-a"
    assert (article.live_revision.number, article.live_revision.summary) == (2, "New.")
    assert query.find("other", locale="en").results[0].title == "Other"


def test_the_same_id_from_another_source_is_another_article(file):
    importing.run(lines(file, row("a")), source="one")
    assert importing.run(file, source="two").new == 1


def test_the_same_id_in_two_languages_is_one_article_translated(file):
    importing.run(lines(file, row("a"), row("a", locale="es", title="Título")))
    groups = Article.objects.values_list("translation_group", flat=True)
    assert len(groups) == 2
    assert len(set(groups)) == 1


def test_an_editors_improvement_survives_the_next_import_of_the_old_file(file):
    importing.run(lines(file, row("a")))
    article = Article.objects.get()
    publishing.save_draft(article, Text("Title a", "", "Better."), version=1, by=None)
    publishing.publish(article, by=None)
    assert importing.run(file).unchanged == 1
    article.refresh_from_db()
    assert article.live_revision.body == "Better."


def test_an_unpublished_draft_is_not_overwritten(file):
    importing.run(lines(file, row("a")))
    publishing.save_draft(Article.objects.get(), Text("Title a", "", "Half a thought"), version=1, by=None)
    report = importing.run(lines(file, row("a", body="From the file.")))
    assert "draft on the desk" in str(report.problems[0])
    assert Draft.objects.get().body == "Half a thought"


def test_an_article_archived_on_the_desk_stays_archived(file):
    importing.run(lines(file, row("a")))
    publishing.archive(Article.objects.get(), by=None)
    assert importing.run(file).unchanged == 1
    assert "archived" in str(importing.run(lines(file, row("a", body="New."))).problems[0])
    assert Article.objects.get().state == "archived"


BROKEN = [
    (b"{not json", "articles.jsonl, row 2: This is not JSON"),
    (b"[1, 2]", "articles.jsonl, row 2: This is JSON but not an object"),
    (b"[" * 100_000, "articles.jsonl, row 2: This is not JSON"),
    (b'{"id": "x", "title": "caf\xe9"}', "articles.jsonl, row 2: Byte 26 (0xe9) is not UTF-8."),
    ({"id": "x", "heading": "h", "body": "b"}, "row 2, field title: It is missing; the row has id, heading, body."),
    (row("x", title=["a"]), "row 2, field title: It is list, not text."),
    (row("x", body=5), "row 2, field body: It is int, not text."),
    ({**row("x"), "id": True}, "row 2, field id: It is bool, not text."),
    (row("x", title="  "), "row 2, field title: It is empty."),
    (row("x", body="\n \n"), "row 2, field body: It is empty."),
    (row("x", title="t" * 201), "row 2, field title: It has 201 characters. Shorten it to 200."),
    (row("x", summary="s" * 301), "row 2, field summary: It has 301 characters. Shorten it to 300."),
    ({**row("x"), "id": "x" * 201}, "row 2, field id: It has 201 characters."),
    (row("x", category="c" * 81), "row 2, field category: It has 81 characters."),
    (
        row("x", locale="tlh"),
        "row 2, field locale: 'tlh' is not a language of this help centre. Use ar, de, en, es, pt-br.",
    ),
    (row("x", body="a\0b"), "row 2, field body: It holds a character that no text may hold."),
    (b'{"id": "x", "title": "\\ud800", "category": "c", "body": "b"}', "row 2, field title: It holds a character"),
    (row("good"), "row 2, field id: 'good' was there before, in articles.jsonl, row 1."),
]


@pytest.mark.parametrize(("broken", "says"), BROKEN, ids=range(len(BROKEN)))
def test_a_broken_row_says_where_and_what_and_blocks_no_other(file, broken, says):
    report = importing.run(lines(file, row("good"), broken, row("also good")))
    assert report.new == 2
    assert len(report.problems) == 1
    assert says in str(report.problems[0])
    assert Article.objects.filter(external_id__in=["good", "also good"]).count() == 2
    assert Article.objects.count() == 2


def test_the_first_of_two_rows_with_one_id_wins(file):
    importing.run(lines(file, row("a", title="First"), row("a", title="Second")))
    assert Article.objects.get().live_revision.title == "First"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("gone.jsonl", None, "There is no such file or folder."),
        ("empty.jsonl", b"", "The file is empty."),
        ("table.xlsx", b"id,title\n", "This is neither .jsonl nor .md nor a folder."),
    ],
)
def test_a_path_that_cannot_be_read_says_so(tmp_path, name, content, says):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert says in str(importing.run(tmp_path / name).problems[0])


def test_a_folder_without_articles_says_so(tmp_path):
    assert "no .md file" in str(importing.run(tmp_path).problems[0])


def test_a_byte_order_mark_and_blank_lines_do_no_harm(file):
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps(row("a")).encode() + b"\r\n\r\n")
    assert importing.run(file).new == 1


def test_a_folder_of_markdown_with_its_categories(tmp_path):
    (tmp_path / "categories.yaml").write_text(
        "- {key: returns, topic: refunds, icon: return, position: 3, slug: {en: returns, es: devoluciones},"
        " name: {en: Returns, es: Devoluciones}, description: {en: Send it back.}}"
    )
    folder = tmp_path / "articles"
    markdown(
        folder / "en/how.md",
        "id: how\ntitle: How to return\ncategory: returns\nlocale: en",
        "See [late](article:late).",
    )
    markdown(folder / "es/how.md", "id: how\ntitle: Cómo devolver\ncategory: returns\nlocale: es")
    report = importing.run(folder)
    assert str(report) == "2 new, 0 changed, 0 unchanged, 0 refused"
    category = Category.objects.get()
    assert (category.key, category.topic, category.icon, category.position) == ("returns", "refunds", "return", 3)
    assert set(CategoryText.objects.values_list("locale", "slug")) == {("en", "returns"), ("es", "devoluciones")}
    assert report.broken_links == [("en/how.md", "late")]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("no head at all", "bad.md: The file has no head between two lines of ---."),
        ("---\ntitle: never closed\n", "bad.md: The file has no head between two lines of ---."),
        ("---\ntitle: a: b\n---\nx", "bad.md: The head is not YAML, line 2."),
        ("---\n- a\n---\nx", "bad.md: The head holds no fields."),
        ("---\nid: x\ntitle: t\n---\nx", "bad.md, field category: It is missing; the row has id, title, body."),
        ("---\nid: x\ntitle: 2024-01-01\ncategory: c\n---\nx", "bad.md, field title: It is date, not text."),
        ("---\nid: x\ntitle: t\ncategory: c\n---\n\n", "bad.md, field body: It is empty."),
    ],
)
def test_a_broken_markdown_file_says_what_and_blocks_no_other(tmp_path, content, says):
    (tmp_path / "bad.md").write_text(content)
    markdown(tmp_path / "good.md", "id: good\ntitle: Good\ncategory: c")
    report = importing.run(tmp_path)
    assert report.new == 1
    assert [says in str(problem) for problem in report.problems] == [True]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("key: returns", "It is not a list."),
        ("- returns", "row 1: It is not a group of fields."),
        ("- {key: a b, topic: x, name: {en: A}}", "row 1, field key: 'a b' will not do."),
        ("- {key: a, name: {en: A}}", "row 1, field topic: None will not do."),
        ("- {key: a, topic: x}", "row 1, field name: There is none in a language of this help centre."),
        ("- {key: a, topic: x, name: Returns}", "row 1, field name: It is not a text by language."),
        ("- {key: a, topic: x, name: {en: A}, position: first}", "row 1, field position"),
        ("- {key: a, topic: x, name: {en: 'A", "It is not YAML in UTF-8."),
    ],
)
def test_a_broken_categories_file_says_what_and_the_articles_go_in(tmp_path, content, says):
    (tmp_path / "categories.yaml").write_text(content)
    markdown(tmp_path / "good.md", "id: good\ntitle: Good\ncategory: Somewhere")
    report = importing.run(tmp_path)
    assert report.new == 1
    assert says in str(report.problems[0])


def test_an_unknown_category_is_made_once(file):
    importing.run(
        lines(file, row("a", category="Money & co"), row("b", category="money & CO"), row("c", category="配送"))
    )
    assert dict(Category.objects.values_list("key", "topic"))["money-co"] == "other"
    assert Category.objects.count() == 2


def test_links_between_articles_of_one_import_work_in_any_order(file, browser):
    importing.run(lines(file, row("a", body="See [b](article:b)."), row("b")))
    page = browser().get("/en/a/title-a/")
    assert 'href="/en/-/a/b"' in page.content.decode()
    assert browser().get("/en/-/a/b").headers["Location"] == "/en/a/title-b/"


def test_a_dry_run_tells_everything_and_writes_nothing(file):
    report = importing.run(lines(file, row("a"), row("b", title="")), dry_run=True)
    assert str(report) == "1 new, 0 changed, 0 unchanged, 1 refused"
    assert not Article.objects.exists()
    assert not Category.objects.exists()


def test_the_command_prints_a_summary_and_fails_where_something_was_refused(file, capsys):
    with pytest.raises(SystemExit) as caught:
        call_command("import_articles", str(lines(file, row("a"), row("b", body=""))))
    assert caught.value.code == 1
    out, err = capsys.readouterr()
    assert "1 new, 0 changed, 0 unchanged, 1 refused" in out
    assert "articles.jsonl, row 2, field body: It is empty. Write something, or leave the article out." in err


def test_the_command_shows_progress_where_nobody_watches(file, capsys):
    call_command("import_articles", str(lines(file, *(row(str(n)) for n in range(100)))))
    assert "100 of 100" in capsys.readouterr().out
    assert not indexing.verify()


def test_a_running_test_keeps_its_texts(file):
    importing.run(lines(file, row("a")))
    article = Article.objects.get()
    publishing.save_draft(article, Text("Title a", "", "B"), version=1, by=None)
    challenger = publishing.freeze(article, by=None)
    publishing.save_draft(article, Text("Title a", "", "Body of a."), version=2, by=None)
    arms = [experiments.Arm("a", article.live_revision), experiments.Arm("b", challenger)]
    experiment = experiments.create(article, name="t", control=arms[0], others=arms[1:], by=None)
    experiments.start(experiment, by=None)
    report = importing.run(lines(file, row("a", body="New from the file.")))
    assert "Stop the test first" in str(report.problems[0])
    article.refresh_from_db()
    assert article.live_revision.body == "Body of a."
    assert Draft.objects.get(article=article).body == "Body of a."


def test_facts_come_along_with_the_articles_and_are_filled_in(tmp_path: Path):
    (tmp_path / "facts.yaml").write_text(
        "- fact: window\n  name: Window\n  kind: duration\n  says: 30 days\n"
        "- block: note\n  says: {all: 'In {{fact:window}}.', es: 'Hasta {{fact:window}}.'}\n"
        "- fact: odd\n  kind: weight\n  says: 3 kg\n"
    )
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "good.md").write_text(
        "---\nid: good\ntitle: Return in {{fact:window}}\ncategory: returns\nlocale: es\n---\n{{block:note}}\n"
    )
    (folder / "bad.md").write_text("---\nid: bad\ntitle: Bad\ncategory: returns\n---\nOne\n\n{{fact:none}}\n")
    report = importing.run(folder)
    live = Article.objects.get().live_revision
    assert (live.title, live.text) == ("Return in 30 días", "Hasta 30 días.")
    assert [(problem.file, problem.what) for problem in report.problems] == [
        ("facts.yaml", "There is no kind 'weight'."),
        ("bad.md", "{{fact:none}} (line 3): there is no such fact, or it has no value yet."),
    ]
    again = importing.run(folder)
    assert (again.new, again.changed, again.unchanged) == (0, 0, 1)


def test_a_fact_that_an_editor_changed_survives_the_next_import(tmp_path: Path):
    (tmp_path / "facts.yaml").write_text("- fact: window\n  kind: duration\n  says: 30 days\n")
    (tmp_path / "a.md").write_text("---\nid: a\ntitle: A\ncategory: returns\n---\n{{fact:window}}\n")
    importing.run(tmp_path)
    piece = Piece.objects.get()
    pieces.change(piece, pieces.read_values("duration", {"": "45 days"}), seen=pieces.newest(piece), by=None)
    refilling.run()
    report = importing.run(tmp_path)
    assert (report.changed, report.unchanged) == (0, 1)
    assert Article.objects.get().live_revision.text == "45 days"
