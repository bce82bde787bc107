"""Every source that posts to us, by the name in its webhook's address."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from django.conf import settings
from django.utils.crypto import salted_hmac

from notifications.intake import aftership, easypost, own, shipengine, shippo, shopify, woocommerce
from notifications.intake.source import Source

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        shopify.SOURCE,
        woocommerce.SOURCE,
        aftership.SOURCE,
        easypost.SOURCE,
        shippo.SOURCE,
        shipengine.SOURCE,
        own.SOURCE,
    )
}


FOLDER = "/hooks/"  # where their webhooks are (notifications/views/webhooks.py)


def address(source: Source) -> str:
    """What a shop or tracker is given as the address of its webhook."""
    return f"{settings.SITE_URL}{FOLDER}{source.name}/"


def variable(source: Source) -> str:
    """The environment variable that holds a source's secrets."""
    return f"PREEMPT_{source.name.upper()}_SECRETS"


def secrets(source: Source) -> Sequence[str]:
    """The secrets that are valid now, as they stand in the environment; none lets nothing in."""
    found: Sequence[str] = settings.INTAKE_SECRETS.get(source.name, ())
    return found


@functools.lru_cache(maxsize=64)
def fingerprint(secret: str) -> str:
    """Tells secrets apart on the desk and says nothing of them: keyed with the site's own."""
    return salted_hmac("notifications.intake.secret", secret).hexdigest()[:8]
