"""Banners above the help centre's pages. Rooms that know of an incident write them here; so does the desk."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from core import audit, clock
from kb import live
from kb.models import Article, Notice

LONGEST = 300
_SHOWN = 3  # more at once would push the answers out of sight; the newest count
_TRUST_SECONDS = 2.0  # for pages that do not ask for the count themselves

_asked_at = float("-inf")


class Refused(Exception):
    """The banner was not written. The message says why and what to do."""


@dataclass(frozen=True)
class Banner:
    """A notice as a page shows it; `url` leads to its article, empty where it has none that everybody may read."""

    id: int
    text: str
    url: str


@dataclass(frozen=True)
class _Row:
    id: int
    locale: str
    text: str
    reference: str
    starts_at: datetime
    ends_at: datetime | None

    def is_shown(self, locale: str, now: datetime) -> bool:
        is_time = self.starts_at <= now and (self.ends_at is None or now < self.ends_at)
        return is_time and self.locale in ("", locale)


def write(
    *,
    text: str,
    locale: str = "",
    article: Article | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    by: User | None,
) -> Notice:
    """A banner from `starts_at` (now) until `ends_at` (until somebody ends it). Raises Refused."""
    now = clock.now()
    starts_at = starts_at or now
    if not text.strip():
        raise Refused(_("Write what customers should know."))
    if ends_at is not None and ends_at <= starts_at:
        raise Refused(_("The end lies before the start. Choose a later end, or leave it empty."))
    with transaction.atomic():
        notice = Notice.objects.create(
            locale=locale,
            text=text.strip()[:LONGEST],
            article=article,
            starts_at=starts_at,
            ends_at=ends_at,
            created_at=now,
            created_by=by,
        )
        audit.record(by, "notice.written", notice, label=notice.text)
    return notice


def end(notice_id: int, *, by: User | None = None) -> bool:
    """Take the banner away now; one that has not begun will not begin. False where it has ended already."""
    now = clock.now()
    running = Notice.objects.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=now), pk=notice_id)
    with transaction.atomic():
        if (notice := running.select_for_update().first()) is None:
            return False
        audit.record(by, "notice.ended", notice, label=notice.text)
        if not running.filter(starts_at__lte=now).update(ends_at=now):
            running.delete()
    return True


def shown(locale: str, count: int) -> tuple[Banner, ...]:
    """What stands above a page in `locale` now; `count` is live.count(). A query only where something has changed."""
    kept = live.shelf.recall("notices")
    if kept is None or not kept.is_good(count):
        kept = live.shelf.keep("notices", _load(), count)
    now = clock.now()
    rows: list[_Row] = [row for row in kept.facts if row.is_shown(locale, now)][:_SHOWN]
    return tuple(
        Banner(row.id, row.text, reverse("help:to-article", args=[row.reference]) if row.reference else "")
        for row in rows
    )


def shown_lately(locale: str) -> tuple[Banner, ...]:
    """The same, at most two seconds late, for pages that ask no count: mostly no query."""
    global _asked_at
    kept = live.shelf.recall("notices")
    if kept is not None and time.monotonic() - _asked_at < _TRUST_SECONDS:
        return shown(locale, kept.count)
    _asked_at = time.monotonic()
    return shown(locale, live.count())


def _load() -> list[_Row]:
    rows = Notice.objects.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=clock.now())).select_related("article")
    return [
        _Row(
            notice.pk,
            notice.locale,
            notice.text,
            notice.article.slug if notice.article and _is_public(notice.article) else "",
            notice.starts_at,
            notice.ends_at,
        )
        for notice in rows
    ]


def _is_public(article: Article) -> bool:
    return article.state == "published" and article.visibility == "public"
