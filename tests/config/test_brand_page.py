"""The desk's page of the shop's name and look, and what customers get of it."""

from __future__ import annotations

import gzip
import io
import re
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from core import brand, csp
from core.brand import Draft
from core.models import Brand, BrandImage
from tests.config.test_urls import BROWSER, Inline, help_centre  # noqa: F401  # a fixture
from tests.core.test_brand_images import bomb, moving, picture

pytestmark = pytest.mark.django_db

PAGE = "/desk/brand/"
GOOD = {"name": "Nordlys", "accent": "#5b53e6", "after": "0"}


@pytest.fixture(autouse=True)
def _an_index(settings, tmp_path):
    settings.SEARCH_INDEX_DIR = tmp_path / "index"


@pytest.fixture
def desk():
    def sign_in(role: str) -> Client:
        user = User.objects.create_user(role, password="x", is_staff=True)
        user.groups.add(Group.objects.get_or_create(name=role)[0])
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def admin(desk) -> Client:
    return desk("admin")


def upload(data: bytes, name: str = "logo.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type="image/png")


def visitor(**headers: str) -> Client:
    return Client(headers={"user-agent": BROWSER, **headers})


def errors_of(answer, field: str) -> str:
    return " ".join(answer.context["form"].errors.get(field, []))


# --- who may, and what saving does ---


def test_only_admins_see_it_and_its_link(desk):
    writer = desk("writer")
    for address in (PAGE, PAGE + "preview/home/", PAGE + "preview.css"):
        assert writer.get(address).status_code == 403
    for address in (PAGE, PAGE + "check/", PAGE + "reset/"):
        assert writer.post(address, GOOD).status_code == 403
    assert f'href="{PAGE}"' not in writer.get("/desk/articles/").content.decode()
    assert f'href="{PAGE}"' in desk("admin").get("/desk/articles/").content.decode()
    assert Client().get(PAGE).status_code == 302
    assert not Brand.objects.exists()


def test_what_is_saved_is_what_customers_see(admin):
    answer = admin.post(
        PAGE,
        {
            **GOOD,
            "support_email": "hello@nordlys.example",
            "support_hours": "Monday to Friday, 9 to 17",
            "label_2": "Terms",
            "url_2": "https://nordlys.example/terms",
            "logo": upload(picture()),
        },
    )
    assert (answer.status_code, answer.url) == (302, PAGE)
    html = visitor().get("/en/orders/").content.decode()
    assert "Nordlys" in html
    assert "Fernhill" not in html
    assert 'href="https://nordlys.example/terms"' in html
    assert "mailto:hello@nordlys.example" in html
    assert "Monday to Friday, 9 to 17" in html
    assert f"/brand/{brand.version()}.css" in html
    assert "Nordlys" in admin.get("/desk/articles/").content.decode()
    changes = admin.get(PAGE).content.decode().split('id="changes-h"')[1]
    assert "admin" in changes
    assert "#5b53e6" in changes


def test_without_a_change_nothing_is_saved(admin):
    admin.post(PAGE, GOOD)
    again = admin.post(PAGE, {**GOOD, "after": str(brand.current().number)}, follow=True)
    assert "Nothing has changed" in again.content.decode()
    assert Brand.objects.count() == 1


def test_the_form_as_it_opens_saves_nothing(admin):
    values = {field.html_name: field.value() or "" for field in admin.get(PAGE).context["form"]}
    admin.post(PAGE, values)
    assert not Brand.objects.exists()


def test_whoever_saves_second_keeps_their_text_and_may_save_again(admin):
    brand.save(Draft(name="Theirs"), after=0, by=None)
    answer = admin.post(PAGE, GOOD)
    assert answer.status_code == 409
    assert "saved another look" in answer.content.decode()
    assert 'value="Nordlys"' in answer.content.decode()
    after = answer.context["form"]["after"].value()
    assert admin.post(PAGE, {**GOOD, "after": after}).status_code == 302
    assert brand.current().name == "Nordlys"


def test_back_to_the_default(admin):
    admin.post(PAGE, GOOD)
    assert admin.post(PAGE + "reset/").status_code == 302
    assert brand.current().name == "Fernhill & Co"
    assert "This is the default look already" in admin.post(PAGE + "reset/", follow=True).content.decode()
    assert Brand.objects.count() == 2


# --- what is refused, where it says so, and that nothing is lost ---


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("accent", "#ffcc00", "too pale"),
        ("accent", "red", "is not a colour"),
        ("accent", "#fff;} body{display:none}", "is not a colour"),
        ("accent", "", "required"),
        ("hero", "linear-gradient(red, blue)", "is not a colour"),
        ("name", "", "required"),
        ("name", "N" * 10_000, "at most 60 characters"),
        ("name", "Nord\u202elys", "cannot be seen"),
        ("name", "Nord\x00lys", "cannot be seen"),
        ("mail_sender", "Nord <a@b.example>", "Leave out"),
        ("mail_sender", "N" * 10_000, "at most 60 characters"),
        ("support_email", "hello", "help@shop.example"),
        ("support_hours", "x" * 121, "at most 120 characters"),
        ("url_1", "javascript:alert(1)", "beginning with https://"),
        ("url_1", "http://shop.example/", "beginning with https://"),
        ("url_1", "https://user:pass@shop.example/", "beginning with https://"),
        ("url_1", "https://shop.example/\" onclick=", "beginning with https://"),
        ("url_1", "https://[", "beginning with https://"),
        ("url_1", "//shop.example/", "beginning with https://"),
        ("url_1", "", "beginning with https://"),
        ("label_1", "x" * 41, "at most 40 characters"),
    ],
)  # fmt: skip
def test_bad_input_is_told_at_its_field_and_nothing_is_lost(admin, field, value, says):
    sent = {
        **GOOD, "label_1": "Shop", "url_1": "https://nordlys.example/", "support_hours": "9 to 17", field: value,
        "logo": upload(picture()),
    }  # fmt: skip
    answer = admin.post(PAGE, sent)
    assert answer.status_code == 400
    assert says in errors_of(answer, field)
    assert list(answer.context["form"].errors) == [field]
    for name, text in sent.items():
        if name not in ("logo", field):
            assert answer.context["form"][name].value() == text
    assert answer.context["form"]["logo_kept"].value() == BrandImage.objects.get().pk  # the file too
    assert not Brand.objects.exists()
    assert brand.current().name == "Fernhill & Co"
    # Mended and sent again, as a browser would: file fields come back empty.
    mended = {**sent, field: {"label_1": "Shop", "url_1": "https://nordlys.example/"}.get(field, GOOD.get(field, ""))}
    del mended["logo"]
    mended["logo_kept"] = answer.context["form"]["logo_kept"].value()
    assert admin.post(PAGE, mended).status_code == 302
    assert brand.current().logo is not None


