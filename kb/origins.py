"""Where in the shop a visitor came from, and the category that people from there mostly need."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from core import audit, clock
from kb import live, page_facts
from kb.models import Category, Origin
from kb.page_facts import Around

_LONGEST = 200


class Refused(Exception):
    """The origin was not taken. The message says why and what to do."""


def add(path: str, category: Category, *, by: User | None) -> Origin:
    """Lead those who come from `path` and all below it to the category; one that was there leads there from now on.

    Raises Refused.
    """
    path = path_of(path)
    if not path or len(path) > _LONGEST:
        raise Refused(_("Write a part of the shop's address that begins with /, like /checkout."))
    with transaction.atomic():
        origin, _is_new = Origin.objects.update_or_create(
            path=path, defaults={"category": category, "created_at": clock.now(), "created_by": by}
        )
        audit.record(by, "origin.added", origin, label=path, category=category.key)
    return origin


def remove(origin_id: int, *, by: User | None) -> bool:
    """Lead nobody from there any more; False where it has gone already."""
    with transaction.atomic():
        if (gone := Origin.objects.select_for_update().filter(pk=origin_id).first()) is None:
            return False
        audit.record(by, "origin.removed", gone, label=gone.path)
        gone.delete()
    return True


def path_of(address: str) -> str:
    """The path of an address or of a part of one: no host, no query, no slash at its end. Empty where there is none."""
    try:
        path = unquote(urlsplit(address.strip()).path)
    except ValueError:
        return ""
    path = path.replace("\0", "").rstrip("/").lower()
    return path if path.startswith("/") else ""


def category_of(request: HttpRequest, count: int) -> int:
    """The id of the category for who came with this request; 0 where nothing tells. `count` is live.count().

    What the address says (`?topic=`, `?from=`) goes before the Referer, which counts from the shop's own hosts only.
    """
    topic, origin = request.GET.get("topic", ""), request.GET.get("from", "")
    referrer = request.headers.get("Referer", "")
    if not (topic or origin or referrer):
        return 0
    kept = live.shelf.recall("around")
    if kept is None or not kept.is_good(count):
        kept = live.shelf.keep("around", page_facts.around(), count)
    around: Around = kept.facts
    if found := around.topics.get(topic):
        return found
    if found := _matching(around.origins, path_of(origin)):
        return found
    return _matching(around.origins, path_of(referrer)) if _is_the_shops(referrer, request) else 0


def _matching(origins: Mapping[str, int], path: str) -> int:
    """That of the longest path which is this one or above it."""
    while path:
        if path in origins:
            return origins[path]
        path = path.rpartition("/")[0]
    return 0


def _is_the_shops(referrer: str, request: HttpRequest) -> bool:
    try:
        host = urlsplit(referrer).hostname or ""
    except ValueError:
        return False
    return host in settings.SHOP_HOSTS or host == request.get_host().rpartition(":")[0] or host == request.get_host()
