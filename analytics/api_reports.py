"""/api/v1/reports: every table of every report, with the numbers of the screens. docs/api.yaml is made from it.

What a report does not understand is refused: an answer about everybody would look like one about fewer.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from analytics import periods, settling
from analytics.api import ReadResults
from analytics.reports import asking, printing
from analytics.reports.asking import Asked
from analytics.reports.registry import REPORTS
from core import clock
from kb.api_shapes import problems


class PeriodAsked(serializers.Serializer[Any]):
    to = serializers.DateField(required=False, help_text="The last day, of the shop; today without it.")
    days = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=periods.MOST_DAYS,
        help_text=f"How many days up to then, where `from` is not given; {periods.DAYS} without it.",
    )
    window = serializers.IntegerField(
        required=False, help_text="Days after a journey in which a contact counts; of reports that take it."
    )
    compare = serializers.ChoiceField(
        choices=[str(value) for value in periods.Compare],
        required=False,
        help_text="What it is held against; of reports that take it.",
    )
    locale = serializers.CharField(required=False, help_text="Only this language; of reports that take it.")
    source = serializers.CharField(required=False, help_text="Only contacts of this channel; of reports that take it.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        first = serializers.DateField(required=False, help_text="The first day, such as 2026-03-01.")
        others: dict[str, serializers.Field[Any, Any, Any, Any]] = super().get_fields()
        return {"from": first} | others

    def validate_window(self, window: int) -> int:
        if window not in settling.windows():
            known = ", ".join(str(days) for days in settling.windows())
            raise ValidationError(f"Use one of: {known}.")
        return window

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        first, last = given.get("from"), given.get("to")
        if isinstance(first, date) and isinstance(last, date) and first > last:
            raise ValidationError({"from": "The period ends before it begins."})
        return given


class ColumnShape(serializers.Serializer[Any]):
    key = serializers.CharField()
    title = serializers.CharField()


class TableShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField()
    note = serializers.CharField(help_text="What its numbers are of.")
    columns = ColumnShape(many=True)
    rows = serializers.ListField(
        child=serializers.DictField(),
        help_text="By the columns’ keys. A rate is an object of hits, of, share, low and high (95 % interval); one "
        "that may be withheld also has coverage, and says withheld, with the reason, in place of its numbers. "
        "null: not known, which is not 0.",
    )


class ShortReportShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField()
    definition = serializers.CharField(help_text="The section of docs/metrics.md about its main number, if any.")
    holds = serializers.CharField(help_text="What is in it.")
    takes = serializers.ListField(
        child=serializers.CharField(),
        help_text="The parameters that it understands beside `from`, `to` and `days`. Any other is refused with 400.",
    )
    needs = serializers.ListField(child=serializers.CharField(), help_text="Those without which there is no answer.")


class ReportsShape(serializers.Serializer[Any]):
    reports = ShortReportShape(many=True)


class ReportShape(ShortReportShape):
    period = serializers.DictField(child=serializers.CharField(), help_text="As it was understood.")
    narrowed = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="What its numbers are narrowed to beside that; empty: they are of everything in the period.",
    )
    tables = TableShape(many=True)


class Reports(ReadResults):
    limit_name = "reports"

    @extend_schema(
        operation_id="reports",
        summary="The reports that there are",
        description="Needs a key of scope `results:read`.",
        responses={200: ReportsShape},
    )
    def get(self, request: Request) -> Response:
        if (refused := self.refused(request)) is not None:
            return refused
        return Response({"reports": [_in_short(name) for name in REPORTS]})


class OneReport(ReadResults):
    limit_name = "reports"

    @extend_schema(
        operation_id="report",
        summary="One report: all of its tables about a period, with the numbers of the screen",
        description="Needs a key of scope `results:read`. The same as `manage.py report NAME --json`. Beside the "
        "parameters below a report has some of its own, such as `topic` or `article`: `takes` of /api/v1/reports.",
        parameters=[PeriodAsked],
        responses={
            200: ReportShape,
            **problems({400: "A parameter cannot be used; `errors` names it.", 404: "There is no such report."}),
        },
    )
    def get(self, request: Request, name: str) -> Response:
        if (refused := self.refused(request)) is not None:
            return refused
        if name not in REPORTS:
            raise Http404
        PeriodAsked(data=request.query_params).is_valid(raise_exception=True)
        now = clock.now()
        asked, wrong = asking.read(REPORTS[name].words, request.query_params, name=name, now=now)
        if wrong:
            raise ValidationError({one.word: [each.why for each in wrong if each.word == one.word] for one in wrong})
        return Response(whole(name, asked, now=now))


def whole(name: str, asked: Asked, *, now: datetime) -> dict[str, Any]:
    """A report as plain data."""
    return _in_short(name) | {
        "period": dict(asked.of_period),
        "narrowed": dict(asked.narrowed.lists()),
        "tables": [printing.as_data(table) for table in REPORTS[name].of(asked, now=now)],
    }


def _in_short(name: str) -> dict[str, Any]:
    report = REPORTS[name]
    return {
        "name": name,
        "title": _(report.title),
        "definition": report.definition,
        "holds": _(report.holds) if report.holds else "",
        "takes": [*report.words.period, *report.words.own],
        "needs": list(report.words.needs),
    }
