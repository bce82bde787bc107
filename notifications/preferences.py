"""What a person wants to hear from us about, and what they changed. Over the same rows that stop messages."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from notifications import suppression
from notifications.models import PreferenceChange, Suppression, SuppressionReason
from notifications.occasions import Category

TEXTS: dict[Category, Any] = {
    Category.ORDER_UPDATES: _("When an order comes in, leaves us, arrives or waits for you"),
    Category.DELAY_NOTICES: _("When an order is late or may be lost"),
    Category.BACK_ON_TRACK: _("When trouble that we wrote about is over, or we were wrong"),
}


@dataclass(frozen=True)
class Choice:
    """One category of e-mail, and whether this person gets it."""

    scope: str
    text: str
    is_on: bool


@dataclass(frozen=True)
class Choices:
    """All kinds. `blocked` is a SuppressionReason where nothing that the person chooses can reach them, else empty."""

    kinds: list[Choice]
    blocked: str

    @property
    def is_any_on(self) -> bool:
        return any(kind.is_on for kind in self.kinds)


def choices_of(person: str) -> Choices:
    """What a person gets at present, in the active language. One query."""
    stops = dict(Suppression.objects.filter(person=person).values_list("scope", "reason")) if person else {}
    by_all = stops.get(suppression.ALL, "")
    return Choices(
        kinds=[Choice(kind.value, str(text), not by_all and kind.value not in stops) for kind, text in TEXTS.items()],
        blocked=by_all if by_all != SuppressionReason.UNSUBSCRIBED else "",
    )


def choose(person: str, wanted: Collection[str], *, at: datetime) -> None:
    """Write about the kinds in `wanted` from now on, and about no other. None wanted: about nothing, new kinds too.

    What a mailbox said (no such address, marked as spam) is not lifted by this. Unknown kinds count for nothing.
    """
    if not person:
        raise ValueError("nobody can choose nothing")
    with transaction.atomic():
        suppression.lock_person(person, is_shared=False)
        before = {kind.scope: kind.is_on for kind in choices_of(person).kinds}
        after = {scope: scope in wanted for scope in before}
        stopped = [scope for scope, is_on in after.items() if not is_on]
        if len(stopped) == len(after):
            stopped = [suppression.ALL]
        Suppression.objects.filter(person=person, reason=SuppressionReason.UNSUBSCRIBED).exclude(
            scope__in=stopped
        ).delete()
        for scope in stopped:
            suppression.suppress(person, scope=scope, reason=SuppressionReason.UNSUBSCRIBED, at=at)
        PreferenceChange.objects.bulk_create(
            PreferenceChange(person=person, scope=scope, is_on=is_on, at=at)
            for scope, is_on in after.items()
            if is_on != before[scope]
        )
