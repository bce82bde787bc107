"""The rows of a list of carriers' scans as facts: read by themselves, then led to the parcels that are known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from notifications.intake.carrier_names import known_as
from notifications.intake.facts import Expected, Fact, Packed, Scanned
from notifications.intake.sheets import status_words
from notifications.intake.sheets.files import Cells
from notifications.intake.sheets.reading import BadCell, Reader
from notifications.models import FormerNumber, Order, Shipment
from notifications.tracking import Scan


@dataclass(frozen=True)
class Said:
    """One row: about which parcel, and what."""

    carrier: str
    tracking_no: str
    number: str  # the order's
    at: datetime
    scan: Scan | None
    expected_by: datetime | None


@dataclass(frozen=True)
class Known:
    """A parcel as the database has it."""

    source: str
    order_id: str
    carrier: str
    tracking_no: str


class Unplaced(Exception):
    """No parcel of ours, or more than one. `field` is a field's name."""

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}. {remedy}")
        self.field, self.problem, self.remedy = field, problem, remedy


def read(row: Cells, reader: Reader) -> Said:
    """Raises BadCell."""
    tracking_no = reader.text(row, "tracking_no").replace(" ", "")
    number = reader.text(row, "number", most=60)
    if not tracking_no and not number:
        raise BadCell(reader.column("tracking_no"), "is empty", "Every row needs a tracking number or an order number.")
    at = reader.moment(row, "event_at")
    if at is None:
        raise BadCell(reader.column("event_at"), "is empty", "Give the moment as 2017-11-24 18:30.")
    word = reader.text(row, "status")
    expected_by = reader.end(row, "expected_by")
    if not word and expected_by is None:
        raise BadCell(reader.column("status"), "is empty", "Say what happened to the parcel.")
    scan = None
    if word:
        scan = scan_of(
            word,
            at=at.at,
            text=reader.text(row, "text", most=10_000),
            place=reader.text(row, "place", most=10_000),
        )
    return Said(known_as(reader.text(row, "carrier", most=60)), tracking_no, number, at.at, scan, expected_by)


def scan_of(word: str, *, at: datetime, text: str, place: str) -> Scan:
    """A scan from a word that no carrier's vocabulary knows. An unknown one is kept, without a state."""
    state, reason = status_words.read(word)
    return Scan(
        state=state,
        at=at,
        raw_status="" if state else word[:80],
        text=text[:300],
        place=place[:120],
        reason=reason,
    )


class Parcels:
    """The parcels and orders that a batch of rows is about, looked up together."""

    def __init__(self, said: Iterable[Said], *, source: str) -> None:
        said = list(said)
        self._source = source
        self._by_number: dict[str, list[Known]] = defaultdict(list)
        self._of_order: dict[str, list[Known]] = defaultdict(list)
        self._orders: dict[str, list[tuple[str, str]]] = defaultdict(list)
        # Django's own "in" takes longer to write thousands of numbers than the database to find them.
        numbers = {one.tracking_no for one in said if one.tracking_no}
        rows = Shipment.objects.extra(where=["tracking_no = ANY(%s)"], params=[list(numbers)])
        for each in rows.values_list("order__source", "order__external_id", "carrier", "tracking_no"):
            self._by_number[each[3]].append(Known(*each))
        self._once: dict[str, list[tuple[datetime, Known]]] = defaultdict(list)
        if numbers := numbers - self._by_number.keys():
            once = FormerNumber.objects.filter(tracking_no__in=numbers).values_list(
                "tracking_no", "until", "shipment__order__source", "shipment__order__external_id",
                "shipment__carrier", "shipment__tracking_no",
            )  # fmt: skip
            for number, until, *known in once:
                self._once[number].append((until, Known(*known)))
        # The others by their orders.
        numbers = {
            one.number for one in said if one.number and (not one.tracking_no or one.tracking_no not in self._by_number)
        }
        if numbers:
            for number, own, order_id in Order.objects.filter(number__in=numbers).values_list(
                "number", "source", "external_id"
            ):
                self._orders[number].append((own, order_id))
            of_orders = Shipment.objects.filter(order__number__in=numbers).order_by("pk")
            for number, *rest in of_orders.values_list(
                "order__number", "order__source", "order__external_id", "carrier", "tracking_no"
            ):
                self._of_order[number].append(Known(*rest))

    def find(self, said: Said) -> tuple[Known, bool]:
        """The parcel, and whether it is new: one more of a known order. Raises Unplaced."""
        found = self._by_number.get(said.tracking_no, []) if said.tracking_no else []
        if len(found) > 1:
            same = [one for one in found if one.carrier.casefold() == said.carrier.casefold()]
            if len(same) != 1:
                raise Unplaced("carrier", "several carriers have a parcel of this number", "Name the carrier.")
            found = same
        once = [known for until, known in self._once.get(said.tracking_no, []) if said.at <= until]
        if len(once) == 1:  # the number was corrected since
            return once[0], False
        if found:  # one: a number says more than how the carrier's name is written
            return found[0], False
        if not said.number:
            raise Unplaced(
                "tracking_no",
                "no order has a parcel of this number",
                "Import the orders first, or give the order number too.",
            )
        source, order_id = self._order(said.number)
        if said.tracking_no:
            new = Known(source, order_id, said.carrier, said.tracking_no)
            self._by_number[said.tracking_no].append(new)  # for the rows after this one
            return new, True
        parcels = [one for one in self._of_order[said.number] if (one.source, one.order_id) == (source, order_id)]
        if len(parcels) != 1 or not parcels[0].tracking_no:
            raise Unplaced(
                "tracking_no",
                f"is empty, and the order has {len(parcels)} parcels" if len(parcels) > 1 else "is empty",
                "Give the parcel's number.",
            )
        return parcels[0], False

    def _order(self, number: str) -> tuple[str, str]:
        found = self._orders.get(number, [])
        if len(found) > 1:
            found = [one for one in found if one[0] == self._source] or found
        if len(found) != 1:
            problem = "several sources have this number" if found else "no order has this number"
            remedy = "Give the parcel's number." if found else "Import the orders first."
            raise Unplaced("number", problem, remedy)
        return found[0]


def facts(said: Said, parcel: Known, *, is_new: bool) -> Sequence[Fact]:
    """What a row says, about that parcel."""
    made: list[Fact] = []
    if is_new:
        made.append(Packed(said.at, parcel.order_id, parcel.carrier, parcel.tracking_no, pieces=()))
    if said.scan is not None:
        made.append(Scanned(said.at, parcel.order_id, parcel.carrier, parcel.tracking_no, said.scan))
    if said.expected_by is not None:
        made.append(Expected(said.at, parcel.order_id, parcel.carrier, parcel.tracking_no, said.expected_by))
    return made
