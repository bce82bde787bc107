"""Journeys of a period: how many ended how, and the rows behind each number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypedDict

from django.db.models import F, Func, Q, QuerySet, TextField, Value
from django.utils.translation import gettext as _

from analytics import month_counts, spreads
from analytics.models import EventKind, Journey, Outcome
from analytics.periods import Period
from analytics.reports import asking, spells
from analytics.spreads import Spreads
from analytics.stats.proportions import PartlyChecked, Rate

IMMATURE = "immature"
_CONTACTS = (Outcome.CONTACTED, Outcome.CONTACTED_OTHER)
_NO_CONTACT = Q(outcome__isnull=False) & ~Q(outcome__in=_CONTACTS)
# Below these a rate among linkable journeys is withheld (docs/metrics.md).
LEAST_JOURNEYS = 30
LEAST_COVERAGE = 0.30


if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class _Decided(TypedDict):
        outcome: str  # null while immature

    DecidedJourney = WithAnnotations[Journey, _Decided]


@dataclass(frozen=True)
class Guarded:
    """A rate among linkable journeys, and how large a part of all those journeys they are."""

    rate: Rate
    coverage: Rate

    @property
    def why_withheld(self) -> str:
        """The reason, in a sentence, why the rate may not be shown; empty where it may."""
        if not self.coverage.of:
            return _("No journey is mature yet.")
        if self.coverage.share is not None and self.coverage.share < LEAST_COVERAGE:
            return _("Withheld: only %(hits)s of %(of)s journeys are linkable, less than 30 %%.") % {
                "hits": self.coverage.hits,
                "of": self.coverage.of,
            }
        if self.rate.of < LEAST_JOURNEYS:
            return _("Withheld: only %(of)s of the 30 linkable journeys that are needed.") % {"of": self.rate.of}
        return ""


@dataclass(frozen=True)
class Confirmed:
    """Who said that it helped, who said anything, and at most how many it can have helped; all of the same journeys.

    Unchecked are those unlinkable who said so: they may have written all the same."""

    rate: PartlyChecked
    response: Rate
    ceiling: Rate


@dataclass(frozen=True)
class Cell:
    """So many journeys that are alike in everything a number asks. An empty outcome is immature."""

    article_id: int | None  # the last one read
    outcome: str
    is_linkable: bool
    vote: str
    is_contradicted: bool
    journeys: int


@dataclass(frozen=True)
class Tally:
    """Some of a period's journeys, counted."""

    cells: tuple[Cell, ...]
    spreads: Spreads = spreads.NONE

    def count(
        self,
        *outcomes: str,
        is_mature: bool | None = None,
        is_linkable: bool | None = None,
        has_read: bool | None = None,
    ) -> int:
        return sum(
            number
            for (outcome, linkable, read), number in self._kinds.items()
            if (not outcomes or outcome in outcomes)
            and is_mature in (None, bool(outcome))
            and is_linkable in (None, linkable)
            and has_read in (None, read)
        )

    @cached_property
    def _kinds(self) -> Counter[tuple[str, bool, bool]]:
        """How many of each outcome, linkable or not, and with an article read or without."""
        kinds: Counter[tuple[str, bool, bool]] = Counter()
        for cell in self.cells:
            kinds[cell.outcome, cell.is_linkable, cell.article_id is not None] += cell.journeys
        return kinds

    @property
    def contradicted(self) -> int:
        return sum(cell.journeys for cell in self.cells if cell.is_contradicted and cell.outcome == Outcome.CONTACTED)

    @property
    def coverage(self) -> Rate:
        return Rate(self.count(is_linkable=True), self.count(), self.spreads.coverage)

    @property
    def contact_after_read(self) -> Guarded:
        readers = linkable = contacted = 0
        for cell in self._read_and_mature:
            readers += cell.journeys
            if cell.is_linkable:
                linkable += cell.journeys
                contacted += cell.journeys if cell.outcome == Outcome.CONTACTED else 0
        return Guarded(Rate(contacted, linkable, self.spreads.contact), Rate(linkable, readers, self.spreads.coverage))

    @property
    def confirmed(self) -> Confirmed:
        asked = yes = unchecked = quiet = voted = 0
        for cell in self._read_and_mature:
            asked += cell.journeys
            voted += cell.journeys if cell.vote else 0
            if cell.outcome == Outcome.CONFIRMED:
                yes += cell.journeys
                unchecked += 0 if cell.is_linkable else cell.journeys
            elif cell.outcome in (Outcome.SILENT, Outcome.UNLINKABLE):
                quiet += cell.journeys
        rate = PartlyChecked(yes, asked, unchecked=unchecked, refuted=self._wrote_after_yes)
        return Confirmed(rate, response=Rate(voted, asked), ceiling=Rate(yes + quiet, asked))

    @cached_property
    def _read_and_mature(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.outcome and cell.article_id is not None]

    @property
    def _wrote_after_yes(self) -> Rate:
        """Of the linkable who said that it helped: those who contacted us, about whatever."""
        said = [cell for cell in self.cells if cell.vote == "yes" and cell.is_linkable and cell.article_id is not None]
        wrote = sum(cell.journeys for cell in said if cell.outcome in _CONTACTS)
        return Rate(wrote, sum(cell.journeys for cell in said if cell.outcome), self.spreads.contact)

    @property
    def view_based(self) -> Rate:
        """What most tools call deflection."""
        readers = self.count(has_read=True, is_mature=True)
        return Rate(readers - self.count(*_CONTACTS, has_read=True), readers)


