"""Ops import a file of orders in a real browser: uploaded, its columns changed, started, what was left out fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import Browser

from notifications import tasks
from notifications.intake.sheets import runs
from notifications.models import Order, SheetRun
from tests.journeys import barriers
from tests.journeys.conftest import SHOTS, Walker, browser_context, in_each_view, let_in
from tests.journeys.desk_pages_imports import FILE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


SEEN_IN = [("phone", "dark"), ("desktop", "light")]


@pytest.fixture
def browser_of(chromium: Browser, live_server, shop, monkeypatch) -> Iterator[Callable[[str, str], Walker]]:
    # The server's thread asks for the task; this thread does it, as a worker would.
    monkeypatch.setattr(tasks.run_import, "delay", lambda run_id: None)
    user = User.objects.create_user("omar", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="ops")[0])
    opened = []

    def start(size: str, scheme: str) -> Walker:
        context = browser_context(chromium, size, scheme)
        let_in(context, user, str(live_server))
        opened.append(context)
        return Walker(context, str(live_server), Path(SHOTS / "imports" / f"{size}-{scheme}"))

    yield start
    for context in opened:
        context.close()


def test_a_file_comes_in_through_the_desk(browser_of, tmp_path: Path) -> None:
    walker = browser_of(*SEEN_IN[0])
    page, found = walker.page, []

    def look(name: str) -> None:
        barriers.settled(page)
        walker.shoot(name)
        seen = in_each_view(page, barriers.axe, barriers.sideways, views=SEEN_IN)
        found.extend(f"{name}: {one}" for one in [*seen, *walker.complaints])

    path = tmp_path / "orders.csv"
    path.write_bytes(FILE)
    page.goto(f"{walker.root}/desk/orders/import/")
    page.get_by_label("File", exact=True).set_input_files(path)
    page.get_by_role("button", name="Look through the file").click()
    page.get_by_label("Product", exact=True).wait_for()
    look("1-draft")
    page.get_by_label("Product", exact=True).select_option("-")
    page.get_by_role("button", name="Show how it is read now").click()
    page.get_by_text("you said so").first.wait_for()
    page.get_by_role("button", name="Start the import").click()
    page.get_by_text("Waiting for a worker").wait_for()
    look("2-waiting")
    runs.work(SheetRun.objects.get().pk, enqueue=lambda _run_id: None)
    page.get_by_role("heading", name="Rows left out").wait_for()
    look("3-done")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    assert "FH-2,not an address" in download.value.path().read_text(encoding="utf-8-sig")
    page.goto(f"{walker.root}/desk/orders/import/")
    look("4-list")
    assert Order.objects.filter(source="csv").count() == 1
    assert not found, "\n".join(found)
