"""Pictures beside the texts of an import."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import stat
import zipfile
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from PIL import Image

from kb import import_pictures, importing, publishing
from kb.import_reports import Asked
from kb.models import Article, Picture
from kb.publishing import Text
from tests.core.test_brand_images import bomb, picture
from tests.kb.porting.samples import zipped

pytestmark = pytest.mark.django_db

PNG = picture(900, 300)
JPEG = picture(700, 90, kind="JPEG", mode="RGB")


def text(id: str, body: str) -> bytes:
    return f"---\nid: {id}\ntitle: Title {id}\ncategory: c\n---\n\n{body}\n".encode()


def live(id: str) -> str:
    return Article.objects.get(external_id=id).live_revision.body


def reference(width: int) -> str:
    kept = Picture.objects.get(width=width)
    return f"picture:{kept.digest}-{kept.width}x{kept.height}"


FILES = {
    "docs/a.md": text("a", 'One ![A label](images/a%20b.png "Title").\n\n![Van][van]\n\n[van]: ../top.JPG'),
    "docs/deep/b.md": text("b", "![Top](/top.JPG) and ![](<../images/a b.png>)\n\n`![code](../images/none.png)`"),
    "docs/images/a b.png": PNG,
    "top.JPG": JPEG,
    "docs/images/unused.png": picture(640, 100),
}


@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_pictures_beside_the_texts_come_in_with_them(tmp_path, kind):
    path = zipped(tmp_path / "a.zip", FILES)
    if kind == "folder":
        with zipfile.ZipFile(path) as file:
            file.extractall(tmp_path / "folder")
        path = tmp_path / "folder"
    report = importing.run(path, asked=Asked())
    assert (report.new, report.problems) == (2, [])
    assert Picture.objects.count() == 2, "what no text shows stays out"
    assert live("a") == f'One ![A label]({reference(900)} "Title").\n\n![Van][van]\n\n[van]: {reference(700)}'
    assert live("b") == f"![Top]({reference(700)}) and ![]({reference(900)})\n\n`![code](../images/none.png)`"
    assert [note.what for _, note in report.notes if note.field == "body"] == [
        "The picture docs/images/a b.png has no words for whoever does not see it."
    ]
    page = Client(headers={"user-agent": "Mozilla/5.0 Firefox/140.0"}).get("/en/a/title-a/").content.decode()
    address = f"/pictures/{Picture.objects.get(width=900).digest}.webp"
    assert f'src="{address}"' in page
    assert 'alt="A label"' in page
    assert Image.open(io.BytesIO(Client().get(address).content)).format == "WEBP"
    again = importing.run(path, asked=Asked())
    assert (again.new, again.changed, again.unchanged, again.problems) == (0, 0, 2, [])


def test_another_picture_under_the_same_name_is_a_change(tmp_path):
    importing.run(zipped(tmp_path / "a.zip", FILES), asked=Asked())
    report = importing.run(
        zipped(tmp_path / "b.zip", {**FILES, "top.JPG": picture(750, 80, kind="JPEG", mode="RGB")}), asked=Asked()
    )
    assert (report.changed, report.unchanged) == (2, 0)
    assert reference(750) in live("a")


def test_a_dry_run_looks_at_pictures_and_keeps_none(tmp_path):
    path = zipped(tmp_path / "a.zip", {**FILES, "top.JPG": PNG})
    report = importing.run(path, asked=Asked(is_dry=True))
    assert "it holds a PNG" in str(report.problems[0])
    assert not Picture.objects.exists()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (JPEG, "This file says it is a PNG, but it holds a JPEG."),
        (PNG[:-200], "This picture is damaged or cut off"),
        (b"<svg onload='alert(1)'/>", "This is an SVG."),
        (bomb(30_000, 30_000), "50 million pixels"),
        (b"", "This file is empty."),
        (PNG + b"x" * 11_000_000, "It has more than 10 MB."),
    ],
)
def test_a_picture_that_lies_or_is_broken_is_refused_and_blocks_nothing(tmp_path, content, why):
    files = {
        "a.md": text("a", "Before.\n\n![The label](bad.png)\n\n![The van](good.jpg)"),
        "b.md": text("b", "![The van](good.jpg)"),
        "bad.png": content,
        "good.jpg": JPEG,
    }
    path = zipped(tmp_path / "a.zip", files, zipfile.ZIP_STORED)
    for outcome in ("new", "unchanged"):  # told again as long as it is so
        report = importing.run(path, asked=Asked())
        assert getattr(report, outcome) == 2
        (problem,) = report.problems
        assert (problem.file, problem.field, problem.id) == ("a.md", "body", "a")
        assert problem.what.startswith("The picture bad.png was refused: ")
        assert why in problem.what
        assert live("a") == f"Before.\n\n![The label](bad.png)\n\n![The van]({reference(700)})"
    assert Picture.objects.count() == 1
    page = Client(headers={"user-agent": "Mozilla/5.0 Firefox/140.0"}).get("/en/a/title-a/").content.decode()
    assert '<img loading="lazy" alt="The label">' in page, "readers have its words, and no dead address is asked for"
    mended = importing.run(zipped(tmp_path / "b.zip", {**files, "bad.png": PNG}), asked=Asked())
    assert (mended.changed, mended.unchanged, mended.problems) == (1, 1, [])
    assert reference(900) in live("a")


def test_who_uploaded_a_refused_picture_on_the_desk_is_not_overruled(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.md": text("a", "![The label](bad.png)"), "bad.png": PNG[:-200]})
    importing.run(path, asked=Asked())
    article = Article.objects.get()
    publishing.save_draft(article, Text("Title a", "", "By hand."), version=article.draft.version, by=None)
    publishing.publish(article, by=None, ring=False)
    report = importing.run(path, asked=Asked())
    assert (report.unchanged, report.conflict) == (1, 0)
    assert live("a") == "By hand."


def test_a_picture_that_is_not_there_or_lies_outside_is_told(tmp_path):
    (tmp_path / "secret.png").write_bytes(PNG)
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "a.md").write_bytes(
        text("a", "![x](none.png) ![y](../secret.png) ![z](link.png) ![w](https://x.example/a.png)")
    )
    (inside / "link.png").symlink_to(tmp_path / "secret.png")
    report = importing.run(inside, asked=Asked())
    assert report.new == 1
    assert [note.what for _, note in report.notes if note.field == "body"] == [
        f"The picture {name} is not among the files." for name in ("none.png", "../secret.png", "link.png")
    ]
    assert ["It is a link that leads out of the folder." in problem.what for problem in report.problems] == [True]
    assert not Picture.objects.exists()


@pytest.mark.parametrize(
    ("name", "attributes", "says"),
    [
        ("../evil.png", {}, "Its name leads out of the archive."),
        ("/evil.png", {}, "Its name leads out of the archive."),
        ("..\\evil.png", {}, "Its name leads out of the archive."),
        ("evil.png", {"external_attr": (stat.S_IFLNK | 0o777) << 16}, "It is a link to another file."),
        ("bomb.png", {}, "as a zip bomb does"),
    ],
)
def test_a_hostile_zip_brings_no_picture_in(tmp_path, name, attributes, says):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("docs/a.md", text("a", f"![x]({name}) ![y](../{name})"))
        info = zipfile.ZipInfo(name)
        for attribute, value in attributes.items():
            setattr(info, attribute, value)
        file.writestr(info, PNG if "evil" in name else b"0" * 20_000_000, zipfile.ZIP_DEFLATED)
    report = importing.run(path, asked=Asked())
    assert report.new == 1
    assert [says in problem.what for problem in report.problems] == [True]
    assert not Picture.objects.exists()


def test_too_many_pictures_in_one_article_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(import_pictures, "MOST", 1)
    files = {"a.md": text("a", "![x](a.png) ![y](b.jpg)"), "a.png": PNG, "b.jpg": JPEG}
    report = importing.run(zipped(tmp_path / "a.zip", files), asked=Asked())
    assert "It shows more than 1 pictures" in report.problems[0].what
    assert live("a").endswith("![y](b.jpg)")


def own(data: bytes, **more: str) -> str:
    digest = hashlib.sha256(data).hexdigest()[:32]
    return json.dumps(
        {"type": "picture", "digest": digest, "name": "x", "webp": base64.b64encode(data).decode(), **more}
    )


def webp(**options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (700, 90), "red").save(out, "WEBP", **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (own(webp()), ""),
        (own(webp(), digest="0" * 32), "Its bytes are not those that its name tells"),
        (own(webp(), digest="../x"), "names no picture"),
        (own(webp(), webp="%%"), "It is not a picture in base64."),
        (own(webp(exif=b"Exif\0\0secret")), "it carries something else"),
        (own(webp() + b"<script>"), "it carries something else"),
        (own(webp()[:-40]), "it carries something else"),
        (own(PNG), "it carries something else"),
    ],
)
def test_a_picture_of_an_export_is_taken_as_it_is_only_if_it_is_one_of_ours(tmp_path: Path, line, why):
    path = tmp_path / "a.jsonl"
    path.write_text(f'{line}\n{{"id": "a", "title": "A", "category": "c", "body": "b"}}\n')
    report = importing.run(path, asked=Asked())
    assert report.new == 1
    assert [why in problem.what for problem in report.problems] == ([True] if why else [])
    assert [bytes(kept.webp) for kept in Picture.objects.all()] == ([] if why else [webp()])


def test_the_command_names_the_refused_picture_and_fails(tmp_path, capsys):
    path = zipped(tmp_path / "a.zip", {"a.md": text("a", "![x](a.png)"), "a.png": JPEG})
    with pytest.raises(SystemExit):
        call_command("import_articles", str(path))
    out, err = capsys.readouterr()
    assert "1 new" in out
    assert "a.md, field body: The picture a.png was refused: This file says it is a PNG, but it holds a JPEG." in err
