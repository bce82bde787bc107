"""A chart in a browser: drawn, read by keyboard, taken along as a file, printed; all under the content policy."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from analytics import markers, settling
from core import clock
from tests.analytics import history
from tests.journeys import barriers
from tests.journeys.conftest import Walker, let_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Whether a canvas has anything on it, and the colour of its top left corner's ground.
INK = "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((part) => part)"


def test_a_chart_is_drawn_read_by_keyboard_and_taken_along(walker: Walker, shop):
    now = clock.now()
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
