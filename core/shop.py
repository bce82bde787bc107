"""The shop's name and look, for every template."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from core import brand


def context(request: HttpRequest) -> dict[str, Any]:
    look = brand.current()
    return {"brand": look, "shop_name": look.name, "site_url": settings.SITE_URL}
