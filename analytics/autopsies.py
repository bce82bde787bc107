"""Contacts looked into one by one: was there an article, would their own words have found it, had they read it?

A fixed sample, since each takes a search: the same contacts whoever asks, by a hash of their ids. Each is looked into
once by night, soon after it came, when the articles were as they were then; and anew where somebody asks.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from analytics import shop_days
from analytics.models import Autopsy, AutopsyFinding, AutopsyState, Cause, Event, EventKind, Identity
from contacts import reasons
from core import audit, clock
from kb.models import Article
from kb.search import query

logger = logging.getLogger("preempt.analytics")

SAMPLE = 200  # of each topic
TOP = 3  # answers that somebody who is in a hurry looks at
NIGHTLY_DAYS = 28
_AT_ONCE = 25  # contacts, between two words about how far it is
_OPEN = (AutopsyState.WAITING, AutopsyState.RUNNING)
_LOCK = 7_201_004  # of pg_advisory_lock

# The first of each topic by a hash that nobody chose. What was erased has no words left to look into.
_DRAWN = """
WITH coded AS (
    SELECT contact.id, contact.received_at, contact.visitor, contact.person, contact.locale, contact.subject,
           contact.message, coalesce(given.code, '') AS reason, coalesce(given.topic, '') AS topic,
           ('x' || left(md5('autopsy' || contact.id::text), 15))::bit(60)::bigint AS lot
    FROM contacts_contact AS contact
    LEFT JOIN LATERAL (
        SELECT coding.reason_id FROM contacts_coding AS coding
        WHERE coding.contact_id = contact.id ORDER BY coding.id DESC LIMIT 1
    ) AS newest ON true
    LEFT JOIN unnest(%(ids)s::bigint[], %(reasons)s::text[], %(topics)s::text[]) AS given (id, code, topic)
           ON given.id = newest.reason_id
    WHERE contact.received_at >= %(start)s AND contact.received_at < %(end)s AND contact.message <> ''
), drawn AS (
    SELECT *, row_number() OVER (PARTITION BY topic ORDER BY lot, id) AS place
    FROM coded WHERE %(topic)s IN ('', topic)
)
SELECT drawn.id, drawn.received_at, drawn.visitor, drawn.person, drawn.locale, drawn.subject || E'\\n' || drawn.message,
       drawn.reason, drawn.topic, drawn.lot
FROM drawn LEFT JOIN analytics_autopsyfinding AS known ON known.contact_id = drawn.id
WHERE place <= %(sample)s AND (%(anew)s OR known.id IS NULL OR known.reason <> drawn.reason)
ORDER BY drawn.id
"""


@dataclass(frozen=True)
class Drawn:
    """One contact of the sample; `text` are its own words."""

    id: int
    received_at: datetime
    visitor: UUID | None
    person: str
    locale: str
    text: str
    reason: str
    topic: str
    lot: int


def ask(first: date, last: date, *, topic: str, by: User | None, now: datetime) -> tuple[Autopsy, bool]:
    """A run over these days: a new one, or the one that is open already (False)."""
    try:
        with transaction.atomic():
            made = Autopsy.objects.create(first=first, last=last, topic=topic, asked_by=by, asked_at=now)
            if by is not None:
                audit.record(by, "autopsy.asked", made, label=f"{first} to {last}", topic=topic)
    except IntegrityError:
        return Autopsy.objects.get(state__in=_OPEN), False
    return made, True


def latest() -> Autopsy | None:
    return Autopsy.objects.select_related("asked_by").first()


def look_after(*, now: datetime) -> None:
    """Do what is open; once a day, ask for the contacts of the last weeks. One at a time."""
    today = shop_days.day_of(now)
    midnight = shop_days.begin(today)
    is_new = not Autopsy.objects.filter(asked_by=None, asked_at__gte=midnight).exists()
    if is_new and not Autopsy.objects.filter(state__in=_OPEN).exists():
        ask(today - timedelta(days=NIGHTLY_DAYS), today - timedelta(days=1), topic="", by=None, now=now)
    run_open()


def run_open() -> None:
    """Do the run that is open, unless somebody is at it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return
        try:
            for row in Autopsy.objects.filter(state__in=_OPEN):
                _run(row)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _run(row: Autopsy) -> None:
    mine = Autopsy.objects.filter(pk=row.pk)
    try:
        drawn = draw(row.first, row.last, topic=row.topic, anew=row.asked_by_id is not None)
        mine.update(state=AutopsyState.RUNNING, total=len(drawn), done=0)
        for start in range(0, len(drawn), _AT_ONCE):
            examine(drawn[start : start + _AT_ONCE], now=clock.now())
            mine.update(done=min(start + _AT_ONCE, len(drawn)))
    except Exception as error:
        logger.exception("contacts could not be looked into", extra={"autopsy": row.pk})
        mine.update(state=AutopsyState.FAILED, ended_at=clock.now(), error=(str(error) or type(error).__name__)[:300])
        return
    mine.update(state=AutopsyState.DONE, ended_at=clock.now())


