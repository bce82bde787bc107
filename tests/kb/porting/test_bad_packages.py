from __future__ import annotations

import codecs
import io
import stat
import zipfile

import pytest

from kb import importing
from kb.import_reports import Asked
from kb.models import Article
from kb.porting import csv_files, package
from kb.porting.facts import ImportedArticle, Options, Problem
from tests.kb.porting.samples import zipped

GOOD = b"---\nid: good\ntitle: Good\ncategory: c\n---\n\nText.\n"
OPTIONS = Options("en", ("en", "es"))
HEAD = "id,title,category,body\n"


def csv_items(tmp_path, content: bytes) -> list:
    (tmp_path / "a.csv").write_bytes(content)
    with package.opened(tmp_path / "a.csv") as opened:
        items = list(csv_files.read(opened, OPTIONS))
        assert csv_files.count(opened, OPTIONS) == len(items) or isinstance(items[0], Problem)
    return items


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_of_every_kind_is_read(tmp_path, sign, encoding, end):
    rows = [["id", "title", "category", "body"], ["1", '"Ünï; ""q"", x|y"', "Cä", f'"line 1{end}line; 2,3"']]
    text = end.join(sign.join(row) for row in rows) + end
    content = codecs.BOM_UTF16_LE + text.encode("utf-16-le") if encoding.endswith("bom") else text.encode(encoding)
    (item,) = csv_items(tmp_path, content)
    assert (item.id, item.title, item.category) == ("1", 'Ünï; "q", x|y', "Cä")
    assert item.body.splitlines() == ["line 1", "line; 2,3"]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (b'x,"never closed,c,b\n', "Close every quote"),
        (b"x,t,c\n", "It has 3 fields where the header has 4."),
        (b"x,caf\xe9,c,b\n", "field title: It holds bytes that are not UTF-8."),
        (b"x,a\0b,c,b\n", "field title: It holds a character that no text may hold."),
        (b"x,,c,b\n", "field title: It is empty."),
        (b"x," + b"t" * 201 + b",c,b\n", "field title: It has 201 characters."),
        (b"x,t,c," + b"b" * 400_001 + b"\n", "field body: It has 400001 characters."),
        (b"x,t,c," + b"b" * 1_200_000 + b"\n", "field larger than field limit"),
        (b"good,t,c,b\n", ""),
    ],
)
def test_a_broken_row_of_csv_blocks_no_other(tmp_path, row, says):
    items = csv_items(tmp_path, HEAD.encode() + b"good,T,c,b\n" + row + b"also,T,c,b\n")
    assert [item.id for item in items if isinstance(item, ImportedArticle)][0::2][:1] == ["good"]
    assert isinstance(items[-1], ImportedArticle)
    assert items[-1].id == "also"
    if says:
        assert says in str(items[1])
        assert str(items[1]).startswith("a.csv, row 3")


def test_a_header_that_lacks_a_column_says_so(tmp_path):
    (problem,) = csv_items(tmp_path, b"id,heading,body\n1,2,3\n")
    assert "field title: The header has no such column; it has id, heading, body." in str(problem)


def trick(tmp_path, name: str, content: bytes = b"x", **attributes: object):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        info = zipfile.ZipInfo(name)
        for attribute, value in attributes.items():
            setattr(info, attribute, value)
        file.writestr("good.md", GOOD)
        file.writestr(info, content, zipfile.ZIP_DEFLATED)
    return path


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "content", "attributes", "says"),
    [
        ("../../etc/evil.md", GOOD, {}, "Its name leads out of the archive."),
        ("/etc/evil.md", GOOD, {}, "Its name leads out of the archive."),
        ("..\\evil.md", GOOD, {}, "Its name leads out of the archive."),
        ("C:/evil.md", GOOD, {}, "Its name leads out of the archive."),
        ("inner.zip", b"PK", {}, "It is an archive within the archive."),
        ("inner.tar.gz", b"x", {}, "It is an archive within the archive."),
        ("bomb.md", b"0" * 20_000_000, {}, "as a zip bomb does"),
        ("link.md", b"/etc/passwd", {"external_attr": (stat.S_IFLNK | 0o777) << 16}, "It is a link to another file."),
        ("long.md", b"---\n" + bytes(range(33, 120)) * 60_000, {}, "It has more than 4 MB."),
        ("null.md", b'---\nid: a\ntitle: "a\\0b"\ncategory: c\n---\nx', {}, "a character that no text may hold"),
        ("bytes.md", b"---\nid: caf\xe9\n---\nx", {}, "is not UTF-8"),
    ],
)
def test_what_a_zip_must_not_hold_is_named_and_the_rest_goes_in(tmp_path, name, content, attributes, says):
    report = importing.run(trick(tmp_path, name, content, **attributes), asked=Asked())
    assert report.new == 1
    assert [says in str(problem) for problem in report.problems] == [True], report.problems
    assert Article.objects.get().external_id == "good"


@pytest.mark.django_db
def test_an_archive_that_is_cut_off_or_damaged_says_so(tmp_path):
    whole = zipped(tmp_path / "a.zip", {"good.md": GOOD}).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    assert "It cannot be unpacked" in str(importing.run(tmp_path / "cut.zip", asked=Asked()).problems[0])
    at = whole.index(b"good.md") + len("good.md") + 5
    (tmp_path / "bad.zip").write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
    report = importing.run(tmp_path / "bad.zip", asked=Asked())
    assert report.refused == 1
    assert not Article.objects.exists()


def test_a_folder_with_a_link_out_of_it_keeps_to_itself(tmp_path):
    (tmp_path / "secret.md").write_bytes(GOOD)
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "link.md").symlink_to(tmp_path / "secret.md")
    (inside / "good.md").write_bytes(GOOD)
    with package.opened(inside) as opened:
        assert opened.names == ["good.md"]
        assert "leads out of the folder" in str(opened.problems[0])


def test_a_line_without_end_is_not_kept_in_memory(tmp_path):
    path = tmp_path / "a.jsonl"
    with path.open("wb") as file:
        file.write(b'{"id": "' + b"x" * 9_000_000 + b'"}\n')
        file.write(b'{"id": "a", "title": "T", "category": "c", "body": "b"}\n')
    from kb.porting import jsonl

    with package.opened(path) as opened:
        first, second = jsonl.read(opened, OPTIONS)
    assert "The line has more than 8 MB." in str(first)
    assert isinstance(second, ImportedArticle)
    assert second.row == 2


def test_two_files_of_one_name_in_a_zip_are_told(tmp_path):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        file.writestr("a.md", GOOD)
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("a.md", GOOD)
    (tmp_path / "a.zip").write_bytes(held.getvalue())
    with package.opened(tmp_path / "a.zip") as opened:
        assert opened.names == ["a.md"]
        assert "two files of this name" in str(opened.problems[0])
