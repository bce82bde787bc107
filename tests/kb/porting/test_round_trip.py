from __future__ import annotations

import io
import json
import tempfile
import zipfile
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core import clock, webp
from kb import exporting, importing, live, old_addresses, picture_files, pictures, pieces, publishing, refilling, upkeep
from kb.import_reports import Asked, Report
from kb.models import (
    Article,
    Category,
    CategoryText,
    OldAddress,
    Picture,
    Piece,
    PieceVersion,
    Redirect,
    Revision,
)
from kb.publishing import Text
from tests.core.test_brand_images import picture
from tests.kb.conftest import BROWSER, NOW

pytestmark = pytest.mark.django_db

WORDS = st.text(alphabet="abcäß ü漢字*_`#<>&[]()|!-\"'\\.\n", max_size=60).map("Word {}".format)
LINES = WORDS.map(lambda text: " ".join(text.split())[:60])


@st.composite
def help_centres(draw):
    """What to build: shelves, and for each article its languages, and what happened to it."""
    shelves = draw(st.lists(LINES, min_size=1, max_size=3))
    articles = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "shelf": st.integers(0, len(shelves) - 1),
                    "texts": st.dictionaries(
                        st.sampled_from(["en", "es", "de", "ar"]),
                        st.tuples(LINES, LINES, WORDS),
                        min_size=1,
                        max_size=3,
                    ),
                    "ends": st.sampled_from(["published", "draft", "archived", "changed", "draft changed", "renamed"]),
                    "visibility": st.sampled_from(["public", "public", "staff"]),
                    "imported": st.booleans(),
                    "old": st.booleans(),
                }
            ),
            min_size=1,
            max_size=5,
        )
    )
    return shelves, articles


def build(shelves: list[str], articles: list[dict]) -> None:
    categories = []
    for number, name in enumerate(shelves):
        category = Category.objects.create(key=f"shelf-{number}", topic="refunds", icon="box", position=number)
        CategoryText.objects.create(category=category, locale="en", slug=f"s-{number}", name=name, description="D")
        CategoryText.objects.create(category=category, locale="es", slug=f"e-{number}", name=f"{name} es"[:80])
        categories.append(category)
    for number, one in enumerate(articles):
        group = None
        for locale, (title, summary, body) in one["texts"].items():
            source = {"source": "old", "external_id": f"x{number}"} if one["imported"] else {}
            article = publishing.create_article(
                locale=locale, category=categories[one["shelf"]], title=title, summary=summary, body=body,
                translation_group=group, by=None, **source,
            )  # fmt: skip
            group = article.translation_group
            history(article, one["ends"])
            if one["visibility"] == "staff":
                publishing.move(article, article.category, visibility="staff", ring=False)
            if one["old"]:
                old_addresses.keep(
                    [(article, [f"/hc/{locale}/articles/{number + 100}-x", f"/kb.php?id={number}{locale}"])]
                )


def history(article: Article, ends: str) -> None:
    if ends == "draft":
        return
    publishing.publish(article, by=None, ring=False)
    if ends == "archived":
        to = Article.objects.public().exclude(pk=article.pk).order_by("pk").last()
        publishing.archive(article, by=None, leads_to=to, leads_to_category=article.category)
    if ends == "renamed":
        publishing.rename_slug(article, f"new-{article.pk}")
    if ends in ("changed", "draft changed"):
        draft = publishing.save_draft(article, Text("New title", "", "New *text*."), version=1, by=None)
        assert draft.version == 2
        if ends == "changed":
            publishing.publish(article, by=None, is_major=True, comment="Why.", ring=False)


_FIELDS = (
    "locale", "slug", "translation_group", "category__key", "state", "visibility", "source", "external_id",
    "live_revision__title", "live_revision__summary", "live_revision__html", "live_revision__number",
    "live_revision__is_major", "live_revision__comment", "live_revision__created_at", "made_from__number",
    "draft__title", "draft__summary", "reviewed_at", "owner__username", "review_by",
    "leads_to__slug", "leads_to_category__key",
)  # fmt: skip


