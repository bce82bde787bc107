"""What the rows say of an experiment: by epoch and arm who was exposed, who can be judged, and what became of them.

All numbers of verdicts are counted here, each in one pass over the exposures (analytics/exposure_sql.py).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import ClassVar

from django.db import connection, transaction

from analytics import shop_days, streams
from analytics.exposure_sql import FATES, IS_TIED, MATURE, SHOWN, ask
from kb.models import Experiment


@dataclass(frozen=True, slots=True)
class Cell:
    """Visitors of one arm in one epoch. Each number after `exposed` says of whom it is a part."""

    epoch: int
    arm: str
    exposed: int = 0
    linkable: int = 0  # of exposed
    mature: int = 0  # of exposed: the window is over and the contacts are in
    judged: int = 0  # of exposed: linkable and mature
    contacts: int = 0  # of judged: a contact on the article's topic, or uncoded
    denied: int = 0  # of judged: no such contact, and their last vote on the text is "no"
    any_contacts: int = 0  # of judged: a contact of whatever topic
    confirmed: int = 0  # of mature: their last vote is "yes", and no contact on the topic
    voted: int = 0  # of mature
    forms_opened: int = 0  # of mature
    forms_sent: int = 0  # of forms_opened

    NUMBERS: ClassVar[tuple[str, ...]]

    def plus(self, other: Cell) -> Cell:
        """Both together, as this one's epoch and arm."""
        return Cell(self.epoch, self.arm, *(getattr(self, name) + getattr(other, name) for name in Cell.NUMBERS))

    def narrowed(self, what: str) -> int:
        """How many are `what`, a key of NARROWED."""
        match what:
            case "unlinkable":
                return self.exposed - self.linkable
            case "resolved":
                return self.judged - self.contacts - self.denied
            case "not_contacted":
                return self.judged - self.contacts
        number: int = getattr(self, what)
        return number

    def successes(self, metric: str) -> tuple[int, int]:
        """Successes and the visitors they are a share of. For `contact` success is that none came."""
        match metric:
            case "confirmed":
                return self.confirmed, self.mature
            case "contact":
                return self.judged - self.contacts, self.judged
            case _:
                return self.judged - self.contacts - self.denied, self.judged


Cell.NUMBERS = tuple(each.name for each in fields(Cell) if each.name not in ("epoch", "arm"))


@dataclass(frozen=True, slots=True)
class Counts:
    """All cells at a moment. `watermark`: up to when contacts are in, whatever the clock says."""

    at: datetime
    watermark: datetime
    cells: tuple[Cell, ...]


def count(experiment: Experiment, *, now: datetime) -> Counts:
    """Every epoch × arm in which anybody was exposed. Of a deadline's test nobody counts who came after it.

    Three passes, each of which the database can share among its workers: all exposures; those that a tie makes
    linkable; and those after which something happened.
    """
    asked = ask(experiment, now)
    keys = dict(experiment.variants.values_list("pk", "key"))
    cells: dict[tuple[int, str], Cell] = {}

    def add(epoch: int, variant_id: int, **numbers: int) -> None:
        place = epoch, keys[variant_id]
        old = cells.get(place, Cell(*place))
        cells[place] = replace(old, **{name: getattr(old, name) + number for name, number in numbers.items()})

    fed = asked.is_fed or "false"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_FOR_A_MILLION)
        cursor.execute(_EVERYBODY.format(is_fed=fed), asked.given)
        for epoch, variant_id, exposed, mature, linkable, judged in cursor.fetchall():
            add(epoch, variant_id, exposed=exposed, mature=mature, linkable=linkable, judged=judged)
        if sum(cell.exposed for cell in cells.values()) > _MANY:
            # The database expects hundreds of fates where there are hundreds of thousands, and would look up each.
            cursor.execute("SET LOCAL enable_nestloop = off")
        if asked.is_fed:
            cursor.execute(_TIED.format(is_fed=fed), asked.given)
            for epoch, variant_id, linkable, judged in cursor.fetchall():
                add(epoch, variant_id, linkable=linkable, judged=judged)
        cursor.execute("WITH " + FATES + _FATES_COUNTED.format(is_fed=fed), asked.given)
        for epoch, variant_id, *numbers in cursor.fetchall():
            add(epoch, variant_id, **dict(zip(_FATED, numbers, strict=True)))
    return Counts(now, asked.watermark, tuple(cells[place] for place in sorted(cells)))


