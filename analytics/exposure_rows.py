"""The exposures behind a number of an experiment, each with what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

from django.db import connection

from analytics.exposure_sql import FATES, FATES_OF, MATURE, SHOWN, ask
from kb.models import Variant


@dataclass(frozen=True, slots=True)
class Row:
    """One exposure, and what became of it within its window so far."""

    visitor: UUID
    at: datetime
    epoch: int
    is_linkable: bool
    is_mature: bool
    has_contact: bool
    has_any_contact: bool
    vote: bool | None
    opened_form: bool
    sent_form: bool


# What a list of exposures can be narrowed to; the numbers of a Cell, and the successes and failures of each metric.
NARROWED = {
    "exposed": "true",
    "linkable": "{linkable}",
    "unlinkable": "NOT ({linkable})",
    "mature": "{mature}",
    "judged": "{linkable} AND {mature}",
    "contacts": "{linkable} AND {mature} AND on_topic",
    "denied": "{linkable} AND {mature} AND NOT coalesce(on_topic, false) AND NOT vote",
    "any_contacts": "{linkable} AND {mature} AND called",
    "confirmed": "{mature} AND vote AND NOT coalesce(on_topic, false)",
    "voted": "{mature} AND vote IS NOT NULL",
    "forms_opened": "{mature} AND opened",
    "forms_sent": "{mature} AND opened AND sent",
    "resolved": "{linkable} AND {mature} AND NOT coalesce(on_topic, false) AND coalesce(vote, true)",
    "not_contacted": "{linkable} AND {mature} AND NOT coalesce(on_topic, false)",
}
# Of these it does not matter what happened after: nothing but the rows of a page is looked up.
WHATEVER_CAME = {"exposed", "linkable", "unlinkable", "mature", "judged"}


class Exposures:
    """For a Paginator: those of an arm that are `what` (a key of NARROWED) by what is known `at` a moment, the newest
    first. `between`: only those from one moment up to, not including, another."""

    ordered = True

    def __init__(
        self, arm: Variant, *, at: datetime, what: str = "exposed", epoch: int | None = None,
        between: tuple[datetime, datetime] | None = None,
    ) -> None:  # fmt: skip
        asked = ask(arm.experiment, at)
        first, end = between or (None, None)
        self._given = asked.given | {"arm": arm.pk, "epoch": epoch, "from": first, "to": end}
        self._linkable = asked.linkable
        self._where = f"{SHOWN} AND seen.variant_id = %(arm)s"
        if epoch:
            self._where += " AND seen.epoch = %(epoch)s"
        if between:
            self._where += " AND seen.at >= %(from)s AND seen.at < %(to)s"
        self._narrowed = NARROWED[what].format(linkable=asked.linkable, mature=MATURE)
        self._all = f"{self._where} AND ({self._narrowed})"
        self._whatever_came = what in WHATEVER_CAME

    def count(self) -> int:
        return self._number

    __len__ = count

    @cached_property
    def _number(self) -> int:
        """A page asks more than once, and of a large test this is what takes its time."""
        counted = f"SELECT count(*) FROM kb_exposure AS seen WHERE {self._all}"  # noqa: S608
        if not self._whatever_came:
            counted = f"WITH {FATES} SELECT count(*) {_FROM} WHERE {self._all}"
        with connection.cursor() as cursor:
            cursor.execute(counted, self._given)
            return int(cursor.fetchone()[0])

    def __getitem__(self, part: slice) -> list[Row]:
        if self._whatever_came:
            order, here = self._from_the_nearer_end(part)
            listed = _LISTED.format(where=self._where, narrowed=self._narrowed, order=order) + _OF_LISTED
            listed += _ROWS.format(linkable=self._linkable, where=_IS_LISTED)
        else:
            here = part
            listed = f"WITH {FATES}" + _ROWS.format(linkable=self._linkable, where=self._all) + _STRETCH
        with connection.cursor() as cursor:
            cursor.execute(listed, self._given | {"limit": here.stop - here.start, "offset": here.start})
            return [Row(*row) for row in cursor.fetchall()]

    def _from_the_nearer_end(self, part: slice) -> tuple[str, slice]:
        """No more rows than those up to the page are asked whether they are among the narrowed."""
        number = self._number
        if part.start <= number // 2:
            return "DESC", part
        return "ASC", slice(max(0, number - part.stop), max(0, number - part.start))


# Of those on a page: what each did, and what a person did to whom one is tied.
_OF_LISTED = ", " + FATES_OF.format(  # noqa: S608
    events="""(
        SELECT * FROM analytics_event WHERE visitor IN (SELECT visitor FROM listed)
        UNION ALL
        SELECT * FROM analytics_event WHERE person <> '' AND person IN (
            SELECT tie.person FROM analytics_identity AS tie JOIN listed USING (visitor))
    ) AS theirs""",
    whose="AND visitor IN (SELECT visitor FROM listed)",
)

_FROM = "FROM kb_exposure AS seen LEFT JOIN fate ON fate.id = seen.id"
_STRETCH = " LIMIT %(limit)s OFFSET %(offset)s"
# The rows are put in order before any is looked up, and of those only as many are as fill the page.
_LISTED = f"""
WITH listed AS MATERIALIZED (
    SELECT id, visitor FROM (
        SELECT * FROM kb_exposure AS seen WHERE {{where}} ORDER BY seen.at {{order}}, seen.id {{order}} OFFSET 0
    ) AS seen
    WHERE {{narrowed}}{_STRETCH}
)
"""  # noqa: S608
_IS_LISTED = "seen.id IN (SELECT id FROM listed)"

_ROWS = f"""
SELECT seen.visitor, seen.at, seen.epoch, {{linkable}}, {MATURE}, coalesce(on_topic, false),
       coalesce(called, false), vote, coalesce(opened, false), coalesce(sent, false)
{_FROM}
WHERE {{where}}
ORDER BY seen.at DESC, seen.id DESC
"""
