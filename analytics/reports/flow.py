"""How help-seeking flows: by what journeys began, what the last article was about, and how they ended.

From the counts of days (JourneyDay), narrowed by the same words as the list of journeys, so that each flow opens on as
many rows as it says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import BooleanField, ExpressionWrapper, Q, Sum
from django.utils.translation import gettext as _

from analytics import month_counts
from analytics.models import JourneyDay, Outcome
from analytics.periods import Period
from analytics.reports import contacts, journeys, spells
from analytics.reports.journeys import ENTRIES, NO_TOPIC
from analytics.reports.tables import Column, Table
from analytics.stats.proportions import Rate

NAMED = 7  # topics by name; the others together
UNREAD = "-"  # of a middle: nothing was read
OTHERS = "+"
RECENT_DAYS = 28
_CONTACTS = (Outcome.CONTACTED, Outcome.CONTACTED_OTHER)

_CONDITIONS: dict[tuple[str, str], Q] = {
    **{("outcome", outcome): Q(outcome=outcome) for outcome in Outcome.values},
    ("outcome", journeys.IMMATURE): Q(outcome=""),
    ("mature", "yes"): ~Q(outcome=""),
    ("linkable", "yes"): Q(is_linkable=True),
    ("linkable", "no"): Q(is_linkable=False),
    ("has_read", "yes"): ~Q(article_id=0),
    ("has_read", "no"): Q(article_id=0),
    ("voted", "yes"): ~Q(vote=""),
    ("contact", "no"): ~Q(outcome__in=("", *_CONTACTS)),
    ("helped", "maybe"): Q(outcome__in=(Outcome.CONFIRMED, Outcome.SILENT, Outcome.UNLINKABLE)),
    ("contradicted", "yes"): Q(is_contradicted=True, outcome=Outcome.CONTACTED),
    **{("entry", entry): Q(entry__in=kinds) for entry, kinds in ENTRIES.items()},
}
_ENTRY_OF = {kind: entry for entry, kinds in ENTRIES.items() for kind in kinds}


@dataclass(frozen=True)
class Node:
    """One place in a column of the picture. `narrowed` are the parameters of its journeys."""

    key: str
    name: str
    journeys: int
    narrowed: Mapping[str, str]


@dataclass(frozen=True)
class Link:
    """Journeys that went from one place to the next. `of`: all journeys of the picture."""

    source: Node
    target: Node
    share: Rate

    @property
    def journeys(self) -> int:
        return self.share.hits

    @property
    def narrowed(self) -> Mapping[str, str]:
        return {**self.source.narrowed, **self.target.narrowed}


@dataclass(frozen=True)
class Flow:
    """Three columns, each of which has every journey once, and what goes from one to the next."""

    journeys: int
    columns: tuple[tuple[Node, ...], tuple[Node, ...], tuple[Node, ...]]
    links: tuple[Link, ...]


def narrowed(period: Period, parameters: Mapping[str, str]) -> Q:
    """Which counts are of the journeys that journeys.narrowed() lists. It knows `read`, too, which no count does."""
    found, none = Q(), Q(pk__in=[])
    if parameters.get("edit", ""):
        text = spells.asked(parameters, until=period.end)
        found = none if text is None else text.of_text("article_id", "revision_id", "variant_id")
    for name in sorted({name for name, _value in _CONDITIONS}):
        if value := parameters.get(name, ""):
            found &= _CONDITIONS.get((name, value), none)
    for name, column in (("article", "article_id"), ("text", "revision_id")):
        if value := parameters.get(name, ""):
            found &= Q(**{column: int(value)}) if journeys.is_id(value) else none
    return found & Q(**journeys.in_words(parameters))


def build(period: Period, parameters: Mapping[str, str]) -> Flow:
    """One query; three where whole months are in the period."""
    is_unread_ = ExpressionWrapper(Q(article_id=0), BooleanField())
    cells: Counter[tuple[str, str, str]] = Counter()
    for entry, topic, outcome, is_unread, number in month_counts.summed(
        period, "entry", "topic", "outcome", is_unread_, narrowed=narrowed(period, parameters)
    ):
        middle = UNREAD if is_unread else topic
        cells[_ENTRY_OF.get(entry, "unknown"), middle, outcome or journeys.IMMATURE] += number
    return _flow(cells)


def recent(period: Period, parameters: Mapping[str, str]) -> dict[date, int]:
    """How many of these journeys each of the period's last days has; of days without any, nothing. One query."""
    first = max(period.first, period.last - timedelta(days=RECENT_DAYS - 1))
    found = JourneyDay.objects.filter(
        narrowed(period, parameters), day__range=(first, period.last), window=period.window
    )
    return dict(found.values_list("day").annotate(number=Sum("journeys")).order_by())


def by_article(period: Period, parameters: Mapping[str, str], *, most: int) -> list[tuple[int, int]]:
    """The articles that were read last in most of these journeys, and in how many; never narrowed to one article."""
    wider = {name: value for name, value in parameters.items() if name != "article"}
    rows = month_counts.summed(period, "article_id", narrowed=narrowed(period, wider) & ~Q(article_id=0))
    return sorted(rows, key=lambda row: (-row[1], row[0]))[:most]


