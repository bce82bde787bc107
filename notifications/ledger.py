"""The send ledger: one row for each person, episode and rule, a message or the skip that stands in its place.

Planning makes one or the other, once, in the transaction that opens an episode (episodes.py). Lists go from row to row
by index (bench/ledger.py prints the plans), and totals count the newest COUNTED rows unless all are asked for.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, F, Q, QuerySet, Value
from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan

from core.people import person_key
from notifications import holding, order_links
from notifications.ledger_outcomes import SENT, SENT_OUTCOMES, STATES, Outcome, code_of_message, of_state, quiet
from notifications.models import Episode, Message, Rule, Skip

COUNTED = 20_000
_FEW = 5000  # messages of one person or order; nobody has more
_AT_A_TIME = 1000
_KEY = re.compile(r"[0-9a-f]{8,32}")
# What a row shows beside itself.
_WITH = ("rule", "episode__shipment__order__customer")


@dataclass(frozen=True)
class Asked:
    """What somebody wants to see; what is empty does not narrow. `until` is not included."""

    outcome: str = ""  # an Outcome, or SENT
    reason: str = ""  # the code of an outcome's Reason; says nothing without the outcome
    rule: str = ""  # its key
    lane: str = ""
    since: datetime | None = None  # when the row was planned, which is when its episode was opened
    until: datetime | None = None
    find: str = ""  # an order's number, an e-mail address, or a person's key from its 8th digit on


@dataclass(frozen=True)
class Row:
    """One person, episode and rule: the message, or the skip in its place."""

    at: datetime
    outcome: Outcome
    thing: Message | Skip

    @property
    def message(self) -> Message | None:
        return self.thing if isinstance(self.thing, Message) else None

    @property
    def skip(self) -> Skip | None:
        return self.thing if isinstance(self.thing, Skip) else None

    @property
    def person(self) -> str:
        """Who it is about, by core.people.person_key; empty where no address was known."""
        return self.message.person if self.message else self.thing.episode.shipment.order.customer.person

    @property
    def tone(self) -> str:
        """The state of a message that looks like this on the desk."""
        return {Outcome.WAITING: "ready", Outcome.QUIET: "ready", Outcome.SKIPPED: ""}.get(self.outcome, self.outcome)

    @property
    def place(self) -> str:
        """Where it stands in the list, for page(after=...)."""
        return f"{'m' if self.message else 's'}{self.thing.pk}"

    @property
    def order(self) -> tuple[Any, ...]:
        """What the list goes by, the highest first. Of one moment the messages come before the skips."""
        return self.at, self.message is not None, self.thing.pk


@dataclass(frozen=True)
class Totals:
    """How many rows have each outcome, of the `eligible`: counted apart, and refused where they do not add up."""

    eligible: int
    outcomes: dict[Outcome, int]
    reasons: dict[tuple[Outcome, str], int] = field(default_factory=dict)  # by Reason.code
    is_cut: bool = False  # there are more: these are the newest

    def __post_init__(self) -> None:
        if sum(self.outcomes.values()) != self.eligible:
            raise ValueError(f"the ledger does not add up: {self.outcomes} are not the {self.eligible} eligible")

    @property
    def sent(self) -> int:
        """With the provider, whatever it said afterwards."""
        return sum(self.outcomes[one] for one in SENT_OUTCOMES)


def page(asked: Asked, *, now: datetime, after: str = "", size: int, with_people: bool) -> tuple[list[Row], str]:
    """The rows that follow `after` (a Row.place; empty: the newest), newest first, and the place to go on after.

    `with_people`: an e-mail address may be looked for. An unknown place is the beginning.
    """
    mark = _mark(after)
    messages, skips = _narrowed(asked, with_people=with_people)
    rows: list[Row] = []
    for part in _parts(messages, asked, now=now):
        rest = _below(part, "eligible_at", mark, is_message=True).order_by("-eligible_at", "-pk")
        told = rest.select_related(*_WITH).annotate(is_quiet=quiet(now=now))[: size + 1]
        rows += [Row(one.eligible_at, of_state(one.state, is_quiet=one.is_quiet), one) for one in told]
    if asked.outcome in ("", Outcome.SKIPPED):
        skips = skips.filter(reason=asked.reason) if asked.reason else skips
        left = _below(skips, "at", mark, is_message=False).order_by("-at", "-pk").select_related(*_WITH)
        rows += [Row(skip.at, Outcome.SKIPPED, skip) for skip in left[: size + 1]]
    rows.sort(key=attrgetter("order"), reverse=True)
    return rows[:size], rows[size - 1].place if len(rows) > size else ""


def every(asked: Asked, *, now: datetime, with_people: bool) -> Iterator[Row]:
    """All rows, newest first, read in parts: any number of them."""
    after = ""
    while True:
        rows, after = page(asked, now=now, after=after, size=_AT_A_TIME, with_people=with_people)
        yield from rows
        if not after:
            return


def totals(asked: Asked, *, now: datetime, with_people: bool, all_of_them: bool = False) -> Totals:
    """Of the rows asked for, whatever their outcome: how many, and how many of each outcome and reason.

    The newest COUNTED rows are counted, or all: a million take a second. One statement, so that no row moves between
    two counts.
    """
    messages, skips = _narrowed(asked, with_people=with_people)
    told = messages.annotate(is_quiet=quiet(now=now), code=code_of_message(holding.held()))
    untold = skips.annotate(is_quiet=Value(False, BooleanField()))
    parts = (
        _part(told, ("eligible_at", "state", "is_quiet", "code"), all_of_them=all_of_them),
        _part(untold, ("at", "reason", "is_quiet", "reason"), all_of_them=all_of_them),
    )
    limit = "" if all_of_them else f"ORDER BY at DESC LIMIT {COUNTED}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH told (at, state, is_quiet, code) AS ({parts[0][0]}),
            untold (at, state, is_quiet, code) AS ({parts[1][0]}),
            newest AS (
                SELECT at, false AS is_skip, state, is_quiet, code FROM told UNION ALL
                SELECT at, true, '', false, code FROM untold {limit}
            )
            SELECT grouping(is_skip) = 1, is_skip, state, is_quiet, code, count(*),
                (SELECT count(*) FROM told) + (SELECT count(*) FROM untold)
            FROM newest GROUP BY GROUPING SETS ((is_skip, state, is_quiet, code), ())
            """,  # noqa: S608 - both parts are Django's, with their parameters apart
            [*parts[0][1], *parts[1][1]],
        )
        return _added_up(cursor.fetchall())


