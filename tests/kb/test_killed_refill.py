"""A block that many articles hold is changed, and the worker that writes it into them dies: kill -9, a real worker."""

from __future__ import annotations

import pytest
from django.db.models import Count
from django.test import Client

from kb import pieces, tasks, used_in
from kb.models import Article, Piece
from tests.holding_up import held_up_at
from tests.kb.test_facts import block
from tests.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]

COUNT = 40  # written 1, 2, 4, 8 and 16 at a time


def said(piece: Piece) -> int:
    return used_in.progress(piece)[0]


def test_a_change_whose_worker_is_killed_goes_on_and_is_done_once(
    celery_worker_process, write, staff, tmp_path, monkeypatch
):
    hours = block("hours", "From nine to five.")
    for number in range(COUNT):
        write(f"Parcel {number}", "Call us.\n\n{{block:hours}}\n")
    folder = str(tmp_path / "worker-index")
    celery_worker_process.start(concurrency=1, include="tests.tasks", SEARCH_INDEX_DIR=folder)
    monkeypatch.setattr(pieces, "_AT_ONCE_SECONDS", 0.0)  # nearly all of it is the worker's
    values = pieces.read_values("markdown", {"": "Around the clock."})
    doomed = Article.objects.get(slug="parcel-25").pk
    with held_up_at("kb_revision", f"NEW.article_id = {doomed}") as waits:
        pieces.change(hours, values, seen=pieces.newest(hours), by=None)
        until(waits, "the worker is amid a portion", seconds=60)
        celery_worker_process.kill()
    before = said(hours)
    assert before > 10, "the portions before were through"
    assert before < COUNT, "it died in the middle"

    desk = Client()
    desk.force_login(staff("reviewer"))
    fragment = desk.get("/desk/blocks/hours/progress/").content.decode()
    assert str(before) in fragment
    assert "hx-get" in fragment, "the page goes on asking"

    celery_worker_process.start(concurrency=1, include="tests.tasks", SEARCH_INDEX_DIR=folder)
    tasks.refill.delay()  # as beat does each 30 seconds
    until(lambda: said(hours) == COUNT, "every text says it", seconds=120)
    texts = Article.objects.annotate(texts=Count("revisions")).values_list("texts", flat=True)
    assert set(texts) == {2}, "no text was written twice"
