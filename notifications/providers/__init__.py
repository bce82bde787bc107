"""The mail providers that a shop can choose from, by settings.MAIL_PROVIDER."""

from __future__ import annotations
