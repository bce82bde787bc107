"""What happened, what we made of it, and the counts that screens show."""

from analytics.models.autopsies import Autopsy, AutopsyFinding, AutopsyState, Cause
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

__all__ = [
    "Autopsy",
    "AutopsyFinding",
    "AutopsyState",
    "Cause",
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
    "Verdict",
]
