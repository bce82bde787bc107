"""One order on the desk: facts, troubles, messages and why, its links; what ops note, promise or stop."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from core import audit, clock, roles
from core.roles import ANALYST, OPS, desk
from notifications import links, next_updates, notes, obligations, order_dossier, preferences
from notifications.models import LinkState, Order
from notifications.views.desk_orders import may_see_people


class NextUpdateForm(forms.Form):
    """By when the customer hears from us."""

    due_at = forms.DateTimeField(
        label=gettext_lazy("They hear from us by"),
        help_text=gettext_lazy("The shop's time. The customer sees it on the order's page in their own."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    note = forms.CharField(
        label=gettext_lazy("What the customer reads"),
        help_text=gettext_lazy("What we know and what we are doing, in their language. Nothing internal."),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def clean_due_at(self) -> Any:
        due_at = self.cleaned_data["due_at"]
        if due_at <= clock.now():
            raise forms.ValidationError(_("This moment has passed. Name one that is ahead."))
        return due_at

    def clean_note(self) -> str:
        return " ".join(str(self.cleaned_data["note"]).split())


class NoteForm(forms.Form):
    """For colleagues."""

    text = forms.CharField(
        label=gettext_lazy("Add a note"),
        help_text=gettext_lazy("For colleagues; no customer reads it. It stays as it is written."),
        max_length=notes.LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


@desk(OPS, ANALYST)
@require_safe
def order(request: HttpRequest, pk: int) -> HttpResponse:
    """One order."""
    return _page(request, _of(pk))


@desk(OPS)
@require_POST
def next_update(request: HttpRequest, pk: int) -> HttpResponse:
    """Promise an update, or (`done`) take down that the customer has had it."""
    found = _of(pk)
    now = clock.now()
    if "done" in request.POST:
        if next_updates.keep(found, now=now, by=roles.user_of(request)):
            messages.success(request, _("Taken down: the customer has heard from us."))
        return redirect("desk:order", pk)
    form = NextUpdateForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form=form)
    next_updates.promise(
        found, due_at=form.cleaned_data["due_at"], note=form.cleaned_data["note"], by=roles.user_of(request), now=now
    )
    messages.success(request, _("Promised. It stands on the order's page now, and on the list of updates that we owe."))
    return redirect("desk:order", pk)


@desk(OPS)
@require_POST
def note(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a note for colleagues."""
    found = _of(pk)
    form = NoteForm(request.POST)
    if not form.is_valid():
        return _page(request, found, note_form=form)
    notes.add(found, form.cleaned_data["text"], by=roles.user_of(request), now=clock.now())
    messages.success(request, _("Noted."))
    return redirect("desk:order", pk)


@desk(OPS)
@require_POST
def stop_links(request: HttpRequest, pk: int) -> HttpResponse:
    """Make void the links to this order, or (`which`=all) to everything of this customer."""
    found = _of(pk)
    if request.POST.get("which") == "all" and found.customer.person:
        with transaction.atomic():
            links.revoke_person(found.customer.person, at=clock.now(), by=roles.user_of(request))
            audit.record(request.user, "order.links_stopped", found, label=found.number, which="all of the customer")
        messages.success(request, _("Every link to this customer's orders and choices is stopped."))
    else:
        with transaction.atomic():
            links.revoke_order(found, at=clock.now(), by=roles.user_of(request))
            audit.record(request.user, "order.links_stopped", found, label=found.number, which="of the order")
        messages.success(request, _("Every link to this order is stopped."))
    return redirect("desk:order", pk)


def _of(pk: int) -> Order:
    return get_object_or_404(Order.objects.select_related("customer"), pk=pk)


def _page(
    request: HttpRequest, order: Order, *, form: NextUpdateForm | None = None, note_form: NoteForm | None = None
) -> HttpResponse:
    """The page; with a form that was refused, what was typed in it stands there still."""
    now, person, sees_people = clock.now(), order.customer.person, may_see_people(request)
    promises = order_dossier.promises(order)
    context = {
        "section": "orders",
        "order": order,
        "lines": order.lines.all(),
        "shipments": order_dossier.arrivals(order_dossier.parcels(order), now=now),
        "episodes": order_dossier.troubles(order),
        "told": order_dossier.told(order),
        "others": order_dossier.others(order),
        "link_requests": [
            (one, LinkState(one.state).label) for one in order.link_requests.order_by("-requested_at")[:10]
        ],
        "revocations": order_dossier.revocations(order),
        "choices": preferences.choices_of(person) if person else None,
        "promises": [(one, obligations.standing(one, now=now)) for one in promises],
        "open_promise": next((one for one in promises if one.closed_at is None), None),
        "notes": order.notes.select_related("by") if sees_people else [],
        "contacts_page": f"{reverse('desk:contacts-of')}?{urlencode({'person': person, 'order': order.number})}",
        "form": form or NextUpdateForm(),
        "note_form": note_form or NoteForm(),
        "sees_people": sees_people,
        # The customer's own page holds their name and choices.
        "customer_page": reverse("orders:order", args=[links.order_token(order, how=links.BROWSER)])
        if sees_people
        else "",
    }
    return render(request, "desk/order.html", context, status=422 if form or note_form else 200)
