"""An administrator gives the shop its look, in a real browser, with its strict content policy."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import expect

from core import brand
from tests.core.test_brand_images import picture
from tests.journeys import barriers
from tests.journeys.conftest import WALKED_ONCE, Walker, in_each_view

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def admin(walker: Walker, settings, tmp_path) -> Walker:
    settings.SEARCH_INDEX_DIR = tmp_path / "index"
    user = User.objects.create_user("ada", password="brand-test-1", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="admin")[0])
    walker.open("/desk/brand/")
    walker.page.get_by_label("Username").fill("ada")
    walker.page.get_by_label("Password").fill("brand-test-1")
    walker.page.get_by_role("button", name="Sign in").click()
    walker.page.wait_for_url("**/desk/brand/")
    return walker


@WALKED_ONCE
def test_a_pale_accent_is_mended_by_one_press_and_the_saved_look_is_on_every_page(admin: Walker, tmp_path):
    page = admin.page
    page.get_by_label("Shop name").fill("Nordlys")
    page.get_by_label("Accent colour", exact=True).fill("#ffcc00")
    expect(page.locator("#brand-accent")).to_contain_text("too pale")
    page.get_by_role("button", name="Use this instead").click()
    expect(page.get_by_label("Accent colour", exact=True)).to_have_value("#876a00")
    expect(page.locator("#brand-accent .badge-success")).to_be_visible()
    expect(page.get_by_label("Pick the accent colour")).to_have_value("#876a00")

    file = tmp_path / "logo.svg"
    file.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    page.get_by_label(re.compile("^Logo .optional")).set_input_files(file)
    expect(page.locator("#brand-logo")).to_contain_text("This is an SVG")
    file = tmp_path / "logo.png"
    file.write_bytes(picture(600, 120))
    page.get_by_label(re.compile("^Logo .optional")).set_input_files(file)
    expect(page.locator("#brand-logo img")).to_be_visible()
    frame = page.frame_locator("iframe").first
    expect(frame.get_by_role("heading", name="How can we help?")).to_be_visible()
    expect(frame.locator(".brand")).to_contain_text("Nordlys")
    admin.shoot("brand-page")
    assert in_each_view(page, barriers.sideways) == []
    assert brand.newest() is None  # looked at, not saved

    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    admin.open("/en/contact/")
    expect(page).to_have_title(re.compile("Nordlys"))
    logo = page.locator(".brand .logo")
    expect(logo).to_be_visible()
    assert "/brand/logo/" in logo.evaluate("(it) => getComputedStyle(it).backgroundImage")
    admin.shoot("brand-contact")
    assert admin.foreign == []
    # The frames may run no script, which the browser says; nothing else may be wrong.
    assert [line for line in admin.complaints if "sandboxed" not in line] == []
