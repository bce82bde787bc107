"""Which search tests an import would break: asked at the end of its dry run.

The import is done as it would be, by the same code, in a transaction that is taken back; the tests are asked there.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.db import DatabaseError
from django.utils.translation import gettext as _

from kb import importing
from kb.import_reports import Asked
from kb.search import checking, foresight, tuning
from kb.search.checking import CannotCheck
from kb.search.foresight import Broken, Foreseen

logger = logging.getLogger("preempt.import")

MOST_SECONDS = 90.0  # for the import that is taken back; a task is cut off after 270
TEST_SECONDS = 30.0
_NAMED = 200  # tests that are named


class _TooLong(Exception):
    """The import takes longer than anybody should wait for its dry run."""


def told(path: Path, asked: Asked, *, categories_file: Path | None = None, is_alone: bool = False) -> dict[str, Any]:
    """What it would do to the search tests, as it is kept with the run: `of` and `tried` tests, `broken` ones with
    query, locale, title, top, now and then, the number `mended`, and `why` where they could not be asked.

    Nothing of it is kept in the database, and no search index outside of it is written.
    """
    tests = list(checking.current())
    if not tests:
        return {}
    until = time.monotonic() + MOST_SECONDS

    def go_on(_done: int, _total: int) -> None:
        if time.monotonic() > until:
            raise _TooLong

    def do() -> None:
        in_earnest = replace(asked, is_dry=False)
        importing.run(
            path, asked=in_earnest, categories_file=categories_file, progress=go_on, is_alone=is_alone, is_indexed=False
        )

    why = ""
    foreseen = Foreseen(of=len(tests))
    try:
        foreseen = foresight.by_change(do, tests, seconds=TEST_SECONDS)
    except _TooLong:
        why = _("The import is too large to try it out in %(seconds)d seconds. They run right after it.") % {
            "seconds": MOST_SECONDS
        }
    except (CannotCheck, DatabaseError) as error:
        logger.warning("search tests not asked before an import", extra={"reason": str(error)})
        why = str(error).strip().split("\n")[0]
    finally:
        tuning.forget()  # it may have read shelves that are not there
    return {
        "of": foreseen.of,
        "tried": foreseen.tried,
        "broken": [_named(each) for each in foreseen.broken[:_NAMED]],
        "more": max(0, len(foreseen.broken) - _NAMED),
        "mended": len(foreseen.mended),
        "why": why,
    }


def lines(told: dict[str, Any]) -> list[str]:
    """The same as sentences, for a terminal."""
    if not told:
        return []
    if told["why"]:
        return [f"search tests: not asked beforehand. {told['why']}"]
    found = [
        f"search test “{each['query']}” ({each['locale']}) would fail: “{each['title']}” "
        + (f"at place {each['then']}" if each["then"] else "not among the first ten")
        + f", wanted among the first {each['top']}; now place {each['now']}."
        for each in told["broken"]
    ]
    if told["more"]:
        found.append(f"… and {told['more']} more such tests.")
    if told["tried"] < told["of"]:
        found.append(
            f"search tests: {told['tried']} of {told['of']} were asked; the others run right after the import."
        )
    return found or [f"search tests: all {told['of']} would come out as well as now."]


def _named(each: Broken) -> dict[str, Any]:
    test = each.test
    return {
        "test": test.pk,
        "query": test.query,
        "locale": test.locale,
        "title": checking.title_of(test.article),
        "top": test.top,
        "now": each.now.position,
        "then": each.then.position,
    }
