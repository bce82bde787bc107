"""The demo's desk accounts. Their passwords are public: they exist on this machine only, never on a real host."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from core import roles


@dataclass(frozen=True)
class Account:
    username: str
    password: str
    role: str  # one of core.roles
    does: str  # in a few words, for the sign-in page and the terminal


ACCOUNTS = (
    Account("writer", "writer-demo", roles.WRITER, "writes and edits articles"),
    Account("editor", "editor-demo", roles.REVIEWER, "reviews and publishes articles"),
    Account("ops", "ops-demo", roles.OPS, "looks after orders and messages"),
    Account("analyst", "analyst-demo", roles.ANALYST, "reads every number"),
    Account("admin", "admin-demo", roles.ADMIN, "may do everything"),
)


def shown() -> tuple[Account, ...]:
    """The accounts that a page may print: none but where `manage.py demo` runs this process."""
    return ACCOUNTS if settings.DEMO else ()
