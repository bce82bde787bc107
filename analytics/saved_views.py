"""Named views of the dashboard: each the part of its address that says which days and contacts are shown."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from analytics import shop_days
from analytics.models import SavedView
from analytics.periods import Period
from core import audit, clock

MOST = 50  # of one person


class TooMany(Exception):
    """Somebody has MOST views already."""


@dataclass(frozen=True)
class Entry:
    """A view in somebody's list."""

    view: SavedView
    is_mine: bool
    is_open: bool  # what the dashboard shows just now


def listed(reader: User, period: Period) -> list[Entry]:
    """The reader's own views and the shared ones of others, by name."""
    shown = _query(period)
    found = SavedView.objects.filter(Q(owner=reader) | Q(is_shared=True, owner__is_active=True))
    return [
        Entry(view, is_mine=view.owner_id == reader.pk, is_open=view.query == shown)
        for view in found.select_related("owner").order_by("name", "pk")
    ]


def save(owner: User, name: str, period: Period, *, is_shared: bool) -> SavedView:
    """Keep what is shown under a name; one of that name is replaced. A period that ends today goes on with the days."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=owner.pk)
        mine = SavedView.objects.filter(owner=owner)
        if mine.exclude(name=name).count() >= MOST:
            raise TooMany
        view, _is_new = mine.update_or_create(
            owner=owner,
            name=name,
            defaults={"query": _query(period), "is_shared": is_shared, "made_at": clock.now()},
        )
        audit.record(owner, "saved_view.saved", view, label=name, query=view.query, is_shared=is_shared)
    return view


def remove(view: SavedView, *, by: User) -> None:
    """Forget a view of one's own."""
    with transaction.atomic():
        audit.record(by, "saved_view.removed", view, label=view.name)
        view.delete()


def _query(period: Period) -> str:
    return urlencode(period.lasting(today=shop_days.day_of(clock.now())))
