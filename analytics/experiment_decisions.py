"""Whether what the looks at a test said supports what a person is about to decide. A doubt refuses nothing: it is said,
and the person says that they decide so all the same."""

from __future__ import annotations

from django.utils.translation import gettext as _

from analytics import verdicts
from analytics.judging.shapes import Code, Judgement
from kb.models import Decision, Experiment

_SHOWN = (Code.BEST, Code.BETTER, Code.WORSE, Code.SAME)
_DONE = (*_SHOWN, Code.FUTILE, Code.BLOCKED, Code.INCONCLUSIVE)


def sentence(experiment: Experiment) -> str:
    """What the latest look said; empty where none was taken."""
    latest = verdicts.latest(experiment)
    return latest.sentence if latest else ""


def doubt_of_ending(experiment: Experiment) -> str:
    """Why the latest look does not support that the test ends now; empty where it does."""
    judged = _judged(experiment)
    if judged is None:
        return _("No look has been taken at it yet.")
    if judged.code in _DONE or judged.is_over:
        return ""
    if experiment.planned_units and judged.units >= experiment.planned_units:
        return ""
    return _("Nothing is shown yet, and not all of its readers are in: more of them may show it.")


def doubts(experiment: Experiment) -> dict[str, str]:
    """For each choice (keep, discard, publish-<key>) that the latest look does not support, why."""
    judged = _judged(experiment)
    keys = experiment.variants.filter(is_control=False).values_list("key", flat=True)
    found = {f"{Decision.PUBLISH}-{key}": _against_publishing(judged, key) for key in keys}
    if judged is not None and judged.code in (Code.BEST, Code.BETTER):
        found[Decision.KEEP] = _("Another text was shown to do better than the live one.")
    if judged is not None and judged.code in _SHOWN:
        found[Decision.DISCARD] = _("Nothing is known to be wrong with its figures, and they show something.")
    return {choice: doubt for choice, doubt in found.items() if doubt}


def _against_publishing(judged: Judgement | None, key: str) -> str:
    if judged is None:
        return _("No look has been taken: nothing is known of this text.")
    if judged.code == Code.BLOCKED:
        return _("The texts were not shown as they were drawn, so its figures cannot be trusted.")
    if any(guard.arm == key and guard.is_harmed for guard in judged.guards):
        return _("A guard-rail shows harm by this text.")
    if judged.code == Code.SAME or (judged.code in (Code.BEST, Code.BETTER) and key in judged.arms):
        return ""
    if any(each.second == key and each.said == "worse" for each in judged.compared):
        return _("This text was shown to do worse.")
    return _("It was not shown that this text does better.")


def _judged(experiment: Experiment) -> Judgement | None:
    latest = verdicts.latest(experiment)
    return verdicts.judgement_of(latest) if latest else None
