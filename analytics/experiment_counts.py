"""What the rows say of an experiment: by epoch and arm who was exposed, who can be judged, and what became of them.

All of the SQL of verdicts is here. What happened to people (contacts, votes, forms) is few and is looked up first; the
exposures, which may be a million, are then counted in one pass.

Time runs from the exposure: what came before it or once its window is over counts for nothing. Of the rows about one
contact the newest counts; it belongs to its visitor and to every visitor tied to its person, since whenever.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.db import connection, transaction

from analytics import contact_facts, outcomes, shop_days
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


@dataclass(frozen=True, slots=True)
class Row:
    """One exposure, and what became of it within its window so far."""

    visitor: UUID
    at: datetime
    epoch: int
    arm: str
    is_linkable: bool
    is_mature: bool
    has_contact: bool
    has_any_contact: bool
    vote: bool | None
    opened_form: bool
    sent_form: bool


@dataclass(frozen=True)
class _Asked:
    """An experiment's question to the database. `is_fed`: when contacts came by other ways than our own form; empty
    where they never did."""

    watermark: datetime
    is_fed: str
    given: dict[str, Any]

    @property
    def linkable(self) -> str:
        """Whether we would have known of a contact, by what was known at the exposure: the browser brought its id back
        and, where contacts came by other ways than our own form, it was tied to a person."""
        return f"(seen.is_returning AND (NOT {self.is_fed} OR {_IS_TIED}))" if self.is_fed else "seen.is_returning"


def count(experiment: Experiment, *, now: datetime) -> Counts:
    """Every epoch × arm in which anybody was exposed. Of a deadline's test nobody counts who came after it.

    Three passes, each of which the database can share among its workers: all exposures; those that a tie makes
    linkable; and those after which something happened.
    """
    asked = _ask(experiment, now)
    keys = dict(experiment.variants.values_list("pk", "key"))
    cells: dict[tuple[int, str], Cell] = {}

    def add(epoch: int, variant_id: int, **numbers: int) -> None:
        place = epoch, keys[variant_id]
        old = cells.get(place, Cell(*place))
        cells[place] = replace(old, **{name: getattr(old, name) + number for name, number in numbers.items()})

    fed = asked.is_fed or "false"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL work_mem = '{_MEMORY}'; SET LOCAL jit = off")  # for a million, in this look alone
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
        cursor.execute("WITH " + _FATES + _FATES_COUNTED.format(is_fed=fed), asked.given)
        for epoch, variant_id, *numbers in cursor.fetchall():
            add(epoch, variant_id, **dict(zip(_FATED, numbers, strict=True)))
    return Counts(now, asked.watermark, tuple(cells[place] for place in sorted(cells)))


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


def rows(
    experiment: Experiment, *, now: datetime, arm: str, what: str = "exposed", epoch: int | None = None,
    between: tuple[datetime, datetime] | None = None, limit: int = 50, offset: int = 0,
) -> tuple[int, list[Row]]:  # fmt: skip
    """How many exposures of an arm are `what` (a key of NARROWED), and some of them, the newest first. `between`: only
    those from one moment up to, not including, another."""
    asked = _ask(experiment, now)
    condition = NARROWED[what].format(linkable=asked.linkable, mature=_MATURE)
    where = f"{_SHOWN} AND arm.key = %(arm)s AND ({condition})" + (" AND seen.epoch = %(epoch)s" if epoch else "")
    if between:
        where += " AND seen.at >= %(from)s AND seen.at < %(to)s"
    first, end = between or (None, None)
    given = asked.given | {"arm": arm, "epoch": epoch, "from": first, "to": end, "limit": limit, "offset": offset}
    if what in WHATEVER_CAME:
        counted = f"SELECT count(*) {_SEEN} WHERE {where}"
        listed = _LISTED.format(where=where) + _OF_LISTED + _ROWS.format(linkable=asked.linkable, where=_IS_LISTED)
    else:
        counted = f"WITH {_FATES} SELECT count(*) {_FROM} WHERE {where}"
        listed = f"WITH {_FATES}" + _ROWS.format(linkable=asked.linkable, where=where) + _STRETCH
    with connection.cursor() as cursor:
        cursor.execute(counted, given)
        number = int(cursor.fetchone()[0])
        if not limit:
            return number, []
        cursor.execute(listed, given)
        return number, [Row(*row) for row in cursor.fetchall()]


def linkable_days(experiment: Experiment, *, now: datetime) -> list[tuple[str, date, int]]:
    """Arm, day of the shop, and how many of its exposures are linkable, whatever window they had. As count(), by the
    same passes."""
    asked = _ask(experiment, now)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL work_mem = '{_MEMORY}'; SET LOCAL jit = off")
        given = asked.given | {"zone": shop_days.zone().key}
        cursor.execute(_LINKABLE_DAYS.format(is_fed=asked.is_fed or "false"), given)
        return list(cursor.fetchall())


def _ask(experiment: Experiment, now: datetime) -> _Asked:
    feeds = list(contact_facts.feeds().values())
    watermark = outcomes.watermark(feeds, now=now)
    window = timedelta(days=experiment.window_days)
    spans = list(_merged((feed.since - window, feed.until + outcomes.QUIET) for feed in feeds))
    given: dict[str, Any] = {
        "experiment": experiment.pk,
        "topic": experiment.article.category.topic,
        "since": experiment.started_at or now,
        "now": now,
        "until": min(now, experiment.due_at) if experiment.due_at else now,
        "window": window,
        "mature_until": watermark - window,
        "revisions": list(experiment.variants.values_list("revision_id", flat=True)),
    }
    return _Asked(watermark, _is_fed(spans, given), given)


def _is_fed(spans: Sequence[tuple[datetime, datetime]], given: dict[str, Any]) -> str:
    """When a contact about an exposure could have come by a connected source (outcomes.Feed.is_connected)."""
    connected = []
    for number, (first, last) in enumerate(spans):
        given |= {f"first{number}": first, f"last{number}": last}
        connected.append(f"seen.at BETWEEN %(first{number})s AND %(last{number})s")
    return f"({' OR '.join(connected)})" if connected else ""


def _merged(spans: Iterable[tuple[datetime, datetime]]) -> Iterator[tuple[datetime, datetime]]:
    """The same time, in spans that do not overlap."""
    current: tuple[datetime, datetime] | None = None
    for first, last in sorted(spans):
        if current is None or first > current[1]:
            if current:
                yield current
            current = first, last
        else:
            current = current[0], max(current[1], last)
    if current:
        yield current


_MEMORY = "64MB"
# Visitors from which on whole tables are joined and no rows looked up: what is expected of few, looked up among each
# other, takes minutes of ten thousand.
_MANY = 2_000
_MATURE = "seen.at <= %(mature_until)s"
_SHOWN = "seen.experiment_id = %(experiment)s AND seen.at <= %(until)s"
_IS_TIED = "EXISTS (SELECT FROM analytics_identity AS tie WHERE tie.visitor = seen.visitor AND tie.at <= seen.at)"

_EVERYBODY = f"""
SELECT seen.epoch, seen.variant_id, count(*), count(*) FILTER (WHERE {_MATURE}),
       count(*) FILTER (WHERE seen.is_returning AND NOT {{is_fed}}),
       count(*) FILTER (WHERE seen.is_returning AND NOT {{is_fed}} AND {_MATURE})
