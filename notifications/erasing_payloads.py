"""What was sent to us about a person, as it came: webhook calls, files, rows that were left out. The texts go.

A call that was read is emptied and stays as a call; one in quarantine is emptied and marked as ignored. Uploaded files
are searched as text; those that cannot be (XLSX), and any that name the person, are thrown away whole.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from core.erasure import Counts, NotYet, Part, Subject
from notifications import delivery
from notifications.intake import taking_in
from notifications.models import ApiAnswer, InboundDelivery, ParkedFact, SheetFile, SheetRefusal, SheetRun, SheetState

_UNDER_WAY = (SheetState.WAITING, SheetState.RUNNING)


def _prepare() -> None:
    """Calls that wait are read first: what they say of others must not be lost."""
    taking_in.take_in()
    delivery.read_inbound()


def _wanted(subject: Subject) -> list[str]:
    """How the address and the marks may be written in a text: as they are, and as JSON without other letters."""
    said = {one.lower() for one in (subject.address, *subject.marks)}
    return sorted(said | {json.dumps(one)[1:-1].lower() for one in said})


def _ids(statement: str, subject: Subject) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [_wanted(subject)])
        return [row[0] for row in cursor.fetchall()]


def _parked(subject: Subject) -> QuerySet[ParkedFact]:
    return ParkedFact.objects.filter(pk__in=_ids(_PARKED, subject))


def _count(subject: Subject) -> Counts:
    return {
        "stored calls": len(_ids(_CALLS, subject)),
        "facts that wait": _parked(subject).count(),
        "uploaded files": len(_files(subject)),
        "rows left out of imports": len(_ids(_REFUSALS, subject)),
        "kept answers of the API": len(_ids(_ANSWERS, subject)),
    }


def _files(subject: Subject) -> Sequence[int]:
    """Those that name them, and those that cannot be searched."""
    unreadable = SheetFile.objects.filter(name__iendswith=".xlsx").values_list("pk", flat=True)
    return sorted({*_ids(_FILES, subject), *unreadable})


def _erase(subject: Subject) -> Counts:
    calls = InboundDelivery.objects.filter(pk__in=_ids(_CALLS, subject))
    if calls.filter(state="new").exists():
        raise NotYet("a call of a shop or tracker that names them waits to be read")
    files = SheetFile.objects.filter(pk__in=_files(subject))
    running = SheetRun.objects.filter(file=OuterRef("pk"), state__in=_UNDER_WAY)
    if files.filter(Exists(running)).exists():
        raise NotYet("an import of a file that may name them is under way")
    went = _count(subject)
    calls.filter(state="quarantined").update(state="ignored")
    calls.update(body=b"", headers={}, error="")
    _parked(subject).delete()
    files.delete()
    SheetRefusal.objects.filter(pk__in=_ids(_REFUSALS, subject)).delete()
    ApiAnswer.objects.filter(pk__in=_ids(_ANSWERS, subject)).delete()
    return went


def _export(subject: Subject) -> dict[str, Any]:
    calls = InboundDelivery.objects.filter(pk__in=_ids(_CALLS, subject)).order_by("pk")
    return {"received.json": list(calls.values("source", "received_at", "state"))}


# Bytes as PostgreSQL writes them where they are no ASCII; a backslash is doubled. What is looked for is written alike.
_NAMED = "EXISTS (SELECT FROM unnest(%s::text[]) AS wanted WHERE position({} IN {}) > 0)"
_AS_BYTES = "lower(encode(convert_to(wanted, 'UTF8'), 'escape'))"
_SELECT = "SELECT id FROM notifications_{} WHERE " + _NAMED  # noqa: S608  the names below
_CALLS = _SELECT.format("inbounddelivery", _AS_BYTES, "lower(encode(body, 'escape'))")
_PARKED = _SELECT.format("parkedfact", "wanted", "lower(fact::text || ' ' || order_id || ' ' || tracking_no)")
_REFUSALS = _SELECT.format("sheetrefusal", "wanted", "lower(cells::text || ' ' || problem)")
_ANSWERS = _SELECT.format("apianswer", "wanted", "lower(body::text || ' ' || key)")
# With the beginning of the next part, since a name may be cut in two.
_FILES = """
    WITH part AS (
        SELECT file_id, content || coalesce(substring(
            lead(content) OVER (PARTITION BY file_id ORDER BY number) FROM 1 FOR 400), ''::bytea) AS content
        FROM notifications_sheetfilepart
    )
    SELECT DISTINCT file_id FROM part WHERE {}
""".format(_NAMED.format(_AS_BYTES, "lower(encode(content, 'escape'))"))  # noqa: S608

PART = Part(
    name="payloads",
    title="What was sent to us, as it came",
    count=_count,
    erase=_erase,
    prepare=_prepare,
    export=_export,
)
