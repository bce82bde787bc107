"""What followed a change of an article's live text, and how much of that was to be expected without it.

Before and after are journeys that really read the text that was live then. Nobody was drawn at random, so nothing here
is an effect: the season, the shop and the reader have changed too. And an article is edited when it looks bad, which is
partly chance (analytics/stats/shrinkage.py): what is to be expected anyway stands beside every difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.postgres.fields import ArrayField
from django.db.models import DateField, F, Func, IntegerField, Sum, Value
from django.utils.translation import gettext as _

from analytics.models import JourneyDay, ReadDay
from analytics.periods import Period
from analytics.reports import journeys, spells
from analytics.reports.alike import Alike, Everybody
from analytics.reports.journeys import Cell, Tally
from analytics.reports.spells import Spell
from analytics.stats import shrinkage
from analytics.stats.proportions import Interval, Rate, difference
from analytics.stats.shrinkage import Expected
from kb.models import Article, Variant

MOST = 12  # the newest changes of a period
LEAST_VOTES = 10


@dataclass(frozen=True)
class Compared:
    """One number before and after a change. Where it is withheld, `why` says why, and nothing is compared."""

    key: str  # contact, confirmed or no
    before: Rate
    after: Rate
    why: str
    difference: Interval | None = None
    expected: Expected | None = None
    beyond: Interval | None = None

    @property
    def is_good_high(self) -> bool:
        return self.key == "confirmed"

    @property
    def points(self) -> float | None:
        """After less before."""
        one, two = self.after.share, self.before.share
        return None if one is None or two is None else one - two

    @property
    def expected_points(self) -> float | None:
        """How far it was expected to move with no change at all."""
        two = self.before.share
        return None if self.expected is None or two is None else self.expected.share - two

    @property
    def beyond_points(self) -> float | None:
        one = self.after.share
        return None if self.expected is None or one is None else one - self.expected.share

    @property
    def is_beyond_chance(self) -> bool:
        """It moved farther from what was expected than chance alone would have moved it."""
        return self.beyond is not None and 0 not in self.beyond


@dataclass(frozen=True)
class Edit:
    """A text that went live in the period. `spans`: the days of the text before it and of its own, until the next
    change; `key`: of the audit's entry."""

    key: int
    at: datetime
    number: int
    previous: int | None
    title: str
    comment: str
    by: str
    is_revert: bool
    spans: tuple[Period, Period]
    measures: tuple[Compared, ...]

    @property
    def days(self) -> tuple[int, int]:
        """How many."""
        before, after = self.spans
        return before.days, after.days


@dataclass(frozen=True)
class Edits:
    """The newest changes of a live text, the newest first; so many older ones are left out."""

    shown: tuple[Edit, ...] = ()
    left_out: int = 0


@dataclass(frozen=True)
class _Counted:
    """Journeys and votes of one text in a spell."""

    tally: Tally
    no: Rate


def of(article: Article, period: Period, *, everybody: Everybody | None = None, most: int | None = None) -> Edits:
    """The changes of its live text in the period, `most` or MOST of them. Eight queries at most. `everybody`: the other
    articles' numbers in the period, for who asks about several."""
    history = spells.History.of(article, until=period.end)
    every = [index for index, change in enumerate(history.changes) if change.at >= period.start]
    every = [index for index in every if history.replaced(index)]
    asked = every[-(most or MOST) :]
    if not asked:
        return Edits()
    everybody = everybody or Everybody(period)
    alike = Alike.of(article, everybody)
    around = {index: history.around(index, until=period.end) for index in reversed(asked)}
    counts = _Counts(article.pk, everybody, [spell for pair in around.values() for spell in pair])
    edits = []
    for index, (before, after) in around.items():
        change = history.changes[index]
        edits.append(
            Edit(
                key=change.key,
                at=change.at,
                number=change.number,
                previous=history.changes[index - 1].number if index else None,
                title=change.title,
                comment=change.comment,
                by=change.by,
                is_revert=change.is_revert,
                spans=(Period(*before.days, period.window), Period(*after.days, period.window)),
                measures=_measures(article.pk, counts.of(before), counts.of(after), alike),
            )
        )
    return Edits(tuple(edits), left_out=len(every) - len(asked))