@pytest.mark.parametrize(
    ("data", "name", "says"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "logo.svg", "SVG"),
        (b"<html></html>", "logo.png", "not a PNG, JPEG or WebP"),
        (bytes(2 * 1024 * 1024), "logo.png", "1 MB is the most"),
        (bomb(30_000, 30_000), "logo.png", "far too large"),
        (moving("PNG"), "logo.png", "moves"),
        (picture(1, 1), "logo.png", "only 1 × 1"),
        (b"", "logo.png", "empty"),
    ],
)
def test_a_bad_logo_is_told_at_its_field(admin, data, name, says):
    answer = admin.post(PAGE, {**GOOD, "logo_dark": upload(data, name)})
    assert answer.status_code == 400
    assert says in errors_of(answer, "logo_dark")
    assert answer.context["form"]["name"].value() == "Nordlys"
    assert not BrandImage.objects.exists()


def test_a_png_that_calls_itself_a_jpeg_is_taken_for_what_it_is(admin):
    assert admin.post(PAGE, {**GOOD, "logo": upload(picture(), "logo.jpg")}).status_code == 302


def test_a_logo_stays_until_it_is_taken_away(admin):
    admin.post(PAGE, {**GOOD, "logo": upload(picture())})
    kept = brand.current().logo.digest
    after = {"after": str(brand.current().number), "logo_kept": kept}
    admin.post(PAGE, {**GOOD, **after, "name": "Nord"})
    assert brand.current().logo.digest == kept
    admin.post(PAGE, {**GOOD, **after, "after": str(brand.current().number), "logo_remove": "on"})
    assert brand.current().logo is None


def test_a_made_up_logo_is_no_logo(admin):
    assert admin.post(PAGE, {**GOOD, "logo_kept": "f" * 64}).status_code == 302
    assert brand.current().logo is None


# --- contrast and preview ---


def test_a_pale_accent_comes_with_one_that_can_be_read_and_one_press_takes_it(admin):
    answer = admin.post(PAGE, {**GOOD, "accent": "#ffcc00"})
    better = re.search(r'value="use:(#[0-9a-f]{6})"', answer.content.decode())[1]
    taken = admin.post(PAGE, {**GOOD, "accent": "#ffcc00", "do": f"use:{better}"})
    assert taken.status_code == 200
    assert taken.context["form"]["accent"].value() == better
    assert not Brand.objects.exists()  # it is in the form, not saved
    assert admin.post(PAGE, {**GOOD, "accent": better}).status_code == 302


def test_while_typing_the_answer_holds_the_verdict_and_the_preview(admin):
    html = admin.post(PAGE + "check/", {**GOOD, "name": "", "accent": "#ffcc00"}).content.decode()
    assert "1.3 to 1: too pale" in html
    assert "Use this instead" in html
    assert "accent=%23876a00" in html  # shown with the one that can be read
    assert 'id="brand-logo"' not in html  # a file on its way must not be overwritten
    assert not Brand.objects.exists()


