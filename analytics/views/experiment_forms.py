"""What a person says of a test while it is planned, and of one that runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from analytics import settling
from analytics.experiment_plans import Wish
from kb.experiments import Arm
from kb.models import Decision, Experiment, Metric, Mode

STEPS = (10, 25, 50, 100)  # percent of readers: a test may begin small and grow
MOST_PARTS = 100
_WHY = 300


class HypothesisForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name of the test"), max_length=120)
    hypothesis = forms.CharField(
        label=gettext_lazy("Hypothesis"),
        max_length=1000,
        help_text=gettext_lazy(
            "What do you expect, and why? For example: “Where the deadline stands in the first sentence, fewer readers "
            "ask us about it.” It is frozen when the test starts, so nobody can say afterwards that they knew."
        ),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    metric = forms.ChoiceField(
        label=gettext_lazy("What it is judged by"), choices=Metric.choices, widget=forms.RadioSelect
    )
    window_days = forms.TypedChoiceField(
        label=gettext_lazy("Window"),
        coerce=int,
        help_text=gettext_lazy(
            "For how many days after reading a contact counts. A reader is counted once they are over."
        ),
    )

    def __init__(self, *args: Any, experiment: Experiment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        days = sorted({*settling.windows(), experiment.window_days})
        choices = [(one, ngettext("%(days)d day", "%(days)d days", one) % {"days": one}) for one in days]
        self.fields["window_days"].choices = choices  # type: ignore[attr-defined]


class WeightsForm(forms.Form):
    """A whole number for each arm, `weight-<key>`."""

    def __init__(self, *args: Any, arms: Sequence[Arm], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.arms = arms
        for arm in arms:
            self.fields[f"weight-{arm.key}"] = forms.IntegerField(
                label=_("Text %(key)s") % {"key": arm.key.upper()},
                min_value=1,
                max_value=MOST_PARTS,
                initial=max(1, round(arm.weight)),
                widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
            )

    @property
    def weight_fields(self) -> list[forms.BoundField]:
        return [self[f"weight-{arm.key}"] for arm in self.arms]

    @property
    def weights(self) -> dict[str, float]:
        return {arm.key: float(self.cleaned_data[f"weight-{arm.key}"]) for arm in self.arms}


class PlanForm(WeightsForm):
    points = forms.FloatField(
        label=gettext_lazy("Smallest effect worth having, in points"),
        min_value=0.5,
        max_value=50,
        help_text=gettext_lazy(
            "5 points: of 100 readers, 5 more are helped. The smaller it is, the more readers the test needs: four "
            "times as many for half of it."
        ),
        widget=forms.NumberInput(attrs={"step": "0.5", "inputmode": "decimal"}),
    )
    allocation = forms.TypedChoiceField(
        label=gettext_lazy("Readers who take part"),
        coerce=int,
        choices=[(step, f"{step} %") for step in STEPS],
        help_text=gettext_lazy(
            "The others see the live text and are not counted. It can be raised while the test runs."
        ),
    )
    mode = forms.ChoiceField(label=gettext_lazy("When it ends"), choices=Mode.choices, widget=forms.RadioSelect)
    earns = forms.BooleanField(label=gettext_lazy("Earn while it runs"), required=False)

    def wish(self, experiment: Experiment) -> Wish:
        given = self.cleaned_data
        return Wish(
            metric=experiment.metric,
            worthwhile=given["points"] / 100,
            window_days=experiment.window_days,
            allocation=given["allocation"] / 100,
            weights=tuple(self.weights.values()),
            mode=given["mode"],
            earns=given["earns"],
        )


class ReasonForm(forms.Form):
    """Room for a reason."""

    why = forms.CharField(
        label=gettext_lazy("Why (if you like)"),
        max_length=_WHY,
        required=False,
        help_text=gettext_lazy("Stands in the article’s history beside your name."),
    )


class NewWeightsForm(WeightsForm, ReasonForm):
    """Other parts for a test that runs."""


class AllocationForm(ReasonForm):
    """The steps above what takes part today."""

    allocation = forms.TypedChoiceField(label=gettext_lazy("Readers who take part from now on"), coerce=int)
    field_order = ("allocation", "why")

    def __init__(self, *args: Any, experiment: Experiment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        higher = [step for step in STEPS if step / 100 > experiment.allocation]
        self.fields["allocation"].choices = [(step, f"{step} %") for step in higher]  # type: ignore[attr-defined]


class WhyForm(forms.Form):
    why = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=_WHY,
        help_text=gettext_lazy("Stands in the audit log and with the test, for whoever asks later."),
    )


class EndForm(forms.Form):
    """`doubt`: why the latest look does not support it; empty where it does."""

    is_sure = forms.BooleanField(label=gettext_lazy("I know, and end it all the same"), required=False)

    def __init__(self, *args: Any, doubt: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.doubt = doubt
        self.fields["is_sure"].required = bool(doubt)


class DecisionForm(WhyForm):
    """`doubts` says why a decision is not what the verdict supports: {choice of `decision`: sentence}."""

    decision = forms.ChoiceField(label=gettext_lazy("Decision"), widget=forms.RadioSelect)
    is_sure = forms.BooleanField(label=gettext_lazy("I know, and decide so all the same"), required=False)

    field_order = ("decision", "why", "is_sure")

    def __init__(self, *args: Any, arms: Sequence[Arm], doubts: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.doubts = doubts
        text = _("Publish text %(key)s: “%(title)s”")
        publish = [
            (f"{Decision.PUBLISH}-{arm.key}", text % {"key": arm.key.upper(), "title": arm.revision.title})
            for arm in arms[1:]
        ]
        rest = [(one.value, one.label) for one in (Decision.KEEP, Decision.DISCARD)]
        self.fields["decision"].choices = [*publish, *rest]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if (doubt := self.doubts.get(given.get("decision", ""))) and not given.get("is_sure"):
            self.add_error("is_sure", _("%(doubt)s Tick this if you decide so all the same.") % {"doubt": doubt})
        return given

    @property
    def chosen(self) -> tuple[Decision, str]:
        """The decision, and the key of the arm where one is published."""
        decision, _dash, key = self.cleaned_data["decision"].partition("-")
        return Decision(decision), key