def everything() -> dict[str, object]:
    """What customers and editors see, without the numbers that a database gives."""
    live.shelf.forget()
    visitor = Client(headers={"user-agent": BROWSER})
    pages = {}
    for article in Article.objects.public():
        path = f"/{article.locale}/a/{article.slug}/"
        main = visitor.get(path).content.decode()
        start = main.index("<article")
        pages[path] = main[start : main.index("</article>")].split('class="vote')[0]
    for text in CategoryText.objects.all():
        path = f"/{text.locale}/c/{text.slug}/"
        pages[path] = visitor.get(path).status_code
    return {
        "pages": pages,
        "articles": sorted(list(map(str, row)) for row in Article.objects.values_list(*_FIELDS)),
        "history": sorted(
            map(str, Revision.objects.values_list("article__slug", "article__locale", "number", "title", "html"))
        ),
        "pictures": sorted(
            (one.digest, one.name, one.width, one.height, bytes(one.webp), webp.size_of(bytes(one.half)))
            for one in Picture.objects.all()
        ),
        "pieces": sorted(
            (piece.code, piece.kind, piece.name, piece.archived_at is None,
             sorted((str(version.effective_at), json.dumps(version.values)) for version in piece.versions.all()))
            for piece in Piece.objects.prefetch_related("versions")
        ),
        "redirects": sorted(Redirect.objects.values_list("locale", "old_slug", "article__slug")),
        "old": sorted(OldAddress.objects.values_list("path", "article__slug", "locale")),
        "shelves": sorted(
            map(str, CategoryText.objects.values_list("category__key", "category__topic", "category__icon",
                                                      "category__position", "locale", "slug", "name", "description"))
        ),
    }  # fmt: skip


def empty() -> None:
    Article.objects.update(live_revision=None, made_from=None, state="draft")
    Article.objects.all().delete()
    Category.objects.all().delete()
    PieceVersion.objects.all().delete()
    Piece.objects.all().delete()
    Picture.objects.all().delete()


def exported(format: str, folder: Path) -> Path:
    path = folder / f"out.{exporting.FORMATS[format]}"
    path.write_bytes(b"".join(exporting.chunks(format)))
    return path


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(help_centres())
def test_an_export_imported_into_an_empty_help_centre_gives_the_same_help_centre(centre):
    empty()
    build(*centre)
    before = everything()
    # The index is no part of what is compared, and would have to be made anew with every example's database.
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing.indexing, "apply_changes", lambda: 0)
        path = exported("jsonl", Path(name))
        again = importing.run(path, asked=Asked())
        assert (again.new, again.changed, again.problems) == (0, 0, []), "it is all here already"
        assert everything() == before
        empty()
        report = importing.run(path, asked=Asked())
        assert report.problems == []
        assert everything() == before
        assert importing.run(path, asked=Asked()).unchanged == report.new
    empty()


def uploaded(content: bytes, name: str = "label of a return.png") -> str:
    made = picture_files.make(io.BytesIO(content), size=len(content), name=name)
    return pictures.reference(pictures.store(made, name=name, by=None))


