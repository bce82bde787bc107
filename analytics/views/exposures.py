"""The exposures behind a number of a test, with what became of each, and the journey in which it happened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from django.core.paginator import Page
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from analytics import shop_days
from analytics.experiment_counts import Cell
from analytics.exposure_rows import NARROWED, Exposures, Row
from analytics.models import Journey, Verdict
from analytics.periods import Period
from analytics.views.desk import READERS
from analytics.views.paging import page_of
from core import clock, roles
from kb.models import Variant


@require_safe
@roles.desk(*READERS)
def page(request: HttpRequest, variant: int) -> HttpResponse:
    """`what`: a key of exposure_rows.NARROWED; `epoch`: a number; `look`: a verdict, as of which is counted; `from`
    and `to`: only those days."""
    arm = get_object_or_404(Variant.objects.select_related("experiment__article__category", "revision"), pk=variant)
    what = request.GET.get("what", "")
    what = what if what in NARROWED else "exposed"
    epoch = _number(request, "epoch")
    look = Verdict.objects.filter(experiment=arm.experiment, pk=_number(request, "look") or 0).first()
    days = _days(request)
    at = look.at if look else clock.now()
    period = Period(*(days or _of_test(arm, at)), arm.experiment.window_days)
    between = (period.start, period.end) if days else None
    listed = Exposures(arm, at=at, what=what, epoch=epoch, between=between)
    shown: Page[Row] = page_of(listed, request)
    context = {
        "section": "experiments",
        "variant": arm,
        "page": shown,
        "rows": _with_journeys(list(shown)),
        "what": what,
        "epoch": epoch,
        "look": look,
        "days": days,
        "period": period,
        "said": _said(look, arm.key, what, epoch) if look and not days else None,
        "choices": _choices(arm.experiment.metric),
        "may_open_test": bool(roles.roles_of(request.user) & {roles.ANALYST, roles.ADMIN}),
    }
    return render(request, "desk/exposures.html", context)


def _said(look: Verdict, arm: str, what: str, epoch: int | None) -> int:
    """How many the look counted, by the counts that it keeps."""
    cells = [Cell(**cell) for cell in look.counts]
    return sum(cell.narrowed(what) for cell in cells if cell.arm == arm and epoch in (None, cell.epoch))


def _with_journeys(rows: Sequence[Row]) -> list[tuple[Row, Journey | None]]:
    of: dict[UUID, list[Journey]] = defaultdict(list)
    for journey in Journey.objects.filter(visitor__in=[row.visitor for row in rows]).only(
        "pk", "visitor", "started_at", "ended_at"
    ):
        of[journey.visitor].append(journey)
    return [
        (row, next((each for each in of[row.visitor] if each.started_at <= row.at <= each.ended_at), None))
        for row in rows
    ]


def _choices(metric: str) -> list[tuple[str, str]]:
    found = [
        ("exposed", _("Exposed")), ("linkable", _("Linkable")), ("unlinkable", _("Not linkable")),
        ("judged", _("Judged")), ("resolved", _("Resolved")), ("contacts", _("Contacted us about it")),
        ("any_contacts", _("Contacted us about anything")), ("denied", _("Said no")), ("mature", _("Window over")),
        ("voted", _("Voted")), ("confirmed", _("Confirmed")), ("forms_opened", _("Opened the form")),
        ("forms_sent", _("Sent the form")),
    ]  # fmt: skip
    hidden = {"resolution": {"confirmed"}, "confirmed": {"resolved", "denied"}}
    others = {"resolved", "denied", "confirmed"}
    return [(key, text) for key, text in found if key not in hidden.get(metric, others)]


def _days(request: HttpRequest) -> tuple[date, date] | None:
    """The first and the last; None where not both are days of which there can be exposures."""
    try:
        first, last = (date.fromisoformat(request.GET.get(name, "")) for name in ("from", "to"))
    except ValueError:
        return None
    return (first, last) if 2000 <= first.year <= last.year <= 2200 else None


def _of_test(arm: Variant, at: datetime) -> tuple[date, date]:
    """The days in which there can be exposures."""
    last = min(at, arm.experiment.due_at) if arm.experiment.due_at else at
    return shop_days.day_of(min(arm.experiment.started_at or last, last)), shop_days.day_of(last)


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 10 else None
