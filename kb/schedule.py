"""What is planned for articles: a frozen text goes live at a time, an article is archived at a time.

A plan is a row. Beat rings four times a minute, and whatever is due is done then, so that a restart or a missed minute
only makes it late. Doing it and writing down that it is done are one transaction under the article's lock: two workers
do it once. What is refused at its time stays, with the reason, until somebody decides.
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from core import audit, clock, roles
from kb import changing, flow, four_eyes, moving, publishing, telling
from kb.models import Article, Category, Plan, PlanKind, PlanState, Revision
from kb.refusals import NotAllowed, PublishingError

logger = logging.getLogger("preempt.schedule")

STANDING = (PlanState.WAITING, PlanState.FAILED)


def plan_publication(
    article: Article,
    *,
    by: User,
    at: datetime,
    now: datetime,
    version: int | None = None,
    revision: Revision | None = None,
    comment: str = "",
    is_major: bool = False,
) -> Plan:
    """Publish `revision` (what was reviewed) at this time, else the draft as it is now. Replaces an earlier plan.

    Raises DraftConflict, EmptyText, OwnText, NotAllowed, UnderTest.
    """
    _refuse_past(at, now)
    with transaction.atomic():
        flow.after(changing.lock(article), flow.PLAN)
        changing.refuse_under_test(article)
        if revision is None:
            four_eyes.refuse_own(article, None, by=by)
            draft = changing.draft_of(article, version)
            revision = changing.frozen(article, draft, by=by, comment=comment, is_major=is_major)
        elif revision.article_id != article.pk:
            raise NotAllowed(_("This revision belongs to another article."))
        four_eyes.refuse_own(article, revision, by=by)
        if article.state == "published" and article.live_revision_id == revision.pk:
            raise NotAllowed(_("Customers read this text already: there is nothing to plan."))
        publishing.end_reviews(article, revision, by=by)
        plan = _make(article, PlanKind.PUBLISH, by=by, at=at, now=now, revision=revision)
        audit.record(by, "publication.planned", article, revision=revision.number, at=at.isoformat())
    return plan


def plan_archive(
    article: Article,
    *,
    by: User,
    at: datetime,
    now: datetime,
    leads_to: Article | None = None,
    leads_to_category: Category | None = None,
) -> Plan:
    """Archive the article at this time; its readers are led where they would be by publishing.archive. NotAllowed."""
    _refuse_past(at, now)
    with transaction.atomic():
        flow.after(changing.lock(article), flow.ARCHIVE)
        leads_to = moving.destination(article, leads_to)
        plan = _make(
            article,
            PlanKind.ARCHIVE,
            by=by,
            at=at,
            now=now,
            leads_to=leads_to,
            leads_to_category=None if leads_to else leads_to_category,
        )
        audit.record(by, "archive.planned", article, at=at.isoformat())
    return plan


def cancel(plan: Plan, *, by: User) -> None:
    """Raises NotAllowed where it is too late."""
    with transaction.atomic():
        standing = Plan.objects.filter(pk=plan.pk, state__in=STANDING)
        if not standing.update(state=PlanState.CANCELLED, ended_at=clock.now()):
            raise NotAllowed(_("This plan is no longer there to be cancelled. Load the page again."))
        audit.record(by, "plan.cancelled", plan.article, kind=plan.kind, at=plan.at.isoformat())


def try_again(plan: Plan, *, by: User, now: datetime) -> Plan:
    """Do what failed, now, in the name of `by`. The plan says how it went. Raises NotAllowed."""
    if not Plan.objects.filter(pk=plan.pk, state=PlanState.FAILED).update(
        state=PlanState.WAITING, at=now, made_by=by, reason="", ended_at=None
    ):
        raise NotAllowed(_("This plan has not failed, or not any more. Load the page again."))
    _carry_out(plan.pk, plan.article_id, now)
    return Plan.objects.get(pk=plan.pk)


def do_planned(*, now: datetime) -> int:
    """Do whatever is due, each in a transaction of its own. How many were done or refused."""
    due = Plan.objects.filter(state=PlanState.WAITING, at__lte=now).order_by("at", "pk").values_list("pk", "article_id")
    return sum(_carry_out(plan_id, article_id, now) for plan_id, article_id in list(due))


def _carry_out(plan_id: int, article_id: int, now: datetime) -> bool:
    with transaction.atomic():
        # The article's lock before the plan's, as everywhere: whoever comes second waits, and finds it done.
        article = changing.lock(Article.objects.get(pk=article_id))
        plan = (
            Plan.objects.select_for_update(of=("self",))
            .select_related("revision", "made_by", "leads_to", "leads_to_category")
            .filter(pk=plan_id, state=PlanState.WAITING)
            .first()
        )
        if plan is None:
            return False
        try:
            with transaction.atomic():
                _do(plan, article)
            plan.state, plan.reason = PlanState.DONE, ""
        except PublishingError as error:
            _fail(plan, article, str(error))
        except OperationalError:
            raise  # the database's trouble; the next ring tries again
        except Exception:
            # One article must not keep those of others from their time, every quarter of a minute anew.
            logger.exception("a plan failed", extra={"plan": plan.pk})
            _fail(plan, article, _("Something went wrong that should not. The log of the server says what."))
        plan.ended_at = now
        plan.save(update_fields=["state", "reason", "ended_at"])
    return True


def _do(plan: Plan, article: Article) -> None:
    by = plan.made_by
    if by is None or not roles.may_publish(by):
        raise NotAllowed(_("Whoever planned this may not publish any more. Somebody who may has to decide."))
    if plan.kind == PlanKind.ARCHIVE:
        stopped = publishing.archive(
            article, by=by, leads_to=plan.leads_to, leads_to_category=plan.leads_to_category, keep_plans=True
        )
        if stopped is not None:
            telling.tell(
                by,
                article,
                subject=_("Archived as planned, and a test stopped: %(name)s") % {"name": article},
                text=_("The A/B test “%(test)s” was running on it. It ended with the article.")
                % {"test": stopped.name},
            )
        return
    revision, live = plan.revision, article.live_revision
    if revision is None:
        raise LookupError(f"plan {plan.pk} has no text")  # the table has a constraint against it
    if article.state == "published" and live is not None and live.number > revision.number:
        raise NotAllowed(
            _("A later text (%(live)s) was published after this one (%(planned)s) was planned.")
            % {"live": live.number, "planned": revision.number}
        )
    publishing.publish(article, by=by, revision=revision)


def _fail(plan: Plan, article: Article, reason: str) -> None:
    plan.state, plan.reason = PlanState.FAILED, reason[:500]
    audit.record(plan.made_by, "plan.failed", article, kind=plan.kind, at=plan.at.isoformat(), reason=reason)
    at = timezone.localtime(plan.at)
    telling.tell(
        plan.made_by,
        article,
        subject=_("Not done as planned: %(name)s") % {"name": article},
        text=_("“%(what)s” was planned for %(at)s (%(zone)s) and was refused: %(why)s")
        % {
            "what": plan.get_kind_display(),
            "at": f"{at:%d %B %Y, %H:%M}",
            "zone": settings.SHOP_TIME_ZONE,
            "why": reason,
        },
    )


def _make(
    article: Article,
    kind: PlanKind,
    *,
    by: User,
    at: datetime,
    now: datetime,
    revision: Revision | None = None,
    leads_to: Article | None = None,
    leads_to_category: Category | None = None,
) -> Plan:
    Plan.objects.filter(article=article, kind=kind, state__in=STANDING).update(
        state=PlanState.CANCELLED, ended_at=now, reason=_("Another plan took its place.")
    )
    return Plan.objects.create(
        article=article,
        kind=kind,
        revision=revision,
        at=at,
        leads_to=leads_to,
        leads_to_category=leads_to_category,
        made_by=by,
        made_at=now,
    )


def _refuse_past(at: datetime, now: datetime) -> None:
    if at <= now:
        raise NotAllowed(_("This time is over. Choose a later one, or do it now."))