FROM kb_exposure AS seen WHERE {_SHOWN}
GROUP BY seen.epoch, seen.variant_id
"""  # noqa: S608

_TIED = f"""
SELECT seen.epoch, seen.variant_id, count(*), count(*) FILTER (WHERE {_MATURE})
FROM kb_exposure AS seen WHERE {_SHOWN} AND seen.is_returning AND {{is_fed}} AND {_IS_TIED}
GROUP BY seen.epoch, seen.variant_id
"""  # noqa: S608

_LINKABLE_DAYS = f"""
WITH linkable AS (
    SELECT seen.variant_id, (seen.at AT TIME ZONE %(zone)s)::date AS day, count(*) AS number
    FROM kb_exposure AS seen WHERE {_SHOWN} AND seen.is_returning AND NOT {{is_fed}}
    GROUP BY 1, 2
    UNION ALL
    SELECT seen.variant_id, (seen.at AT TIME ZONE %(zone)s)::date, count(*)
    FROM kb_exposure AS seen WHERE {_SHOWN} AND seen.is_returning AND {{is_fed}} AND {_IS_TIED}
    GROUP BY 1, 2
)
SELECT arm.key, day, sum(number)::integer FROM linkable JOIN kb_variant AS arm ON arm.id = variant_id
GROUP BY arm.key, day
"""  # noqa: S608

# A contact's rows say the same moment, so that those of before the test are left out at once. Who called: the contact's
# visitor, and whoever was ever tied to its person. Of votes the last one: time, transaction, row, whether it was a yes.
_FATES_OF = f"""
told AS MATERIALIZED (
    SELECT id, txid, contact_id, at, visitor, person, topic IN ('', %(topic)s) OR %(topic)s = '' AS on_topic,
           data ->> 'source' = 'form' AS by_form
    FROM {{events}} WHERE kind = 'contact' AND at >= %(since)s AND at <= %(now)s
), contact AS MATERIALIZED (
    SELECT DISTINCT ON (contact_id) at, visitor, person, on_topic, by_form FROM told
    ORDER BY contact_id, txid DESC, id DESC
), happened AS (
    SELECT visitor, at, on_topic, by_form AS sent, false AS opened, NULL::bigint[] AS vote, NULL::bigint AS revision_id
    FROM contact WHERE visitor IS NOT NULL
    UNION ALL
    SELECT tied.visitor, contact.at, on_topic, false, false, NULL, NULL
    FROM contact JOIN analytics_identity AS tied ON tied.person = contact.person WHERE contact.person <> ''
    UNION ALL
    SELECT visitor, at, NULL, NULL, true, NULL, NULL
    FROM analytics_event WHERE kind = 'form' AND at >= %(since)s AND at <= %(now)s {{whose}}
    UNION ALL
    SELECT visitor, at, NULL, NULL, false,
           ARRAY[(extract(epoch FROM at) * 1000000)::bigint, txid, id, (data ->> 'is_helpful')::boolean::int],
           revision_id
    FROM analytics_event
    WHERE kind = 'vote' AND at >= %(since)s AND at <= %(now)s AND revision_id = ANY(%(revisions)s) {{whose}}
), fate AS MATERIALIZED (
    SELECT seen.id, seen.visitor, seen.at, seen.epoch, seen.variant_id, seen.is_returning,
           coalesce(bool_or(on_topic), false) AS on_topic, coalesce(bool_or(sent), false) AS sent,
           count(on_topic) > 0 AS called, bool_or(opened) AS opened, (max(vote))[4] = 1 AS vote
    FROM kb_exposure AS seen
    JOIN happened ON happened.visitor = seen.visitor
        AND happened.at >= seen.at AND happened.at < seen.at + %(window)s
    LEFT JOIN kb_variant AS arm ON arm.id = seen.variant_id
    WHERE {_SHOWN} AND (happened.revision_id IS NULL OR happened.revision_id = arm.revision_id)
    GROUP BY seen.id
)
"""  # noqa: S608

_FATES = _FATES_OF.format(events="analytics_event", whose="")
# Of those on a page: what each did, and what a person did to whom one is tied.
_OF_LISTED = ", " + _FATES_OF.format(  # noqa: S608
    events="""(
        SELECT * FROM analytics_event WHERE visitor IN (SELECT visitor FROM listed)
        UNION ALL
        SELECT * FROM analytics_event WHERE person <> '' AND person IN (
            SELECT tie.person FROM analytics_identity AS tie JOIN listed USING (visitor))
    ) AS theirs""",
    whose="AND visitor IN (SELECT visitor FROM listed)",
)

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

_SEEN = "FROM kb_exposure AS seen JOIN kb_variant AS arm ON arm.id = seen.variant_id"
_FROM = f"{_SEEN} LEFT JOIN fate ON fate.id = seen.id"
_STRETCH = " LIMIT %(limit)s OFFSET %(offset)s"
_LISTED = f"""
WITH listed AS MATERIALIZED (
    SELECT seen.id, seen.visitor {_SEEN} WHERE {{where}} ORDER BY seen.at DESC, seen.id DESC {_STRETCH}
)
"""
_IS_LISTED = "seen.id IN (SELECT id FROM listed)"

_ROWS = f"""
SELECT seen.visitor, seen.at, seen.epoch, arm.key, {{linkable}}, {_MATURE}, coalesce(on_topic, false),
       coalesce(called, false), vote, coalesce(opened, false), coalesce(sent, false)
{_FROM}
WHERE {{where}}
ORDER BY seen.at DESC, seen.id DESC
"""
