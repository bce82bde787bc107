"""What becomes of a gap that "What to write next" shows: a draft, or nothing, for a reason. Kept and audited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction

from analytics.models import GapDecision, GapKind
from core import audit, clock
from kb import first_drafts
from kb.models import Article

_GROWN, _AT_LEAST = 1.5, 3  # as many as this, and so many more, brings a dismissed gap back
_MOST_KEYS = 200


@dataclass(frozen=True)
class Standing:
    """What was decided of a gap. `is_hidden`: dismissed, and it has not grown since."""

    decision: GapDecision
    is_hidden: bool
    has_grown: bool
    draft: Article | None


class Known:
    """Every decision, as the lists ask for them."""

    def __init__(self, decisions: Sequence[GapDecision], drafts: Mapping[int, Article]) -> None:
        self._newest: dict[tuple[str, str], GapDecision] = {}
        for decision in sorted(decisions, key=lambda each: each.pk):
            for key in decision.keys:
                self._newest[decision.kind, key] = decision
        self._drafts = drafts

    def of(self, kind: GapKind, keys: Mapping[str, float], *, size: float) -> Standing | None:
        """What was decided of most of a gap (its keys and what each weighs), which counts `size` in 28 days now."""
        weights: dict[int, float] = {}
        for key, weight in keys.items():
            if (decision := self._newest.get((kind, key))) is not None:
                weights[decision.pk] = weights.get(decision.pk, 0.0) + weight
        if not weights:
            return None
        best = max(weights, key=lambda pk: (weights[pk], pk))
        if weights[best] * 2 < sum(keys.values()):
            return None
        decision = next(each for each in self._newest.values() if each.pk == best)
        draft = self._drafts.get(decision.article_id or 0)
        if decision.article_id and draft is None:
            return None  # the draft has been deleted
        has_grown = size >= max(decision.size * _GROWN, decision.size + _AT_LEAST)
        return Standing(decision, not decision.article_id and not has_grown, has_grown, draft)


def known() -> Known:
    """Two queries."""
    decisions = list(GapDecision.objects.select_related("by").order_by("-pk")[:5_000])
    drafts = Article.objects.filter(pk__in=[each.article_id for each in decisions if each.article_id])
    return Known(decisions, {article.pk: article for article in drafts.select_related("draft", "live_revision")})


def dismiss(kind: GapKind, keys: Sequence[str], *, label: str, why: str, size: float, by: User) -> GapDecision:
    """Show the gap no more, until it has grown."""
    with transaction.atomic():
        made = GapDecision.objects.create(
            kind=kind, keys=list(keys)[:_MOST_KEYS], why=why[:200], size=size, by=by, at=clock.now()
        )
        audit.record(by, "gap.dismissed", made, label=label, kind=str(kind), why=why[:200], size=round(size, 1))
    return made


def draft(
    kind: GapKind,
    keys: Sequence[str],
    *,
    locale: str,
    title: str,
    lines: Sequence[str],
    topic: str = "",
    near: Sequence[int] = (),
    size: float,
    by: User,
) -> Article:
    """A draft that begins with the customers' words. Raises first_drafts.NoCategory."""
    with transaction.atomic():
        article = first_drafts.begin(locale=locale, title=title, lines=lines, topic=topic, near=near, by=by)
        made = GapDecision.objects.create(
            kind=kind, keys=list(keys)[:_MOST_KEYS], article_id=article.pk, size=size, by=by, at=clock.now()
        )
        audit.record(by, "gap.drafted", made, label=title, kind=str(kind), article=article.pk)
    return article
