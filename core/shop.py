"""The shop's name and look, for every template."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def context(request: HttpRequest) -> dict[str, Any]:
    return {"shop_name": settings.SHOP_NAME, "site_url": settings.SITE_URL}
