"""What happened, what we made of it, and the counts that screens show."""

from analytics.models.facts import (
    Event,
    EventKind,
    GapDecision,
    GapKind,
    Identity,
    Journey,
    LookKind,
    Marker,
    Outcome,
    SavedView,
    SettlingMark,
    SpoolMark,
    Verdict,
)
from analytics.models.rollups import (
    ContactDay,
    JourneyDay,
    ReadDay,
    RollupDue,
    RollupKind,
    SearchDay,
    ShareDay,
)
from analytics.models.spreads import Spread

__all__ = [
    "ContactDay",
    "Event",
    "EventKind",
    "GapDecision",
    "GapKind",
    "Identity",
    "Journey",
    "JourneyDay",
    "LookKind",
    "Marker",
    "Outcome",
    "ReadDay",
    "RollupDue",
    "RollupKind",
    "SavedView",
    "SearchDay",
    "SettlingMark",
    "ShareDay",
    "SpoolMark",
    "Spread",
    "Verdict",
]
