"""The desk's pages of the import of orders, for the walk over all desk pages."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import User

from notifications.intake.sheets import runs
from notifications.intake.sheets.fields import Kind
from notifications.models import SheetRun

FILE = (
    b"Order No,E-mail,Order date,Deliver by,Carrier,Tracking number,Product,Qty\n"
    b"FH-1,ada@example.com,2026-02-24 10:00,2026-03-04,Larkpost,LA1,Desk lamp,1\n"
    b"FH-2,not an address,2026-02-25 10:00,2026-03-05,Larkpost,LA2,Desk lamp,1\n"
)


def a_draft() -> str:
    """The path of a file that was uploaded and not started."""
    file = runs.store_file("orders.csv", [FILE])
    run = SheetRun.objects.create(kind="orders", source="csv", file=file, name=file.name)
    return f"/desk/orders/import/{run.pk}/"


def a_run_with_rejects() -> str:
    """The path of an import that left a row out."""
    a_draft()
    run = SheetRun.objects.latest("pk")
    with runs.fetched(run) as path:
        made = runs.plan(path, *runs.wish(kind=Kind.ORDERS, source="csv", zone=None, columns={}, dates=None))
        runs.start(run, made, by=User.objects.filter(is_staff=True)[0], enqueue=lambda _run_id: None)
    runs.work(run.pk, enqueue=lambda _run_id: None)
    return f"/desk/orders/import/{run.pk}/"


# (path, roles that are let in, what to set up before: returns the path where it depends on that)
DESK_PAGES: list[tuple[str, tuple[str, ...], Callable[[], str] | None]] = [
    ("/desk/orders/import/<draft>/", ("ops", "admin"), a_draft),
    ("/desk/orders/import/<run>/", ("ops", "admin"), a_run_with_rejects),
]
