"""What ops see of the shops and trackers that post to us, and what they do about calls that could not be read."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from core import audit, clock, roles
from core.roles import OPS, desk
from notifications.intake import overview, parking, silence
from notifications.models import InboundDelivery, InboundState, ParkedFact, ShipmentState

PAGE = 50
# What waits, by the name of its fact (notifications/intake/parking.py).
_WAITING = {
    "Promised": gettext_lazy("Another promised day"),
    "Packed": gettext_lazy("A parcel of the order"),
    "Scanned": gettext_lazy("A scan"),
    "Expected": gettext_lazy("An expected day"),
    "Cancelled": gettext_lazy("A cancellation"),
}


@desk(OPS)
@require_safe
def sources(request: HttpRequest) -> HttpResponse:
    """Every source."""
    rows = overview.rows(now=silence.database_now())
    context = {
        "section": "sources",
        "connected": [row for row in rows if row.is_connected],
        "others": [row for row in rows if not row.is_connected],
        "parked": ParkedFact.objects.count(),
        "overdue": parking.overdue(now=clock.now()).count(),
        "overdue_days": parking.OVERDUE.days,
        "bar_height": overview.BAR_HEIGHT,
        "bar_width": overview.BAR_STEP - 2,
        "chart_width": 24 * overview.BAR_STEP,
    }
    return render(request, "desk/sources.html", context)


@desk(OPS)
@require_safe
def quarantine(request: HttpRequest) -> HttpResponse:
    """Calls that could not be read, of all sources or one."""
    name = request.GET.get("source", "")[:40]
    page = Paginator(overview.quarantined(name).defer("body"), PAGE).get_page(request.GET.get("page"))
    context = {
        "section": "sources",
        "source": name,
        "title": overview.title_of(name) if name else "",
        "page": page,
        "rows": [(call, overview.title_of(call.source)) for call in page],
    }
    return render(request, "desk/source_quarantine.html", context)


@desk(OPS)
@require_safe
def call(request: HttpRequest, pk: int) -> HttpResponse:
    """One call with its payload. Customers' data is in it, and these roles may see that."""
    found = get_object_or_404(InboundDelivery, pk=pk)
    payload, is_whole = overview.shown(found)
    context = {
        "section": "sources",
        "call": found,
        "title": overview.title_of(found.source),
        "state_text": found.get_state_display(),
        "payload": payload,
        "is_whole": is_whole,
        "size": len(found.body),
        "is_quarantined": found.state == InboundState.QUARANTINED,
    }
    return render(request, "desk/source_call.html", context)


@desk(OPS)
@require_POST
def replay_all(request: HttpRequest) -> HttpResponse:
    """Read all quarantined calls again, of one source where it is named."""
    name = request.POST.get("source", "")[:40]
    label = overview.title_of(name) if name else "all sources"
    count = overview.replay(overview.quarantined(name), by=roles.user_of(request), label=label)
    said = ngettext("%(count)d call is read again.", "%(count)d calls are read again.", count) % {"count": count}
    messages.success(request, said)
    return redirect("desk:sources")


@desk(OPS)
@require_POST
def replay(request: HttpRequest, pk: int) -> HttpResponse:
    """Read one quarantined call again."""
    found = get_object_or_404(InboundDelivery, pk=pk)
    label = f"{overview.title_of(found.source)} {pk}"
    if overview.replay(InboundDelivery.objects.filter(pk=pk), by=roles.user_of(request), label=label, target=found):
        messages.success(request, _("It is read again; in a moment this page says what became of it."))
    return redirect("desk:source-call", pk)


@desk(OPS)
@require_POST
def ignore(request: HttpRequest, pk: int) -> HttpResponse:
    """Put one quarantined call aside."""
    found = get_object_or_404(InboundDelivery, pk=pk)
    if overview.ignore(found, by=roles.user_of(request)):
        messages.success(request, _("Put aside. It is kept, and nothing follows from it."))
    return redirect("desk:source-quarantine")


@desk(OPS)
@require_safe
def parked(request: HttpRequest) -> HttpResponse:
    """Facts whose order or parcel has not come for two weeks."""
    page = Paginator(parking.overdue(now=clock.now()), PAGE).get_page(request.GET.get("page"))
    context = {
        "section": "sources",
        "page": page,
        "rows": [(one, overview.title_of(one.source), _what(one)) for one in page],
        "days": parking.OVERDUE.days,
        "waiting": ParkedFact.objects.count(),
    }
    return render(request, "desk/source_parked.html", context)


def _what(parked: ParkedFact) -> str:
    """What somebody told, in words."""
    scan = parked.fact.get("scan") or {}
    said = dict(ShipmentState.choices).get(scan.get("state", ""), scan.get("raw_status", ""))
    return ": ".join(str(part) for part in (_WAITING.get(parked.fact.get("kind", ""), _("A fact")), said) if part)


@desk(OPS)
@require_POST
def parked_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget one of them: its order will never come."""
    with transaction.atomic():
        found = get_object_or_404(ParkedFact.objects.select_for_update(), pk=pk)
        audit.record(request.user, "inbound.parked_removed", found, fact=found.fact.get("kind", ""))
        found.delete()
    messages.success(request, _("Removed."))
    return redirect(reverse("desk:source-parked"))
