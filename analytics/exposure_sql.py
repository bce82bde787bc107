"""Who was exposed to an experiment, who can be judged, and what became of them: what its counts and its lists ask.

What happened to people (contacts, votes, forms) is few and is looked up first; the exposures may be a million.

Time runs from the exposure: what came before it or once its window is over counts for nothing. Of the rows about one
contact the newest counts; it belongs to its visitor and to every visitor tied to its person, since whenever.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from analytics import contact_facts, outcomes
from kb.models import Experiment


@dataclass(frozen=True)
class Asked:
    """An experiment's question to the database. `is_fed`: when contacts came by other ways than our own form; empty
    where they never did."""

    watermark: datetime
    is_fed: str
    given: dict[str, Any]

    @property
    def linkable(self) -> str:
        """Whether we would have known of a contact, by what was known at the exposure: the browser brought its id back
        and, where contacts came by other ways than our own form, it was tied to a person."""
        return f"(seen.is_returning AND (NOT {self.is_fed} OR {IS_TIED}))" if self.is_fed else "seen.is_returning"


def ask(experiment: Experiment, now: datetime) -> Asked:
    """By what is known of contacts at a moment."""
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
    return Asked(watermark, _is_fed(spans, given), given)


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


MATURE = "seen.at <= %(mature_until)s"
SHOWN = "seen.experiment_id = %(experiment)s AND seen.at <= %(until)s"
IS_TIED = "EXISTS (SELECT FROM analytics_identity AS tie WHERE tie.visitor = seen.visitor AND tie.at <= seen.at)"

# A contact's rows say the same moment, so that those of before the test are left out at once. Who called: the contact's
# visitor, and whoever was ever tied to its person. Of votes the last one: time, transaction, row, whether it was a yes.
FATES_OF = f"""
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
    WHERE {SHOWN} AND (happened.revision_id IS NULL OR happened.revision_id = arm.revision_id)
    GROUP BY seen.id
)
"""  # noqa: S608

FATES = FATES_OF.format(events="analytics_event", whose="")