def linkable_days(experiment: Experiment, *, now: datetime) -> list[tuple[str, date, int]]:
    """Arm, day of the shop, and how many of its exposures are linkable, whatever window they had. As count(), by the
    same passes."""
    asked = ask(experiment, now)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_FOR_A_MILLION)
        given = asked.given | {"zone": shop_days.zone().key}
        cursor.execute(_LINKABLE_DAYS.format(is_fed=asked.is_fed or "false"), given)
        return list(cursor.fetchall())


_FOR_A_MILLION = f"SET LOCAL work_mem = '{streams.MEMORY}'; SET LOCAL jit = off"  # in this look alone
# Visitors from which on whole tables are joined and no rows looked up: what is expected of few, looked up among each
# other, takes minutes of ten thousand.
_MANY = 2_000
_EVERYBODY = f"""
SELECT seen.epoch, seen.variant_id, count(*), count(*) FILTER (WHERE {MATURE}),
       count(*) FILTER (WHERE seen.is_returning AND NOT {{is_fed}}),
       count(*) FILTER (WHERE seen.is_returning AND NOT {{is_fed}} AND {MATURE})
FROM kb_exposure AS seen WHERE {SHOWN}
GROUP BY seen.epoch, seen.variant_id
"""  # noqa: S608

_TIED = f"""
SELECT seen.epoch, seen.variant_id, count(*), count(*) FILTER (WHERE {MATURE})
FROM kb_exposure AS seen WHERE {SHOWN} AND seen.is_returning AND {{is_fed}} AND {IS_TIED}
GROUP BY seen.epoch, seen.variant_id
"""  # noqa: S608

_LINKABLE_DAYS = f"""
WITH linkable AS (
    SELECT seen.variant_id, (seen.at AT TIME ZONE %(zone)s)::date AS day, count(*) AS number
    FROM kb_exposure AS seen WHERE {SHOWN} AND seen.is_returning AND NOT {{is_fed}}
    GROUP BY 1, 2
    UNION ALL
    SELECT seen.variant_id, (seen.at AT TIME ZONE %(zone)s)::date, count(*)
    FROM kb_exposure AS seen WHERE {SHOWN} AND seen.is_returning AND {{is_fed}} AND {IS_TIED}
    GROUP BY 1, 2
)
SELECT arm.key, day, sum(number)::integer FROM linkable JOIN kb_variant AS arm ON arm.id = variant_id
GROUP BY arm.key, day
"""  # noqa: S608

_FATED = ("contacts", "denied", "any_contacts", "confirmed", "voted", "forms_opened", "forms_sent")
_FATES_COUNTED = """
, tied AS (
    SELECT DISTINCT fate.id FROM fate JOIN analytics_identity AS tie ON tie.visitor = fate.visitor AND tie.at <= fate.at
), seen AS (
    SELECT fate.*, tied.id IS NOT NULL AS is_tied FROM fate LEFT JOIN tied USING (id) WHERE fate.at <= %(mature_until)s
), judged AS (
    SELECT *, is_returning AND (NOT {is_fed} OR is_tied) AS is_judged FROM seen
)
SELECT epoch, variant_id, count(*) FILTER (WHERE is_judged AND on_topic),
       count(*) FILTER (WHERE is_judged AND NOT on_topic AND NOT vote),
       count(*) FILTER (WHERE is_judged AND called), count(*) FILTER (WHERE vote AND NOT on_topic),
       count(*) FILTER (WHERE vote IS NOT NULL), count(*) FILTER (WHERE opened), count(*) FILTER (WHERE opened AND sent)
FROM judged GROUP BY epoch, variant_id
"""
