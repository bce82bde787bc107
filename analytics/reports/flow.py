"""How help-seeking flows: how journeys began, which article was read last or what it was about, and how they ended.

From the counts of days (JourneyDay), narrowed by the same words as the list of journeys, so that each flow opens on as
many rows as it says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.db.models import BooleanField, Case, ExpressionWrapper, IntegerField, Q, Sum, Value, When
from django.utils.translation import gettext as _

from analytics import month_counts
from analytics.models import JourneyDay, Outcome
from analytics.periods import Period
from analytics.reports import asking, contacts, journeys, spells
from analytics.reports.journeys import ENTRIES, NO_TOPIC
from analytics.stats.proportions import Rate

NAMED = 7  # topics by name; the others together
NAMED_ARTICLES = 10
UNREAD = "-"  # of a middle: nothing was read
OTHERS = "+"
RECENT_DAYS = 28
UNCOUNTED = ("read", "why")  # words of the list of journeys that no count of days knows
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
# The places of a column: each key with its name and the parameters of its journeys.
_Places = dict[str, tuple[str, Mapping[str, str]]]
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
    """Three columns, each of which has every journey once, and what goes from one to the next. `ended`: how many had
    each outcome and were linkable, or not."""

    journeys: int
    columns: tuple[tuple[Node, ...], tuple[Node, ...], tuple[Node, ...]]
    links: tuple[Link, ...]
    ended: Mapping[tuple[str, bool], int] = field(default_factory=dict)


def narrowed(period: Period, parameters: Mapping[str, str]) -> Q:
    """Which counts are of the journeys that journeys.narrowed() lists. It knows UNCOUNTED, too."""
    none = Q(pk__in=[])
    found = spells.narrowing(parameters, "article_id", "revision_id", "variant_id", until=period.end)
    for name in sorted({name for name, _value in _CONDITIONS}):
        if value := parameters.get(name, ""):
            found &= _CONDITIONS.get((name, value), none)
    for name, column in (("article", "article_id"), ("text", "revision_id")):
        if value := parameters.get(name, ""):
            found &= Q(**{column: int(value)}) if asking.is_id(value) else none
    if value := parameters.get("beside", ""):
        ids = journeys.ids(value)
        found &= ~Q(article_id__in=ids) if ids else none
    return found & Q(**journeys.in_words(parameters))


def build(period: Period, parameters: Mapping[str, str], *, articles: Mapping[int, str] | None = None) -> Flow:
    """By the topics of what was read last; by these `articles` (their titles) and the others, where they are given. One
    query; three where whole months are in the period."""
    cells: Counter[tuple[str, str, str]] = Counter()
    ended: Counter[tuple[str, bool]] = Counter()
    for entry, middle, outcome, is_linkable, is_unread, number in month_counts.summed(
        period,
        *("entry", "topic" if articles is None else _place(articles), "outcome", "is_linkable"),
        ExpressionWrapper(Q(article_id=0), BooleanField()),
        narrowed=narrowed(period, parameters),
    ):
        place = UNREAD if is_unread else str(middle)
        cells[_ENTRY_OF.get(entry, "unknown"), place, outcome or journeys.IMMATURE] += number
        ended[outcome, is_linkable] += number
    middles = _topics(cells) if articles is None else _articles(articles, parameters.get("beside", ""))
    return _flow(cells, middles, ended)


def _place(articles: Mapping[int, str]) -> Case:
    """The article of the counts where it has a name in the picture."""
    return Case(When(article_id__in=list(articles), then="article_id"), default=Value(0), output_field=IntegerField())


def recent(period: Period, parameters: Mapping[str, str]) -> dict[date, int]:
    """How many of these journeys each of the period's last days has; of days without any, nothing. One query."""
    first = max(period.first, period.last - timedelta(days=RECENT_DAYS - 1))
    found = JourneyDay.objects.filter(
        narrowed(period, parameters), day__range=(first, period.last), window=period.window
    )
    return dict(found.values_list("day").annotate(number=Sum("journeys")).order_by())


def by_article(period: Period, parameters: Mapping[str, str]) -> list[tuple[int, int]]:
    """Each article that was read last in some of these journeys, and in how many, most first; never narrowed to one
    article. One query; three where whole months are in the period."""
    wider = {name: value for name, value in parameters.items() if name != "article"}
    rows = month_counts.summed(period, "article_id", narrowed=narrowed(period, wider) & ~Q(article_id=0))
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def _flow(cells: Counter[tuple[str, str, str]], middles: _Places, ended: Mapping[tuple[str, bool], int]) -> Flow:
    """What is at no place of the middle is at OTHERS."""
    total = cells.total()
    first: Counter[tuple[str, str]] = Counter()
    second: Counter[tuple[str, str]] = Counter()
    for (entry, middle, outcome), number in cells.items():
        middle = middle if middle in middles else OTHERS
        first[entry, middle] += number
        second[middle, outcome] += number
    begun = _nodes(entries(), _sums(first, 0))
    between = _nodes(middles, _sums(first, 1))
    ends = _nodes(outcomes(), _sums(second, 1))
    links = [
        *_links(begun, between, first, total),
        *_links(between, ends, second, total),
    ]
    return Flow(total, (begun, between, ends), tuple(links), ended)


def _sums(cells: Counter[tuple[str, str]], place: int) -> Counter[str]:
    found: Counter[str] = Counter()
    for keys, number in cells.items():
        found[keys[place]] += number
    return found


def _nodes(known: _Places, sums: Counter[str]) -> tuple[Node, ...]:
    return tuple(Node(key, name, sums[key], narrowed) for key, (name, narrowed) in known.items() if sums[key])


def _links(sources: Sequence[Node], targets: Sequence[Node], cells: Counter[tuple[str, str]], total: int) -> list[Link]:
    return [
        Link(source, target, Rate(cells[source.key, target.key], total))
        for source in sources
        for target in targets
        if cells[source.key, target.key]
    ]


def entries() -> _Places:
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


def _topics(cells: Counter[tuple[str, str, str]]) -> _Places:
    """The topics that most of the last articles read were about, by name."""
    sums: Counter[str] = Counter()
    for (_entry, topic, _outcome), number in cells.items():
        if topic != UNREAD:
            sums[topic] += number
    ranked = [topic for topic, _number in sums.most_common()]
    # One that is left over has its own name.
    named = ranked if len(ranked) <= NAMED + 1 else ranked[:NAMED]
    names = contacts.topic_names()
    found: _Places = {
        topic: (names.get(topic, topic) or _("No topic"), {"has_read": "yes", "topic": topic or NO_TOPIC})
        for topic in named
    }
    several = ",".join(topic or NO_TOPIC for topic in ranked[len(named) :])
    found[OTHERS] = (_("Other topics"), {"has_read": "yes", "topic": several})
    return found | _unread()


def _articles(titles: Mapping[int, str], left_out: str) -> _Places:
    """`left_out`: those that are none of the others either."""
    found: _Places = {str(pk): (title, {"has_read": "yes", "article": str(pk)}) for pk, title in titles.items()}
    named = ",".join([*map(str, titles), *filter(None, [left_out])])
    found[OTHERS] = (_("Other articles"), {"has_read": "yes", "beside": named})
    return found | _unread()


def _unread() -> _Places:
    return {UNREAD: (_("Nothing read"), {"has_read": "no"})}


def outcomes() -> _Places:
    """How journeys can have ended: each name, and the parameters of its journeys."""
    names = {value: str(label).capitalize() for value, label in Outcome.choices}
    names[journeys.IMMATURE] = _("Too early to say")
    return {key: (name, {"outcome": key}) for key, name in names.items()}
