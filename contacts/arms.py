"""Whom the contact form shows suggestions: a random share goes without, so that what they do can be measured.

Assignment is per visitor: core.bucketing under one fixed salt. So when the rate goes up, those who were without stay
without and some join them; when it goes down, some leave; nobody else changes arms.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Q, QuerySet

from contacts.models import Arm, ArmReason, Contact, FormVisit, SuggestionRate
from core import audit, bucketing
from core.visitors import Visitor
from kb import selectors as kb_selectors

SALT = "contact-suggestions"
# Who said no to any article, or wrote to us, within this time is spared a list of articles. It is the time for which a
# journey's outcome is open (docs/metrics.md): the same trouble, most likely.
SPARED_FOR = timedelta(days=7)


@dataclass(frozen=True)
class Assignment:
    """How one opening of the form was decided, with what it was decided by."""

    arm: Arm
    reason: str  # an ArmReason where the visit is in neither of the arms compared, else empty
    off_share: float
    salt: str = SALT

    @property
    def shows(self) -> bool:
        return self.arm in (Arm.ON, Arm.NOT_COUNTED)


def assign(visitor: Visitor, *, now: datetime) -> Assignment:
    """The arm of a form that this visitor opens now. At most three queries, one for a visitor who is new."""
    share = off_share()
    if not visitor.id:
        return Assignment(Arm.NOT_COUNTED, visitor.why_not, share)
    if not visitor.is_new and (reason := _why_spared(visitor.id, now=now)):
        return Assignment(Arm.NOT_ELIGIBLE, reason, share)
    is_off = bucketing.is_in_share(SALT, visitor.id, share)
    return Assignment(Arm.OFF if is_off else Arm.ON, "", share)


def off_share() -> float:
    """The share of visitors without suggestions that is in force, 0 to 1."""
    newest = SuggestionRate.objects.values_list("off_share", flat=True).first()
    return settings.SUGGESTIONS_OFF_SHARE if newest is None else newest


def set_off_share(share: float, *, by: User, why: str, now: datetime) -> bool:
    """From now on `share` (0 to 1) of visitors go without. False, and nothing written, where it is so already."""
    if share == off_share():
        return False
    with transaction.atomic():
        rate = SuggestionRate.objects.create(off_share=share, set_by=by, set_at=now, why=why)
        audit.record(by, "suggestions.rate_changed", rate, why=why)
    return True


def history() -> QuerySet[SuggestionRate]:
    """Every change of the rate, newest first: who, when, to what and why."""
    return SuggestionRate.objects.select_related("set_by")


@dataclass(frozen=True)
class ArmCount:
    """How many openings of the form fell to one arm (and one reason)."""

    arm: str
    reason: str
    visits: int
    visitors: int


@dataclass(frozen=True)
class Counts:
    """The openings of the form in a stretch of time, by arm; `counts` add up to `visits`."""

    visits: int
    counts: list[ArmCount]

    def of(self, arm: Arm) -> ArmCount:
        found = [count for count in self.counts if count.arm == arm]
        return ArmCount(arm, "", sum(one.visits for one in found), sum(one.visitors for one in found))

    @property
    def compared(self) -> int:
        """Openings in the two arms that are compared: the denominator of each."""
        return self.of(Arm.ON).visits + self.of(Arm.OFF).visits

    @property
    def compared_visitors(self) -> int:
        return self.of(Arm.ON).visitors + self.of(Arm.OFF).visitors


def counts(*, since: datetime, until: datetime) -> Counts:
    """Openings of the form from `since` up to, not including, `until`, by arm and reason. One query.

    Those from before there were arms are left out. A visitor counts once in each row that they are in.
    """
    rows = (
        FormVisit.objects.filter(opened_at__gte=since, opened_at__lt=until)
        .exclude(arm="")
        .order_by("arm", "arm_reason")
        .values_list("arm", "arm_reason")
        .annotate(visits=Count("id"), visitors=Count("visitor", distinct=True, filter=Q(visitor__isnull=False)))
    )
    found = [ArmCount(*row) for row in rows]
    return Counts(sum(count.visits for count in found), found)


def _why_spared(visitor: str, *, now: datetime) -> str:
    since = now - SPARED_FOR
    if Contact.objects.filter(visitor=uuid.UUID(visitor), received_at__gt=since, received_at__lte=now).exists():
        return ArmReason.WROTE_BEFORE
    if kb_selectors.has_said_no(visitor, since=since):
        return ArmReason.SAID_NO
    return ""
