"""An administrator brings in a CSV with a broken row: upload, report, import, live; and without JavaScript."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User

from kb import import_runs, search, tasks
from kb.models import Article, ImportRun
from tests.journeys import barriers
from tests.journeys.conftest import WALKED_ONCE, in_each_view
from tests.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

CSV = (
    "id;title;category;body;redirect_from\n"
    '1;Where is my parcel?;Delivery;"In the van.\nIt comes today.";/faq/parcel.html\n'
    "2;;Delivery;No title.;\n"
    "3;How to return;Returns;Send it back.;\n"
)


@pytest.fixture
def admin_signed_in(walker, client, settings, tmp_path):
    settings.SEARCH_INDEX_DIR = tmp_path / "index"
    Group.objects.get_or_create(name="admin")
    user = User.objects.create_user("ada", password="x", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="admin")[0])
    client.force_login(user)
    client.get("/desk/articles/")  # the first page of a process compiles its templates
    walker.page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": walker.root}]
    )
    yield walker
    search.engine().close()


@pytest.fixture
def enqueued(monkeypatch) -> list[int]:
    """Runs that a worker would get; the test is the worker."""
    runs: list[int] = []
    monkeypatch.setattr(tasks.run_import, "delay", runs.append)
    return runs


@WALKED_ONCE
def test_a_csv_with_a_broken_row_is_looked_through_and_brought_in(admin_signed_in, enqueued, tmp_path):
    walker, page = admin_signed_in, admin_signed_in.page
    (tmp_path / "old.csv").write_text(CSV, encoding="utf-8")
    walker.open("/desk/articles/")
    page.get_by_role("link", name="Import and export").click()
    walker.shoot("import-empty")
    assert in_each_view(page, barriers.axe) == []
    page.set_input_files("input[type=file]", str(tmp_path / "old.csv"))
    page.get_by_role("button", name="Look through the file").click()
    page.get_by_text("Waiting for a worker").wait_for()
    assert in_each_view(page, barriers.axe) == []
    until(lambda: enqueued, "the task is enqueued")
    import_runs.work(enqueued.pop(), enqueue=enqueued.append)
    page.get_by_text("It is empty.").wait_for()  # the page has asked for itself
    walker.shoot("import-report")
    assert in_each_view(page, barriers.axe) == []
    assert barriers.focus(page) == []
    assert in_each_view(page, barriers.sideways) == []
    page.get_by_role("link", name="Refused 1").click()
    assert page.get_by_text("Where is my parcel?").count() == 0
    page.get_by_role("button", name="Import 2 articles").click()
    page.get_by_text("Waiting for a worker").wait_for()
    until(lambda: enqueued, "the task is enqueued")
    import_runs.work(enqueued.pop(), enqueue=enqueued.append)
    page.get_by_role("link", name="Where is my parcel?").wait_for()
    walker.shoot("import-done")
    assert Article.objects.published().count() == 2
    walker.open("/faq/parcel.html")
    assert page.url.endswith("/en/a/where-is-my-parcel/")
    page.get_by_text("It comes today.").wait_for()
    walker.open("/desk/articles/port/")
    walker.shoot("import-runs")
    assert in_each_view(page, barriers.axe) == []
    assert ImportRun.objects.filter(state="done").count() == 2
    assert walker.complaints == []
