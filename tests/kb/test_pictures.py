"""Pictures of articles: what is taken, how it is kept and served, when it goes."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from core.models import AuditEntry
from kb import picture_files, pictures, publishing
from kb.models import Picture
from kb.picture_files import Made, Refused
from tests.core.test_brand_images import bomb, moving, picture
from tests.kb.conftest import NOW

TYPES = {"PNG": ("a.png", "image/png"), "JPEG": ("a.JPG", "image/jpeg"), "WEBP": ("a.webp", "image/webp")}


@pytest.fixture
def writer(client: Client, db: None) -> Client:
    user = User.objects.create_user("wren", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="writer")[0])
    client.force_login(user)
    return client


def made(data: bytes, name: str = "a", declared: str = "") -> Made:
    return picture_files.make(io.BytesIO(data), size=len(data), name=name, declared=declared)


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("kind", TYPES)
def test_a_picture_becomes_webp_of_at_most_1600_pixels_with_a_half(kind):
    found = made(picture(2000, 500, kind=kind, mode="RGB"), *TYPES[kind])
    assert (found.width, found.height) == (1600, 400)
    full, half = opened(found.webp), opened(found.half)
    assert (full.format, full.size, half.size) == ("WEBP", (1600, 400), (800, 200))
    assert len(found.digest) == 32


def test_a_narrow_picture_keeps_its_size_and_needs_no_half():
    found = made(picture(639, 100))
    assert ((found.width, found.height), found.half) == ((639, 100), b"")


def test_a_photo_stands_upright_and_says_nothing_of_where_it_was_taken():
    image = Image.new("RGB", (300, 100), "white")
    exif = image.getexif()
    exif[0x0112] = 6  # turned a quarter
    exif[0x010F] = "Camera"
    exif.get_ifd(0x8825)[1] = "N"
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif, comment=b"at home")
    found = made(out.getvalue())
    assert (found.width, found.height) == (100, 300)
    assert not opened(found.webp).getexif()
    assert b"Camera" not in found.webp
    assert b"at home" not in found.webp


def test_what_is_transparent_stays_so():
    assert opened(made(picture(100, 100, mode="RGBA")).webp).mode == "RGBA"


@pytest.mark.parametrize(
    ("name", "declared", "kind"),
    [("a.png", "image/png", "JPEG"), ("a.jpg", "", "PNG"), ("a", "image/jpeg", "WEBP"), ("a.svg", "", "PNG"),
     ("a.html", "text/html", "PNG"), ("a.gif", "image/gif", "JPEG")],
)  # fmt: skip
def test_a_file_that_lies_about_its_type_is_refused(name, declared, kind):
    with pytest.raises(Refused, match=f"it holds a {kind}"):
        made(picture(100, 100, kind=kind, mode="RGB"), name, declared)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "SVG"),
        (b"<?xml version='1.0'?><svg/>", "SVG"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(40), "HEIC"),
        (b"%PDF-1.7", "not a PNG"),
        (b"GIF89a<script>alert(1)</script>", "damaged|hardly|million"),
        (b"\x89PNG\r\n\x1a\n" + bytes(60), "damaged"),
        (picture(300, 300)[:-200], "damaged"),
        (bomb(30_000, 30_000), "50 million"),
        (bomb(2**31 - 1, 2**31 - 1), "50 million|damaged"),
        (bomb(4, 4), "hardly anything"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8X" + bytes(8) + b"\xff\xff\xff\xff\xff\xff", "50 million"),
        (picture(20, 6001, mode="RGB"), "tall"),
        (moving("GIF"), "moves"),
        (moving("WEBP"), "moves"),
    ],
)
def test_a_file_that_is_no_good_is_refused_with_what_to_do(data, why):
    with pytest.raises(Refused, match=why):
        made(data)


def test_a_file_that_is_too_large_is_refused_unread():
    with pytest.raises(Refused, match=r"11\.0 MB; 10 MB is the most"):
        picture_files.make(io.BytesIO(b""), size=11 * picture_files.MB, name="a.png")


def test_two_files_in_one_are_only_the_picture():
    found = made(picture(100, 100, kind="PNG") + b"<script>alert(1)</script>")
    assert b"script" not in found.webp


def test_an_upload_answers_with_what_the_text_says(writer):
    answer = writer.post("/desk/articles/pictures/upload/", {"picture": _file(picture(900, 300))})
    kept = Picture.objects.get()
    assert answer.json() == {"src": f"picture:{kept.digest}-900x300", "width": 900, "height": 300}
    assert kept.uploaded_by == User.objects.get()
    assert AuditEntry.objects.get(action="picture.uploaded").target_id == kept.pk
    again = writer.post("/desk/articles/pictures/upload/", {"picture": _file(picture(900, 300))})
    assert again.json() == answer.json()
    assert Picture.objects.count() == 1


def test_a_refusal_says_why(writer):
    answer = writer.post("/desk/articles/pictures/upload/", {"picture": _file(b"<svg/>", "a.svg", "image/svg+xml")})
    assert answer.status_code == 422
    assert "It can carry scripts" in answer.json()["error"]
    assert writer.post("/desk/articles/pictures/upload/").status_code == 422


def test_only_who_writes_may_upload(client, writer):
    User.objects.get().groups.set([Group.objects.get_or_create(name="ops")[0]])
    assert writer.post("/desk/articles/pictures/upload/", {"picture": _file(picture())}).status_code == 403
    assert Client().post("/desk/articles/pictures/upload/", {"picture": _file(picture())}).status_code == 302


def test_a_picture_is_served_to_everybody_for_ever_and_locked_up(writer):
    writer.post("/desk/articles/pictures/upload/", {"picture": _file(picture(900, 300))})
    digest = Picture.objects.get().digest
    for name, size in ((digest, (900, 300)), (f"{digest}-half", (450, 150))):
        answer = Client().get(f"/pictures/{name}.webp")
        assert opened(answer.content).size == size
        assert answer["Content-Type"] == "image/webp"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "immutable" in answer["Cache-Control"]
        assert "sandbox" in answer["Content-Security-Policy"]
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert not answer.cookies
    assert Client().get(f"/pictures/{'0' * 32}.webp").status_code == 404


def test_the_plain_page_adds_a_picture_and_lists_it(writer):
    answer = writer.post("/desk/articles/pictures/", {"picture": _file(picture(900, 300))}, follow=True)
    digest = Picture.objects.get().digest
    assert f"![](picture:{digest}-900x300)" in answer.content.decode()
    assert "it goes on 1 Apr 2026" in answer.content.decode()
    answer = writer.post("/desk/articles/pictures/", {"picture": _file(b"nothing")})
    assert answer.status_code == 422
    assert "This is not a PNG" in answer.content.decode()
    assert writer.post("/desk/articles/pictures/").status_code == 422


def test_a_picture_goes_30_days_after_the_last_text_that_showed_it(write, writer):
    for width in (700, 701, 702):
        writer.post("/desk/articles/pictures/upload/", {"picture": _file(picture(width, 90))})
    frozen, drafted, unused = Picture.objects.order_by("width")
    write("Frozen", f"![a]({pictures.reference(frozen)})")
    article = write("Drafted", f"x ![a]({pictures.reference(drafted)})", publish=False)
    assert pictures.sweep(now=NOW + timedelta(days=29)) == []
    assert set(Picture.objects.filter(unused_since=None)) == {frozen, drafted}
    publishing.save_draft(article, publishing.Text("Drafted", "", "none now"), version=1, by=None)
    assert pictures.sweep(now=NOW + timedelta(days=31)) == ["a.png"]
    assert set(Picture.objects.all()) == {frozen, drafted}, "the one that no text ever showed is gone"
    assert pictures.sweep(now=NOW + timedelta(days=60)) == []
    assert len(pictures.sweep(now=NOW + timedelta(days=62))) == 1
    assert set(Picture.objects.all()) == {frozen}, "what an old text shows stays for good"
    assert AuditEntry.objects.filter(action="picture.removed").count() == 2
    assert unused.digest != drafted.digest


def test_a_picture_that_comes_again_starts_its_30_days_anew(writer):
    writer.post("/desk/articles/pictures/upload/", {"picture": _file(picture(700, 90))})
    Picture.objects.update(unused_since=NOW - timedelta(days=31))
    writer.post("/desk/articles/pictures/upload/", {"picture": _file(picture(700, 90))})
    assert pictures.sweep(now=NOW + timedelta(days=29)) == []


def _file(data: bytes, name: str = "a.png", kind: str = "image/png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, kind)
