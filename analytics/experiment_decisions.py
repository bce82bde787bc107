"""Whether what the looks at a finished test said supports what a person is about to decide."""

from __future__ import annotations

from kb.models import Experiment


def sentence(experiment: Experiment) -> str:
    """What the latest look said; empty where none was taken."""
    return ""


def doubts(experiment: Experiment) -> dict[str, str]:
    """For each choice (keep, discard, publish-<key>) that the latest look does not support, why."""
    return {}