def _added_up(counts: list[tuple[bool, bool, str, bool, str, int, int]]) -> Totals:
    outcomes: Counter[Outcome] = Counter(dict.fromkeys(Outcome, 0))
    reasons: Counter[tuple[Outcome, str]] = Counter()
    eligible = known = 0
    for is_all, is_skip, state, is_quiet, code, count, there in counts:
        if is_all:
            eligible, known = count, there
        else:
            outcome = Outcome.SKIPPED if is_skip else of_state(state, is_quiet=is_quiet)
            outcomes[outcome] += count
            reasons[outcome, code] += count
    return Totals(eligible, dict(outcomes), dict(reasons), is_cut=known > eligible)


def _part(rows: QuerySet[Any], columns: tuple[str, ...], *, all_of_them: bool) -> tuple[str, tuple[Any, ...]]:
    """The columns that the count goes by, as SQL. One row more than is counted tells that there are more."""
    found = rows.order_by() if all_of_them else rows.order_by(f"-{columns[0]}", "-pk")[: COUNTED + 1]
    aliased = {f"c{place}": name for place, name in enumerate(columns)}
    found = found.annotate(**{alias: F(name) for alias, name in aliased.items()}).values_list(*aliased)
    try:
        sql, params = found.query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:
        return "SELECT NULL::timestamptz, '', false, '' WHERE false", ()
    return sql, tuple(params)


