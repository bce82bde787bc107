"""/api/v1/rows: the lists of rows behind the numbers, by pages, with the columns and cells of their files.
docs/api.yaml is made from it.

Who began a list, and how it was narrowed, stands in the audit log; the cursors of its pages are theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import Http404
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.api import ReadResults
from analytics.api_reports import ColumnShape, PeriodAsked
from analytics.reports import asking, printing, row_cursors
from analytics.reports.asking import Asked
from analytics.reports.row_cursors import BadCursor
from analytics.reports.row_lists import LISTS
from analytics.reports.row_pages import Rows
from core import audit, clock
from core.models import ApiKey
from kb.api_shapes import problems

AT_MOST, BY_ITSELF = 1_000, 100  # rows of a page
_LIMIT = f"Send a number of rows from 1 to {AT_MOST}, or none for {BY_ITSELF}."


class RowsAsked(PeriodAsked):
    limit = serializers.IntegerField(
        default=BY_ITSELF,
        min_value=1,
        max_value=AT_MOST,
        help_text="At most so many rows.",
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value", "max_string_length"), _LIMIT),
    )
    cursor = serializers.CharField(
        required=False,
        help_text="That of the page before, with everything else as it was; good for 7 days, with the same key.",
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        del fields["compare"]
        return fields


class ShortListShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField()
    takes = serializers.ListField(
        child=serializers.CharField(),
        help_text="The parameters that it understands beside `from`, `to`, `days`, `limit` and `cursor`. Any other is "
        "refused with 400.",
    )
    needs = serializers.ListField(child=serializers.CharField(), help_text="Those without which there is no answer.")
    columns = ColumnShape(many=True)


class ListsShape(serializers.Serializer[Any]):
    lists = ShortListShape(many=True)


class RowsShape(ShortListShape):
    period = serializers.DictField(child=serializers.CharField(), help_text="As it was understood.")
    narrowed = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="What the list is narrowed to beside that; empty: it has everything of the period.",
    )
    rows = serializers.ListField(
        child=serializers.DictField(),
        help_text="The newest first, by the columns’ keys. null: not known, or nothing there.",
    )
    cursor = serializers.CharField(
        allow_null=True,
        help_text="Leads to the next page; null: this is the last. A page can be short of rows, even empty, and lead "
        "on all the same.",
    )
    next = serializers.CharField(allow_null=True, help_text="The address of the next page.")


class Lists(ReadResults):
    limit_name = "rows"

    @extend_schema(
        operation_id="lists",
        summary="The lists of rows that there are",
        description="Needs a key of scope `results:read`.",
        responses={200: ListsShape},
    )
    def get(self, request: Request) -> Response:
        if (refused := self.refused(request)) is not None:
            return refused
        return Response({"lists": [_in_short(name) for name in LISTS]})


class OneList(ReadResults):
    limit_name = "rows"

    @extend_schema(
        operation_id="rows",
        summary="A page of the rows behind a number, the newest first, as its file has them",
        description="Needs a key of scope `results:read`. The same as `manage.py report --rows NAME --json`. Beside "
        "the parameters below a list has some of its own, such as `topic` or `article`: `takes` of /api/v1/rows. Rows "
        "that come meanwhile and are newer than the page you are at are on none of the next ones.",
        parameters=[RowsAsked],
        responses={
            200: RowsShape,
            **problems({400: "A parameter cannot be used; `errors` names it.", 404: "There is no such list."}),
        },
    )
    def get(self, request: Request, name: str) -> Response:
        if (refused := self.refused(request)) is not None:
            return refused
        if name not in LISTS:
            raise Http404
        key = request.auth
        assert isinstance(key, ApiKey)  # noqa: S101 - it has the scope
        return Response(page(name, request.query_params, Taker(f"key {key.pk}", str(key))))


@dataclass(frozen=True)
class Taker:
    """Who takes rows: the cursors that are given to `id` are nobody else's. The audit log has the name."""

    id: str
    name: str


def page(name: str, parameters: MultiValueDict[str, str], taker: Taker) -> dict[str, Any]:
    """A page of a list as plain data. Raises ValidationError; Http404 where there are no such rows."""
    given = RowsAsked(data=parameters)
    given.is_valid(raise_exception=True)
    most, text = given.validated_data["limit"], given.validated_data.get("cursor", "")
    try:
        cursor = row_cursors.read(text, name=name, by=taker.id) if text else None
        now = cursor.began if cursor else clock.now()
        asked = _understood(name, parameters, now=now)
        if cursor:
            cursor.check(asked)
    except BadCursor as error:
        raise ValidationError({"cursor": [str(error)]}) from error
    # Noted once, not for each page: a cursor, which is theirs alone, is only given with a first one.
    rows = _rows(name, asked, now, taker=None if cursor else taker)
    found = rows.page(most, cursor.place if cursor else None)
    leads = row_cursors.write(name, asked, found.last, began=now, by=taker.id) if found.last else None
    again = urlencode([*asked.pairs, ("limit", most), ("cursor", leads)])
    return _in_short(name) | {
        "period": dict(asked.of_period),
        "narrowed": dict(asked.narrowed.lists()),
        "rows": printing.rows_as_data(LISTS[name].columns, found.rows),
        "cursor": leads,
        "next": f"{reverse('api:rows', args=[name])}?{again}" if leads else None,
    }


def everything(name: str, parameters: MultiValueDict[str, str], taker: Taker) -> Rows:
    """All rows of a list. Raises as page() does."""
    now = clock.now()
    return _rows(name, _understood(name, parameters, now=now), now, taker=taker)


def _rows(name: str, asked: Asked, now: datetime, *, taker: Taker | None) -> Rows:
    rows = LISTS[name].rows(asked, now)
    if rows is None:
        raise Http404
    if taker:
        audit.record(None, "rows.exported", label=name, filters=asked.noted, key=taker.name)
    return rows


def _understood(name: str, parameters: MultiValueDict[str, str], *, now: datetime) -> Asked:
    """What is asked of a list, whatever page of it. Raises ValidationError."""
    own: MultiValueDict[str, str] = MultiValueDict(
        {word: values for word, values in parameters.lists() if word not in row_cursors.PARAMETERS}
    )
    asked, wrong = asking.read(LISTS[name].words, own, name=name, now=now)
    if wrong:
        raise ValidationError({one.word: [each.why for each in wrong if each.word == one.word] for one in wrong})
    return asked


def _in_short(name: str) -> dict[str, Any]:
    listed = LISTS[name]
    return {
        "name": name,
        "title": _(listed.title),
        "takes": [*listed.words.period, *listed.words.own],
        "needs": list(listed.words.needs),
        "columns": [{"key": column.key, "title": _(str(column.title))} for column in listed.columns],
    }
