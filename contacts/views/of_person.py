"""What a person has asked us, for pages of other rooms: the order desk fetches it for an order's page."""

from __future__ import annotations

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from contacts import listing, reasons, selectors
from contacts.models import Contact
from core import roles

MOST = 20


class WhoseForm(forms.Form):
    """By GET: a person's key (core.people), an order's number, or both; contacts of either are shown."""

    person = forms.RegexField("^[0-9a-f]{32}$", required=False)
    order = forms.CharField(max_length=60, required=False)


@require_safe
@roles.desk(roles.OPS, roles.ANALYST, roles.ADMIN)
def contacts_of(request: HttpRequest) -> HttpResponse:
    """Their newest contacts, those about the order first: a part of a page for htmx, else a page."""
    form = WhoseForm(request.GET)
    form.is_valid()
    person, order = form.cleaned_data.get("person", ""), form.cleaned_data.get("order", "")
    # An unknown person has an empty key, and no order an empty number: neither is anybody's.
    about = Q(order_number__iexact=order) if order else Q(pk=None)
    theirs = Q(person=person) if person else Q(pk=None)
    found = selectors.with_reason(Contact.objects.filter(about | theirs)).order_by("-received_at", "-id")
    newest = list(found[: MOST + 1])
    tree = reasons.stored()
    split = [[one for one in newest[:MOST] if (one.order_number.casefold() == order.casefold()) is is_about]
             for is_about in (True, False)]  # fmt: skip
    context = {
        "section": "contacts",
        "order_number": order,
        "groups": [
            (is_about, listing.rows(some, tree=tree)) for is_about, some in zip((True, False), split, strict=True)
        ],
        "is_cut": len(newest) > MOST,
        "most": MOST,
    }
    is_part = request.headers.get("HX-Request") == "true"
    return render(request, "desk/_partials/contacts_of.html" if is_part else "desk/contacts_of.html", context)
