"""The mail providers that a shop can choose from, by settings.MAIL_PROVIDER."""

from __future__ import annotations

import functools
import os

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from notifications.providers.base import Provider
from notifications.providers.console import Console
from notifications.providers.sendgrid import SendGrid

NAMES = ("console", "sendgrid")


def provider_for_settings() -> Provider:
    """The provider that settings.MAIL_PROVIDER names, one per process.

    Raises ImproperlyConfigured, naming the setting and what to write.
    """
    # The process id is part of the key: a forked worker must not share its parent's open connections.
    return _provider(settings.MAIL_PROVIDER, settings.SENDGRID_API_KEY, settings.SENDGRID_URL, os.getpid())


@functools.lru_cache(maxsize=4)
def _provider(name: str, api_key: str, base_url: str, pid: int) -> Provider:
    if name == "console":
        return Console()
    if name == "sendgrid":
        try:
            return SendGrid(api_key=api_key, base_url=base_url)
        except ValueError as error:
            raise ImproperlyConfigured(f"MAIL_PROVIDER is sendgrid, but {error}") from error
    raise ImproperlyConfigured(f"MAIL_PROVIDER={name!r} is not known. Choose one of: {', '.join(NAMES)}.")
