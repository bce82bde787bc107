"""One action for many articles: planned, looked at, then done article by article.

The plan is stored, so that what the preview showed is what is done, however the list changes meanwhile. Each article
has a transaction of its own: what is refused, or has changed since, stops no other. What became of an article is
written in that transaction, so that a change which was cut short goes on where it stopped and does nothing twice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from core import audit, clock, roles
from core.commits import after_commit
from kb import bulk_wishes
from kb.bulk_wishes import Refused, Step, Wish
from kb.models import Article, BulkAction, BulkChange, BulkOutcome, BulkState
from kb.refusals import PublishingError

__all__ = ["Refused", "Step", "Wish", "plan", "progress", "start", "steps", "wish_of", "work"]

logger = logging.getLogger("preempt.care")

MOST = 20_000  # articles of one change
AT_ONCE = 50  # as many are done before the page answers; more are done beside
_SLICE_SECONDS = 60.0
_FORGOTTEN = timedelta(days=1)  # after which a plan that nobody carried out is thrown away
_CHUNK = 500


def plan(action: str, value: Mapping[str, Any], articles: Sequence[int], *, by: User) -> BulkChange:
    """Store what is to be done to which articles; nothing is done yet. Raises Refused."""
    if action not in BulkAction.values:
        raise Refused(_("Choose what to do with the articles."))
    if not articles:
        raise Refused(_("Choose at least one article first."))
    if len(articles) > MOST:
        raise Refused(_("These are more than %(most)s articles. Narrow the list down.") % {"most": MOST})
    if action == BulkAction.ARCHIVE and not roles.may_publish(by):
        raise Refused(_("Only a reviewer may archive articles."))
    BulkChange.objects.filter(state=BulkState.PLANNED, made_at__lt=clock.now() - _FORGOTTEN).delete()
    change = BulkChange(action=action, value=dict(value), articles=list(articles), by=by, made_at=clock.now())
    wish_of(change)
    change.save()
    return change


def wish_of(change: BulkChange) -> Wish:
    """Raises Refused where what it names is no more."""
    return bulk_wishes.read(BulkAction(change.action), change.value)


def steps(change: BulkChange, ids: Iterable[int] | None = None) -> list[Step]:
    """What would become of these of its articles (of all) now, in its order. Four queries for each 500."""
    wish = wish_of(change)
    wanted = list(change.articles if ids is None else ids)
    found: list[Step] = []
    for start in range(0, len(wanted), _CHUNK):
        found += bulk_wishes.steps(wish, wanted[start : start + _CHUNK], by=change.by)
    return found


def start(change_id: UUID, *, by: User) -> BulkChange:
    """Carry a plan out: a short one at once, a long one beside. The same plan twice is once. Raises Refused."""
    begun = {"state": BulkState.RUNNING, "started_at": clock.now()}
    if BulkChange.objects.filter(pk=change_id, by=by, state=BulkState.PLANNED).update(**begun):
        begun_one = BulkChange.objects.select_related("by").get(pk=change_id)
        if len(begun_one.articles) <= AT_ONCE:
            _carry_on(begun_one, until=time.monotonic() + _SLICE_SECONDS)
        else:
            from kb import tasks  # tasks call what rings

            after_commit(partial(tasks.work_on_bulk_changes.apply_async, retry=False))
    change = BulkChange.objects.filter(pk=change_id, by=by).first()
    if change is None:
        raise Refused(_("This plan is no more. Choose the articles again."))
    return change


def work() -> None:
    """Go on with what was begun, for a minute or so; beat comes again."""
    until = time.monotonic() + _SLICE_SECONDS
    for change in BulkChange.objects.filter(state=BulkState.RUNNING).select_related("by").order_by("started_at"):
        if time.monotonic() > until:
            return
        _carry_on(change, until=until)


def progress(change: BulkChange) -> dict[str, int]:
    """`done`, `skipped`, and `all` articles of a change."""
    counted = change.outcomes.aggregate(
        done=Count("pk", filter=Q(is_done=True)), skipped=Count("pk", filter=Q(is_done=False))
    )
    return {**counted, "all": len(change.articles)}


def _carry_on(change: BulkChange, *, until: float) -> None:
    try:
        wish = wish_of(change)
    except Refused as refused:  # what it names went while it ran: the rest stays as it is, and says why
        _leave_the_rest(change, str(refused))
        return
    known = set(change.outcomes.values_list("article_id", flat=True))
    for article_id in change.articles:
        if article_id in known:
            continue
        if time.monotonic() > until:
            return
        _one(change, wish, article_id)
    _end(change, str(wish))


def _leave_the_rest(change: BulkChange, why: str) -> None:
    known = set(change.outcomes.values_list("article_id", flat=True))
    BulkOutcome.objects.bulk_create(
        [
            BulkOutcome(bulk=change, article_id=pk, title="", is_done=False, why_not=why[:300])
            for pk in change.articles
            if pk not in known
        ],
        ignore_conflicts=True,
    )
    _end(change, change.get_action_display())


def _end(change: BulkChange, label: str) -> None:
    ended = {"state": BulkState.DONE, "ended_at": clock.now()}
    with transaction.atomic():
        if BulkChange.objects.filter(pk=change.pk, state=BulkState.RUNNING).update(**ended):
            audit.record(change.by, f"articles.{change.action}_bulk", change, label=label, **progress(change))


def _one(change: BulkChange, wish: Wish, article_id: int) -> None:
    """Do it to one article and write down what became of it, both or neither."""
    title = ""
    try:
        with transaction.atomic():
            outcome, is_new = BulkOutcome.objects.get_or_create(
                bulk=change, article_id=article_id, defaults={"title": "", "is_done": False}
            )
            if not is_new:
                return  # another worker has it
            found = bulk_wishes.steps(wish, [article_id], by=change.by)
            step = found[0]
            outcome.title, outcome.why_not = step.title, step.why_not
            title = step.title
            if not step.why_not:
                bulk_wishes.carry_out(wish, Article.objects.get(pk=article_id), by=change.by)
                outcome.is_done = True
            outcome.save()
    except (PublishingError, DatabaseError) as error:
        why = str(error).strip().split("\n")[0][:300]
        logger.warning("article left out of a bulk change", extra={"article": article_id, "reason": why})
        BulkOutcome.objects.get_or_create(
            bulk=change, article_id=article_id, defaults={"title": title, "is_done": False, "why_not": why}
        )