def with_all_that_texts_use(write, staff) -> Article:
    """A fact that changed and will change again, a block with a picture, pictures, owners, dates of review."""
    shot, photo = uploaded(picture(900, 300)), uploaded(picture(800, 500, kind="JPEG", mode="RGB"), "photo.jpg")
    old = uploaded(picture(700, 90), "old.png")
    window = pieces.create(sort="fact", key="window", kind="duration", name="Window", by=None,
                           values=pieces.read_values("duration", {"": "30 days", "es": "31 days"}))  # fmt: skip
    says = pieces.read_values("markdown", {"": f"In {{{{fact:window}}}}.\n\n![A box]({photo})"})
    pieces.create(sort="block", key="note", kind="markdown", name="Note", by=None, values=says)
    gone = pieces.create(sort="fact", key="gone", kind="text", name="Gone", by=None, values={"": "x"})
    pieces.archive(gone, by=None)
    first = write("Return in {{fact:window}}", f"![Was]({old})\n\n{{{{block:note}}}}")
    publishing.save_draft(first, Text("Return in {{fact:window}}", "", f"```\n![no](a.png)\n```\n\n![A label]({shot})"
                                      "\n\n{{block:note}}"), version=1, by=None)  # fmt: skip
    publishing.publish(first, by=None, ring=False)
    with clock.frozen(NOW + timedelta(days=1)):
        pieces.change(window, pieces.read_values("duration", {"": "45 days"}), seen=pieces.newest(window), by=None)
        refilling.run()
        pieces.change(window, pieces.read_values("duration", {"": "60 days"}), seen=pieces.newest(window), by=None,
                      effective_at=NOW + timedelta(days=30))  # fmt: skip
    editor = staff("reviewer")
    editor.email = "Rea@shop.example"
    editor.save()
    upkeep.set_owner(first, editor, by=None)
    upkeep.set_date(first, date(2026, 12, 24), by=None)
    second = write("Never reviewed", f"![A label again]({shot})")
    upkeep.set_owner(second, staff("writer"), by=None)  # who has no address
    upkeep.set_date(second, None, by=None)
    return first


LIVE = (
    "locale", "slug", "translation_group", "category__key", "state", "visibility", "source", "external_id",
    "live_revision__title", "live_revision__summary", "live_revision__html", "draft__title", "draft__summary",
    "reviewed_at", "owner__username", "review_by", "leads_to__slug", "leads_to_category__key",
)  # fmt: skip


def live_texts() -> dict[str, object]:
    """What the zips hold: everything but changed drafts, earlier texts and the dates of texts."""
    said = everything()
    rows = Article.objects.all()
    drafts = [name for name in LIVE if name.startswith("draft")]
    return {
        "articles": sorted(
            list(map(str, row)) for row in Article.objects.values_list(*(name for name in LIVE if name not in drafts))
        ),
        "drafts": sorted(
            [*row[:-1], row[-1].strip()]  # a file ends where its text does
            for row in rows.filter(state="draft").values_list("slug", "locale", *drafts, "draft__body")
        ),
        **{name: said[name] for name in ("pictures", "pieces", "redirects", "old", "shelves")},
    }


@pytest.mark.parametrize("format", ["markdown", "csv"])
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(centre=help_centres())
def test_a_zip_imported_into_an_empty_help_centre_gives_the_same_live_texts(format, centre):
    empty()
    build(*centre)
    before = live_texts()
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing.indexing, "apply_changes", lambda: 0)
        path = exported(format, Path(name))
        again = importing.run(path, asked=Asked())
        assert (again.new, again.changed) == (0, 0), "it is all here already; changed drafts are in conflict"
        assert live_texts() == before
        empty()
        report = importing.run(path, asked=Asked())
        assert report.problems == []
        assert live_texts() == before
        assert importing.run(path, asked=Asked()).unchanged == report.new
    empty()