def found(period: Period) -> QuerySet[DecidedJourney]:
    """The journeys that began in the period, each with `outcome` in its window (null while immature)."""
    # Not KeyTextTransform: it takes a key like "7" for the place in an array.
    outcome: Func = Func(
        F("outcomes"),
        Value(str(period.window)),
        template="(%(expressions)s)",
        arg_joiner=" ->> ",
        output_field=TextField(),
    )
    return Journey.objects.filter(started_at__gte=period.start, started_at__lt=period.end).annotate(outcome=outcome)


def tally(period: Period, *, article_id: int | None = None, locale: str = "") -> Tally:
    """The journeys of the period, as they were counted last; those whose last read was one article, or whose language
    is one, where these are named.
    Two queries: of the counts of days (analytics/rollups.py), and how alike the journeys of one person are; two more
    where whole months are in the period."""
    named = {"article_id": article_id} if article_id is not None else {}
    rows = month_counts.summed(
        period,
        *("article_id", "outcome", "is_linkable", "vote", "is_contradicted"),
        narrowed=Q(**named, **({"locale": locale} if locale else {})),
    )
    return Tally(
        tuple(
            Cell(article or None, outcome, is_linkable, vote, is_contradicted, number)
            for article, outcome, is_linkable, vote, is_contradicted, number in rows
        ),
        spreads.known(period.window),
    )


def by_article(cells: Iterable[Cell], known: Spreads = spreads.NONE) -> dict[int, Tally]:
    """The cells of each last-read article."""
    own_spreads = known.within_article
    sorted_out: dict[int, list[Cell]] = {}
    for cell in cells:
        if cell.article_id is not None:
            sorted_out.setdefault(cell.article_id, []).append(cell)
    return {article_id: Tally(tuple(own), own_spreads) for article_id, own in sorted_out.items()}


# By what a journey can have begun, and the kinds of first event that say so. The last: not known yet.
ENTRIES: dict[str, tuple[str, ...]] = {
    "search": (EventKind.SEARCH,),
    "help": (EventKind.HELP,),
    "article": (EventKind.READ, EventKind.VOTE),
    "order": (EventKind.ORDER,),
    "form": (EventKind.FORM, EventKind.SUGGESTED, EventKind.ANSWERED),
    "unknown": ("",),
}
NO_TOPIC = "none"

# What the list of journeys can be narrowed by: (parameter, value) -> condition. A number's link uses the same words.
_CONDITIONS: dict[tuple[str, str], Q] = {
    **{("outcome", outcome): Q(outcome=outcome) for outcome in Outcome.values},
    ("outcome", IMMATURE): Q(outcome__isnull=True),
    ("mature", "yes"): Q(outcome__isnull=False),
    ("linkable", "yes"): Q(is_linkable=True),
    ("linkable", "no"): Q(is_linkable=False),
    ("has_read", "yes"): Q(last_article_id__isnull=False),
    ("has_read", "no"): Q(last_article_id__isnull=True),
    ("voted", "yes"): ~Q(vote=""),
    ("contact", "no"): _NO_CONTACT,
    ("helped", "maybe"): Q(outcome__in=(Outcome.CONFIRMED, Outcome.SILENT, Outcome.UNLINKABLE)),
    ("contradicted", "yes"): Q(is_contradicted=True, outcome=Outcome.CONTACTED),
    **{("entry", entry): Q(entry__in=kinds) for entry, kinds in ENTRIES.items()},
}


# What of an address narrows journeys beside its period, and what each may be.
WORDS: dict[str, asking.Check] = {
    **{
        name: asking.one_of(*(value for each, value in _CONDITIONS if each == name))
        for name in sorted({name for name, _value in _CONDITIONS})
    },
    "topic": asking.is_text,
    "lang": asking.is_text,
    "article": asking.is_id,
    "beside": lambda text: bool(ids(text)),
    "read": asking.is_id,
    "text": asking.is_id,
    **spells.WORDS,
}


def narrowed(period: Period, parameters: Mapping[str, str]) -> QuerySet[DecidedJourney]:
    """The journeys of the period that fit every parameter; one that makes no sense fits none, so that a list is never
    longer than its heading says. `article`: the last one read; `beside`: none of these, with commas; `read`: read at
    any time before a contact; `topic`: any of several, with commas, NO_TOPIC for none; `lang`: the language of the last
    reading; `edit` and `side`: the last one read is the text before or after a change; `text`: it is this
    one."""
    journeys = found(period)
    names = ("last_article_id", "last_revision_id", "last_variant_id")
    journeys = journeys.filter(spells.narrowing(parameters, *names, until=period.end))
    for name in {name for name, _value in _CONDITIONS}:
        if value := parameters.get(name, ""):
            condition = _CONDITIONS.get((name, value))
            journeys = journeys.none() if condition is None else journeys.filter(condition)
    for name, lookup in (
        ("article", "last_article_id"),
        ("text", "last_revision_id"),
        ("read", "reads__contains"),
    ):
        if value := parameters.get(name, ""):
            journeys = journeys.filter(**{lookup: int(value)}) if asking.is_id(value) else journeys.none()
    if value := parameters.get("beside", ""):
        journeys = journeys.exclude(last_article_id__in=named) if (named := ids(value)) else journeys.none()
    return journeys.filter(**in_words(parameters))


def ids(text: str) -> list[int]:
    """Ids of articles with commas between; none where one of them can be no id."""
    parts = text.split(",")
    return [int(part) for part in parts] if all(map(asking.is_id, parts)) else []


def in_words(parameters: Mapping[str, str]) -> dict[str, object]:
    """The conditions of `topic` and `lang`, which journeys and their counts have alike."""
    found: dict[str, object] = {}
    if topics := parameters.get("topic", ""):
        found["topic__in"] = ["" if topic == NO_TOPIC else topic for topic in topics.split(",")]
    if lang := parameters.get("lang", ""):
        found["locale"] = lang
    return found
