"""A block that 10,000 articles use is changed; and 1,000 search tests are run over these articles.

    python -m bench.desk --part _desk_block

A part of bench/desk.py, which reports. Everything runs on a database of its own, each part in a process of its own:
- block_10k_s: from the change of the block until every live text says it and the search index has it, by one worker's
  code; block_10k_peak_mb: what that process took at most beyond what it took before. Nothing is searched before that:
  a process's first search loads the model of meaning beside, some 200 MB that have nothing to do with the change;
- search_tests_1000_s: one run of 1,000 tests, each of the title of an article.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from bench._search_figures import say
from bench._search_process import Process
from bench._search_world import World

MANY = 10_000
TESTS = 1_000
_FILL = "A parcel that is late is not lost. Look at the page of your order first. "
_KINDS = ("parcel", "refund", "voucher", "invoice", "address", "delivery", "return", "order", "payment", "account")


def measure(quick: bool) -> dict[str, float]:
    """The figures above; `quick`: a tenth of the articles and of the tests, their times times ten."""
    share = 10 if quick else 1
    with World([]) as world:
        world.django()
        file = world.folder / "many.jsonl"
        _write(file, MANY // share)
        env = {"PREEMPT_DATA_DIR": str(world.folder / "data"), "DJANGO_SETTINGS_MODULE": "config.settings"}
        said: dict[str, dict[str, Any]] = {}
        for part, given in (("fill", {"path": str(file)}), ("change", {}), ("tests", {"count": TESTS // share})):
            with Process([sys.executable, "-m", "bench._desk_block"], env=env) as child:
                said[part] = child.ask(part=part, **given)
            say(f"{part}: {said[part]}")
    return {
        "block_10k_s": said["change"]["seconds"] * share,
        "block_10k_peak_mb": said["change"]["grew_mb"],
        "search_tests_1000_s": said["tests"]["seconds"] * share,
    }


def _write(path: Path, count: int) -> None:
    """So many articles of some 3,000 characters with the block in each."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            kind = _KINDS[number % len(_KINDS)]
            body = f"The {kind} with number n{number}.\n\n{_FILL * 35}\n\n{{{{block:hours}}}}\n"
            row = {"id": f"n{number}", "title": f"Where is my {kind} n{number}?", "category": "delivery", "body": body}
            file.write(json.dumps(row) + "\n")


def _fill(path: str) -> dict[str, Any]:
    from kb import importing, pieces

    values = pieces.read_values("markdown", {"": "We answer from nine to five."})
    pieces.create(sort="block", key="hours", kind="markdown", name="Hours", values=values, by=None)
    done = importing.run(Path(path))
    return {"new": done.new, "refused": done.refused}


def _change() -> dict[str, Any]:
    from kb import live, piece_uses, pieces, refilling, used_in
    from kb.models import Piece, Revision
    from kb.search import indexing, query

    piece = Piece.objects.get(key="hours")
    values = pieces.read_values("markdown", {"": "We answer around the clock, zebrafink."})
    before, count = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, live.count()
    started = time.monotonic()
    pieces.change(piece, values, seen=pieces.newest(piece), by=None)
    answered = time.monotonic() - started
    shifts = 1
    while not refilling.run().is_all:
        shifts += 1
        done, total = used_in.progress(piece)
        say(f"{done} of {total} articles after {time.monotonic() - started:.0f} s")
    indexing.apply_changes()
    seconds = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    total = piece_uses.seen().filter(piece=piece).count()
    said = Revision.objects.filter(text__contains="zebrafink").values("article").distinct().count()
    found = query.find("zebrafink", locale="en")
    assert used_in.progress(piece) == (total, total), "every text says it"
    assert said == total == found.total, (said, total, found.total)
    assert live.count() > count, "pages that a process keeps are made anew"
    return {"seconds": round(seconds, 1), "answered_s": round(answered, 2), "articles": total, "shifts": shifts,
            "grew_mb": round((after - before) / 1024, 1)}  # fmt: skip


def _tests(count: int) -> dict[str, Any]:
    from kb.models import Article, RunReason, SearchTest
    from kb.search import checking

    rows = Article.objects.published().select_related("live_revision").order_by("pk")[:count]
    SearchTest.objects.bulk_create(
        SearchTest(locale="en", query=row.live_revision.title, article=row, top=3) for row in rows if row.live_revision
    )
    started = time.monotonic()
    run, _checked = checking.run(why=RunReason.ASKED)
    return {"seconds": round(time.monotonic() - started, 2), "tests": run.tests, "failing": run.failing}


def _child() -> None:
    import django

    django.setup()
    parts = {"fill": _fill, "change": _change, "tests": _tests}
    for line in sys.stdin:
        given = json.loads(line)
        print(json.dumps(parts[given.pop("part")](**given)), flush=True)


if __name__ == "__main__":
    _child()
