"""What we write to a person about: the page of their choices, and the one press that stops a kind of e-mail."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from core import clock, crypto, languages
from notifications import links, preferences, suppression
from notifications.models import SuppressionReason
from notifications.occasions import Category, scope_of
from notifications.views.private import private


# The signed link is the permission: a mailbox posts without cookies (RFC 8058), and so may a person.
@csrf_exempt
@private
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows the button and changes nothing, since mail scanners follow links. POST stops the mails."""
    try:
        link = links.read_unsubscribe_link(token)
    except crypto.BadLink:
        return render(request, "notifications/unsubscribe_failed.html", status=404)
    if is_done := request.method == "POST":
        suppression.suppress(link.person, scope=link.scope, reason=SuppressionReason.UNSUBSCRIBED, at=clock.now())
    locale = languages.asked(request) or link.locale
    with translation.override(locale):
        request.LANGUAGE_CODE = locale
        about = preferences.TEXTS[Category(scope_of(link.scope))]
        return render(request, "notifications/unsubscribe.html", {"is_done": is_done, "about": about})


@csrf_exempt
@private
@require_http_methods(["GET", "HEAD", "POST"])
def choices(request: HttpRequest, token: str) -> HttpResponse:
    """Every kind of e-mail, on or off. GET changes nothing."""
    try:
        link = links.read_preferences_link(token)
    except links.RevokedLink:
        return render(request, "notifications/preferences_closed.html", {"why": "stopped"}, status=410)
    except crypto.ExpiredLink:
        return render(request, "notifications/preferences_closed.html", {"why": "expired"}, status=410)
    except crypto.BadLink:
        return render(request, "notifications/preferences_closed.html", {"why": "broken"}, status=404)
    if request.method == "POST":
        wanted = [] if "none" in request.POST else request.POST.getlist("kind")
        preferences.choose(link.person, wanted, at=clock.now())
        return redirect(f"{reverse('orders:preferences', args=[token])}?saved=1")
    context = {
        "choices": preferences.choices_of(link.person),
        "choices_url": reverse("orders:preferences", args=[token]),
        "is_saved": "saved" in request.GET,
    }
    return render(request, "notifications/preferences.html", context)
