"""The sender check in the background: asked for on the desk, done by a worker, its result kept."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from core import ratelimit
from notifications.models import CheckState, SenderCheck
from notifications.sender import asked, checking
from notifications.sender.asking import Asker

logger = logging.getLogger("preempt.sender")

MOST, PER = 6, timedelta(minutes=10)  # checks that the desk may ask for
GIVEN_UP_AFTER = timedelta(minutes=5)  # a worker that has not ended by then is dead
_KEPT = 20
OPEN = (CheckState.WAITING, CheckState.RUNNING)


class TooOften(Exception):
    """Asked for too many times lately."""


def ask(*, by: User, now: datetime, enqueue: Callable[[int], object]) -> SenderCheck:
    """Have a worker check the sender; the one that is open already, where there is one. Raises TooOften."""
    give_up_on_dead(now=now)
    if (found := SenderCheck.objects.filter(state__in=OPEN).first()) is not None:
        return found
    if not ratelimit.allow("sender-check", limit=MOST, per=PER):
        raise TooOften
    try:
        with transaction.atomic():
            made = SenderCheck.objects.create(asked_by=by, asked_at=now)
            transaction.on_commit(lambda: enqueue(made.pk))
    except IntegrityError:  # two asked at once
        return SenderCheck.objects.filter(state__in=OPEN).latest("pk")
    return made


def work(pk: int, *, now: Callable[[], datetime]) -> None:
    """Do the check of this id, unless somebody is at it already."""
    row = SenderCheck.objects.filter(pk=pk)
    if not row.filter(state=CheckState.WAITING).update(state=CheckState.RUNNING):
        return
    try:
        report = checking.check(
            asked.sender_of_settings(),
            Asker(settings.DNS_SERVERS),
            mails=checking.headers_of_ours(),
            tell=lambda done: row.update(done=done),
        )
    except Exception as error:
        logger.exception("the sender check broke off", extra={"check": pk})
        said = (
            str(error) if isinstance(error, ValueError) else f"A fault of ours ({type(error).__name__}); see the log."
        )
        row.filter(state__in=OPEN).update(state=CheckState.FAILED, error=said[:300], ended_at=now())
        return
    row.filter(state__in=OPEN).update(state=CheckState.DONE, report=report.as_json(), ended_at=now())
    keep = SenderCheck.objects.order_by("-pk").values("pk")[:_KEPT]
    SenderCheck.objects.exclude(pk__in=keep).delete()


def give_up_on_dead(*, now: datetime) -> None:
    """End what a worker took and never ended, or what none took."""
    dead = SenderCheck.objects.filter(state__in=OPEN, asked_at__lt=now - GIVEN_UP_AFTER)
    dead.update(state=CheckState.FAILED, error="No worker ended it in five minutes. Is one running?", ended_at=now)
