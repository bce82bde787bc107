"""Times as people of the shop write them, "2026-10-25 01:30", which may come once, twice, or never. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def moments(local: datetime, zone: ZoneInfo) -> list[datetime]:
    """The moments (UTC) at which clocks in `zone` show the naive `local`: one; two in the hour that comes twice when
    summer time ends, the earlier first; none in the hour that is left out when it begins.
    """
    found = []
    for fold in (0, 1):
        moment = local.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None) == local and moment not in found:
            found.append(moment)
    return sorted(found)


def after_gap(local: datetime, zone: ZoneInfo) -> datetime:
    """What clocks in `zone` show instead of a naive `local` that they leave out: as much later as they jump."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC).astimezone(zone).replace(tzinfo=None)
