"""When an article is due for a look, whose it is, and the mail that reminds them.

A review is due on a day of the shop's calendar. Whoever owns articles gets one mail about all that are due: when they
become so, and again every REVIEW_REMINDER_DAYS while they are. What is reminded of is stored first: a mail that may be
on its way is not sent again, and one that certainly is not waits for the next round.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.utils import formataddr
from smtplib import SMTPConnectError, SMTPException
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import Count, F, Max, Q, QuerySet
from django.db.models.functions import Coalesce
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import ngettext

from core import audit, brand, clock
from kb.models import Article, ArticleState, ReviewReminder

logger = logging.getLogger("preempt.care")

_FROM_HOUR = 7  # of the shop's day: nobody needs such a mail at midnight
_SHOWN = 50  # articles named in one mail


@dataclass(frozen=True)
class Due:
    """An article in a reminder. `number`: which one about this date it is."""

    article_id: int
    title: str
    review_by: date
    number: int
    url: str


def today() -> date:
    """The day in the shop."""
    return _there().date()


def next_date() -> date | None:
    """When an article that was looked at today is due again; None where reviews are not asked for."""
    return today() + timedelta(days=settings.ARTICLE_REVIEW_DAYS) if settings.ARTICLE_REVIEW_DAYS else None


def set_date(article: Article, review_by: date | None, *, by: User | None) -> None:
    """Ask for a review by this day; None: not at all."""
    with transaction.atomic():
        Article.objects.filter(pk=article.pk).update(review_by=review_by)
        audit.record(by, "article.review_date_set", article, to=str(review_by or ""))
    article.review_by = review_by


def set_owner(article: Article, owner: User | None, *, by: User | None) -> None:
    """Make somebody of the staff the one who looks after it; None: nobody."""
    with transaction.atomic():
        Article.objects.filter(pk=article.pk).update(owner=owner)
        audit.record(by, "article.owner_changed", article, to=owner.get_username() if owner else "")
    article.owner = owner


def owners() -> QuerySet[User]:
    """Who may own an article: the staff of the desk."""
    return User.objects.filter(is_active=True, is_staff=True).order_by("username")


def is_without_owner(prefix: str = "") -> Q:
    """Articles that nobody looks after: none was named, or they have left."""
    is_there = Q(**{f"{prefix}owner__is_active": True, f"{prefix}owner__is_staff": True})
    return Q(**{f"{prefix}owner__isnull": True}) | ~is_there


def remind() -> int:
    """Send each owner what is due. Returns how many mails were taken."""
    if _there().hour < _FROM_HOUR:
        return 0
    taken = 0
    for owner in owners().exclude(email="").filter(pk__in=_due().values("owner")):
        try:
            taken += _remind(owner)
        except (ConnectionRefusedError, SMTPConnectError) as error:
            # Nothing was handed over, and the next one would not be either.
            logger.warning("review reminders wait for the mail system", extra={"reason": str(error)})
            break
    return taken


def mail_for(owner: User, due: Sequence[Due]) -> EmailMultiAlternatives:
    """One mail about all that is due."""
    look = brand.current()
    with translation.override(settings.LANGUAGE_CODE):
        context = {
            "owner": owner,
            "due": due[:_SHOWN],
            "more": max(0, len(due) - _SHOWN),
            "total": len(due),
            "shop_name": look.name,
            "list_url": f"{settings.SITE_URL}{reverse('desk:articles')}?review=overdue&owner={owner.pk}&sort=review",
            "language": settings.LANGUAGE_CODE,
        }
        mail = EmailMultiAlternatives(
            subject=ngettext("%(number)d article to review", "%(number)d articles to review", len(due))
            % {"number": len(due)},
            body=render_to_string("desk/mail/reviews.txt", context),
            from_email=formataddr((look.mail_sender, settings.MAIL_FROM)),
            to=[formataddr((owner.get_full_name(), owner.email))],
            headers={
                "Auto-Submitted": "auto-generated",
                "Message-ID": f"<reviews.{owner.pk}.{today()}@{urlsplit(settings.SITE_URL).hostname}>",
            },
        )
        mail.attach_alternative(render_to_string("desk/mail/reviews.html", context), "text/html")
    return mail


def _there() -> datetime:
    """What the clocks show where the shop is."""
    return clock.now().astimezone(ZoneInfo(settings.SHOP_TIME_ZONE))


def _due() -> QuerySet[Article]:
    return Article.objects.filter(state=ArticleState.PUBLISHED, review_by__lte=today())


def _remind(owner: User) -> bool:
    due = _claim(owner)
    if not due:
        return False
    mine = Q()
    for one in due:
        mine |= Q(article=one.article_id, review_by=one.review_by, number=one.number)
    try:
        taken = mail_for(owner, due).send()
    except (ConnectionRefusedError, SMTPConnectError):
        ReviewReminder.objects.filter(mine, owner=owner).delete()
        raise
    except (SMTPException, OSError) as error:
        logger.warning("review reminder not taken", extra={"owner": owner.pk, "reason": str(error)})
        return False
    return bool(taken)


def _claim(owner: User) -> list[Due]:
    """What to remind of now, stored as reminded."""
    now = clock.now()
    about_this_date = Q(reminders__review_by=F("review_by"), reminders__owner=owner)
    articles = (
        _due()
        .filter(owner=owner)
        .annotate(
            title=Coalesce("live_revision__title", "draft__title"),
            reminded=Count("reminders", filter=about_this_date),
            last=Max("reminders__sent_at", filter=about_this_date),
        )
        .filter(Q(last=None) | Q(last__lte=now - timedelta(days=settings.REVIEW_REMINDER_DAYS)))
        .order_by("review_by", "pk")
        .values_list("pk", "title", "review_by", "reminded")
    )
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=owner.pk)  # of two that come at once the later finds nothing
        due = [
            Due(pk, title, review_by, reminded + 1, settings.SITE_URL + reverse("desk:article-edit", args=[pk]))
            for pk, title, review_by, reminded in articles
            if review_by is not None  # as _due() says
        ]
        ReviewReminder.objects.bulk_create(
            ReviewReminder(
                article_id=one.article_id, owner=owner, review_by=one.review_by, number=one.number, sent_at=now
            )
            for one in due
        )
    return due
