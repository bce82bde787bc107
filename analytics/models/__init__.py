"""What happened, what we made of it, and the counts that screens show."""

from analytics.models.autopsies import Autopsy, AutopsyFinding, AutopsyState, Cause
from analytics.models.effects import SUGGESTIONS, CostKind, CostSetting, EffectDay, EffectMark
from analytics.models.facts import (
    Event,
    EventKind,
    GapDecision,
    GapKind,
    Identity,
    Journey,
    LeftOutDay,
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
    "SUGGESTIONS",
    "Autopsy",
    "AutopsyFinding",
    "AutopsyState",
    "Cause",
    "ContactDay",
    "CostKind",
    "CostSetting",
    "EffectDay",
    "EffectMark",
    "Event",
    "EventKind",
    "GapDecision",
    "GapKind",
    "Identity",
    "Journey",
    "JourneyDay",
    "LeftOutDay",
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
