"""A chart in a browser: drawn, read by keyboard, taken along as a file, printed; all under the content policy."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import expect

from analytics import markers, settling
from core import clock
from tests.analytics import history
from tests.journeys import barriers
from tests.journeys.conftest import Walker, let_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Whether a canvas has anything on it, and the colour of its top left corner's ground.
INK = "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((part) => part)"


def at_the_shop() -> datetime:
    """Now, by the shop's clock: days before it are the shop's days, also over a change of the clocks."""
    return timezone.localtime(clock.now())


def test_a_chart_is_drawn_read_by_keyboard_and_taken_along(walker: Walker, shop):
    now = at_the_shop()
    weather = history.reason("weather")
    for days in (1, 1, 3, 30):
        history.contact(now - timedelta(days=days), person="p", why=weather)
    settling.settle()
    user = User.objects.create(username="ada", is_superuser=True, is_staff=True)
    markers.add((now - timedelta(days=1)).date(), "New checkout", by=user)
    let_in(walker.page.context, user, walker.root)
    walker.open("/desk/")
    page = walker.page
    figure = page.locator("figure[data-chart=contacts-by-day]")
    plot, said, table = figure.get_by_role("application"), figure.locator("[data-said]"), figure.locator("table")
    expect(figure.locator("canvas")).to_be_visible()
    assert figure.locator("canvas").evaluate(INK), "nothing was drawn"

    plot.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(said).to_contain_text("All: 2. Weather: 2 contacts. 28 days before: 0 contacts.")
    expect(said).to_contain_text("Release: New checkout")
    expect(figure.locator(".figure-tip")).to_be_visible()
    page.keyboard.press("Home")
    page.keyboard.press("m")
    expect(said).to_contain_text("Release: New checkout")
    page.keyboard.press("Escape")
    expect(figure.locator(".figure-tip")).to_be_hidden()

    expect(table).to_be_hidden()
    toggle = figure.get_by_role("button", name="Show as table")
    toggle.press("Enter")
    expect(table).to_be_visible()
    expect(toggle).to_have_attribute("aria-expanded", "true")
    toggle.press("Enter")

    legend = figure.get_by_role("button", name="28 days before")
    legend.press("Space")
    expect(legend).to_have_attribute("aria-pressed", "false")

    with page.expect_download() as csv:
        figure.get_by_role("button", name="CSV").click()
    lines = Path(csv.value.path()).read_text("utf-8-sig").splitlines()
    assert lines[0] == '"Day","All (contacts)","Weather (contacts)","28 days before (contacts)","Meanwhile"'
    assert lines[-2].endswith(',2,2,0,"New checkout"')
    with page.expect_download() as png:
        figure.get_by_role("button", name="PNG").click()
    assert Path(png.value.path()).read_bytes().startswith(b"\x89PNG")

    assert [*barriers.axe(page), *barriers.sideways(page)] == []
    page.emulate_media(media="print", color_scheme="dark")
    expect(table).to_be_visible()
    expect(figure.locator("canvas")).to_be_visible()
    page.emulate_media(media="screen")
    expect(table).to_be_hidden()
    assert not walker.complaints
    assert not walker.foreign


# What a finger does: it cannot point without pressing.
TAP = """(canvas, along) => {
  const box = canvas.getBoundingClientRect();
  const place = { clientX: box.x + along * box.width, clientY: box.y + box.height / 2 };
  const at = { bubbles: true, pointerType: "touch", ...place };
  canvas.dispatchEvent(new PointerEvent("pointerdown", at));
  canvas.dispatchEvent(new PointerEvent("click", at));
}"""


def test_a_point_opens_its_rows_by_a_click_and_by_the_link_that_a_tap_shows(walker: Walker, shop):
    now = at_the_shop()
    for days in range(28):
        history.contact(now - timedelta(days=days), person="p", why=history.reason("weather"))
    settling.settle()
    let_in(walker.page.context, User.objects.create(username="ada", is_superuser=True, is_staff=True), walker.root)
    page = walker.page
    canvas = page.locator("figure[data-chart=contacts-by-day] canvas")
    walker.open("/desk/")
    canvas.evaluate(TAP, 0.5)
    link = page.locator(".figure-tip").get_by_text("Show the rows")
    expect(link).to_be_visible()
    assert page.url.endswith("/desk/")  # a tap shows the point, and opens nothing yet
    link.click()
    page.wait_for_url("**/desk/contacts/?since=*")
    page.go_back()
    box = canvas.bounding_box()
    assert box
    canvas.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    page.wait_for_url("**/desk/contacts/?since=*")
    assert not walker.complaints


def test_the_flow_is_gone_through_by_keyboard_and_taken_along(walker: Walker, shop):
    now = at_the_shop()
    parcel, gifts = history.article("Where is my parcel"), history.article("Gift cards", "gifts")
    for number, text in enumerate((parcel, parcel, gifts)):
        who = uuid.UUID(int=500 + number)
        history.searched(who, "help", now - timedelta(days=9, minutes=5))
        history.read(who, text, now - timedelta(days=9))
    settling.settle()
    let_in(walker.page.context, User.objects.create(username="ada", is_superuser=True, is_staff=True), walker.root)
    walker.open("/desk/journeys/")
    page = walker.page
    flow, bands = page.locator("[data-flow]"), page.locator(".flow-band")
    on_a_phone = flow.locator(".flow-columns")
    if flow.locator("svg.flow").is_visible():
        expect(on_a_phone).to_be_hidden()
        assert bands.evaluate_all("bands => bands.filter((band) => band.tabIndex === 0).length") == 1
        bands.first.focus()
        page.keyboard.press("ArrowRight")
        expect(bands.nth(1)).to_be_focused()
        expect(flow.locator("[data-said]")).to_contain_text("Search → Gift cards: 1 of 3 journeys, 33.3 %")
        page.keyboard.press("End")
        expect(bands.last).to_be_focused()
    else:
        expect(on_a_phone.get_by_role("link", name="Gift cards")).to_be_visible()
    table = flow.get_by_role("table")
    expect(table).to_be_hidden()
    flow.get_by_role("button", name="Show as table").press("Enter")
    expect(table).to_be_visible()
    with page.expect_download() as csv:
        flow.get_by_role("button", name="CSV").click()
    lines = Path(csv.value.path()).read_text("utf-8-sig").splitlines()
    assert lines[:2] == ['"From","To","Journeys","% of all 3"', '"Search","Where is my parcel",2,66.7']
    with page.expect_download() as png:
        flow.get_by_role("button", name="PNG").click()
    assert Path(png.value.path()).read_bytes().startswith(b"\x89PNG")
    assert [*barriers.axe(page), *barriers.sideways(page)] == []
    assert not walker.complaints
