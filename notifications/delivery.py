"""The mail provider's events back: stored raw first, then read into facts, message states and suppressions."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, Func, IntegerField

from notifications import doorbell, inbound, recording
from notifications.models import InboundDelivery, InboundState, Message
from notifications.providers import sendgrid
from notifications.providers.base import BadEvent, ProviderEvent

logger = logging.getLogger("preempt.delivery")

MOST_TRIES = 3
# What is read together, in one transaction: some thousand events, whose messages are held for so long.
MOST_CALLS = 500
MOST_BYTES = 512 * 1024
_PARSE = {sendgrid.NAME: sendgrid.parse_events}


@dataclass(frozen=True)
class _Report:
    """A stored call that was parsed."""

    pk: int
    events: list[ProviderEvent]
    bad: list[BadEvent]


def store(source: str, body: bytes, *, headers: Mapping[str, str]) -> bool:
    """Keep a verified delivery as it came, before it is answered. False if these very bytes are here already."""
    sha256 = hashlib.sha256(body).hexdigest()
    is_new = inbound.keep(source, body, dedupe_id=sha256, headers=headers, sha256=sha256)
    if is_new:
        doorbell.ring_inbound(is_seldom=True)
    return is_new


def read_inbound() -> int:
    """Read every stored delivery that is new, oldest first. Returns how many were read."""
    read = last = 0
    while chosen := _choose(after=last):
        read += _read(chosen)
        last = chosen[-1]
    return read


def _choose(*, after: int) -> list[int]:
    """The next ones that are read together, one at least. They are not claimed: others may choose them too."""
    new = InboundDelivery.objects.filter(state=InboundState.NEW, pk__gt=after, source__in=_PARSE).order_by("pk")
    length = Func(F("body"), function="octet_length", output_field=IntegerField())
    chosen: list[int] = []
    size = 0
    for pk, more in new.values_list("pk", length)[:MOST_CALLS]:
        size += more
        if chosen and size > MOST_BYTES:
            break
        chosen.append(pk)
    return chosen


def _read(chosen: Sequence[int]) -> int:
    """Read these together; where that breaks, in halves, until what breaks it stands alone. Returns how many."""
    try:
        read, left = _read_together(chosen)
    except Exception as error:  # noqa: BLE001 - what breaks alone is logged
        if len(chosen) > 1:
            logger.warning(
                "not read together", extra={"inbound": len(chosen), "why": f"{type(error).__name__}: {error}"}
            )
            half = len(chosen) // 2
            return _read(chosen[:half]) + _read(chosen[half:])
        read, left = 1, list(chosen)
    for pk in left:
        _read_alone(pk)
    return read


def _read_together(chosen: Sequence[int]) -> tuple[int, list[int]]:
    """How many of these nobody else is reading, and which are not done, because somebody holds what they move."""
    with transaction.atomic():
        claimed = InboundDelivery.objects.select_for_update(skip_locked=True).order_by("pk")
        rows = claimed.filter(pk__in=chosen, state=InboundState.NEW).values_list("pk", "source", "body")
        reports = [_parse(*row) for row in rows]
        held = {event.event_id for event in recording.record_all(e for report in reports for e in report.events)}
        left = [report.pk for report in reports if held & {event.event_id for event in report.events}]
        _finish([report for report in reports if report.pk not in set(left)])
        return len(reports), left


def _read_alone(pk: int) -> None:
    """Each event by itself, so that one which breaks blocks no other. Another reader may do so too."""
    row = InboundDelivery.objects.filter(pk=pk, state=InboundState.NEW).values_list("pk", "source", "body").first()
    if row is None:
        return
    error: Exception | None = None
    try:
        report = _parse(*row)
        for event in recording.unknown_of(report.events):
            error = _record(event) or error
    except Exception as broken:  # noqa: BLE001 - it is logged below
        error = broken
    if error is None:
        with transaction.atomic():
            _finish([report])
    else:
        _fail(pk, error)


def _record(event: ProviderEvent) -> Exception | None:
    try:
        recording.record(event)
    except Exception as error:  # noqa: BLE001 - the caller logs it
        return error
    return None


def _parse(pk: int, source: str, body: bytes | memoryview) -> _Report:
    report = _Report(pk, [], [])
    for event in _PARSE[source](bytes(body)):
        if isinstance(event, BadEvent):
            report.bad.append(event)
        else:
            report.events.append(event)
    return report


def _fail(pk: int, error: Exception) -> None:
    """A fault of ours: it is tried again, but not for ever."""
    logger.error("an inbound delivery could not be read", extra={"inbound": pk}, exc_info=error)
    with transaction.atomic():
        delivery = InboundDelivery.objects.select_for_update().filter(pk=pk, state=InboundState.NEW).first()
        if delivery is None:
            return
        delivery.tries += 1
        delivery.error = f"{type(error).__name__}: {error}"[:2000]
        if delivery.tries >= MOST_TRIES:
            delivery.state = InboundState.QUARANTINED
        delivery.save(update_fields=["state", "tries", "error"])


def _finish(reports: Sequence[_Report]) -> None:
    """All that could be read of these was taken in."""
    new = InboundDelivery.objects.filter(state=InboundState.NEW)
    good = [report for report in reports if not report.bad]
    new.filter(pk__in=[report.pk for report in good]).update(state=InboundState.DONE, error="")
    _empty(good)
    for report in reports:
        if report.bad:
            for row in report.bad:
                logger.error("bad event", extra={"inbound": report.pk, "row": row.index, "why": row.reason})
            # A row that cannot be read today cannot be read tomorrow either; a person must look.
            told = "\n".join(f"row {row.index}: {row.reason}" for row in report.bad)[:2000]
            new.filter(pk=report.pk).update(state=InboundState.QUARANTINED, error=told)


def _empty(reports: Sequence[_Report]) -> None:
    """What was reported of people who asked to be forgotten is not kept as it came."""
    ids = {event.message_id for report in reports for event in report.events if event.message_id}
    rows = Message.objects.filter(pk__in=ids, customer__is_erased=True).values_list("pk", flat=True)
    if erased := {str(pk) for pk in rows}:
        theirs = [report.pk for report in reports if erased & {event.message_id for event in report.events}]
        InboundDelivery.objects.filter(pk__in=theirs).update(body=b"", headers={})
