"""The causal ledger, the openings of the form behind one of its lines, and what contacts and messages cost."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from analytics import day_pages, effect_charts, periods, saved_views, settling, shop_days
from analytics.figures import Chart
from analytics.models import CostKind, CostSetting
from analytics.periods import Period
from analytics.reports import effect_others, effects, effects_compared, money, suggestions
from analytics.reports.effects import Effects
from analytics.views.paging import page_of
from contacts.models import ContactSource, FormVisit
from core import audit, clock, roles

READERS = (roles.ANALYST, roles.ADMIN, roles.OPS)
_MAY_SET = {roles.ANALYST, roles.ADMIN}
_CHANGES = 200


@require_safe
@roles.desk(*READERS)
def page(request: HttpRequest) -> HttpResponse:
    """What prevents contacts, how many, and how we know."""
    now = clock.now()
    period, wrong = periods.read(request.GET, now=now)
    found = effects.build(period, now)
    context = {
        "effects": found,
        "others": effect_others.of_tests(period),
        "figure": _figure(found),
        "compared": effects_compared.build(period),
        **saved_views.context(request, "effects", period),
        **_about(request, period, wrong),
    }
    return render(request, "desk/effects.html", context)


@require_safe
@roles.desk(*READERS)
def search(request: HttpRequest) -> HttpResponse:
    """As a fragment: what the learnt order of search does to contacts, which takes a while to count."""
    now = clock.now()
    period, wrong = periods.read(request.GET, now=now)
    found = effect_others.of_search(period, now=now)
    context = {
        "others": [found] if found else [],
        "setting": settings.SEARCH_LEARNING,
        "may_open_search": bool(roles.roles_of(request.user) & {roles.ANALYST, roles.ADMIN}),
        **_about(request, period, wrong),
    }
    return render(request, "desk/effect_search.html", context)


@require_safe
@roles.desk(*READERS)
def visits(request: HttpRequest) -> HttpResponse:
    """The openings of the contact form behind a number about suggestions."""
    now = clock.now()
    period, wrong = periods.read(request.GET, now=now)
    asked = request.GET.dict()
    found, known = suggestions.narrowed(period, asked, now=now), suggestions.number(period, asked, now=now)
    listed = day_pages.Newest(found, "opened_at", end=suggestions.until(period, asked, now=now), known=known)
    page: Page[FormVisit] = page_of(listed, request)
    context = {
        "page": page,
        "is_every": bool(asked.get("opened")),
        **_about(request, period, wrong),
    }
    return render(request, "desk/effect_visits.html", context)


class CostForm(forms.Form):
    """What a contact or a message costs from a day on."""

    what = forms.ChoiceField(label=gettext_lazy("What"), choices=())
    amount = forms.DecimalField(
        label=gettext_lazy("Cost of one"), min_value=0, max_digits=10, decimal_places=4,
        help_text=gettext_lazy("All that would not be spent without it: time, tools, postage."),
    )  # fmt: skip
    currency = forms.CharField(
        label=gettext_lazy("Currency"), min_length=3, max_length=3, help_text=gettext_lazy("Three letters, like EUR.")
    )
    since = forms.DateField(label=gettext_lazy("From"), widget=forms.DateInput(attrs={"type": "date"}))
    why = forms.CharField(
        label=gettext_lazy("Where the figure is from"), max_length=200,
        help_text=gettext_lazy("Who reads a saving asks for this first."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["what"]
        assert isinstance(choice, forms.ChoiceField)  # noqa: S101 - for types
        choice.choices = [
            (CostKind.CONTACT, _("A contact")),
            *((f"{CostKind.CONTACT}:{value}", _contact_by(str(label))) for value, label in ContactSource.choices),
            (CostKind.MESSAGE, _("A message sent")),
        ]

    def clean_currency(self) -> str:
        """In capitals."""
        text = str(self.cleaned_data["currency"]).upper()
        if not re.fullmatch(r"[A-Z]{3}", text):
            raise forms.ValidationError(_("Write the currency’s three letters, like EUR or USD."))
        return text

    def clean_since(self) -> Any:
        """A day that periods reach."""
        day, today = self.cleaned_data["since"], shop_days.day_of(clock.now())
        if not today - timedelta(days=3 * periods.MOST_DAYS) <= day <= today + timedelta(days=366):
            raise forms.ValidationError(_("Choose a day of the last nine years or of the next one."))
        return day


@require_http_methods(["GET", "HEAD", "POST"])
@roles.desk(*READERS)
def costs(request: HttpRequest) -> HttpResponse:
    """What is in force, every change of it, and a form for another."""
    may_set = bool(roles.roles_of(request.user) & _MAY_SET)
    now = clock.now()
    today = shop_days.day_of(now)
    rows = CostSetting.objects.select_related("set_by")
    newest = rows.first()
    form = CostForm(request.POST or None, initial={"currency": newest.currency if newest else "", "since": today})
    if request.method == "POST":
        if not may_set:
            raise PermissionDenied("Costs are set by: admin, analyst.")
        if form.is_valid():
            kind, _sep, channel = form.cleaned_data["what"].partition(":")
            given = {name: form.cleaned_data[name] for name in ("amount", "currency", "since", "why")}
            made = CostSetting.objects.create(
                kind=kind, channel=channel, set_by=roles.user_of(request), set_at=now, **given
            )
            audit.record(
                roles.user_of(request), "cost.set", made, label=made.get_kind_display(), channel=channel,
                amount=str(made.amount), currency=made.currency, since=made.since.isoformat(),
            )  # fmt: skip
            messages.success(request, _("Saved. Savings are reckoned with it from that day on."))
            return redirect("desk:costs")
    period, _wrong = periods.read({}, now=now)
    known, channels = money.costs(), money.mix(period)
    context = {
        "section": "effects",
        "form": form,
        "may_set": may_set,
        "rows": rows[:_CHANGES],
        "currency": known.currency,
        "average": known.of_contact(today, channels) if known.is_known else None,
        "has_message": bool(known.message),
    }
    return render(request, "desk/costs.html", context, status=422 if form.errors else 200)


def _figure(found: Effects) -> Chart | None:
    """The intervals side by side; None where nothing may be said of any."""
    known = [(entry, entry.measured) for entry in found.judged if entry.measured is not None]
    if not known:
        return None
    told = ngettext(
        "%(shown)s of %(number)s effect is shown to prevent contacts.",
        "%(shown)s of %(number)s effects are shown to prevent contacts.",
        len(known),
    )
    people = sum(measured.units for _entry, measured in known)
    return effect_charts.prevented(
        [
            (entry.name, measured.per_1000, measured.interval, entry.rows.get("treated", ""))
            for entry, measured in known
        ],
        title=_("Contacts prevented per 1,000 people"),
        told=told % {"shown": len(found.shown), "number": len(known)},
        source=_("%(people)s people of both arms; what is too early or blocked is left out.")
        % {"people": intcomma(people)},
        x_title=_("Effect"),
    )


def _contact_by(channel: str) -> str:
    return _("A contact by %(channel)s") % {"channel": channel}


def _about(request: HttpRequest, period: Period, wrong: list[str]) -> dict[str, Any]:
    """What every page about a period shows."""
    mine = roles.roles_of(request.user)
    return {
        "section": "effects",
        "back": period.address(reverse("desk:effects")),
        "kept": [(name, value) for name, value in request.GET.items() if name not in (*periods.NAMES, "page")],
        "period": period,
        "wrong": wrong,
        "windows": settling.windows(),
        "may_open_rows": True,
        "may_open_rules": bool(mine & {roles.OPS, roles.ADMIN}),
        "may_open_tests": bool(mine & {roles.ANALYST, roles.ADMIN}),
        "may_set": bool(mine & _MAY_SET),
    }
