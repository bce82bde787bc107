"""Contact autopsy: where help failed those who wrote about a reason, of a drawn sample that was looked into."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min, QuerySet, Window
from django.db.models.functions import RowNumber

from analytics import autopsies
from analytics.models import AutopsyFinding, Cause
from analytics.periods import Period
from analytics.reports import asking, contacts
from analytics.reports.contacts import UNCODED, ReasonRow
from analytics.reports.tables import Column, Table
from analytics.stats.proportions import Rate
from contacts import reasons


@dataclass(frozen=True)
class Share:
    """One cause among those looked into."""

    cause: str
    text: str
    rate: Rate


@dataclass(frozen=True)
class Row:
    """One reason: `examined` of its `contacts`, and where help failed them."""

    reason: ReasonRow
    examined: int
    shares: tuple[Share, ...]


@dataclass(frozen=True)
class Autopsied:
    """`whole` is the reason asked for; None where all are shown: as many are drawn of a small topic as of a large one,
    so that together they stand for nobody. Made between two moments; None where nothing has been looked into."""

    whole: Row | None
    rows: tuple[Row, ...]
    made_from: datetime | None
    made_to: datetime | None

    @property
    def contacts(self) -> int:
        """All of the period, of the reason asked for."""
        return self.whole.reason.now if self.whole else sum(row.reason.now for row in self.rows)


def build(period: Period, *, now: datetime, reason: str = "") -> Autopsied:
    """Of the period's contacts by topic; or of one reason, and of the reasons under it. Six queries."""
    _total, every = contacts.by_reason(period, now=now)
    paths = {each.code: each.path for each in reasons.stored()}
    sample = found(period, {})
    by_code: dict[str, Counter[str]] = {}
    for code, cause, number in sample.values_list("reason", "cause").annotate(number=Count("id")).order_by():
        for each in paths.get(code, (UNCODED,)):
            by_code.setdefault(each, Counter())[cause] += number
    rows = {row.code: _row(row, by_code.get(row.code, Counter())) for row in every if row.now}
    parts = [row for code, row in rows.items() if _is_part(paths.get(code, (code,)), reason)]
    span = sample.aggregate(first=Min("made_at"), last=Max("made_at"))
    return Autopsied(rows.get(reason), tuple(parts), span["first"], span["last"])


def _is_part(path: tuple[str, ...], reason: str) -> bool:
    return path[-2:-1] == ((reason,) if reason else ())


def found(period: Period, parameters: Mapping[str, str]) -> QuerySet[AutopsyFinding]:
    """The sample of the period's contacts, by `reason` (with everything under it) and `cause`; what makes no sense fits
    none. Of more that were looked into, for shorter periods, the first SAMPLE of each topic."""
    segment = period.segment
    narrowed = {"contact__locale": segment.locale, "contact__source": segment.source}
    within = AutopsyFinding.objects.filter(
        received_at__gte=period.start,
        received_at__lt=period.end,
        **{name: value for name, value in narrowed.items() if value},
    )
    place = Window(RowNumber(), partition_by="topic", order_by=["lot", "id"])
    first = within.annotate(place=place).filter(place__lte=autopsies.SAMPLE)
    rows = AutopsyFinding.objects.filter(pk__in=first.values("pk"))
    if cause := parameters.get("cause", ""):
        rows = rows.filter(cause=cause)
    if reason := parameters.get("reason", ""):
        codes = [each.code for each in reasons.stored() if reason in each.path]
        rows = rows.filter(reason__in=[""] if reason == UNCODED else codes)
    return rows


def is_reason(code: str) -> bool:
    """Whether the tree has it, or it is that of what nobody could code."""
    return code == UNCODED or code in {each.code for each in reasons.stored()}


WORDS: dict[str, asking.Check] = {"reason": is_reason}


def tables(period: Period, now: datetime, narrowed: Mapping[str, str]) -> list[Table]:
    """Where help failed, by topic; of one reason, and of those under it, where one is asked for."""
    made = build(period, now=now, reason=narrowed.get("reason", ""))
    told = [*([made.whole] if made.whole else []), *made.rows]
    columns = (
        Column("reason", "Reason"),
        Column("contacts", "Contacts"),
        Column("examined", "Examined"),
        Column("cause", "Cause"),
        Column("share", "Share"),
    )
    rows = [
        (row.reason.code, row.reason.now, row.examined, share.cause, share.rate) for row in told for share in row.shares
    ]
    note = "A drawn sample, at most 200 of a topic; the first cause that fits, none of which says why they wrote."
    return [Table("causes", "Contact autopsy", columns, rows, note=note)]


def _row(reason: ReasonRow, causes: Counter[str]) -> Row:
    examined = causes.total()
    return Row(
        reason,
        examined,
        tuple(Share(cause, str(label), Rate(causes[cause], examined)) for cause, label in Cause.choices if examined),
    )