def draw(first: date, last: date, *, topic: str = "", anew: bool = False) -> list[Drawn]:
    """The sample of these days: of each topic SAMPLE at most. Without `anew`, those not looked into under their reason
    of today."""
    tree = reasons.stored()
    with connection.cursor() as cursor:
        cursor.execute(
            _DRAWN,
            {
                "start": shop_days.begin(first),
                "end": shop_days.begin(last + timedelta(days=1)),
                "ids": [each.id for each in tree],
                "reasons": [each.code for each in tree],
                "topics": [each.topic for each in tree],
                "topic": topic,
                "sample": SAMPLE,
                "anew": anew,
            },
        )
        return [Drawn(*row) for row in cursor.fetchall()]


def examine(drawn: Sequence[Drawn], *, now: datetime) -> int:
    """Look into these, and keep what was found. Returns how many could be: without a search there is nothing to say."""
    paths = {each.code: each.path for each in reasons.stored()}
    about = _about({each.locale for each in drawn})
    kept = []
    for each in drawn:
        path = paths.get(each.reason, ())
        on_topic = {pk for pk, topic in about[each.locale].items() if topic in path}
        found = _cause(each, on_topic)
        if found is not None:
            kept.append(
                AutopsyFinding(
                    contact_id=each.id,
                    received_at=each.received_at,
                    reason=each.reason,
                    topic=each.topic,
                    cause=found[0],
                    article_id=found[1],
                    lot=each.lot,
                    made_at=now,
                )
            )
    AutopsyFinding.objects.bulk_create(
        kept,
        update_conflicts=True,
        unique_fields=["contact"],
        update_fields=["received_at", "reason", "topic", "cause", "article_id", "lot", "made_at"],
    )
    return len(kept)


def _cause(contact: Drawn, on_topic: set[int]) -> tuple[Cause, int | None] | None:
    """`on_topic`: the articles about it that a reader in the contact's language finds. None where search is down."""
    if not contact.reason:
        return Cause.UNCODED, None
    if not on_topic:
        return Cause.NO_ARTICLE, None
    visitors = _visitors(contact)
    if (read := _last_read(contact, visitors, on_topic)) is not None:
        return Cause.READ, read
    answer = query.find(contact.text, locale=contact.locale, k=TOP, is_order_only=True)
    if answer.error:
        return None
    first = next((one.article_id for one in answer.results if one.article_id in on_topic), None)
    if first is None:
        return Cause.NOT_FOUND, None
    return (Cause.NOT_READ if visitors else Cause.UNKNOWN), first


def _visitors(contact: Drawn) -> set[UUID]:
    """Whose reading we would know of, by what was known when the contact came."""
    found = {contact.visitor} if contact.visitor else set()
    if contact.person:
        found |= set(Identity.objects.filter(person=contact.person).values_list("visitor", flat=True))
    return found


def _last_read(contact: Drawn, visitors: set[UUID], articles: set[int]) -> int | None:
    """The last of these articles that one of the visitors read within the window before the contact."""
    if not visitors:
        return None
    window = timedelta(days=settings.OUTCOME_WINDOW_DAYS)
    reads = Event.objects.filter(
        kind=EventKind.READ,
        visitor__in=visitors,
        at__gte=contact.received_at - window,
        at__lte=contact.received_at,
        article_id__in=articles,
    )
    return reads.order_by("-at", "-id").values_list("article_id", flat=True).first()


def _about(locales: set[str]) -> dict[str, dict[int, str]]:
    """The topic of every article that a reader in each of these languages finds."""
    return {
        locale: dict(Article.objects.readable_in(locale).order_by().values_list("pk", "category__topic"))
        for locale in locales
    }