def _flow(cells: Counter[tuple[str, str, str]]) -> Flow:
    total = cells.total()
    topics: Counter[str] = Counter()
    for (_entry, middle, _outcome), number in cells.items():
        if middle != UNREAD:
            topics[middle] += number
    ranked = [topic for topic, _number in topics.most_common()]
    # One that is left over has its own name.
    named = ranked if len(ranked) <= NAMED + 1 else ranked[:NAMED]
    lumped = dict.fromkeys(ranked[len(named) :], OTHERS)
    first: Counter[tuple[str, str]] = Counter()
    second: Counter[tuple[str, str]] = Counter()
    for (entry, middle, outcome), number in cells.items():
        middle = lumped.get(middle, middle)
        first[entry, middle] += number
        second[middle, outcome] += number
    begun = _nodes(entries(), _sums(first, 0))
    middles = _nodes(_middles(named, list(lumped)), _sums(first, 1))
    outcomes = _nodes(_outcomes(), _sums(second, 1))
    links = [
        *_links(begun, middles, first, total),
        *_links(middles, outcomes, second, total),
    ]
    return Flow(total, (begun, middles, outcomes), tuple(links))


def _sums(cells: Counter[tuple[str, str]], place: int) -> Counter[str]:
    found: Counter[str] = Counter()
    for keys, number in cells.items():
        found[keys[place]] += number
    return found


def _nodes(known: Mapping[str, tuple[str, Mapping[str, str]]], sums: Counter[str]) -> tuple[Node, ...]:
    return tuple(Node(key, name, sums[key], narrowed) for key, (name, narrowed) in known.items() if sums[key])


def _links(sources: Sequence[Node], targets: Sequence[Node], cells: Counter[tuple[str, str]], total: int) -> list[Link]:
    return [
        Link(source, target, Rate(cells[source.key, target.key], total))
        for source in sources
        for target in targets
        if cells[source.key, target.key]
    ]


def entries() -> dict[str, tuple[str, Mapping[str, str]]]:
    """By what journeys can have begun: each name, and the parameters of its journeys."""
    names = {
        "search": _("Search"),
        "help": _("Help centre"),
        "article": _("An article, directly"),
        "order": _("Order page"),
        "form": _("Contact form"),
        "unknown": _("Not known"),
    }
    return {key: (name, {"entry": key}) for key, name in names.items()}


def _middles(named: Sequence[str], others: Sequence[str]) -> dict[str, tuple[str, Mapping[str, str]]]:
    names = contacts.topic_names()
    found: dict[str, tuple[str, Mapping[str, str]]] = {
        topic: (names.get(topic, topic) or _("No topic"), {"has_read": "yes", "topic": topic or NO_TOPIC})
        for topic in named
    }
    if others:
        several = ",".join(topic or NO_TOPIC for topic in others)
        found[OTHERS] = (_("Other topics"), {"has_read": "yes", "topic": several})
    found[UNREAD] = (_("Nothing read"), {"has_read": "no"})
    return found


def _outcomes() -> dict[str, tuple[str, Mapping[str, str]]]:
    names = {value: str(label).capitalize() for value, label in Outcome.choices}
    names[journeys.IMMATURE] = _("Too early to say")
    return {key: (name, {"outcome": key}) for key, name in names.items()}


def tables(period: Period, now: datetime) -> Sequence[Table]:
    """The outcomes, and the flows between the columns of the picture."""
    flow = build(period, {})
    note = _("Journeys that began in the period, by their outcome within %(days)s days.") % {"days": period.window}
    columns = (
        Column("from", _("From")),
        Column("from_name", _("In words")),
        Column("to", _("To")),
        Column("to_name", _("In words")),
        Column("journeys", _("Of all journeys")),
    )
    rows = [(link.source.key, link.source.name, link.target.key, link.target.name, link.share) for link in flow.links]
    return [_by_outcome(period, note), Table("flows", _("From the beginning to the end"), columns, rows, note)]


def _by_outcome(period: Period, note: str) -> Table:
    rows = month_counts.summed(period, "outcome", "is_linkable")
    found = {(outcome or journeys.IMMATURE, is_linkable): number for outcome, is_linkable, number in rows}
    total = sum(found.values())
    told = []
    for key, (name, _narrowed) in _outcomes().items():
        linkable, unlinkable = found.get((key, True), 0), found.get((key, False), 0)
        told.append((key, name, linkable, unlinkable, Rate(linkable + unlinkable, total)))
    columns = (
        Column("outcome", _("Outcome")),
        Column("name", _("In words")),
        Column("linkable", _("Linkable")),
        Column("unlinkable", _("Not linkable")),
        Column("journeys", _("Of all journeys")),
    )
    return Table("outcomes", _("How journeys ended"), columns, told, note)
