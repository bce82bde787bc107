"""The desk's pages of import and export, for the walk over all desk pages."""

from __future__ import annotations

from collections.abc import Callable

from kb import import_runs
from kb.import_reports import Asked
from kb.models import ImportRun


def a_run_with_a_report() -> str:
    """The path of a run that was looked through: a new article, a conflict-free one, a refused row."""
    file = import_runs.store("old.csv", [b"id,title,category,body\n1,Where is it?,Delivery,Here.\n2,,Delivery,x\n"])
    import_runs.ask(file, Asked(is_dry=True), enqueue=lambda _run_id: None)
    run = ImportRun.objects.latest("pk")
    import_runs.work(run.pk, enqueue=lambda _run_id: None)
    return f"/desk/articles/port/{run.pk}/"


# (path, roles that are let in, what to set up before: returns the path where it depends on that)
DESK_PAGES: list[tuple[str, tuple[str, ...], Callable[[], str] | None]] = [
    ("/desk/articles/port/", ("reviewer", "admin"), None),
    ("/desk/articles/port/<run>/", ("reviewer", "admin"), a_run_with_a_report),
]
