"""/api/v1/: A/B tests of articles and what each look at them said. docs/api.yaml is made from what stands here."""

from __future__ import annotations

from typing import ClassVar

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from analytics import verdicts
from analytics.api_shapes import TestResultShape, TestsAsked, TestsShape
from analytics.reports import experiment_result
from core import api
from core.api_views import View
from core.models import Scope
from kb.api_shapes import problems
from kb.models import Experiment


class ReadResults(View):
    """An address that only answers keys of scope results:read."""

    http_method_names: ClassVar[list[str]] = ["get", "head"]
    limit_name, a_minute = "experiments", 60

    def refused(self, request: Request) -> Response | None:
        if api.has_scope(request, Scope.RESULTS_READ):
            return None
        return api.problem(403, "No permission", f"Send an API key with the scope {Scope.RESULTS_READ.value}.")


class Experiments(ReadResults):
    @extend_schema(
        operation_id="experiments",
        summary="A/B tests of articles, the newest first, with the newest look at each",
        description="Needs a key of scope `results:read`.",
        parameters=[TestsAsked],
        responses={200: TestsShape, **problems({400: "A parameter cannot be used; `errors` names it."})},
    )
    def get(self, request: Request) -> Response:
        if (refused := self.refused(request)) is not None:
            return refused
        given = TestsAsked(data=request.query_params)
        given.is_valid(raise_exception=True)
        asked = given.validated_data
        found = Experiment.objects.select_related("article__live_revision")
        found = found.order_by("-pk")
        if "state" in asked:
            found = found.filter(state=asked["state"])
        if "article" in asked:
            found = found.filter(article=asked["article"])
        rows = list(found[asked["offset"] : asked["offset"] + asked["limit"]])
        latest = verdicts.latest_of([row.pk for row in rows])
        listed = [
            experiment_result.in_short(row)
            | {
                "latest": experiment_result.stored_as_data(latest[row.pk], with_details=False)
                if row.pk in latest
                else None
            }
            for row in rows
        ]
        return Response({"total": found.count(), "experiments": listed})


class OneExperiment(ReadResults):
    @extend_schema(
        operation_id="experiment",
        summary="One A/B test: as it was declared, its newest verdict with all numbers, and every look",
        description="Needs a key of scope `results:read`. Nothing is counted anew: a look is taken every night.",
        responses={200: TestResultShape, **problems({404: "There is no such test."})},
    )
    def get(self, request: Request, pk: int) -> Response:
        if (refused := self.refused(request)) is not None:
            return refused
        row = Experiment.objects.select_related("article__live_revision").filter(pk=pk).first()
        if row is None:
            raise Http404
        return Response(experiment_result.whole(row))