@pytest.mark.parametrize("format", ["jsonl", "markdown", "csv"])
def test_pictures_facts_blocks_owners_and_dates_of_review_go_along(format, write, staff, tmp_path):
    with_all_that_texts_use(write, staff)
    with clock.frozen(NOW + timedelta(days=2)):
        before = everything()
        texts = dict(Article.objects.values_list("slug", "live_revision__html"))
        path = exported(format, tmp_path)
        assert importing.run(path, asked=Asked()).unchanged == 2
        assert everything() == before
        empty()
        dry = importing.run(path, asked=Asked(is_dry=True))
        assert (dry.new, dry.problems, [note.field for _, note in dry.notes]) == (2, [], ["category"] * len(dry.notes))
        assert not Picture.objects.exists()
        report = importing.run(path, asked=Asked())
        assert (report.new, report.problems) == (2, [])
        after = everything()
        if format != "jsonl":  # the zips hold live texts, each the first of its article and as old as the import
            for other in ("articles", "history", "pages"):
                before.pop(other)
                after.pop(other)
            names = [(digest, *rest) for digest, _, *rest in before.pop("pictures")]
            kept = [(digest, *rest) for digest, _, *rest in after.pop("pictures")]
            assert len(kept) == 2
            assert set(kept) <= set(names), "without the picture of an earlier text"
        assert after == before
        assert dict(Article.objects.values_list("slug", "live_revision__html")) == texts
        assert "45 days" in texts["return-in"]
        assert sorted(Article.objects.values_list("owner__username", "review_by")) == [
            ("reviewer", date(2026, 12, 24)), ("writer", None)]  # fmt: skip
        again = importing.run(path, asked=Asked())
        assert (again.new, again.changed, again.unchanged) == (0, 0, 2)
        assert {**everything(), **after} == everything()


def test_a_markdown_export_shows_its_pictures_in_any_program(write, staff, tmp_path):
    first = with_all_that_texts_use(write, staff)
    with zipfile.ZipFile(exported("markdown", tmp_path)) as file:
        text = file.read(f"articles/en/delivery/{first.slug}.md").decode()
        path = text.split("![A label](../../../")[1].split(")")[0]
        assert path.startswith("pictures/label-of-a-return-")
        assert file.read(path) == bytes(Picture.objects.get(name="label of a return.png").webp)
        assert "![no](a.png)" in text


def test_a_table_shows_its_pictures_and_goes_back_alone(write, staff, tmp_path):
    first = with_all_that_texts_use(write, staff)
    html = Article.objects.get(pk=first.pk).live_revision.html
    with zipfile.ZipFile(exported("csv", tmp_path)) as file:
        table = file.read("articles.csv")
        path = table.decode().split("![A label](")[1].split(")")[0]
        assert path.startswith("pictures/label-of-a-return-")
        assert file.read(path) == bytes(Picture.objects.get(name="label of a return.png").webp)
        assert {"categories.yaml", "facts.yaml"} < set(file.namelist())
    alone = tmp_path / "alone" / "articles.csv"
    alone.parent.mkdir()
    alone.write_bytes(table.replace(b"Never reviewed", b"Now reviewed"))
    assert importing.run(alone, asked=Asked()).conflict == 1, "what was written on the desk is not overwritten unasked"
    report = importing.run(alone, asked=Asked(overwrites=True))
    assert (report.changed, report.problems, report.notes) == (1, [], [])
    texts = dict(Article.objects.values_list("live_revision__title", "live_revision__html"))
    assert texts["Return in 45 days"] == html
    assert "<img" in texts["Now reviewed"]


@pytest.mark.parametrize("format", ["markdown", "csv"])
def test_live_texts_survive_the_other_formats_too(format, write, tmp_path):
    first = write("Where: is “it”?", "Body\n\n- a\n- b", summary="Sum: mary", source="old", external_id="7")
    write("Dónde", "Aquí.", locale="es", translation_group=first.translation_group, source="old", external_id="7")
    write("Written here", "---\n\nA line.", publish=False)
    publishing.rename_slug(first, "moved")
    old_addresses.keep([(first, ["/hc/en-us/articles/7-x"])])
    wanted = sorted(map(str, Article.objects.values_list(
        "locale", "slug", "state", "translation_group", "category__key", "source", "external_id",
        "live_revision__html", "live_revision__summary", "draft__title")))  # fmt: skip
    path = exported(format, tmp_path)
    assert importing.run(path, asked=Asked()).unchanged == 3
    empty()
    assert importing.run(path, asked=Asked()).problems == []
    assert wanted == sorted(map(str, Article.objects.values_list(
        "locale", "slug", "state", "translation_group", "category__key", "source", "external_id",
        "live_revision__html", "live_revision__summary", "draft__title")))  # fmt: skip
    assert set(Redirect.objects.values_list("old_slug", flat=True)) == {"where-is-it"}
    assert OldAddress.objects.get().path == "/hc/en-us/articles/7"


