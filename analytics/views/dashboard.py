"""What colleagues keep beside the numbers: views of their pages by name, and what happened that these may show."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from analytics import markers, periods, saved_views, shop_days
from analytics.models import Marker, SavedView
from core import clock, roles

_WRITERS = (roles.OPS, roles.ANALYST, roles.ADMIN)
_SHOWN = 200


class ViewForm(forms.Form):
    """A name for what is shown."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    is_shared = forms.BooleanField(label=gettext_lazy("Colleagues can open it"), required=False)


class MarkerForm(forms.Form):
    """Something that happened on a day."""

    on = forms.DateField(label=gettext_lazy("Day"), widget=forms.DateInput(attrs={"type": "date"}))
    label = forms.CharField(
        label=gettext_lazy("What happened"), max_length=120, help_text=gettext_lazy("Like “New checkout released”.")
    )

    def clean_on(self) -> Any:
        """A day that time lines may reach."""
        day, today = self.cleaned_data["on"], shop_days.day_of(clock.now())
        if not today - timedelta(days=periods.MOST_DAYS) <= day <= today + timedelta(days=366):
            raise forms.ValidationError(_("Choose a day of the last three years or of the next one."))
        return day


@require_POST
@roles.desk()
def save_view(request: HttpRequest) -> HttpResponse:
    """Keep what a page of numbers shows under a name."""
    period, _wrong = periods.read(request.POST, now=clock.now())
    page = request.POST.get("of", saved_views.HOME)
    if page not in saved_views.PAGES:
        raise Http404
    if not saved_views.may_open(page, request.user):
        raise PermissionDenied("Views are saved by who may open their page.")
    form, more = ViewForm(request.POST), saved_views.kept(page, request.POST)
    if not form.is_valid():
        messages.error(request, _("Give the view a name of up to 80 letters."))
    else:
        name, is_shared = form.cleaned_data["name"], form.cleaned_data["is_shared"]
        try:
            saved_views.save(roles.user_of(request), name, period, is_shared=is_shared, page=page, more=more)
            messages.success(request, _("“%(name)s” is saved.") % {"name": name})
        except saved_views.TooMany:
            messages.error(request, _("You have %(number)s views: delete one first.") % {"number": saved_views.MOST})
        except saved_views.TooLong:
            messages.error(request, _("Too much narrows this page for a view: take something away first."))
    return redirect(period.address(reverse(f"desk:{page}"), **more))


@require_POST
@roles.desk()
def change_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Another name for a view of one's own, or other readers."""
    view = get_object_or_404(SavedView, pk=pk, owner=roles.user_of(request))
    form = ViewForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Give the view a name of up to 80 letters."))
        return redirect(saved_views.address(view))
    name = form.cleaned_data["name"]
    try:
        saved_views.change(view, name, is_shared=form.cleaned_data["is_shared"], by=roles.user_of(request))
        messages.success(request, _("“%(name)s” is saved.") % {"name": name})
    except saved_views.NameTaken:
        messages.error(request, _("You have a view called “%(name)s” of this page already.") % {"name": name})
    return redirect(saved_views.address(view))


@require_POST
@roles.desk()
def remove_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a view of one's own."""
    view = get_object_or_404(SavedView, pk=pk, owner=roles.user_of(request))
    saved_views.remove(view, by=roles.user_of(request))
    messages.success(request, _("“%(name)s” is deleted.") % {"name": view.name})
    return redirect(f"desk:{view.page}")


@require_http_methods(["GET", "HEAD", "POST"])
@roles.desk(*_WRITERS)
def marker_list(request: HttpRequest) -> HttpResponse:
    """What colleagues wrote down for the time lines; a form for more."""
    form = MarkerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        marker = markers.add(form.cleaned_data["on"], form.cleaned_data["label"], by=roles.user_of(request))
        messages.success(request, _("“%(label)s” is on all time lines now.") % {"label": marker.label})
        return redirect("desk:markers")
    rows = Marker.objects.select_related("made_by")[:_SHOWN]
    context = {"section": "home", "form": form, "markers": rows}
    return render(request, "desk/markers.html", context, status=422 if form.errors else 200)


@require_POST
@roles.desk(*_WRITERS)
def remove_marker(request: HttpRequest, pk: int) -> HttpResponse:
    """Take it off the time lines."""
    marker = get_object_or_404(Marker, pk=pk)
    markers.remove(marker, by=roles.user_of(request))
    messages.success(request, _("“%(label)s” is off the time lines.") % {"label": marker.label})
    return redirect("desk:markers")
