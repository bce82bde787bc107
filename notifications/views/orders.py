"""The order's page behind a signed link, and the form that mails the link."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from core import clock, crypto, events, ratelimit, visitors
from notifications import links, order_links, order_pages
from notifications.events import OrderPageViewed, VisitorIdentified, order_page_viewed, visitor_identified
from notifications.models import Order

_TRIES, _PER = 10, timedelta(minutes=15)
_TRIES_OF_NETWORK = 60  # a whole office may share one address


class LookupForm(forms.Form):
    """What only the customer knows together."""

    number = forms.CharField(label=_("Order number"), max_length=60)
    email = forms.EmailField(label=_("E-mail address"), help_text=_("The one you ordered with."))


@never_cache
@require_safe
def page(request: HttpRequest, token: str) -> HttpResponse:
    """One order, for whoever has its link."""
    try:
        link = links.read_order_link(token)
    except crypto.ExpiredLink:
        return render(request, "notifications/link_expired.html", status=410)
    except crypto.BadLink:
        return render(request, "notifications/link_expired.html", status=404)
    order = get_object_or_404(Order.objects.select_related("customer"), pk=link.order_id)
    _tell(request, order, how=link.how)
    with timezone.override(ZoneInfo(order.customer.time_zone or settings.SHOP_TIME_ZONE)):
        shown = order_pages.page_of(order)
        return render(
            request,
            "notifications/order.html",
            {"order": shown, "shipments": shown.shipments, "episodes": shown.episodes, "next_steps": shown.next_steps},
        )


@require_http_methods(["GET", "HEAD", "POST"])
def lookup(request: HttpRequest) -> HttpResponse:
    """Ask for the link. The answer is the same whether or not the order exists."""
    form = LookupForm(request.POST or None)
    sent = False
    status = 200
    if request.method == "POST" and form.is_valid():
        limits = {f"lookup:{form.cleaned_data['email'].lower()}"[:200]: _TRIES}
        if network := ratelimit.network_of(request):
            limits[f"lookup-from:{network}"] = _TRIES_OF_NETWORK
        if ratelimit.allow_all(limits, per=_PER):
            order_links.request(form.cleaned_data["number"], form.cleaned_data["email"], locale=get_language() or "en")
            sent, form = True, LookupForm()
        else:
            form.add_error(None, _("Too many tries. Please wait a quarter of an hour and try again."))
            status = 429
    elif request.method == "POST":
        status = 422
    return render(request, "notifications/lookup.html", {"form": form, "sent": sent}, status=status)


def _tell(request: HttpRequest, order: Order, *, how: str) -> None:
    """Tell the rooms above who this visitor is and what they looked at. Bots and staff are nobody."""
    visitor = visitors.of(request)
    person = order.customer.person
    if not visitor.id:
        return
    now = clock.now()
    if person:
        events.fire(visitor_identified, VisitorIdentified(at=now, visitor=visitor.id, person=person, how=how))
    events.fire(
        order_page_viewed,
        OrderPageViewed(
            at=now,
            visitor=visitor.id,
            is_returning=not visitor.is_new,
            person=person,
            order_id=order.pk,
            locale=get_language() or "en",
        ),
    )
