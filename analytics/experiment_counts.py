"""What the rows say of an experiment: by epoch and arm who was exposed, who can be judged, and what became of them.

All of the SQL of verdicts is here. What happened to people (contacts, votes, forms) is few and is looked up first; the
exposures, which may be a million, are then counted in one pass.

Time runs from the exposure: what came before it or once its window is over counts for nothing. Of the rows about one
contact the newest counts; it belongs to its visitor and to every visitor tied to its person, since whenever.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.db import connection

from analytics import contact_facts, outcomes
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
    """An experiment's question to the database: the words that differ from one to another, and what they are given."""

    watermark: datetime
    linkable: str
    source: str
    given: dict[str, Any]


def count(experiment: Experiment, *, now: datetime) -> Counts:
    """Every epoch × arm in which anybody was exposed. Of a deadline's test nobody counts who came after it."""
    asked = _ask(experiment, now)
    with connection.cursor() as cursor:
        cursor.execute(_FATES + _COUNT.format(linkable=asked.linkable, source=asked.source), asked.given)
        cells = tuple(Cell(*row) for row in cursor.fetchall())
    return Counts(now, asked.watermark, cells)


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


def rows(
    experiment: Experiment, *, now: datetime, arm: str, what: str = "exposed", epoch: int | None = None,
    limit: int = 50, offset: int = 0,
) -> tuple[int, list[Row]]:  # fmt: skip
    """How many exposures of an arm are `what` (a key of NARROWED), and some of them, the newest first."""
    asked = _ask(experiment, now)
    condition = NARROWED[what].format(linkable=asked.linkable, mature=_MATURE)
    where = f"{_SHOWN} AND arm.key = %(arm)s AND ({condition})" + (" AND seen.epoch = %(epoch)s" if epoch else "")
    given = asked.given | {"arm": arm, "epoch": epoch, "limit": limit, "offset": offset}
    with connection.cursor() as cursor:
        cursor.execute(f"{_FATES} SELECT count(*) {asked.source} WHERE {where}", given)
        number = int(cursor.fetchone()[0])
        cursor.execute(_FATES + _ROWS.format(linkable=asked.linkable, source=asked.source, where=where), given)
        return number, [Row(*row) for row in cursor.fetchall()]


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
    return _Asked(watermark, _linkable(spans, given), _FROM + _TIES if spans else _FROM, given)


def _linkable(spans: Sequence[tuple[datetime, datetime]], given: dict[str, Any]) -> str:
    """Whether we would have known of a contact, by what was known at the exposure: the browser brought its id back and,
    where contacts came (outcomes.Feed.is_connected) by other ways than our own form, it was tied to a person."""
    if not spans:
        return "seen.is_returning"
    connected = []
    for number, (first, last) in enumerate(spans):
        given |= {f"first{number}": first, f"last{number}": last}
        connected.append(f"seen.at BETWEEN %(first{number})s AND %(last{number})s")
    return f"(seen.is_returning AND (NOT ({' OR '.join(connected)}) OR coalesce(tie.at <= seen.at, false)))"


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


_MATURE = "seen.at <= %(mature_until)s"
_SHOWN = "seen.experiment_id = %(experiment)s AND seen.at <= %(until)s"
_WITHIN = "happened.at >= seen.at AND happened.at < seen.at + %(window)s"

# A contact's rows say the same moment, so that those of before the test are left out at once. Who called: the contact's
# visitor, and whoever was ever tied to its person.
_FATES = f"""
WITH contact AS MATERIALIZED (
    SELECT DISTINCT ON (contact_id) contact_id, at, visitor, person, topic, data ->> 'source' = 'form' AS by_form
    FROM analytics_event WHERE kind = 'contact' AND at >= %(since)s AND at <= %(now)s
    ORDER BY contact_id, id DESC
), caller AS (
    SELECT visitor, at, topic, by_form FROM contact WHERE visitor IS NOT NULL
    UNION ALL
    SELECT tied.visitor, contact.at, contact.topic, false FROM contact
    JOIN analytics_identity AS tied ON tied.person = contact.person WHERE contact.person <> ''
), called AS (
    SELECT seen.id, bool_or(happened.topic IN ('', %(topic)s) OR %(topic)s = '') AS on_topic, bool_or(by_form) AS sent
    FROM caller AS happened JOIN kb_exposure AS seen ON seen.visitor = happened.visitor AND {_SHOWN} AND {_WITHIN}
    GROUP BY seen.id
), voted AS (
    SELECT DISTINCT ON (seen.id) seen.id, (happened.data ->> 'is_helpful')::boolean AS vote
    FROM analytics_event AS happened
    JOIN kb_exposure AS seen ON seen.visitor = happened.visitor AND {_SHOWN} AND {_WITHIN}
    JOIN kb_variant AS arm ON arm.id = seen.variant_id AND arm.revision_id = happened.revision_id
    WHERE happened.kind = 'vote' AND happened.at >= %(since)s AND happened.at <= %(now)s
        AND happened.revision_id = ANY(%(revisions)s)
    ORDER BY seen.id, happened.at DESC, happened.id DESC
), opened AS (
    SELECT DISTINCT seen.id FROM analytics_event AS happened
    JOIN kb_exposure AS seen ON seen.visitor = happened.visitor AND {_SHOWN} AND {_WITHIN}
    WHERE happened.kind = 'form' AND happened.at >= %(since)s AND happened.at <= %(now)s
), fate AS MATERIALIZED (
    SELECT id, on_topic, coalesce(sent, false) AS sent, called.id IS NOT NULL AS called, vote,
           opened.id IS NOT NULL AS opened
    FROM called FULL JOIN voted USING (id) FULL JOIN opened USING (id)
)
"""  # noqa: S608

_FROM = """
FROM kb_exposure AS seen
JOIN kb_variant AS arm ON arm.id = seen.variant_id
LEFT JOIN fate ON fate.id = seen.id
"""
_TIES = "LEFT JOIN (SELECT visitor, min(at) AS at FROM analytics_identity GROUP BY visitor) AS tie USING (visitor)"

_COUNT = f"""
SELECT seen.epoch, arm.key, count(*), count(*) FILTER (WHERE {{linkable}}), count(*) FILTER (WHERE {_MATURE}),
       count(*) FILTER (WHERE {{linkable}} AND {_MATURE}),
       count(*) FILTER (WHERE on_topic AND {{linkable}} AND {_MATURE}),
       count(*) FILTER (WHERE NOT vote AND NOT coalesce(on_topic, false) AND {{linkable}} AND {_MATURE}),
       count(*) FILTER (WHERE called AND {{linkable}} AND {_MATURE}),
       count(*) FILTER (WHERE vote AND NOT coalesce(on_topic, false) AND {_MATURE}),
       count(*) FILTER (WHERE vote IS NOT NULL AND {_MATURE}),
       count(*) FILTER (WHERE opened AND {_MATURE}),
       count(*) FILTER (WHERE opened AND sent AND {_MATURE})
{{source}}
WHERE {_SHOWN}
GROUP BY seen.epoch, arm.key
ORDER BY seen.epoch, arm.key
"""

_ROWS = f"""
SELECT seen.visitor, seen.at, seen.epoch, arm.key, {{linkable}}, {_MATURE}, coalesce(on_topic, false),
       coalesce(called, false), vote, coalesce(opened, false), coalesce(sent, false)
{{source}}
WHERE {{where}}
ORDER BY seen.at DESC, seen.id DESC LIMIT %(limit)s OFFSET %(offset)s
"""
