"""Ask for the link to an order: the page of its own, and the small box that other pages ask for.

Neither says whether there is such an order: the answer is the same text, made by the same work.
"""

from __future__ import annotations

import json
import unicodedata
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from core import clock, ratelimit, visitors
from notifications import browsers, links, order_links, order_pages
from notifications.models import Order
from notifications.views.private import private

NUMBER_MAX = 60
_TOO_OFTEN = _("You have asked many times. Please wait a quarter of an hour, then try again.")


def _visible(value: Any) -> str:
    """Text as it was meant: no control or invisible characters (copied along from a mail), wide forms made plain."""
    text = unicodedata.normalize("NFKC", str(value or "")[:5000])
    return "".join(letter for letter in text if unicodedata.category(letter)[0] != "C").strip()


class NumberField(forms.CharField):
    def to_python(self, value: Any) -> str:
        return " ".join(_visible(value).replace("#", " ").split())


class AddressField(forms.EmailField):
    def to_python(self, value: Any) -> str:
        return "".join(_visible(value).split())


class LookupForm(forms.Form):
    """What only the customer knows together."""

    number = NumberField(
        label=_("Order number"),
        max_length=NUMBER_MAX,
        help_text=_("In the subject of your confirmation e-mail. Capitals, spaces and # do not matter."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
        error_messages={
            "required": _("Write the order number. It is in the subject of your confirmation e-mail."),
            "max_length": _("This is too long for an order number. Copy only the number from your e-mail."),
        },
    )
    email = AddressField(
        label=_("E-mail address"),
        max_length=254,
        help_text=_("The one you ordered with."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={
            "required": _("Write the e-mail address that you ordered with."),
            "invalid": _("This does not look like an e-mail address. Write it like name@example.com."),
            "max_length": _("This is too long for an e-mail address. Write it like name@example.com."),
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("use_required_attribute", False)
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("maxlength", None)  # it would cut pasted text without a word

    def clean(self) -> dict[str, Any]:
        # A fault shows what was typed, without a page of it.
        if "number" in self.errors or "email" in self.errors:
            self.data = {name: _visible(self.data.get(name, ""))[:300] for name in ("number", "email")}
        return self.cleaned_data


# No cookie for the sake of a token: whoever makes somebody's browser post this could as well post it themselves.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def lookup(request: HttpRequest) -> HttpResponse:
    """Ask for the link. ?order= fills in the number."""
    if request.method != "POST":
        number = NumberField(required=False).clean(request.GET.get("order", ""))[:NUMBER_MAX]
        return _page(request, LookupForm(initial={"number": number}), orders=_known(request))
    form = LookupForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    if not _ask(request, form):
        form.add_error(None, _TOO_OFTEN)
        return _page(request, form, status=429)
    return render(request, "notifications/lookup_sent.html", form.cleaned_data)


@csrf_exempt
@private
@require_http_methods(["GET", "HEAD", "POST"])
def box(request: HttpRequest) -> HttpResponse:
    """A part of a page, for a form that has an order number and an address in it.

    Fields: `number` (or `order_number`) and `email`; `send` presses the button. An order that this browser has opened
    is shown; of any other nothing is said, and nothing is mailed before the button is pressed.
    """
    if request.method != "POST":
        return redirect("orders:lookup")
    number = request.POST.get("number") or request.POST.get("order_number") or ""
    form = LookupForm({"number": number, "email": request.POST.get("email", "")})
    status, context = 200, dict[str, object]()
    is_whole = form.is_valid()
    typed = {name: form.cleaned_data.get(name, "") for name in ("number", "email")}
    if order := _opened_here(request, typed["number"]):
        with timezone.override(ZoneInfo(order.customer.time_zone or settings.SHOP_TIME_ZONE)):
            context = {"brief": order_pages.brief_of(order, now=clock.now()), "url": _url(order)}
    elif "send" not in request.POST:
        values = json.dumps({**typed, "send": "1"})
        context = {"is_offer": is_whole, "is_number_there": bool(typed["number"]), "button_values": values}
    elif not is_whole:
        context, status = {"errors": [error for errors in form.errors.values() for error in errors]}, 422
    elif not _ask(request, form):
        context, status = {"errors": [_TOO_OFTEN]}, 429
    else:
        context = {"is_sent": True}
    # htmx swaps nothing that came with an error's status.
    is_part = bool(request.htmx)  # type: ignore[attr-defined]
    template = "notifications/_partials/order_box.html" if is_part else "notifications/order_box.html"
    return render(request, template, {**context, "typed": typed}, status=200 if is_part else status)


def _ask(request: HttpRequest, form: LookupForm) -> bool:
    """False where this browser or network has asked too often."""
    if not order_links.may_ask(visitor=visitors.of(request).id, network=ratelimit.network_of(request)):
        return False
    order_links.request(form.cleaned_data["number"], form.cleaned_data["email"], locale=get_language() or "en")
    return True


def _known(request: HttpRequest) -> list[dict[str, str]]:
    """The orders that this browser may open, as links."""
    orders = browsers.orders_of(request, now=clock.now())
    return [{"number": order.number, "url": _url(order)} for order in orders]


def _opened_here(request: HttpRequest, number: str) -> Order | None:
    """The order of this number that this browser has opened. No query for a browser without the cookie."""
    bare = order_links.bare(number)
    orders = browsers.orders_of(request, now=clock.now()) if bare else []
    return next((order for order in orders if order_links.bare(order.number) == bare), None)


def _url(order: Order) -> str:
    return reverse("orders:order", args=[links.order_token(order, how=links.BROWSER)])


def _page(
    request: HttpRequest, form: LookupForm, *, orders: list[dict[str, str]] | None = None, status: int = 200
) -> HttpResponse:
    context = {"form": form, "orders": orders or [], "is_closed_here": "closed" in request.GET}
    return render(request, "notifications/lookup.html", context, status=status)
