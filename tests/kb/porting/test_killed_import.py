"""An import whose worker dies: a real worker, a real broker, kill -9."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.db import connection
from django.db.models import Count
from django.db.models.functions import Now

from core.roles import ADMIN
from kb import import_runs, tasks
from kb.import_reports import Asked
from kb.models import Article, ImportMark, ImportRow, ImportRun, IndexedArticle, Picture, Piece, Revision
from tests.core.test_brand_images import picture
from tests.holding_up import held_up_at
from tests.kb.porting.test_round_trip import empty
from tests.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]

PORTION = 20  # rows of a transaction; at work there are 100
COUNT = 3 * PORTION


def a_zip() -> bytes:
    """Articles that link to each other, every tenth with a picture, one that cannot be taken in."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("facts.yaml", "- {fact: window, kind: duration, says: 30 days}\n")
        for number in range(COUNT):
            title = f"Title {number}" if number != 25 else ""
            shown = f"![A label](p/{number % 30}.png)" if number % 10 == 0 else ""
            body = f"In {{{{fact:window}}}}. See [next](article:n{(number + 1) % COUNT}). {shown}"
            file.writestr(f"{number:04}.md", f"---\nid: n{number}\ntitle: {title}\ncategory: Delivery\n---\n{body}\n")
        for number in range(0, 30, 10):
            file.writestr(f"p/{number}.png", picture(300 + number, 100))
    return out.getvalue()


def outcome(run: ImportRun) -> dict[str, object]:
    run.refresh_from_db()
    rows = ImportRow.objects.filter(run=run).order_by("number")
    return {
        "counts": (run.state, run.done, run.new, run.changed, run.unchanged, run.conflicts, run.refused),
        "rows": list(rows.values_list("number", "outcome", "file", "external_id", "findings")),
        "articles": Article.objects.published().count(),
        "texts": sorted(Revision.objects.values_list("article__external_id", "number", "html")),
        "links": sorted(
            Article.objects.annotate(count=Count("links")).values_list("external_id", "slug", "count"),
        ),
        "marks": ImportMark.objects.count(),
        "found by search": IndexedArticle.objects.count(),
        "pictures": sorted(Picture.objects.values_list("digest", flat=True)),
        "facts": sorted(Piece.objects.values_list("key", flat=True)),
    }


def test_an_import_whose_worker_is_killed_ends_as_if_it_had_not_been(celery_worker_process, staff, tmp_path):
    admin = staff(ADMIN)
    asked = Asked(by=admin)
    content = a_zip()
    env = {"SEARCH_INDEX_DIR": str(tmp_path / "worker-index"), "PREEMPT_TEST_PORTION": str(PORTION)}

    celery_worker_process.start(concurrency=1, include="tests.small_portions", **env)
    whole = import_runs.ask(import_runs.store("a.zip", [content]), asked, enqueue=tasks.run_import.delay)
    until(lambda: not ImportRun.objects.get(pk=whole.pk).is_open, "the import is done", seconds=120)
    wanted = outcome(whole)
    assert wanted["counts"] == ("done", COUNT + 1, COUNT - 1, 0, 0, 0, 1)
    empty()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM kb_indexedarticle")
        cursor.execute("DELETE FROM kb_posting")

    with held_up_at("kb_article", "NEW.external_id = 'n50'") as waits:
        run = import_runs.ask(import_runs.store("a.zip", [content]), asked, enqueue=tasks.run_import.delay)
        until(waits, "some of it is in", seconds=60)
        celery_worker_process.kill()
    run.refresh_from_db()
    assert run.state == "running"
    assert PORTION <= run.done < COUNT, "amid the import"
    assert ImportRow.objects.filter(run=run).count() == run.done - 1, "what is told is in, and nothing else"
    assert Article.objects.count() == run.new

    celery_worker_process.start(concurrency=1, include="tests.small_portions", **env)
    tasks.look_after_imports.delay()  # as beat does
    tasks.run_import.delay(run.pk)  # and as the broker does with what the dead worker had
    ImportRun.objects.filter(pk=run.pk).update(beat_at=Now() - import_runs._SILENT)  # two minutes later
    tasks.look_after_imports.delay()
    until(lambda: not ImportRun.objects.get(pk=run.pk).is_open, "the import is done", seconds=120)
    assert outcome(run) == wanted
