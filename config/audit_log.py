"""The desk's page of the audit log, and its export."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from core import audit, clock
from core.models import AuditEntry
from core.roles import ADMIN, desk

_A_PAGE = 50
_AT_A_TIME = 2000
# Where what an entry is about can be looked at.
_PAGES = {
    "kb.article": "desk:article-edit",
    "contacts.contact": "desk:contact",
    "notifications.message": "desk:message",
    "notifications.order": "desk:order",
    "auth.user": "desk:person",
}
_COLUMNS = ("at", "person", "action", "target_type", "target_id", "label", "detail")


class Filters(forms.Form):
    person = forms.ChoiceField(label=gettext_lazy("Person"), required=False)
    action = forms.ChoiceField(label=gettext_lazy("Action"), required=False)
    target = forms.RegexField(
        r"^[a-z_]+\.[a-z_]+(:[\w-]{1,64})?$",
        label=gettext_lazy("Target"),
        required=False,
        error_messages={"invalid": gettext_lazy("Write a kind, or kind:number, such as kb.article:12.")},
    )
    since = forms.DateField(label=gettext_lazy("From"), required=False, widget=forms.DateInput({"type": "date"}))
    until = forms.DateField(label=gettext_lazy("Until"), required=False, widget=forms.DateInput({"type": "date"}))
    q = forms.CharField(label=gettext_lazy("Words"), required=False, max_length=100)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        staff = User.objects.filter(is_staff=True).order_by("username").values_list("username", flat=True)[:500]
        asked = self.data.get("person", "")[:150]
        names = sorted({*staff, *([asked] if asked not in ("", audit.PRODUCT) and "\0" not in asked else [])})
        person, action = self.fields["person"], self.fields["action"]
        person.choices = [("", _("Anybody")), (audit.PRODUCT, _("Nobody (Preempt itself, or a stranger)"))] + [  # type: ignore[attr-defined]
            (name, name) for name in names
        ]
        known = audit.actions()
        things = sorted({one.partition(".")[0] for one in known})
        action.choices = [("", _("Anything"))] + [  # type: ignore[attr-defined]
            (
                thing,
                [(thing, _("All of {thing}").format(thing=thing))]
                + [(a, a) for a in known if a.startswith(f"{thing}.")],
            )
            for thing in things
        ]

    def asked(self) -> audit.Asked:
        """What may be read of it; a field that makes no sense does not narrow, and says so."""
        self.full_clean()
        said = self.cleaned_data
        kind, _colon, number = (said.get("target") or "").partition(":")
        until = said.get("until")
        return audit.Asked(
            person=said.get("person") or "",
            action=said.get("action") or "",
            target_type=kind,
            target_id=number,
            since=_midnight(said["since"]) if said.get("since") else None,
            until=_midnight(until + timedelta(days=1)) if until and until < date.max else None,
            words=said.get("q") or "",
        )


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime(day.year, day.month, day.day))  # noqa: DTZ001  aware by make_aware


@require_safe
@desk(ADMIN)
def page(request: HttpRequest) -> HttpResponse:
    filters = Filters(request.GET)
    found = audit.entries(filters.asked())
    before = request.GET.get("before", "")
    last = AuditEntry.objects.filter(pk=before).first() if before.isdecimal() and len(before) < 19 else None
    if last is not None:
        found = audit.after(found, last)
    rows = list(found.select_related("by")[: _A_PAGE + 1])
    kept = request.GET.copy()
    kept.pop("before", None)
    said = {
        "section": "audit",
        "filter_form": filters,
        "rows": [(row, page_of(row), json.dumps(row.detail, ensure_ascii=False)[1:-1]) for row in rows[:_A_PAGE]],
        "older": rows[_A_PAGE - 1].pk if len(rows) > _A_PAGE else None,
        "is_first": last is None,
        "is_narrowed": any(value for value in kept.values()),
        "kept": kept.urlencode(),
    }
    return render(request, "desk/audit.html", said, status=400 if filters.errors else 200)


def page_of(entry: AuditEntry) -> str:
    """The address of what the entry is about; empty where it has no page. That it is still there is not promised."""
    if not (name := _PAGES.get(entry.target_type)):
        return ""
    try:
        return reverse(name, args=[entry.target_id])
    except NoReverseMatch:
        return ""


@require_safe
@desk(ADMIN)
def export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The entries of the filters, as CSV or as JSON lines, streamed: any number of them."""
    if kind not in ("csv", "jsonl"):
        raise Http404
    filters = Filters(request.GET)
    found = audit.entries(filters.asked())
    if filters.errors:
        return page(request)
    audit.record(request.user, "audit.exported", label=kind, filters=request.GET.dict())
    lines = _csv(found) if kind == "csv" else _json_lines(found)
    response = StreamingHttpResponse(
        lines, content_type="text/csv; charset=utf-8" if kind == "csv" else "application/jsonl; charset=utf-8"
    )
    name = f"audit-{clock.now():%Y-%m-%d}.{kind}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _as_values(entry: AuditEntry) -> tuple[Any, ...]:
    at = entry.at.isoformat(timespec="milliseconds")
    return at, entry.by_name, entry.action, entry.target_type, entry.target_id, entry.label, entry.detail


def _json_lines(found: Any) -> Iterator[str]:
    for entry in found.iterator(chunk_size=_AT_A_TIME):
        yield json.dumps(dict(zip(_COLUMNS, _as_values(entry), strict=True)), ensure_ascii=False) + "\n"


class _Echo:
    def write(self, text: str) -> str:
        return text


def _csv(found: Any) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff" + str(writer.writerow(_COLUMNS))  # with the mark by which spreadsheets know UTF-8
    for entry in found.iterator(chunk_size=_AT_A_TIME):
        *plain, detail = _as_values(entry)
        yield str(writer.writerow([_harmless(text) for text in [*plain, json.dumps(detail, ensure_ascii=False)]]))


def _harmless(text: str) -> str:
    """A spreadsheet reads what begins so as a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
