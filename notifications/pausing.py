"""When the mail provider is in trouble, everything waits for it, and nothing is used up on it."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from notifications.models import ProviderPause

logger = logging.getLogger("preempt.sending")

PATIENCE = 5  # failures in a row that are taken for chance
_FIRST, _LONGEST = 5.0, 900.0  # seconds
_MARGIN = 1.0  # seconds from a probe's intent to its request, and from the answer to its note


def is_paused(provider: str) -> bool:
    """Whether nothing may be handed to the provider now, by the database's clock."""
    is_on = Q(until__gt=Now()) | Q(probe_until__gt=Now())
    return ProviderPause.objects.filter(is_on, provider=provider).exists()


def admit(provider: str, wanted: int, *, longest: float) -> int:
    """How many of the `wanted` hand-overs may begin, in the transaction of their intents.

    After PATIENCE failures the circuit is open. When its pause is over it lets one hand-over through, the probe, and
    others only once that has been answered. The probe is leased for the `longest` that a request may take, in seconds:
    who has said nothing by then died over it, and another may try.
    """
    found = ProviderPause.objects.filter(provider=provider).annotate(is_on=Q(until__gt=Now())).first()
    if found is None or (not found.is_on and found.failures < PATIENCE):
        return wanted
    is_probe = Q(probe_until=None) | Q(probe_until__lte=Now())
    waiting = ProviderPause.objects.filter(is_probe, provider=provider, until__lte=Now(), failures__gte=PATIENCE)
    return min(wanted, waiting.update(probe_until=Now() + timedelta(seconds=longest + _MARGIN)))


def pause(provider: str, *, seconds: float, reason: str) -> None:
    """Hand over nothing for so long. A longer pause that runs already stands."""
    _note(provider, reason=reason, pause=seconds, failures=0)
    logger.error("the mail provider is paused", extra={"provider": provider, "seconds": seconds, "reason": reason})


def open_circuit(provider: str, *, seconds: float, reason: str) -> None:
    """The provider takes nothing of ours: pause, and then one probe before the others."""
    pause(provider, seconds=seconds, reason=reason)
    ProviderPause.objects.filter(provider=provider, failures__lt=PATIENCE).update(failures=PATIENCE)


def note_failure(provider: str, *, reason: str) -> None:
    """A hand-over failed for the provider's sake. After PATIENCE in a row it gets a pause, longer each time."""
    failures = _note(provider, reason=reason, pause=0.0, failures=1)
    if failures >= PATIENCE:
        # The first message after the pause is the probe: if it fails too, the next pause is twice as long.
        pause(provider, seconds=min(_LONGEST, _FIRST * 2 ** (failures - PATIENCE)), reason=reason)


def note_success(provider: str) -> None:
    """A hand-over was answered as it should be: whatever failed before was chance, or is over."""
    in_doubt = Q(failures__gt=0) | Q(probe_until__isnull=False)
    ProviderPause.objects.filter(in_doubt, provider=provider).update(failures=0, probe_until=None)


def _note(provider: str, *, reason: str, pause: float, failures: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO notifications_providerpause AS p (provider, until, reason, failures)
            VALUES (%(provider)s, statement_timestamp() + %(pause)s * interval '1 second', %(reason)s, %(failures)s)
            ON CONFLICT (provider) DO UPDATE SET
                until = greatest(p.until, excluded.until),
                reason = excluded.reason,
                failures = p.failures + excluded.failures,
                probe_until = NULL
            RETURNING failures
            """,
            {
                "provider": provider,
                "pause": pause,
                "reason": reason[:300],
                "failures": failures,
            },
        )
        row: tuple[int] = cursor.fetchone()
        return row[0]