class _Counts:
    """The article's journeys and votes by text, in stretches of days of which each spell holds all or none. Three
    queries."""

    def __init__(self, article_id: int, everybody: Everybody, all_spells: Sequence[Spell]) -> None:
        self.spreads = everybody.spreads.within_article
        edges = {edge for spell in all_spells for edge in spell.days}
        self.starts = sorted(edges | {edge + timedelta(days=1) for edge in edges})
        days = {"article_id": article_id, "day__range": (min(edges), max(edges))}
        self.article_id = article_id
        tried = Variant.objects.filter(experiment__article=article_id, is_control=False)
        self.tried = set(tried.values_list("pk", flat=True))
        starts = Value(self.starts, ArrayField(DateField()))
        stretch = Func(F("day"), starts, function="WIDTH_BUCKET", output_field=IntegerField())
        self.journeys = list(
            JourneyDay.objects.filter(**days, window=everybody.period.window)
            .values_list(stretch, "revision_id", "variant_id", "outcome", "is_linkable", "vote")
            .annotate(number=Sum("journeys"))
            .order_by()
        )
        self.votes = list(
            ReadDay.objects.filter(**days)
            .values_list(stretch, "revision_id", "variant_id")
            .annotate(said_yes=Sum("yes"), said_no=Sum("no"))
            .order_by()
        )

    def _holds(self, spell: Spell, stretch: int, revision: int, variant: int) -> bool:
        return spell.holds(self.starts[stretch - 1], revision, is_tried=variant in self.tried)

    def of(self, spell: Spell) -> _Counted:
        cells = tuple(
            Cell(self.article_id, outcome, is_linkable, vote, False, number)
            for stretch, revision, variant, outcome, is_linkable, vote, number in self.journeys
            if self._holds(spell, stretch, revision, variant)
        )
        said = [
            (yes, no)
            for stretch, revision, variant, yes, no in self.votes
            if (yes or no) and self._holds(spell, stretch, revision, variant)
        ]
        noes = sum(no for _yes, no in said)
        return _Counted(Tally(cells, self.spreads), Rate(noes, noes + sum(yes for yes, _no in said)))


def _measures(article_id: int, before: _Counted, after: _Counted, alike: Alike) -> tuple[Compared, ...]:
    one, two = before.tally.contact_after_read, after.tally.contact_after_read
    why = _either(_("Before: %(why)s"), one.why_withheld) or _either(_("After: %(why)s"), two.why_withheld)
    return (
        _compared("contact", article_id, one.rate, two.rate, why, alike),
        _compared(
            "confirmed",
            article_id,
            before.tally.confirmed.rate,
            after.tally.confirmed.rate,
            _too_few((before.tally.confirmed.rate, after.tally.confirmed.rate), journeys.LEAST_JOURNEYS),
            alike,
        ),
        _compared("no", article_id, before.no, after.no, _too_few((before.no, after.no), LEAST_VOTES), alike),
    )


def _either(words: str, why: str) -> str:
    return words % {"why": why} if why else ""


def _too_few(rates: Iterable[Rate], least: int) -> str:
    before, after = (rate.of for rate in rates)
    if min(before, after) >= least:
        return ""
    return _("Withheld: %(before)s before and %(after)s after; each needs %(least)s.") % {
        "before": before,
        "after": after,
        "least": least,
    }


def _compared(key: str, article_id: int, before: Rate, after: Rate, why: str, alike: Alike) -> Compared:
    if why:
        return Compared(key, before, after, why)
    prior = alike.prior(key, article_id, before)
    anyway = shrinkage.expected(prior, before) if prior else None
    return Compared(
        key,
        before,
        after,
        "",
        difference=difference(after, before),
        expected=anyway,
        beyond=anyway.beyond(after) if anyway else None,
    )