def _narrowed(asked: Asked, *, with_people: bool) -> tuple[QuerySet[Message], QuerySet[Skip]]:
    """The messages and the skips asked for, whatever their outcome."""
    messages, skips = Message.objects.all(), Skip.objects.all()
    if asked.rule:
        rules = list(Rule.objects.filter(key=asked.rule).values_list("pk", flat=True))
        messages, skips = messages.filter(rule__in=rules), skips.filter(rule__in=rules)
    if asked.lane:
        rules = list(Rule.objects.filter(lane=asked.lane).values_list("pk", flat=True))
        messages, skips = messages.filter(lane=asked.lane), skips.filter(rule__in=rules)
    if asked.since:
        messages, skips = messages.filter(eligible_at__gte=asked.since), skips.filter(at__gte=asked.since)
    if asked.until:
        messages, skips = messages.filter(eligible_at__lt=asked.until), skips.filter(at__lt=asked.until)
    if asked.find:
        whose, episodes = _whose(asked.find, with_people=with_people)
        of_them = Q(episode__in=episodes) | Q(person__startswith=whose) if whose else Q(episode__in=episodes)
        ids = list(Message.objects.filter(of_them).values_list("pk", flat=True)[:_FEW])
        messages, skips = messages.filter(pk__in=ids), skips.filter(episode__in=episodes)
    return messages, skips


def _parts(messages: QuerySet[Message], asked: Asked, *, now: datetime) -> list[QuerySet[Message]]:
    """Those of the outcome and the reason, in parts that an index has in order: one for each state, or one in all."""
    if not asked.outcome:
        return [messages]
    outcomes = SENT_OUTCOMES if asked.outcome == SENT else (Outcome(asked.outcome),)
    parts = [messages.filter(state=state) for one in outcomes if one in STATES for state in STATES[one]]
    if Outcome.QUIET in outcomes or Outcome.WAITING in outcomes:
        parts = [part.alias(waits=quiet(now=now)).filter(waits=Outcome.QUIET in outcomes) for part in parts]
    if asked.reason:
        code = code_of_message(holding.held())
        parts = [part.alias(why=code).filter(why=asked.reason) for part in parts]
    return parts


def _whose(words: str, *, with_people: bool) -> tuple[str, list[int]]:
    """The key (or its beginning) of the person that is meant, and the episodes of their orders, or of the order."""
    episodes = Episode.objects.order_by().values_list("pk", flat=True)
    if "@" in words:
        whose = person_key(words) if with_people else ""
    else:
        of_order = list(episodes.filter(shipment__order__lookup_key=order_links.bare(words) or None)[:_FEW])
        if of_order:
            return "", of_order
        whose = words.lower() if _KEY.fullmatch(words.lower()) else ""
    if not whose:
        return "", []
    return whose, list(episodes.filter(shipment__order__customer__person__startswith=whose)[:_FEW])


@dataclass(frozen=True)
class _Mark:
    at: datetime
    is_message: bool
    pk: uuid.UUID | int


def _mark(place: str) -> _Mark | None:
    """The row at a place, if there is one: its moment is read anew, so that no address tells it."""
    kind, name = place[:1], place[1:]
    if kind == "m":
        try:
            at = Message.objects.filter(pk=uuid.UUID(name)).values_list("eligible_at", flat=True).first()
        except ValueError:
            return None
        return _Mark(at, True, uuid.UUID(name)) if at else None
    if kind == "s" and name.isdecimal() and name.isascii() and len(name) < 19:
        at = Skip.objects.filter(pk=int(name)).values_list("at", flat=True).first()
        return _Mark(at, False, int(name)) if at else None
    return None


def _below(rows: QuerySet[Any], moment: str, mark: _Mark | None, *, is_message: bool) -> QuerySet[Any]:
    """The rows after the mark. Of one moment the messages come first."""
    if mark is None:
        return rows
    if mark.is_message == is_message:
        return rows.filter(TupleLessThan(Tuple(moment, "id"), (mark.at, mark.pk)))
    return rows.filter(**{f"{moment}__lt" if is_message else f"{moment}__lte": mark.at})