def test_the_command_writes_what_its_ending_says(tmp_path, write, capsys):
    write("Late")
    for ending in ("jsonl", "zip", "csv.zip"):
        call_command("export_articles", str(tmp_path / f"a.{ending}"))
        assert importing.run(tmp_path / f"a.{ending}", asked=Asked()).unchanged == 1
    with pytest.raises(SystemExit):
        call_command("export_articles", str(tmp_path / "a.csv"))
    assert "its ending tells no format" in capsys.readouterr().err


def test_an_address_that_would_lead_in_a_circle_or_away_from_a_page_is_refused(tmp_path, write):
    write("Taken", slug="taken")
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"id": "a", "title": "A", "category": "c", "body": "b", "redirect_from": '
        '["/en/a/a/", "/en/a/taken/", "/en/search/", "/old/1", "https://old.example/x?id=5"]}\n'
        '{"id": "b", "title": "B", "category": "c", "body": "b", "redirect_from": ["/old/1"]}\n'
    )
    report = importing.run(path, asked=Asked())
    told = [note.what for _, note in report.notes if note.field == "redirect_from"]
    assert [what.split(" is not led here: ")[1] for what in told] == [
        "it is the article's own address, and would lead in a circle.",
        "an article is there.",
        "a page of this site is there.",
        "it leads somewhere else already.",
    ]
    assert dict(OldAddress.objects.values_list("path", "article__slug")) == {"/old/1": "a", "/x?id=5": "a"}
    visitor = Client(headers={"user-agent": BROWSER})
    assert visitor.get("/x?id=5").headers["Location"] == "/en/a/a/"
    assert visitor.get("/x?id=6").status_code == 404


@pytest.mark.parametrize("format", ["markdown", "csv", "jsonl"])
def test_where_archived_articles_lead_goes_along(format, write, shelf, tmp_path):
    before, then, _now = (write(title, "Text.") for title in ("Before", "Then", "Now"))
    publishing.archive(before, by=None, leads_to=then)
    publishing.archive(then, by=None, leads_to=_now)
    shelved = write("On a shelf", "Text.")
    publishing.archive(shelved, by=None, leads_to_category=shelved.category)
    path = exported(format, tmp_path)
    empty()
    shelf()
    report = importing.run(path, asked=Asked())
    assert (report.problems, report.broken_links) == ([], [])
    led = Article.objects.filter(state="archived").order_by("slug")
    # Through what was archived in between, and straight there.
    assert list(led.values_list("slug", "leads_to__slug", "leads_to_category__key")) == [
        ("before", "now", None), ("on-a-shelf", None, "delivery"), ("then", "now", None),
    ]  # fmt: skip


def test_a_lead_to_nowhere_is_told_and_leaves_what_is_there(write, tmp_path):
    write("Now", "Text.")
    file = tmp_path / "a.csv"

    def brought_in(to: str) -> Report:
        rows = ["id,title,category,body,state,leads_to", f"1,Old,delivery,Text.,archived,{to}"]
        file.write_text("\n".join([*rows, "2,Bad,delivery,Text.,archived,now", ""]))
        return importing.run(file, asked=Asked())

    assert brought_in("/en/a/now/").broken_links == []
    assert Article.objects.get(slug="old").leads_to.slug == "now"
    report = brought_in("/en/a/never/")
    assert [to for _where, to in report.broken_links] == ["/en/a/never/"]
    assert [(problem.field, problem.row) for problem in report.problems] == [("leads_to", 3)]
    assert Article.objects.get(slug="old").leads_to.slug == "now"
