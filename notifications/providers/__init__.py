"""The mail providers that a shop can choose from, by settings.MAIL_PROVIDER."""

from __future__ import annotations

import functools
import os

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from notifications.providers.base import Provider
from notifications.providers.console import Console
from notifications.providers.sendgrid import SendGrid
from notifications.providers.smtp import Smtp, server_of

NAMES = ("console", "sendgrid", "smtp")


def provider_for_settings() -> Provider:
    """The provider that settings.MAIL_PROVIDER names, one per process.

    Raises ImproperlyConfigured, naming the setting and what to write.
    """
    return _made(settings.MAIL_PROVIDER)


def chain() -> list[Provider]:
    """The providers to hand mail to, the first first. MAIL_FAILOVER gets what is ready while the first is paused: what
    was never handed over, or provably not taken. What may be with the first is unknown, not ready.
    """
    names = [settings.MAIL_PROVIDER, settings.MAIL_FAILOVER]
    return [_made(name) for name in dict.fromkeys(filter(None, names))]


def by_name(name: str) -> Provider | None:
    """The provider of that name, where it is in use; what became of a mail is asked of the one that it went to."""
    return next((one for one in chain() if one.name == name), None)


def _made(name: str) -> Provider:
    # The process id is part of the key: a forked worker must not share its parent's open connections.
    key = settings.SENDGRID_API_KEY if name == "sendgrid" else ""
    return _provider(name, key, settings.SMTP_URL if name == "smtp" else settings.SENDGRID_URL, os.getpid())


@functools.lru_cache(maxsize=4)
def _provider(name: str, api_key: str, url: str, pid: int) -> Provider:
    if name == "console":
        return Console()
    try:
        if name == "sendgrid":
            return SendGrid(api_key=api_key, base_url=url)
        if name == "smtp":
            return Smtp(server_of(url))
    except ValueError as error:
        raise ImproperlyConfigured(f"MAIL_PROVIDER or MAIL_FAILOVER is {name}, but {error}") from error
    raise ImproperlyConfigured(f"MAIL_PROVIDER={name!r} is not known. Choose one of: {', '.join(NAMES)}.")
