"""What followed a change of an article's live text, and how much of that was to be expected without it.

Before and after are journeys that really read the text that was live then. Nobody was drawn at random, so nothing here
is an effect: the season, the shop and the reader have changed too. And an article is edited when it looks bad, which is
partly chance (analytics/stats/shrinkage.py): what is to be expected anyway stands beside every difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property

from django.contrib.postgres.fields import ArrayField
from django.db.models import DateField, F, Func, IntegerField, Sum, Value
from django.utils.translation import gettext as _

from analytics import shop_days
from analytics.markers import PUBLISHED
from analytics.models import JourneyDay, ReadDay
from analytics.periods import Period
from analytics.reports import journeys
from analytics.reports.alike import Alike, Everybody
from analytics.reports.journeys import Cell, Tally
from analytics.stats import shrinkage
from analytics.stats.proportions import Interval, Rate, difference
from analytics.stats.shrinkage import Expected
from core.models import AuditEntry
from kb.models import Article, Variant

LOOK_BACK = timedelta(days=90)  # at most, before a change and after it
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
    """A text that went live in the period. `days`: of the text before it and of its own, until the next change."""

    at: datetime
    number: int
    previous: int | None
    title: str
    comment: str
    by: str
    is_revert: bool
    days: tuple[int, int]
    measures: tuple[Compared, ...]


@dataclass(frozen=True)
class _Spell:
    """From one change of the live text to the next."""

    at: datetime
    ends: datetime
    shown: int  # the revision that was put live; 0: what was live before the first change that is known
    texts: frozenset[int]  # revisions made meanwhile: the same text with facts of another day

    @cached_property
    def days(self) -> tuple[date, date]:
        """The first and the last, which it may share with its neighbours."""
        return shop_days.day_of(self.at), shop_days.day_of(self.ends)

    def holds(self, day: date, revision: int, *, is_tried: bool) -> bool:
        """Whether what was read on this day is of the spell. `is_tried`: drawn in a test against the live text."""
        first, last = self.days
        if not first <= day <= last:
            return False
        return revision == self.shown or (not is_tried and revision in self.texts)


@dataclass(frozen=True)
class _Counted:
    """Journeys and votes of one text in a spell."""

    tally: Tally
    no: Rate


def of(article: Article, period: Period, *, everybody: Everybody | None = None) -> tuple[Edit, ...]:
    """The changes of its live text in the period, the newest first; MOST at most. Eight queries at most. `everybody`:
    the other articles' numbers in the period, for who asks about several."""
    entries = list(
        AuditEntry.objects.filter(target_type="kb.article", target_id=str(article.pk), action__in=PUBLISHED)
        .filter(at__lt=period.end)
        .order_by("at", "pk")
        .values_list("at", "action", "detail", "by_name")
    )
    made = {number: (pk, at) for number, pk, at in article.revisions.values_list("number", "pk", "created_at")}
    changes = [entry for entry in entries if _number(entry[2]) in made]
    asked = [index for index, entry in enumerate(changes) if entry[0] >= period.start][-MOST:]
    # What was published first replaced nothing.
    asked = [index for index in asked if index or min(made) < _number(changes[0][2])]
    if not asked:
        return ()
    alike = Alike.of(article, everybody or Everybody(period))
    moments = [(at, _number(detail)) for at, _action, detail, _by in changes]
    spells = {}
    for index in reversed(asked):
        at = moments[index][0]
        before, after = _spell(moments, made, index - 1, until=at), _spell(moments, made, index, until=period.end)
        spells[index] = (
            replace(before, at=max(before.at, at - LOOK_BACK)),
            replace(after, ends=min(after.ends, at + LOOK_BACK)),
        )
    counts = _Counts(article.pk, period.window, [spell for pair in spells.values() for spell in pair])
    edits = []
    for index, (before, after) in spells.items():
        at, action, detail, by = changes[index]
        edits.append(
            Edit(
                at=at,
                number=_number(detail),
                previous=moments[index - 1][1] if index else None,
                title=str(detail.get("title", "")),
                comment=str(detail.get("comment", "")),
                by=by,
                is_revert=action.endswith("reverted"),
                days=(_days(before), _days(after)),
                measures=_measures(article.pk, counts.of(before), counts.of(after), alike),
            )
        )
    return tuple(edits)


def _number(detail: Mapping[str, object]) -> int:
    number = detail.get("revision")
    return number if isinstance(number, int) else 0


def _days(spell: _Spell) -> int:
    first, last = spell.days
    return (last - first).days + 1


def _spell(
    moments: Sequence[tuple[datetime, int]], made: Mapping[int, tuple[int, datetime]], index: int, *, until: datetime
) -> _Spell:
    """The spell that the change of this index began; -1: the time before the first."""
    ends = moments[index + 1][0] if index + 1 < len(moments) else until - timedelta(microseconds=1)
    if index < 0:
        earlier = frozenset(pk for pk, at in made.values() if at < ends)
        return _Spell(min(at for _pk, at in made.values()), ends, 0, earlier)
    at, number = moments[index]
    meanwhile = frozenset(pk for pk, created in made.values() if at <= created < ends)
    return _Spell(at, ends, made[number][0], meanwhile)


class _Counts:
    """The article's journeys and votes by text, in stretches of days of which each spell holds all or none. Three
    queries."""

    def __init__(self, article_id: int, window: int, spells: Sequence[_Spell]) -> None:
        edges = {edge for spell in spells for edge in spell.days}
        self.starts = sorted(edges | {edge + timedelta(days=1) for edge in edges})
        days = {"article_id": article_id, "day__range": (min(edges), max(edges))}
        self.article_id = article_id
        tried = Variant.objects.filter(experiment__article=article_id, is_control=False)
        self.tried = set(tried.values_list("pk", flat=True))
        starts = Value(self.starts, ArrayField(DateField()))
        stretch = Func(F("day"), starts, function="WIDTH_BUCKET", output_field=IntegerField())
        self.journeys = list(
            JourneyDay.objects.filter(**days, window=window)
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

    def _holds(self, spell: _Spell, stretch: int, revision: int, variant: int) -> bool:
        return spell.holds(self.starts[stretch - 1], revision, is_tried=variant in self.tried)

    def of(self, spell: _Spell) -> _Counted:
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
        return _Counted(Tally(cells), Rate(noes, noes + sum(yes for yes, _no in said)))


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
        difference=difference((after.hits, after.of), (before.hits, before.of)),
        expected=anyway,
        beyond=anyway.beyond(after) if anyway else None,
    )
