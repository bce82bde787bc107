"""Drift: what the model says, or how many parcels come late, is no longer what it was. Noticed once, told once.

The late rate of a shop moves between 1 % and 18 % a month, so that yesterday's chances are wrong tomorrow. The model
learns and calibrates anew each night from the last weeks; a drift is when that is not enough, and somebody should know.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from core import audit
from notifications import desk_mail
from notifications.models import Drift, DriftKind

if TYPE_CHECKING:  # the desk's overview asks what stands, and needs no numpy for that
    from notifications.prediction.network import Network

# Share late less the mean chance. A drift ends where it is well within what began it, so that none begins every night.
GAP, GAP_ENDS = 0.08, 0.05
FEWEST = 30  # parcels under which a share is an anecdote
# Share late of the parcels promised in the last weeks, against those before: twice or half, and by so many points.
RECENT_DAYS, USUAL_DAYS = 28, 84
TIMES, POINTS = 2.0, 0.03
TIMES_ENDS, POINTS_ENDS = 1.5, 0.02
FEWEST_PROMISED = 200  # in the last weeks


def is_off(gap: float, parcels: float, *, since_before: bool = False) -> bool:
    """Whether the chances of the last weeks were so far from what came. Pure."""
    return parcels >= FEWEST and abs(gap) > (GAP_ENDS if since_before else GAP)


def has_moved(recent: float, usual: float, parcels: float, *, since_before: bool = False) -> bool:
    """Whether the late rate is another than it was. Pure."""
    times, points = (TIMES_ENDS, POINTS_ENDS) if since_before else (TIMES, POINTS)
    low, high = sorted((recent, usual))
    return parcels >= FEWEST_PROMISED and high >= times * low and high - low > points


def look_at_calibration(report: Mapping[str, float], *, now: datetime) -> Drift | None:
    """After a training: `report` is its "drift", gap and parcels. Returns what has begun."""
    gap, parcels = report["gap"], report["parcels"]
    is_open = Drift.objects.filter(kind=DriftKind.CALIBRATION, ended_at=None).exists()
    said = "more parcels came late than the model said" if gap > 0 else "fewer parcels came late than the model said"
    what = f"In the last 14 days {said}: by {abs(gap):.0%} of all, over {parcels:.0f} parcels three days before theirs."
    return _note(DriftKind.CALIBRATION, is_off(gap, parcels, since_before=is_open), what, now=now)


def look_at_late_rate(known: Network, today: int, *, now: datetime) -> Drift | None:
    """Every time that the open parcels are forecast. Returns what has begun."""
    recent = known.late_rate(today, RECENT_DAYS)
    usual = known.late_rate(today - RECENT_DAYS, USUAL_DAYS)
    parcels = known.promised(today, RECENT_DAYS)
    # Without as many before, the shop is new, and nothing is usual yet.
    if known.promised(today - RECENT_DAYS, USUAL_DAYS) < FEWEST_PROMISED:
        parcels = 0
    is_open = Drift.objects.filter(kind=DriftKind.LATE_RATE, ended_at=None).exists()
    what = (
        f"{recent:.1%} of the {parcels:.0f} parcels promised in the last {RECENT_DAYS} days came late, "
        f"{usual:.1%} in the {USUAL_DAYS} days before."
    )
    return _note(DriftKind.LATE_RATE, has_moved(recent, usual, parcels, since_before=is_open), what, now=now)


def standing() -> list[Drift]:
    """The drifts that go on, for whoever looks at the desk."""
    return list(Drift.objects.filter(ended_at=None).order_by("since", "pk"))


def _note(kind: DriftKind, is_there: bool, what: str, *, now: datetime) -> Drift | None:
    with transaction.atomic():
        found = Drift.objects.select_for_update().filter(kind=kind, ended_at=None).first()
        if found is not None:
            found.what = what
            found.ended_at = None if is_there else now
            found.save(update_fields=["what", "ended_at"])
            if not is_there:
                audit.record(None, "forecast.drift_ended", found, label=kind.label, what=what)
            return None
        if not is_there:
            return None
        # Two workers at once: the second finds the first one's.
        found, is_new = Drift.objects.get_or_create(kind=kind, ended_at=None, defaults={"since": now, "what": what})
        if not is_new:
            return None
        _tell(found)
        audit.record(None, "forecast.drifted", found, label=kind.label, what=what)
        return found


def _tell(drift: Drift) -> None:
    if drift.kind == DriftKind.CALIBRATION:
        subject = "Predictions of late parcels have drifted"
        then = (
            "The model is switched off while that is so, and customers are told of delays by the plain rules. It\n"
            "learns anew each night from the last weeks, and comes back when what it says holds again."
        )
    else:
        subject = "The share of late parcels has changed"
        then = (
            "The model learns anew each night and follows. Look whether a carrier or a lane is the reason, and\n"
            "whether what you promise customers still holds."
        )
    text = "\n".join(
        [drift.what, "", then, "We write once for each drift.", "", f"{settings.SITE_URL}{reverse('desk:predictions')}"]
    )
    desk_mail.tell(subject, text)
