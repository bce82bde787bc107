"""One page of a list that may be long."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest

PAGE = 50


def page_of(listed: Any, request: HttpRequest) -> Page[Any]:
    """The page that `?page=` asks for, the nearest where there is none of that number. `listed`: a queryset, or what
    has count() and stretches (analytics/day_pages.py)."""
    return Paginator(listed, PAGE).get_page(request.GET.get("page"))
