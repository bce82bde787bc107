"""One batch of a file's rows into the database: facts stored, what could not be used told row by row."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from notifications.intake import storing
from notifications.intake.facts import Fact, in_time_order
from notifications.intake.sheets import orders, tracking
from notifications.intake.sheets.fields import Kind
from notifications.intake.sheets.files import Broken, Cells
from notifications.intake.sheets.reading import BadCell, Reader
from notifications.intake.sheets.tracking import Said, Unplaced
from notifications.intake.storing import Stored
from notifications.intake.tables import Refusal

Left = tuple[Refusal, list[str]]  # a row that is left out: why, and its cells


@dataclass
class Taken:
    """What came of a batch."""

    stored: Stored = field(default_factory=Stored)
    known: int = 0  # orders, or scans, that were here already
    left: list[Left] = field(default_factory=list)
    unknown_words: Counter[str] = field(default_factory=Counter)


def take(batch: Sequence[list[Cells] | Broken], reader: Reader, *, now: datetime) -> Taken:
    """Take in rows as reading.groups() tells them. The caller's transaction decides whether it stays."""
    taken = Taken(left=[(one.refusal, one.values) for one in batch if isinstance(one, Broken)])
    groups = [one for one in batch if not isinstance(one, Broken)]
    if reader.plan.wish.kind is Kind.ORDERS:
        _take_orders(groups, reader, taken, now=now)
    else:
        _take_scans(groups, reader, taken, now=now)
    return taken


def look_at(batch: Sequence[list[Cells] | Broken], reader: Reader, *, now: datetime) -> dict[int, Refusal]:
    """What cannot be used of these rows, by row, as far as the file alone tells."""
    found: dict[int, Refusal] = {}
    for one in batch:
        if isinstance(one, Broken):
            found[one.refusal.row] = one.refusal
        elif reader.plan.wish.kind is Kind.ORDERS:
            found |= {told.row: told for told in orders.read(one, reader, now=now) if isinstance(told, Refusal)}
        else:
            try:
                tracking.read(one[0], reader)
            except BadCell as bad:
                found[one[0].row] = reader.refuse(one[0], bad)
    return found


def _take_orders(groups: Sequence[list[Cells]], reader: Reader, taken: Taken, *, now: datetime) -> None:
    facts: list[Fact] = []
    rows: dict[str, list[Cells]] = {}
    for group in groups:
        cells = {row.row: row.values for row in group}
        read = orders.read(group, reader, now=now)
        refused = [one for one in read if isinstance(one, Refusal)]
        taken.left += [(one, cells[one.row]) for one in refused]
        own = [one for one in read if not isinstance(one, Refusal)]
        if own:
            facts += own
            rows.setdefault(own[0].order_id, []).extend(group)
    taken.stored = storing.store(in_time_order(facts), source=reader.plan.wish.source, now=now) if facts else Stored()
    _leave(taken, rows, reader)
    taken.known = len(rows) - taken.stored.orders - len(taken.stored.refused_orders)


def _take_scans(groups: Sequence[list[Cells]], reader: Reader, taken: Taken, *, now: datetime) -> None:
    said: list[tuple[Cells, Said]] = []
    for (row,) in groups:
        try:
            one = tracking.read(row, reader)
        except BadCell as bad:
            taken.left.append((reader.refuse(row, bad), row.values))
            continue
        said.append((row, one))
        if one.scan is not None and not one.scan.state:
            taken.unknown_words[one.scan.raw_status] += 1
    parcels = tracking.Parcels((one for _, one in said), source=reader.plan.wish.source)
    facts: dict[str, list[Fact]] = defaultdict(list)
    rows: dict[str, list[Cells]] = defaultdict(list)
    scans = 0
    for row, one in said:
        try:
            parcel, is_new = parcels.find(one)
        except Unplaced as error:
            unplaced = BadCell(reader.column(error.field), error.problem, error.remedy)
            taken.left.append((reader.refuse(row, unplaced), row.values))
            continue
        scans += one.scan is not None
        facts[parcel.source] += tracking.facts(one, parcel, is_new=is_new)
        rows[parcel.order_id].append(row)
    for source, own in facts.items():
        taken.stored += storing.store(in_time_order(own), source=source, now=now)
    taken.known = max(0, scans - taken.stored.scans - _leave(taken, rows, reader))


def _leave(taken: Taken, rows: dict[str, list[Cells]], reader: Reader) -> int:
    """The rows of orders that the database refused, told. Returns how many."""
    left: list[Left] = []
    for order_id, sentence in taken.stored.refused_orders.items():
        bad = BadCell("", sentence, "Is the parcel's number another order's?")
        left += [(reader.refuse(row, bad), row.values) for row in rows.get(order_id, [])]
    taken.left += left
    return len(left)
