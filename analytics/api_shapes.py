"""The shapes of tests and their verdicts in /api/v1/."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from kb.models import ExperimentState, Metric, Mode


class TestsAsked(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=ExperimentState.choices, required=False, help_text="Only tests in it.")
    article = serializers.IntegerField(required=False, help_text="Only tests of this article, by its id.")
    limit = serializers.IntegerField(min_value=1, max_value=200, default=50)
    offset = serializers.IntegerField(min_value=0, max_value=100_000, default=0)


class TestedArticleShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    slug = serializers.CharField()
    lang = serializers.CharField()
    title = serializers.CharField()


class TestArmShape(serializers.Serializer[Any]):
    key = serializers.CharField()
    revision = serializers.IntegerField(help_text="The number of the text.")
    is_control = serializers.BooleanField()


class TestEpochShape(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    weights = serializers.DictField(child=serializers.FloatField())


class ShortTestShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    article = TestedArticleShape()
    state = serializers.ChoiceField(choices=ExperimentState.choices)
    hypothesis = serializers.CharField()
    metric = serializers.ChoiceField(choices=Metric.choices)
    worthwhile = serializers.FloatField(help_text="The smallest effect worth having, as a share.")
    window_days = serializers.IntegerField()
    mode = serializers.ChoiceField(choices=Mode.choices)
    planned_units = serializers.IntegerField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    earns = serializers.BooleanField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    why_ended = serializers.CharField()
    decision = serializers.CharField(help_text="publish, keep or discard; empty before it is made.")


class TestShape(ShortTestShape):
    arms = TestArmShape(many=True)
    epochs = TestEpochShape(many=True)


class LookShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    kind = serializers.CharField(help_text="nightly, asked or final.")
    watermark = serializers.DateTimeField(help_text="Up to when contacts were in.")
    code = serializers.CharField(
        help_text="nobody, blocked, withheld, too_early, best, better, worse, same, futile, unclear or inconclusive."
    )
    sentence = serializers.CharField()
    about = serializers.ListField(child=serializers.CharField(), help_text="Keys of the arms that the code is about.")
    judged = serializers.IntegerField(help_text="Visitors judged, of all arms.")


class VerdictShape(LookShape):
    cells = serializers.ListField(
        child=serializers.DictField(), help_text="By epoch and arm: exposed, linkable, judged, contacts, successes …"
    )
    coverage = serializers.DictField(child=serializers.IntegerField())
    compared = serializers.ListField(
        child=serializers.DictField(), help_text="Pairs of arms: estimate and intervals as shares, p or z and bound."
    )
    split = serializers.DictField(allow_null=True)
    guards = serializers.ListField(child=serializers.DictField())
    information = serializers.ListField(
        child=serializers.FloatField(), help_text="Of a deadline's test: the share of the plan at each look."
    )


class ListedTestShape(ShortTestShape):
    latest = LookShape(allow_null=True, help_text="The newest look.")


class TestsShape(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    experiments = ListedTestShape(many=True)


class TestResultShape(serializers.Serializer[Any]):
    experiment = TestShape()
    verdict = VerdictShape(allow_null=True, help_text="The newest look, with all of its numbers.")
    looks = LookShape(many=True, help_text="Every look, as it was said then; the newest first.")
