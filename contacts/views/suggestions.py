"""The desk's page of the contact form's suggestions: how many visitors go without, who changed that, who got what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from contacts import arms
from contacts.models import Arm, ArmReason
from core import clock, roles

_DAYS = 28
_CHANGES = 100
_MAY_CHANGE = {roles.OPS, roles.ADMIN}


class RateForm(forms.Form):
    """Another share of visitors without suggestions, in per cent."""

    percent = forms.DecimalField(
        label=gettext_lazy("Visitors without suggestions, in per cent"),
        min_value=0,
        max_value=100,
        max_digits=5,
        decimal_places=2,
        help_text=gettext_lazy("With 0 nobody goes without, and their effect cannot be measured; 10 is usual."),
    )
    why = forms.CharField(label=gettext_lazy("Why"), required=False, max_length=200)


@require_http_methods(["GET", "HEAD", "POST"])
@roles.desk(roles.OPS, roles.ANALYST, roles.ADMIN)
def page(request: HttpRequest) -> HttpResponse:
    """The rate, its history and the arms; by POST, for those who may, another rate."""
    may_change = bool(roles.roles_of(roles.user_of(request)) & _MAY_CHANGE)
    now = clock.now()
    form = RateForm(request.POST or None, initial={"percent": _percent(arms.off_share())})
    if request.method == "POST":
        if not may_change:
            raise PermissionDenied("The share of visitors without suggestions is changed by: admin, ops.")
        if form.is_valid():
            share = float(form.cleaned_data["percent"]) / 100
            if arms.set_off_share(share, by=roles.user_of(request), why=form.cleaned_data["why"], now=now):
                messages.success(
                    request, _("From now on %(percent)s %% of visitors go without.") % {"percent": _percent(share)}
                )
            else:
                messages.info(request, _("It was so already."))
            return redirect("desk:contact-suggestions")
    context = {
        "section": "contacts",
        "form": form,
        "may_change": may_change,
        "off_percent": _percent(arms.off_share()),
        "changes": [(change, _percent(change.off_share)) for change in arms.history()[:_CHANGES]],
        "days": _DAYS,
        **_shares(arms.counts(since=now - timedelta(days=_DAYS), until=now + timedelta(seconds=1))),
    }
    return render(request, "desk/contact_suggestions.html", context, status=422 if form.errors else 200)


def _percent(share: float) -> str:
    """0.125 as 12.5, without what floats carry along."""
    return f"{share * 100:.4g}"


def _shares(counts: arms.Counts) -> dict[str, Any]:
    """What desk/_partials/suggestion_arms.html shows: every number with what it is a part of."""
    return {
        "visits": counts.visits,
        "compared": counts.compared,
        "compared_visitors": counts.compared_visitors,
        "arms": [(arm.label, counts.of(arm)) for arm in (Arm.ON, Arm.OFF)],
        "others": [
            (Arm(count.arm).label, ArmReason(count.reason).label if count.reason else "", count)
            for count in counts.counts
            if count.arm not in (Arm.ON, Arm.OFF)
        ],
    }