def test_a_file_chosen_is_kept_and_shown(admin):
    html = admin.post(PAGE + "check/", {**GOOD, "logo": upload(picture())}).content.decode()
    digest = BrandImage.objects.get().pk
    assert f'value="{digest}"' in html
    assert f"logo={digest}" in html
    refused = admin.post(
        PAGE + "check/", {**GOOD, "logo_kept": digest, "logo": upload(b"<svg></svg>")}
    ).content.decode()
    assert "This is an SVG" in refused
    assert f'value="{digest}"' in refused  # the one from before stays


@pytest.mark.parametrize("screen", ["home", "article"])
def test_the_preview_is_the_real_page_in_the_draft(admin, help_centre, screen):  # noqa: F811
    asked = {"name": "Nordlys", "accent": "#5b53e6", "hero": "#ffe9a8", "scheme": "dark", "link": ["A", "B"]}
    answer = admin.get(f"{PAGE}preview/{screen}/", asked)
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "Nordlys" in html
    assert 'data-theme="dark"' in html
    assert 'href="/desk/brand/preview.css?' in html
    assert "frame-ancestors 'self'" in answer["Content-Security-Policy"]
    assert "unsafe-inline" not in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert Inline(html).found == []
    assert brand.current().name == "Fernhill & Co"
    css = admin.get(f"{PAGE}preview.css?{urlencode(asked, doseq=True)}").content.decode()
    assert "--accent:#5b53e6" in css
    assert "--hero:#ffe9a8" in css


def test_a_preview_of_nonsense_is_a_preview_of_the_default(admin):
    css = admin.get(PAGE + "preview.css", {"accent": "x;}*{", "hero": "red", "logo": "../../etc"}).content.decode()
    assert css == brand.default().css


def test_the_page_itself_keeps_the_strict_policy(admin):
    answer = admin.get(PAGE)
    assert answer["Content-Security-Policy"] == f"{csp.POLICY}; frame-src 'self'"
    assert Inline(answer.content.decode()).found == []


# --- the files ---


def test_the_sheet_is_kept_for_ever_and_sets_no_cookie(admin):
    admin.post(PAGE, {**GOOD, "logo": upload(picture(300, 280))})
    look = brand.current()
    answer = visitor(**{"accept-encoding": "gzip"}).get(look.css_url)
    assert answer["Content-Type"] == "text/css; charset=utf-8"
    assert "immutable" in answer["Cache-Control"]
    assert gzip.decompress(answer.content).decode() == look.css
    assert visitor().get(look.css_url).content.decode() == look.css
    for address, kind in (
        (look.logo.url, "image/webp"), (look.logo.mail_url, "image/png"),
        (look.icon_url, "image/png"), (look.touch_icon_url, "image/png"),
    ):  # fmt: skip
        file = visitor().get(address)
        assert (file.status_code, file["Content-Type"]) == (200, kind)
        assert "immutable" in file["Cache-Control"]
        assert not file.cookies
    assert not answer.cookies


def test_an_old_version_still_has_its_sheet_and_icon(admin):
    admin.post(PAGE, GOOD)
    old = brand.current()
    admin.post(PAGE, {**GOOD, "accent": "#b3261e", "after": str(old.number)})
    assert "#5b53e6" in visitor().get(old.css_url).content.decode()
    assert "immutable" in visitor().get(old.css_url)["Cache-Control"]
    assert "#5b53e6" in visitor().get(old.icon_url).content.decode()


def test_without_a_logo_the_first_letter_is_the_icon_of_every_page(admin):
    admin.post(PAGE, GOOD)
    look = brand.current()
    svg, png = visitor().get(look.icon_url), visitor().get(look.touch_icon_url)
    assert (svg["Content-Type"], png["Content-Type"]) == ("image/svg+xml", "image/png")
    with Image.open(io.BytesIO(png.content)) as picture:
        assert picture.size == (180, 180)
        assert {(91, 83, 230), (255, 255, 255)} <= {colour for _often, colour in picture.getcolors()}
    for page in (visitor().get("/en/"), admin.get(PAGE), visitor().get("/desk/sign-in/")):
        assert f'<link rel="icon" href="{look.icon_url}">' in page.content.decode()
        assert f'<link rel="apple-touch-icon" href="{look.touch_icon_url}">' in page.content.decode()
    assert visitor().get("/favicon.ico")["Location"] == look.icon_url


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/brand/999-00000000.css", 404),
        ("/brand/999999999999999999-00000000.css", 404),
        ("/brand/x.css", 404),
        (f"/brand/logo/{'0' * 64}.webp", 404),
        (f"/brand/icon/{'0' * 64}.webp", 404),
        ("/brand/0-00000000.css", 200),  # another release's default: ours, for a minute
    ],
)
def test_what_there_is_not_is_not_found(address, status):
    answer = visitor().get(address)
    assert answer.status_code == status
    assert "immutable" not in answer.get("Cache-Control", "")
