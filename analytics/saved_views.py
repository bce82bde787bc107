"""Named views of the pages of numbers: each the part of a page's address that says what is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.urls import resolve, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from analytics import shop_days
from analytics.models import SavedView
from analytics.periods import Period
from analytics.reports import journeys
from core import audit, clock, roles

MOST = 50  # of one person
HOME = "home"
_LONGEST = SavedView._meta.get_field("query").max_length or 0


class TooMany(Exception):
    """Somebody has MOST views already."""


class TooLong(Exception):
    """More narrows what is shown than a view can keep."""


class NameTaken(Exception):
    """Another view of that page has the name."""


@dataclass(frozen=True)
class Page:
    """A page that can be saved. `keeps`: what of its address says what is shown, beside the period."""

    title: str | Promise
    keeps: tuple[str, ...] = ()


# By the names of their addresses.
PAGES: dict[str, Page] = {
    HOME: Page(_("Overview")),
    "article-scorecards": Page(_("Results of articles"), ("q", "topic", "sort")),
    "journeys": Page(_("Journeys"), (*journeys.WORDS, "by")),
    "search-health": Page(_("Search health")),
    "effects": Page(_("Effects")),
    "data-health": Page(_("Data health")),
}


@dataclass(frozen=True)
class Entry:
    """A view in somebody's list. `of`: its page, where that is another than the list's."""

    view: SavedView
    url: str
    is_mine: bool
    is_open: bool  # what the page shows just now
    of: str | Promise = ""


def may_open(page: str, reader: User | AnonymousUser) -> bool:
    """Whether the reader's roles are among those that the page is for."""
    return bool(roles.roles_of(reader) & resolve(reverse(f"desk:{page}")).func.__dict__["desk_roles"])


def context(request: HttpRequest, page: str, period: Period) -> dict[str, Any]:
    """What desk/_partials/saved_views.html needs: the views, and what of this page's address a new one would keep."""
    more = kept(page, request.GET)
    return {
        "views": listed(roles.user_of(request), period, page=page, more=more),
        "saving": [("of", page), *period.query.items(), *more.items()],
    }


def kept(page: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """What of an address a view of the page keeps beside the period."""
    return {name: value for name in PAGES[page].keeps if (value := parameters.get(name, ""))}


def listed(reader: User, period: Period, *, page: str = HOME, more: Mapping[str, str] | None = None) -> list[Entry]:
    """The reader's own views of the page and the shared ones of others, by name; beside the overview's those of all
    pages that the reader may open. One query."""
    shown = _query(period, more or {})
    pages = [page] if page != HOME else [name for name in PAGES if may_open(name, reader)]
    found = SavedView.objects.filter(Q(owner=reader) | Q(is_shared=True, owner__is_active=True), page__in=pages)
    return [
        Entry(
            view,
            address(view),
            is_mine=view.owner_id == reader.pk,
            is_open=view.page == page and view.query == shown,
            of="" if view.page == page else PAGES[view.page].title,
        )
        for view in found.select_related("owner").order_by("name", "pk")
    ]


def address(view: SavedView) -> str:
    """Where it is opened."""
    return f"{reverse(f'desk:{view.page}')}?{view.query}"


def save(
    owner: User, name: str, period: Period, *, is_shared: bool, page: str = HOME, more: Mapping[str, str] | None = None
) -> SavedView:
    """Keep what is shown under a name; a view of the page that has it is replaced. A period that ends today goes on
    with the days."""
    query = _query(period, more or {})
    if len(query) > _LONGEST:
        raise TooLong
    with transaction.atomic():
        User.objects.select_for_update().get(pk=owner.pk)
        mine = SavedView.objects.filter(owner=owner)
        if mine.exclude(name=name, page=page).count() >= MOST:
            raise TooMany
        view, _is_new = mine.update_or_create(
            owner=owner,
            page=page,
            name=name,
            defaults={"query": query, "is_shared": is_shared, "made_at": clock.now()},
        )
        audit.record(owner, "saved_view.saved", view, label=name, page=page, query=query, is_shared=is_shared)
    return view


def change(view: SavedView, name: str, *, is_shared: bool, by: User) -> None:
    """Another name for a view of one's own, and whether colleagues can open it."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=by.pk)
        same = SavedView.objects.filter(owner=view.owner, page=view.page, name=name)
        if same.exclude(pk=view.pk).exists():
            raise NameTaken
        before, view.name, view.is_shared = view.name, name, is_shared
        view.save(update_fields=["name", "is_shared"])
        audit.record(by, "saved_view.renamed", view, label=name, before=before, is_shared=is_shared)


def remove(view: SavedView, *, by: User) -> None:
    """Forget a view of one's own."""
    with transaction.atomic():
        audit.record(by, "saved_view.removed", view, label=view.name)
        view.delete()


def _query(period: Period, more: Mapping[str, str]) -> str:
    return urlencode(period.lasting(today=shop_days.day_of(clock.now())) | dict(more))
