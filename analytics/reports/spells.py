"""Which text of an article was live when, from one change to the next: for edits, and for the rows behind them.

A spell has all readings of its text on its days; those of a day that two spells share are told apart by the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property

from django.db.models import Q

from analytics import shop_days
from analytics.markers import PUBLISHED
from analytics.reports import asking
from core.models import AuditEntry
from kb.models import Article, Variant

LOOK_BACK = timedelta(days=90)  # at most, before a change and after it
SIDES = ("before", "after")
WORDS: dict[str, asking.Check] = {
    "edit": lambda text: text.isascii() and text.isdecimal() and len(text) < 19,
    "side": asking.one_of(*SIDES),
}


@dataclass(frozen=True)
class Change:
    """A text that was put live. `key`: of the audit's entry; `number`: of the revision."""

    key: int
    at: datetime
    number: int
    is_revert: bool
    title: str
    comment: str
    by: str


@dataclass(frozen=True)
class Spell:
    """From one change of the live text to the next."""

    article_id: int
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

    def of_text(self, article: str, revision: str, variant: str) -> Q:
        """What holds() says of rows of its days, by the names of their columns."""
        tried = Variant.objects.filter(experiment__article=self.article_id, is_control=False)
        same = Q(**{f"{revision}__in": self.texts}) & ~Q(**{f"{variant}__in": list(tried.values_list("pk", flat=True))})
        return Q(**{article: self.article_id}) & (Q(**{revision: self.shown}) | same)


@dataclass(frozen=True)
class History:
    """An article's changes up to a moment, the oldest first. `made`: number of a revision → its id and when it was
    made."""

    article_id: int
    changes: Sequence[Change]
    made: Mapping[int, tuple[int, datetime]]

    @classmethod
    def of(cls, article: Article, *, until: datetime) -> History:
        """Two queries."""
        entries = (
            AuditEntry.objects.filter(target_type="kb.article", target_id=str(article.pk), action__in=PUBLISHED)
            .filter(at__lt=until)
            .order_by("at", "pk")
            .values_list("pk", "at", "action", "detail", "by_name")
        )
        made = {number: (pk, at) for number, pk, at in article.revisions.values_list("number", "pk", "created_at")}
        changes = [
            Change(
                key=key,
                at=at,
                number=detail["revision"],
                is_revert=action.endswith("reverted"),
                title=str(detail.get("title", "")),
                comment=str(detail.get("comment", "")),
                by=by,
            )
            for key, at, action, detail, by in entries
            if detail.get("revision") in made
        ]
        return cls(article.pk, changes, made)

    def replaced(self, index: int) -> bool:
        """Whether the change took the place of a text: what was published first replaced nothing."""
        return bool(index) or min(self.made) < self.changes[0].number

    def around(self, index: int, *, until: datetime) -> tuple[Spell, Spell]:
        """The spells before and after a change, up to LOOK_BACK."""
        at = self.changes[index].at
        before, after = self._spell(index - 1, until=at), self._spell(index, until=until)
        return (
            replace(before, at=max(before.at, at - LOOK_BACK)),
            replace(after, ends=min(after.ends, at + LOOK_BACK)),
        )

    def _spell(self, index: int, *, until: datetime) -> Spell:
        """The spell that the change of this index began; -1: the time before the first."""
        ends = self.changes[index + 1].at if index + 1 < len(self.changes) else until - timedelta(microseconds=1)
        if index < 0:
            earlier = frozenset(pk for pk, at in self.made.values() if at < ends)
            return Spell(self.article_id, min(at for _pk, at in self.made.values()), ends, 0, earlier)
        change = self.changes[index]
        meanwhile = frozenset(pk for pk, created in self.made.values() if change.at <= created < ends)
        return Spell(self.article_id, change.at, ends, self.made[change.number][0], meanwhile)


def asked(parameters: Mapping[str, str], *, until: datetime) -> Spell | None:
    """The spell that `edit` (the key of a change) and `side` (one of SIDES) name; None where there is no such."""
    key, side = parameters.get("edit", ""), parameters.get("side", "")
    if side not in SIDES or not key.isascii() or not key.isdecimal() or len(key) > 18:
        return None
    entry = AuditEntry.objects.filter(pk=int(key), target_type="kb.article").first()
    article = Article.objects.filter(pk=int(entry.target_id)).first() if entry else None
    if article is None:
        return None
    history = History.of(article, until=until)
    found = [index for index, change in enumerate(history.changes) if change.key == int(key)]
    if not found or not history.replaced(found[0]):
        return None
    return history.around(found[0], until=until)[SIDES.index(side)]


def narrowing(parameters: Mapping[str, str], *names: str, until: datetime) -> Q:
    """Which rows are of the text that asked() finds, by the names of their columns of the article, the revision and the
    variant: all where no `edit` is asked for, none where there is no such."""
    if not parameters.get("edit", ""):
        return Q()
    text = asked(parameters, until=until)
    return Q(pk__in=[]) if text is None else text.of_text(*names)
