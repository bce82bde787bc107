"""The order desk's lists: orders found by what people know of them, and the updates that we owe."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from core import clock
from core.roles import ADMIN, ANALYST, OPS, desk, roles_of
from kb.views import asking
from notifications import finding, obligations, occasions
from notifications.models import Episode, Shipment, ShipmentState
from notifications.obligations import Standing

PAGE = 50
MOST_PAGES = 100  # nobody reads on from there: a filter helps
_TABS = (
    (Standing.OVERDUE, _("Overdue")),
    (Standing.TODAY, _("Due today")),
    (Standing.COMING, _("Later")),
    (Standing.KEPT, _("Kept")),
    (Standing.BROKEN, _("Broken")),
    (Standing.MOVED, _("Put off in time")),
)


class FindForm(forms.Form):
    """By GET, so that an answer can be kept and passed on; what makes no sense narrows nothing."""

    find = forms.CharField(label=_("Order, tracking number, e-mail or name"), required=False, max_length=254)
    trouble = forms.ChoiceField(label=_("Trouble now"), required=False)
    state = forms.ChoiceField(label=_("Parcel"), required=False, choices=[("", _("All")), *ShipmentState.choices])
    source = forms.ChoiceField(label=_("Source"), required=False)
    promised_from = forms.DateField(label=_("Promised from"), required=False)
    promised_to = forms.DateField(label=_("Promised to"), required=False)
    owed = forms.ChoiceField(
        label=_("Next update"),
        required=False,
        choices=[("", _("All")), (finding.Owed.ANY, _("promised")), (finding.Owed.OVERDUE, _("overdue"))],
    )

    def __init__(self, *args: Any, with_people: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not with_people:
            self.fields["find"].label = _("Order or tracking number")
        kinds = [(one.value, str(one.label).capitalize()) for one in occasions.TROUBLES]
        self.fields["trouble"].choices = [  # type: ignore[attr-defined]
            ("", _("All")), (finding.ANY_TROUBLE, _("Any trouble")), *kinds
        ]  # fmt: skip
        self.fields["source"].choices = [("", _("All")), *((name, name) for name in finding.sources())]  # type: ignore[attr-defined]
        for name in ("promised_from", "promised_to"):
            self.fields[name].widget = forms.DateInput(attrs={"type": "date"})
            self.fields[name].validators += [MinValueValidator(date(1970, 1, 1)), MaxValueValidator(date(2999, 12, 31))]

    def asked(self) -> finding.Asked:
        """What of it makes sense."""
        self.is_valid()
        value = self.cleaned_data.get
        return finding.Asked(
            words=" ".join((value("find") or "").split()),
            trouble=value("trouble") or "",
            state=value("state") or "",
            source=value("source") or "",
            promised_from=midnight(value("promised_from")),
            promised_until=midnight(value("promised_to"), days=1),
            owed=value("owed") or "",
        )


def may_see_people(request: HttpRequest) -> bool:
    """Whether names, addresses and what colleagues noted about somebody are for them."""
    return bool(roles_of(request.user) & {OPS, ADMIN})


@desk(OPS, ANALYST)
@require_safe
def orders(request: HttpRequest) -> HttpResponse:
    """Find an order or a customer. One that is the only one by its number or address opens at once."""
    now, with_people = clock.now(), may_see_people(request)
    form = FindForm(request.GET, with_people=with_people)
    asked = form.asked()
    unreadable = bool(request.GET.get("find", "").strip()) and not asked.words
    number = min(max(asking.number(request.GET.get("page")), 1), MOST_PAGES)
    start = (number - 1) * PAGE
    found = finding.orders(asked, now=now, with_people=with_people)
    found = found.none() if unreadable else found.prefetch_related(
        Prefetch("shipments", Shipment.objects.order_by("pk").prefetch_related(
            Prefetch("episodes", Episode.objects.filter(closed_at=None).order_by("opened_at"), to_attr="open_episodes")
        ))
    )  # fmt: skip
    rows = list(found[start : start + PAGE + 1])
    if asked.words and len(rows) == 1 and number == 1 and asked == finding.Asked(words=asked.words):
        return redirect("desk:order", rows[0].pk)
    overdue, today = obligations.owed(now=now)
    context = {
        "section": "orders",
        "tab": "orders",
        "filter_form": form,
        "is_narrowed": unreadable or asked != finding.Asked(),
        "asks_for_people": "@" in asked.words and not with_people,
        "found": rows[:PAGE],
        "number": number,
        "has_next": len(rows) > PAGE and number < MOST_PAGES,
        "is_cut": len(rows) > PAGE and number == MOST_PAGES,
        "overdue": overdue,
        "today": today,
        "sees_people": with_people,
    }
    return render(request, "desk/orders.html", context)


@desk(OPS, ANALYST)
@require_safe
def owed(request: HttpRequest) -> HttpResponse:
    """The updates that we promised customers: overdue, due today, later, kept, broken."""
    now = clock.now()
    wanted = request.GET.get("show", "")
    counts = {standing: obligations.those(standing, now=now).count() for standing, _label in _TABS}
    first = next((one for one in (Standing.OVERDUE, Standing.TODAY) if counts[one]), Standing.COMING)
    current = Standing(wanted) if wanted in list(Standing) else first
    page = Paginator(obligations.those(current, now=now), PAGE).get_page(request.GET.get("page"))
    context = {
        "section": "orders",
        "tab": "owed",
        "totals": [
            {"text": label, "count": counts[one], "url": f"?show={one}", "is_current": one == current}
            for one, label in _TABS
        ],
        "current": current,
        "label": dict(_TABS)[current],
        "updates": page,
        "incidents": obligations.of_incidents(now=now),
        "now": now,
        "sees_people": may_see_people(request),
    }
    return render(request, "desk/obligations.html", context)


def midnight(day: date | None, *, days: int = 0) -> datetime | None:
    """The beginning of the shop's day, or of the one `days` later."""
    if day is None:
        return None
    return datetime.combine(day + timedelta(days=days), time.min, ZoneInfo(settings.SHOP_TIME_ZONE))
