"""The desk's import of orders and scans."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from core import clock
from core.models import AuditEntry
from notifications import tasks
from notifications.intake.sheets import runs
from notifications.models import Order, SheetRun, SheetState
from tests.journeys.desk_pages_imports import FILE
from tests.notifications import shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def ops(monkeypatch):
    monkeypatch.setattr(tasks.run_import, "delay", lambda run_id: None)  # no worker in these tests: work() is called
    user = User.objects.create_user("ops", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="ops")[0])
    client = Client()
    client.force_login(user)
    with clock.frozen(shop.NOW):
        yield client


def upload(client: Client, content: bytes = FILE, kind: str = "orders") -> SheetRun:
    file = SimpleUploadedFile("orders.csv", content)
    answer = client.post("/desk/orders/import/", {"kind": kind, "file": file, "source": "till"})
    assert answer.status_code == 302, answer.content
    return SheetRun.objects.latest("pk")


def form(client: Client, run: SheetRun) -> dict[str, str]:
    shown = client.get(f"/desk/orders/import/{run.pk}/").context["form"]
    return {name: shown[name].value() or "" for name in shown.fields}


def test_a_file_is_shown_changed_and_taken_in(ops, django_capture_on_commit_callbacks):
    run = upload(ops)
    page = ops.get(f"/desk/orders/import/{run.pk}/").content.decode()
    assert "its name, “order no”" in page
    assert "is no address" in page
    assert not Order.objects.exists()
    said = form(ops, run)
    assert said["c0"] == "number"
    said["c6"] = "-"  # the products are of no interest
    assert ops.post(f"/desk/orders/import/{run.pk}/", said).status_code == 200
    assert form(ops, run)["c6"] == "-"
    assert ops.post(f"/desk/orders/import/{run.pk}/start/", said).status_code == 302
    run.refresh_from_db()
    assert run.state == SheetState.WAITING
    runs.work(run.pk, enqueue=lambda _run_id: None)
    run.refresh_from_db()
    assert (run.state, run.orders, run.refused) == (SheetState.DONE, 1, 1)
    assert Order.objects.get().source == "till"
    assert not Order.objects.get().lines.exists()
    page = ops.get(f"/desk/orders/import/{run.pk}/").content.decode()
    assert "Rows left out" in page
    rejects = b"".join(ops.get(f"/desk/orders/import/{run.pk}/rejects.csv").streaming_content).decode()
    assert "FH-2,not an address" in rejects
    told = AuditEntry.objects.filter(action__startswith="order_import.").order_by("pk")
    assert list(told.values_list("action", flat=True)) == [
        "order_import.uploaded", "order_import.started", "order_import.finished",
    ]  # fmt: skip
    # Another press on the button of an old page begins nothing anew.
    assert ops.post(f"/desk/orders/import/{run.pk}/start/", said).status_code == 302
    assert SheetRun.objects.get().state == SheetState.DONE


def test_a_dry_run_stores_nothing_and_is_taken_up_in_earnest(ops):
    run = upload(ops)
    ops.post(f"/desk/orders/import/{run.pk}/start/", form(ops, run) | {"c6": "-", "dry": "1"})
    runs.work(run.pk, enqueue=lambda _run_id: None)
    run.refresh_from_db()
    assert (run.is_dry, run.state, run.orders, run.refused) == (True, SheetState.DONE, 1, 1)
    assert not Order.objects.exists()
    page = ops.get(f"/desk/orders/import/{run.pk}/").content.decode()
    assert "Import it in earnest" in page
    assert ops.post(f"/desk/orders/import/{run.pk}/").status_code == 302
    draft = SheetRun.objects.latest("pk")
    assert form(ops, draft)["c6"] == "-", "read as the dry run was"
    ops.post(f"/desk/orders/import/{draft.pk}/start/", form(ops, draft))
    runs.work(draft.pk, enqueue=lambda _run_id: None)
    assert Order.objects.count() == 1
    page = ops.get(f"/desk/orders/import/{draft.pk}/").content.decode()
    assert "Import it in earnest" not in page


def test_what_is_missing_is_asked_for_before_anything_starts(ops):
    run = upload(ops, b"Ref,Date\n1,03/02/2026\n")
    answer = ops.post(f"/desk/orders/import/{run.pk}/start/", form(ops, run))
    assert answer.status_code == 422
    assert "day first or the month first" in answer.content.decode()
    said = form(ops, run) | {"c0": "number", "c1": "number"}
    answer = ops.post(f"/desk/orders/import/{run.pk}/start/", said)
    assert answer.status_code == 422
    assert "Another column is that already" in answer.content.decode()
    assert not Order.objects.exists()
    assert ops.post(f"/desk/orders/import/{run.pk}/", said | {"time_zone": "Mars/Base"}).status_code == 422


@pytest.mark.parametrize("content", [b"\x89PNG\0\0", b"", b"\n\n\n"])
def test_what_is_no_table_is_refused_with_the_reason(ops, content):
    file = SimpleUploadedFile("orders.csv", content)
    answer = ops.post("/desk/orders/import/", {"kind": "orders", "file": file, "source": "till"}, follow=True)
    assert answer.status_code in (200, 422)
    page = answer.content.decode()
    assert "no text" in page or "empty" in page


def test_only_ops_import_orders(ops):
    user = User.objects.create_user("writer", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="writer")[0])
    client = Client()
    client.force_login(user)
    assert client.get("/desk/orders/import/").status_code == 403


def test_a_cell_that_a_spreadsheet_would_run_is_defused(ops):
    run = upload(ops, b"Order No,Order date\n=cmd(),not a date\n")
    ops.post(f"/desk/orders/import/{run.pk}/start/", form(ops, run) | {"c1": "placed_at"})
    runs.work(run.pk, enqueue=lambda _run_id: None)
    rejects = b"".join(ops.get(f"/desk/orders/import/{run.pk}/rejects.csv").streaming_content).decode()
    assert "\n'=cmd()," in rejects.replace("\r", "")
